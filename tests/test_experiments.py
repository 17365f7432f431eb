"""DVC's own door to experiments: overrides, names, the queue, and what becomes of them."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from pipeline.config.composition import compose
from pipeline.sweep import best_experiment
from pipeline.system.paths import CONFIGURATION
from tests.conftest import conf_is_untouched, copied, dvc, mlflow_runs, parameters, repro, run

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished project, to change at will."""
    return copied(finished, tmp_path)


def test_overrides_and_a_named_experiment_count_and_stay(project: Path) -> None:
    """What DVC composes and what this project composes are the same, so that nothing is left to do afterwards."""
    overrides = [f"-S={each}" for each in ("experiment=textbook", "model.dropout=0.4", "training.epochs=1", "dataset=digits")]
    ran, done = dvc(project, "exp", "run", "-n", "dropped", *overrides)
    assert done.returncode == 0, done.stderr
    assert ran == ["compose", "train", "evaluate", "export"]  # compose checks what DVC has composed, and leaves it
    assert conf_is_untouched(project)
    assert repro(project) == []
    assert parameters(project).name == "textbook"
    assert parameters(project).model.dense[0].units == 256
    assert parameters(project).model.dropout == 0.4
    latest = mlflow_runs(project)[-1]
    assert (latest["name"], latest["tags"]["dvc_experiment"]) == ("dropped", "dropped")
    assert latest["params"]["model.dropout"] == "0.4"
    table = run(project, "dvc", "exp", "show", "--csv").stdout
    assert "dropped" in table
    assert "test_accuracy" in table


def test_an_experiment_that_comes_whole_from_the_cache_is_in_the_store_with_all_that_its_like_has(project: Path) -> None:
    (one,) = mlflow_runs(project)
    (project / "dvc.lock").unlink()
    ran, done = dvc(project, "exp", "run", "-n", "other")
    assert (ran, done.returncode) == (["compose"], 0), done.stdout + done.stderr
    one, other = mlflow_runs(project)
    assert (other["name"], other["tags"]["dvc_experiment"], other["status"]) == ("other", "other", "FINISHED")
    single = {key: value for key, value in one["latest_metrics"].items() if not key.startswith("epoch/")}
    assert {"validation_accuracy", "test_accuracy"} <= single.keys()
    assert other["latest_metrics"] == single
    assert other["params"] == one["params"]
    assert other["tags"]["dataset_sha256"] == one["tags"]["dataset_sha256"]
    assert {other["tags"][f"{stage}_from_run"] for stage in ("prepare", "train", "evaluate", "export")} == {one["id"]}
    assert run(project, "python", "-m", "pipeline.runs", "export", "other", "-o", "other.h5").returncode == 0
    assert (project / "other.h5").read_bytes() == (project / "models/mnist.h5").read_bytes()


def test_queued_experiments_have_their_own_parameters_and_runs_in_one_store(project: Path) -> None:
    (project / "conf/experiment/mine.yaml").write_text("# @package _global_\nname: mine\ntraining:\n  batch_size: 64\n")
    dvc(project, "exp", "run", "--queue", "-n", "grid", "-S", "model.dropout=0.1,0.45")
    dvc(project, "exp", "run", "--queue", "-n", "untracked", "-S", "experiment=mine", "compose")  # git doesn't know its file
    _, started = dvc(project, "queue", "start", "-j", "2")
    assert started.returncode == 0, started.stderr
    for name in ("grid-1", "grid-2", "untracked"):
        run(project, "dvc", "queue", "logs", name, "-f")
    run(project, "dvc", "queue", "stop")
    status = run(project, "dvc", "queue", "status").stdout
    assert status.count("Success") == 3, status + run(project, "dvc", "queue", "logs", "grid-1").stdout
    queued = {each["name"]: each for each in mlflow_runs(project)[1:]}
    assert {name: each["params"]["model.dropout"] for name, each in queued.items()} == {"grid-1": "0.1", "grid-2": "0.45"}
    assert {each["status"] for each in queued.values()} == {"FINISHED"}
    assert run(project, "dvc", "exp", "apply", "grid-2").returncode == 0
    assert repro(project) == ["compose"]  # for conf/ has a file more
    assert parameters(project).model.dropout == 0.45
    assert run(project, "dvc", "exp", "apply", "untracked").returncode == 0
    assert parameters(project).training.batch_size == 64
    assert run(project, "dvc", "exp", "branch", "grid-1", "lower").returncode == 0
    assert "dropout: 0.1" in run(project, "git", "show", "lower:params.yaml").stdout


def test_an_unknown_key_of_an_experiment_is_told_with_the_nearest(project: Path) -> None:
    _, done = dvc(project, "exp", "run", "-S", "model.dropot=0.4")
    assert done.returncode != 0
    assert "nearest is model.dropout" in done.stderr
    _, done = dvc(project, "exp", "run", "-S", "model=mlp", "-S", "model.blocks.0.filters=48")
    assert done.returncode != 0
    assert "model.blocks.0.filters: is not part of the configuration as composed (model=mlp)" in done.stderr


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
