"""DVC's own door to experiments: overrides, names, the queue, and what becomes of them."""

from pathlib import Path

import pytest

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
