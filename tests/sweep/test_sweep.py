"""Real sweeps: Optuna's store, MLflow's store, Dask's processes."""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from pipeline.config.check import check, flatten
from pipeline.config.composition import compose
from pipeline.sweep import data, trial
from pipeline.sweep.command import plan
from pipeline.system.errors import ConfigurationError
from tests.conftest import edit, environment, mlflow_runs, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Process = subprocess.Popen[str]
SMALL = ["dataset=digits", "model=mlp", "training.epochs=2", "training.batch_size=64"]


@pytest.fixture
def project(project: Path, empty_store: Path) -> Path:
    """A fresh clone, with a store that has no runs yet."""
    shutil.copy(empty_store, project)
    return project


def sweep(folder: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    done = run(folder, "python", "-m", "pipeline.sweep", *SMALL, *overrides)
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done


@contextmanager
def started(
    folder: Path, *command: str, output: int | IO[str] = subprocess.PIPE, variables: dict[str, str] | None = None
) -> Iterator[Process]:
    """A process that runs meanwhile, with what it prints as one stream; ended in the end.

    Who doesn't read the stream gives a file as `output`: a process whose pipe is full waits.
    """
    # The tests' environment has another checkout installed, or none, and `dask` doesn't look where it is started.
    own = environment({"PYTHONPATH": str(folder)} | (variables or {}))
    with subprocess.Popen(command, cwd=folder, env=own, stdout=output, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(process: Process, words: str) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if words in line:
            return seen
    raise AssertionError(f"{words!r} never came: {seen}")


def states(folder: Path) -> dict[str, int]:
    """How many trials of all studies are in which state, as Optuna's store has them."""
    with closing(sqlite3.connect(folder / "sweeps.db")) as store:
        return dict(store.execute("select state, count(*) from trials group by state").fetchall())


def trials(folder: Path) -> list[dict[str, Any]]:
    return [one for one in mlflow_runs(folder) if one["tags"].get("role") == "trial"]


def test_a_sweep_finishes_prunes_survives_failures_and_leaves_an_experiment(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    # With this seed the grid ends with 1e-9, which begins when another has finished, trains too little, and is pruned.
    space = ["optimizer.learning_rate=choice(1e25, 4.0, 2.0, 1e-9)", "sweep.sampler.name=grid", "sweep.sampler.seed=5"]
    space += ["sweep.pruner.startup_trials=1", "sweep.pruner.warmup_epochs=0"]
    emptied = "  optimizer.rho: interval(0.8, 0.99)\n  optimizer.epsilon: tag(log, interval(1e-8, 1e-4))\n"
    edit(project / "conf/sweep/adadelta.yaml", emptied, "")
    done = sweep(project, *space, "sweep.trials=null")
    assert done.returncode == 0, done.stdout + done.stderr
    # a trial that gives NaN is told with its message and its override, and the sweep continues
    assert "2 finished, 1 pruned, 1 failed." in done.stdout
    assert "learning_rate=1e+25\n  training diverged" in done.stdout
    # in MLflow: a parent with its table and plots, and a run a trial
    parent = next(one for one in mlflow_runs(project) if one["tags"].get("role") == "sweep")
    below = trials(project)
    assert parent["status"] == "FINISHED"
    assert sorted(one["tags"]["trial_state"] for one in below) == ["failed", "finished", "finished", "pruned"]
    assert sorted(one["status"] for one in below) == ["FAILED", "FINISHED", "FINISHED", "FINISHED"]
    assert all(one["tags"]["mlflow.parentRunId"] == parent["id"] for one in below)
    assert {one["name"] for one in below} == {f"learning_rate={rate}" for rate in ("1e+25", "2.0", "4.0", "1e-09")}
    assert all(one["params"] == {"optimizer.learning_rate": one["name"].partition("=")[2]} for one in below)
    best = max(one["latest_metrics"].get("validation_accuracy", 0) for one in below)
    artifacts = {path.name for path in (project / "mlruns" / parent["id"] / "artifacts").iterdir()}
    assert {"trials.csv", "sweep.html"} <= artifacts
    # the best is an experiment: differences only, and where it comes from
    text = (project / "conf/experiment/adadelta_best.yaml").read_text()
    assert text.splitlines()[0].startswith("# @sweep adadelta-")
    assert f"validation_accuracy={best:.2%}" in text.splitlines()[0]
    composed = flatten(compose(["experiment=adadelta_best"], project / "conf"))
    for_all = [*SMALL, "optimizer.ema_momentum=0.98"]
    expected = flatten(compose([*for_all, "optimizer.learning_rate=4.0"], project / "conf"))
    other = flatten(compose([*for_all, "optimizer.learning_rate=2.0"], project / "conf"))
    for values in (composed, expected, other):
        for key in ("name", "composed_from.overrides", "composed_from.digest"):
            values.pop(key)
    assert composed in (expected, other)
    assert "epsilon" not in text
    # and trained by itself, it reaches the same
    assert "dvc exp run -S experiment=adadelta_best" in done.stdout
    configuration = check(compose(["experiment=adadelta_best"], project / "conf"))
    alone = trial.fit(configuration, data.read(configuration.dataset.model_dump_json()), lambda _: None)
    assert alone.validation_accuracy == pytest.approx(best, abs=1e-9)
    # nor does anything that trained leave files behind, as TensorFlow's AutoGraph and multiprocessing do
    assert not [path for path in tmp_path.iterdir() if "autograph" in path.name or path.name.startswith("pymp-")]


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ("sweep.trails=3", "sweep.trials"),
        ("sweep.sampler.name=cmaess", "allowed: one of tpe, random, grid, cmaes"),
        ("optimizer.roh=interval(0,1)", "optimizer.rho"),
        ("sweep=adadleta", "adadelta"),
        ("training.epochs=0", "training.epochs: not allowed"),
        ("sweep.pruner.name=choice(none,hyperband)", "a sweep can't vary its own settings"),
        ("+sweep.space={model.dropout: [0.1, 0.2]}", "as choice(0.1, 0.2), and is the list [0.1, 0.2]"),
        ("optimizer=choice(adadelta,adam)", "with: optimizer=adam"),  # which has no rho
    ],
)
def test_a_mistake_is_told_before_anything_runs(mistake: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        plan([*SMALL, mistake])
    assert words in str(told.value)


def test_what_the_command_line_fixes_is_not_varied() -> None:
    _, space, for_all = plan(["sweep=adadelta", "optimizer.rho=0.95"])
    assert {part.key for part in space} == {"optimizer.learning_rate", "optimizer.epsilon"}
    assert for_all == ["optimizer.ema_momentum=0.98", "optimizer.rho=0.95"]
    assert plan(["sweep=adadelta", "optimizer.ema_momentum=null"])[2] == ["optimizer.ema_momentum=null"]
    with pytest.raises(ConfigurationError, match=r"sweep=seeds could vary: training\.seed is fixed"):
        plan(["sweep=seeds", "training.seed=1"])
