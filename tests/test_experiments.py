"""DVC's own door to experiments: overrides, names, the queue, and what becomes of them."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from pipeline import runs
from pipeline.config.composition import compose
from pipeline.sweep import best_experiment
from pipeline.system.paths import CONFIGURATION
from pipeline.tracking.registry import RunRegistry
from tests.conftest import STAGES, conf_is_untouched, copied, dvc, mlflow_runs, parameters, repro, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def project(graph: Path, tmp_path: Path) -> Path:
    """A copy of the project with stand-ins, to change at will."""
    return copied(graph, tmp_path)


def test_an_experiment_with_overrides_counts_and_stays_and_is_shown(project: Path) -> None:
    """What DVC composes and what this project composes are the same, so that nothing is left to do afterwards."""
    values = ["experiment=textbook", "model.dropout=0.4", "training.epochs=1", "dataset=digits", "dataset.drawings.train=true"]
    ran, done = dvc(project, "exp", "run", "-n", "dropped", *(f"-S={value}" for value in values))
    assert done.returncode == 0, done.stderr
    assert ran == STAGES  # compose checks what DVC has composed, and leaves it
    assert conf_is_untouched(project)
    assert repro(project) == []
    (project / "conf/experiment/another.yaml").write_text("# @package _global_\nname: another\n")
    assert repro(project) == ["compose"]  # which keeps the overrides
    assert parameters(project).name == "textbook"
    assert parameters(project).model.dense[0].units == 256
    assert parameters(project).model.dropout == 0.4
    table = run(project, "dvc", "exp", "show", "--csv").stdout
    assert "dropped" in table
    assert "test_accuracy" in table


def test_an_experiment_that_comes_whole_from_the_cache_is_in_the_store_with_all_that_its_like_has(
    finished: Path, tmp_path: Path
) -> None:
    project = copied(finished, tmp_path)
    (one,) = mlflow_runs(project)
    (project / "dvc.lock").unlink()
    ran, done = dvc(project, "exp", "run", "-n", "other")
    assert (ran, done.returncode) == (["compose"], 0), done.stdout + done.stderr
    one, other = mlflow_runs(project)
    assert (other["name"], other["tags"]["dvc_experiment"], other["status"]) == ("other", "other", "FINISHED")
    # What the machine did is measured where a training takes long enough.
    single = {key: value for key, value in one["latest_metrics"].items() if not key.startswith(("epoch/", "system/"))}
    assert {"validation_accuracy", "test_accuracy"} <= single.keys()
    assert other["latest_metrics"] == single
    assert other["params"] == one["params"]
    assert other["tags"]["dataset_sha256"] == one["tags"]["dataset_sha256"]
    assert {other["tags"][f"{stage}_from_run"] for stage in ("prepare", "train", "evaluate", "export")} == {one["id"]}
    runs.export(RunRegistry(f"sqlite:///{project / 'mlflow.db'}"), "other", project / "other.h5")
    assert (project / "other.h5").read_bytes() == (project / "models/mnist.h5").read_bytes()


def test_queued_experiments_have_their_own_parameters_and_one_store_of_runs(project: Path) -> None:
    mine = "# @package _global_\nname: mine\nevaluation:\n  worst_mistakes: 7\n"
    (project / "conf/experiment/mine.yaml").write_text(mine)
    with (project / "stand_in.py").open("a") as file:  # the project has the store, whatever folder a stage runs in
        file.write("    from pipeline.system.paths import PROJECT\n\n    print(f'The project is {PROJECT}.')\n")
    dvc(project, "exp", "run", "--queue", "-n", "grid", "-S", "dataset.validation_fraction=0.2,0.3", "prepare")
    dvc(project, "exp", "run", "--queue", "-n", "untracked", "-S", "experiment=mine", "compose")  # git doesn't know its file
    _, started = dvc(project, "queue", "start", "-j", "2")
    assert started.returncode == 0, started.stderr
    logs = {name: run(project, "dvc", "queue", "logs", name, "-f").stdout for name in ("grid-1", "grid-2", "untracked")}
    run(project, "dvc", "queue", "stop")
    status = run(project, "dvc", "queue", "status").stdout
    assert status.count("Success") == 3, status + logs["grid-1"]
    assert all(f"The project is {project}." in logs[name] for name in ("grid-1", "grid-2")), logs
    assert run(project, "dvc", "exp", "apply", "grid-2").returncode == 0
    assert dvc(project, "repro", "prepare")[0] == ["compose"]  # for conf/ has a file more
    assert parameters(project).dataset.validation_fraction == 0.3
    assert run(project, "dvc", "exp", "apply", "untracked").returncode == 0
    assert parameters(project).evaluation.worst_mistakes == 7
    assert run(project, "dvc", "exp", "branch", "grid-1", "lower").returncode == 0
    assert "validation_fraction: 0.2" in run(project, "git", "show", "lower:params.yaml").stdout


@pytest.mark.parametrize(
    "trials",
    [
        [["experiment=[smoke,overfit]", "model.dropout=0.1"]],
        [["experiment=[overfit,textbook]", "augment=strong", "optimizer.rho=0.8"]],
        [["experiment=textbook", "model='mlp'", "model.dropout=0.1"]],
        [["optimizer={rho: 0.5}", "augment=[light,none]"]],
        [["optimizer=adam", "dataset=digits"], ["experiment=mine_best", "model=mlp", "model.dropout=0.3"]],
        [["experiment=textbook", "optimizer.rho=0.9"], ["experiment=[smoke,mine_best]", "model.dropout=0.3"]],
    ],
)
def test_the_best_trial_as_an_experiment_composes_to_what_the_trial_was(
    trials: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "conf"
    shutil.copytree(CONFIGURATION, folder)
    compose_here = partial(compose, folder=folder)
    monkeypatch.setattr(best_experiment, "CONFIGURATION", folder)
    monkeypatch.setattr(best_experiment, "compose", compose_here)
    for overrides in trials:  # each begins with what the one before has written
        expected = compose_here(overrides)
        best_experiment.write("mine", overrides, "origin")
        composed = compose_here(["experiment=mine_best"])
        assert composed | {"name": ""} == expected | {"name": ""} | {"composed_from": composed["composed_from"]}


def test_the_best_of_another_study_and_one_that_was_edited_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "conf"
    shutil.copytree(CONFIGURATION, folder)
    monkeypatch.setattr(best_experiment, "CONFIGURATION", folder)
    monkeypatch.setattr(best_experiment, "compose", partial(compose, folder=folder))
    path, kept = best_experiment.write("mine", ["model.dropout=0.1"], "mine-1234,trial=0")
    assert kept is None
    first = path.read_bytes()
    assert best_experiment.write("mine", ["model.dropout=0.2"], "mine-1234,trial=3")[1] is None  # the same study goes on
    path.write_bytes(first)
    _, kept = best_experiment.write("mine", ["model.dropout=0.3"], "mine-5678,trial=0")
    assert (kept, kept and kept.read_bytes()) == (path.with_name("mine_best_1234.yaml"), first)
    path.write_text("# @package _global_\nname: mine_best\n")
    _, kept = best_experiment.write("mine", ["model.dropout=0.4"], "mine-5678,trial=1")
    assert kept is not None
    assert kept.read_text() == "# @package _global_\nname: mine_best\n"
