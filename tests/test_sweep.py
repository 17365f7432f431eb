"""Real sweeps: Optuna's store, MLflow's store, Dask's processes, and kills of them."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import Client, LocalCluster

from pipeline.compose import compose
from pipeline.configuration import flatten
from pipeline.errors import ConfigurationError, UserError
from pipeline.sweep import plan
from pipeline.workers import slots
from tests.conftest import edit, environment, mlflow_runs, run

pytestmark = pytest.mark.timeout(300)

SMALL = ["dataset=digits", "model=mlp", "training.epochs=2", "training.batch_size=64"]


def sweep(folder: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    done = run(folder, "python", "-m", "pipeline.sweep", *SMALL, *overrides)
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done


@contextmanager
def started(folder: Path, *command: str, **variables: str) -> "Iterator[subprocess.Popen[str]]":
    """A process that runs meanwhile, with what it prints as one stream; ended in the end."""
    # `dask` is a script, which doesn't look where it is started.
    own, pipe = environment({"PYTHONPATH": str(folder)} | variables), subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, env=own, stdout=pipe, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def sweeping(folder: Path, *overrides: str) -> "AbstractContextManager[subprocess.Popen[str]]":
    return started(folder, sys.executable, "-u", "-m", "pipeline.sweep", *SMALL, *overrides)


def wait_for(process: "subprocess.Popen[str]", words: str) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if words in line:
            return seen
    raise AssertionError(f"{words!r} never came: {seen}")


def cluster(stack: ExitStack, folder: Path, workers: int = 2, **variables: str) -> "tuple[subprocess.Popen[str], str]":
    """A scheduler with workers, until the stack ends: its process and its address."""
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    arguments = ["--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    scheduler = stack.enter_context(started(folder, "dask", "scheduler", *arguments, **variables))
    while not file.exists():
        time.sleep(0.1)
    address = str(json.loads(file.read_text())["address"])
    for _ in range(workers):
        arguments = [address, "--nthreads", "1", "--no-dashboard"]
        stack.enter_context(started(folder, "dask", "worker", *arguments, **variables))
    return scheduler, address


def always_overcommits() -> bool:
    """Whether Linux grants any allocation, and kills who uses it (vm.overcommit_memory=1)."""
    path = Path("/proc/sys/vm/overcommit_memory")
    return path.exists() and path.read_text().strip() == "1"


def states(folder: Path) -> dict[str, int]:
    """How many trials of all studies are in which state, as Optuna's store has them."""
    with sqlite3.connect(folder / "sweeps.db") as store:
        return dict(store.execute("select state, count(*) from trials group by state").fetchall())


def trials(folder: Path) -> list[dict[str, Any]]:
    return [one for one in mlflow_runs(folder) if one["tags"].get("role") == "trial"]


def test_a_sweep_finishes_prunes_survives_failures_and_leaves_an_experiment(project: Path) -> None:
    # each of the others is better than the one before; the last begins when one has finished, does not train, and is pruned
    space = ["optimizer.learning_rate=choice(1e25, 4.0, 2.0, 1e-9)", "sweep.sampler.name=grid"]
    space += ["sweep.pruner.startup_trials=1", "sweep.pruner.warmup_epochs=0"]
    emptied = "  optimizer.rho: interval(0.8, 0.99)\n  optimizer.epsilon: tag(log, interval(1e-8, 1e-4))\n"
    edit(project / "conf/sweep/adadelta.yaml", emptied, "")
    done = sweep(project, *space, "sweep.trials=null")
    assert done.returncode == 0, done.stdout + done.stderr
    # a trial that gives NaN is told with its message and its override, and the sweep goes on
    assert "2 finished, 1 pruned, 1 failed." in done.stdout
    assert "optimizer.learning_rate=1e+25\n  Error: training diverged" in done.stdout
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
    pictures = {"history.png", "importances.png", "parallel_coordinates.png"}
    assert {"trials.csv", "sweep.html", *pictures} <= artifacts
    # the best is an experiment: differences only, and where it comes from
    text = (project / "conf/experiment/adadelta_best.yaml").read_text()
    assert text.splitlines()[0].startswith("# @sweep adadelta-")
    assert f"validation_accuracy={best:.2%}" in text.splitlines()[0]
    composed = flatten(compose(["experiment=adadelta_best"], project / "conf"))
    for_all = [*SMALL, "optimizer.ema_momentum=0.98"]
    expected = flatten(compose([*for_all, "optimizer.learning_rate=4.0"], project / "conf"))
    other = flatten(compose([*for_all, "optimizer.learning_rate=2.0"], project / "conf"))
    for values in (composed, expected, other):
        values.pop("name"), values.pop("composed_from")
    assert composed in (expected, other)
    assert "epsilon" not in text
    # and made a run of the pipeline by the command that was printed, it reaches the same
    assert "dvc exp run -S experiment=adadelta_best" in done.stdout
    ran = run(project, "dvc", "exp", "run", "-S", "experiment=adadelta_best")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    made = next(one for one in mlflow_runs(project) if "test_accuracy" in one["latest_metrics"])
    assert made["latest_metrics"]["validation_accuracy"] == pytest.approx(best, abs=1e-9)


def test_killed_workers_and_coordinators_cost_what_was_running_and_the_same_command_goes_on(project: Path) -> None:
    command = ["sweep=seeds", "training.seed=range(0, 8)", "training.epochs=6"]
    with sweeping(project, *command) as first:
        wait_for(first, "finished")
        orphans = psutil.Process(first.pid).children(recursive=True)
        forked = [child for child in orphans if child.ppid() != first.pid]
        workers = forked or [child for child in orphans if "spawn_main" in " ".join(child.cmdline())]
        assert len(workers) == 2
        workers[0].suspend()
        time.sleep(2)  # one that is between two trials is given the next meanwhile
        workers[0].kill()
        wait_for(first, "its worker died")
        wait_for(first, "finished")  # of the other worker, or of the one in its place
        orphans = psutil.Process(first.pid).children(recursive=True)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    assert not psutil.wait_procs(orphans, timeout=30)[1]
    done = sweep(project, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Going on with seeds-" in done.stdout
    assert "7 finished, 0 pruned, 1 failed." in done.stdout
    assert "7 seeds: mean" in done.stdout
    assert "95% interval of the mean" in done.stdout
    assert states(project).keys() <= {"COMPLETE", "FAIL"}
    statuses = [one["status"] for one in trials(project)]
    assert statuses.count("FINISHED") == 7
    assert "RUNNING" not in [one["status"] for one in mlflow_runs(project)]


def test_an_existing_cluster_takes_trials_of_cmaes_and_hyperband_and_ctrl_c_keeps_them(project: Path) -> None:
    with ExitStack() as stack:
        _, address = cluster(stack, project)
        command = ["sweep=adadelta", f"sweep.scheduler={address}", "sweep.pruner.name=hyperband"]
        command += ["sweep.sampler.name=cmaes", "sweep.sampler.startup_trials=2"]
        with sweeping(project, *command, "sweep.trials=500") as first:
            wait_for(first, "finished")
            first.send_signal(signal.SIGINT)
            rest = first.communicate(timeout=60)[0]
        assert first.returncode == 130
        assert "Nothing is lost" in rest
        assert "Traceback" not in rest
        before = sum(states(project).get(state, 0) for state in ("COMPLETE", "PRUNED"))
        done = sweep(project, *command, f"sweep.trials={before + 4}")
        assert done.returncode == 0, done.stdout + done.stderr
        counts = states(project)
        assert counts["COMPLETE"] + counts.get("PRUNED", 0) == before + 4
        assert "RUNNING" not in counts


def test_two_coordinators_that_begin_at_once_share_a_study_and_its_run(project: Path) -> None:
    command = ["sweep=seeds", "training.seed=range(0, 6)", "sweep.workers=1"]
    with sweeping(project, *command) as one, sweeping(project, *command) as other:
        said = [process.communicate(timeout=120)[0] for process in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0], said
    assert "Traceback" not in "".join(said)
    assert states(project)["COMPLETE"] == 6
    assert states(project).keys() <= {"COMPLETE", "FAIL"}  # of those that were asked for when there was none left
    runs = mlflow_runs(project)
    assert [run["status"] for run in runs if run["tags"].get("role") == "sweep"] == ["FINISHED"]
    seeds = [run["params"]["training.seed"] for run in runs if run["tags"].get("role") == "trial"]
    assert sorted(seeds) == ["0", "1", "2", "3", "4", "5"]


def test_a_cluster_that_dies_costs_what_was_running_and_one_that_is_no_good_is_told(project: Path) -> None:
    command = ["sweep=seeds", "training.seed=range(0, 6)", "training.epochs=6"]
    with ExitStack() as stack:
        scheduler, address = cluster(stack, project)
        with sweeping(project, *command, f"sweep.scheduler={address}") as first:
            wait_for(first, "finished")
            scheduler.kill()
            rest = first.communicate(timeout=90)[0]
        assert first.returncode == 1
        assert "the Dask scheduler is gone" in rest
        assert "the same command goes on" in rest
        assert "Traceback" not in rest
    after = states(project)
    assert after["WAITING"] == 6 - after["COMPLETE"]  # all that is left is to come
    assert "RUNNING" not in after
    assert {run["status"] for run in trials(project)} <= {"FINISHED", "KILLED"}
    with ExitStack() as stack:
        _, address = cluster(stack, project, workers=0, PYTHONPATH="")
        refused = sweep(project, *command, f"sweep.scheduler={address}")
        assert refused.returncode == 1
        assert "PYTHONPATH=. dask scheduler" in refused.stderr


def test_a_worker_with_several_threads_is_refused() -> None:
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as two,
        Client(two) as client,
        pytest.raises(UserError, match="a worker must have one thread"),
    ):
        slots(client)


def test_an_mlflow_store_that_breaks_stops_the_sweep_and_gets_later_what_it_lacks(project: Path) -> None:
    command = ["sweep=seeds", "training.seed=range(0, 3)", "training.epochs=12"]

    def rename(before: str, after: str) -> None:
        with sqlite3.connect(project / "mlflow.db", timeout=30) as store:
            store.execute(f"alter table {before} rename to {after}")

    with sweeping(project, *command) as first:
        wait_for(first, "finished")
        while not (project / "mlflow.db").exists() or not trials(project):
            time.sleep(0.1)
        rename("latest_metrics", "away")
        rest = first.communicate(timeout=90)[0]
    assert first.returncode == 1
    assert "the MLflow store can't be written to" in rest
    assert "Traceback" not in rest
    rename("away", "latest_metrics")
    done = sweep(project, *command)
    assert "3 finished, 0 pruned, 0 failed." in done.stdout, done.stdout + done.stderr
    ended = [run for run in trials(project) if run["tags"].get("trial_state") == "finished"]
    assert len(ended) == 3
    assert all("epoch/validation_accuracy" in run["latest_metrics"] for run in ended)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.skipif(always_overcommits(), reason="this system promises memory that it doesn't have")
def test_a_terminal_shows_the_best_so_far_and_a_trial_that_lacked_memory_and_no_steps(project: Path) -> None:
    import fcntl
    import pty
    import struct
    import termios

    units = "model.dense.0.units=choice(200000000, 16)"  # 600 GB of weights, or 50 kB
    command = [sys.executable, "-m", "pipeline.sweep", *SMALL, "sweep=seeds", "training.seed=3", units]
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(command, cwd=project, env=environment({}), stdin=there, stdout=there, stderr=there) as process:
        os.close(there)
        seen = b""
        with suppress(OSError):  # the end of a terminal
            while part := os.read(here, 65536):
                seen += part
        os.close(here)
    assert process.returncode == 0
    text = seen.decode()
    assert "2/2" in text
    assert "running, 0 pruned, 1 failed]" in text
    assert "OOM when allocating" in text
    assert re.search(r"[\r\n]best 0\.\d+: units=16", text)
    assert "epoch 1/" not in text  # as the bar of a training says


def test_a_sweep_that_fails_too_often_stops(project: Path) -> None:
    mistake = ["optimizer.learning_rate=choice(1e25, 1e26, 1e27)", "sweep.sampler.name=grid", "sweep.trials=null"]
    mistake += ["sweep.failures=0", "sweep.workers=1", "optimizer.rho=0.9", "optimizer.epsilon=1e-7"]
    done = sweep(project, *mistake)
    assert done.returncode == 1
    assert "1 trials have failed since this command began, and sweep.failures allows 0" in done.stderr
    assert [one["status"] for one in trials(project)] == ["FAILED"]
    sweep(project, *mistake)  # goes on with the next: the one that failed is as mended as it will be
    assert [one["status"] for one in trials(project)] == ["FAILED", "FAILED"]


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ("sweep.trails=3", "sweep.trials"),
        ("sweep.sampler.name=cmaess", "allowed: one of tpe, random, grid, cmaes"),
        ("optimizer.roh=interval(0,1)", "optimizer.rho"),
        ("sweep=adadleta", "adadelta"),
        ("training.epochs=0", "training.epochs: not allowed"),
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
    with pytest.raises(ConfigurationError, match="nothing is left that sweep=seeds could vary"):
        plan(["sweep=seeds", "training.seed=1"])
