"""Sweeps that something goes wrong with: trials, stores, clusters, signals, other coordinators. The trials train nothing."""

import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from pathlib import Path

import psutil
import pytest
from distributed import Client, LocalCluster

from pipeline.config.schema import Configuration
from pipeline.data import collection
from pipeline.sweep import best_experiment, command, data, objective, report, study, sweep_logger, workers
from pipeline.sweep.data import TrialData
from pipeline.sweep.trial import EpochFields, TrialResult
from pipeline.system.errors import UserError
from tests.conftest import ROOT, mlflow_runs
from tests.hand import DIGITS
from tests.sweep.test_sweep import Process, started, states, trials, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SEEDS = ["sweep=seeds", "training.seed=range(0, 6)", "dataset=digits", "training.epochs=2"]
OnEpoch = Callable[[EpochFields], None]
Sweep = Callable[..., str]


def quick(configuration: Configuration, data: TrialData, on_epoch: OnEpoch) -> TrialResult:
    """Trains nothing, and reaches what its seed says."""
    accuracy = 0.5 + configuration.training.seed / 100
    for epoch in range(1, configuration.training.epochs + 1):
        on_epoch({"epoch": epoch, "validation_accuracy": accuracy, "validation_loss": 1.0, "seconds": 0.0})
    return TrialResult(accuracy, 1.0, 1, 0.0)


both_run = threading.Barrier(2)


def interrupting(configuration: Configuration, data: TrialData, on_epoch: OnEpoch) -> TrialResult:
    """Presses Ctrl-C when two trials are running."""
    if both_run.wait(timeout=30) == 0:
        os.kill(os.getpid(), signal.SIGINT)
    return quick(configuration, data, on_epoch)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster in this process, with two workers."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp://", dashboard_address=":0", silence_logs="CRITICAL"
    ) as two:
        yield two.scheduler_address


@contextmanager
def cluster_apart() -> Iterator[tuple[Process, str]]:
    """A process of its own that is a scheduler and its worker, and its address."""
    code = (
        "from threading import Event; from distributed import LocalCluster\n"
        "options = {'n_workers': 1, 'threads_per_worker': 1, 'processes': False}\n"
        "with LocalCluster(**options, protocol='tcp://', dashboard_address=':0') as one:\n"
        "    print(one.scheduler_address, flush=True); Event().wait()"
    )
    with started(ROOT, sys.executable, "-c", code) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()


read = cache(data.read)  # the images are the same for most


@pytest.fixture
def sweep(address: str, empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    """A function that runs a sweep in this process, with its stores in a temporary folder."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shutil.copy(empty_store, tmp_path)}")
    monkeypatch.setattr(study, "PROJECT", tmp_path)
    monkeypatch.setattr(sweep_logger, "PROJECT", tmp_path)
    monkeypatch.setattr(report, "write_plots", lambda *_: None)  # drawn in `test_sweep`: it takes seconds
    monkeypatch.setattr(best_experiment, "write", lambda name, *_: (tmp_path / f"{name}_best.yaml", None))
    monkeypatch.setattr(data, "read", read)
    monkeypatch.setattr(objective, "LISTENING_SECONDS", 0.1)
    return lambda fit, *overrides: command.run([*SEEDS, f"sweep.scheduler={address}", *overrides], fit)


def assert_finished(said: str, number: str = "[67]") -> None:
    """When trials were requeued, Optuna may give one point of a grid to two workers. The sweep then has a trial more."""
    assert re.search(rf"^{number} finished, 0 pruned, 0 failed\.$", said, re.MULTILINE), said


def finished_seeds(folder: Path) -> list[str]:
    """Of the trials that MLflow has as finished."""
    return sorted(run["params"]["training.seed"] for run in trials(folder) if run["status"] == "FINISHED")


def test_a_trial_that_fails_is_told_and_counted_and_the_sweep_goes_on(
    sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fit(configuration: Configuration, data: TrialData, on_epoch: OnEpoch) -> TrialResult:
        if configuration.training.seed == 1:
            raise UserError("training diverged")
        if configuration.training.seed == 2:
            raise MemoryError("OOM when allocating\n and more")
        return quick(configuration, data, on_epoch)

    said = sweep(fit)
    told = capsys.readouterr().out
    assert "4 finished, 0 pruned, 2 failed." in said
    assert "failed    seed=1\n  training diverged\n" in told
    assert "failed    seed=2\n  MemoryError: OOM when allocating\n" in told
    failed = {run["params"]["training.seed"]: run for run in trials(tmp_path) if run["status"] == "FAILED"}
    assert {seed: run["tags"]["error"] for seed, run in failed.items()} == {
        "1": "training diverged",
        "2": "MemoryError: OOM when allocating",
    }
    assert "4 finished, 0 pruned, 2 failed." in sweep(quick)  # what failed is not tried again
    assert states(tmp_path) == {"COMPLETE": 4, "FAIL": 2}


def test_a_configuration_that_is_not_allowed_is_a_trial_that_failed(sweep: Sweep, tmp_path: Path) -> None:
    said = sweep(quick, "training.seed=range(0, 1)", "model.blocks.0.pool=choice(1, 27)")
    assert "1 finished, 0 pruned, 1 failed." in said
    (failed,) = [run for run in trials(tmp_path) if run["status"] == "FAILED"]
    assert "must fit its input" in failed["tags"]["error"]


def test_trials_on_the_same_images_have_each_the_drawings_of_its_own_configuration(sweep: Sweep, tmp_path: Path) -> None:
    def fit(configuration: Configuration, data: TrialData, on_epoch: OnEpoch) -> TrialResult:
        assert configuration.dataset.drawings
        assert len(data.drawings) == configuration.dataset.drawings.repeat
        return quick(configuration, data, on_epoch)

    collection.add(tmp_path / "drawn", 7, DIGITS[7])
    own = [f"dataset.drawings.path={tmp_path / 'drawn'}", "dataset.drawings.train=true"]
    said = sweep(fit, "training.seed=range(0, 1)", "dataset.drawings.repeat=choice(1, 3)", *own)
    assert "2 finished, 0 pruned, 0 failed." in said


def test_a_sweep_that_fails_too_often_stops_and_loses_no_trial(sweep: Sweep, tmp_path: Path) -> None:
    def fit(*_: object) -> TrialResult:
        raise ValueError("no good")

    with pytest.raises(UserError, match=r"1 trials have failed since this command began, and sweep\.failures allows 0"):
        sweep(fit, "sweep.failures=0")
    parent, *_ = mlflow_runs(tmp_path)
    assert (parent["tags"]["role"], parent["status"]) == ("sweep", "FAILED")
    failed = sum("error" in run["tags"] for run in trials(tmp_path))
    assert f"{6 - failed} finished, 0 pruned, {failed} failed." in sweep(quick)


def test_ctrl_c_queues_what_was_running_again_and_the_same_command_finishes_it(sweep: Sweep, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        sweep(interrupting)
    assert states(tmp_path) == {"FAIL": 2, "WAITING": 2}
    assert {run["status"] for run in mlflow_runs(tmp_path)} == {"KILLED"}
    assert_finished(sweep(quick))
    ended = states(tmp_path)
    assert ended == {"FAIL": 2, "COMPLETE": ended["COMPLETE"]}
    assert set(finished_seeds(tmp_path)) == set("012345")
    assert Counter(run["status"] for run in trials(tmp_path)) == {"FINISHED": ended["COMPLETE"], "KILLED": 2}
    assert [run["status"] for run in mlflow_runs(tmp_path) if run["tags"]["role"] == "sweep"] == ["FINISHED"]


def test_a_sweep_can_be_made_longer(sweep: Sweep, tmp_path: Path) -> None:
    assert "3 finished" in sweep(quick, "sweep.trials=3")
    assert "5 finished" in sweep(quick, "sweep.trials=5")
    assert states(tmp_path) == {"COMPLETE": 5}


def test_pruning_is_decided_after_every_epoch(sweep: Sweep, tmp_path: Path) -> None:
    def fit(configuration: Configuration, data: TrialData, on_epoch: OnEpoch) -> TrialResult:
        for epoch in (1, 2, 3):
            on_epoch({"epoch": epoch, "validation_accuracy": 0.9 - configuration.training.seed / 10})
        return TrialResult(0.9, 1.0, 1, 0.0)

    pruning = ["sweep.pruner.name=median", "sweep.pruner.startup_trials=1", "sweep.pruner.warmup_epochs=1"]
    one_worker = ["training.seed=range(0, 2)", "sweep.sampler.seed=1", "training.epochs=3"]  # one by one: seed 0 comes first
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0") as one:
        said = sweep(fit, *one_worker, *pruning, f"sweep.scheduler={one.scheduler_address}", "sweep.workers=1")
    assert "1 finished, 1 pruned, 0 failed." in said
    (pruned,) = [run for run in trials(tmp_path) if run["tags"]["trial_state"] == "pruned"]
    assert pruned["status"] == "FINISHED"
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as store:
        steps = store.execute(
            "select step from metrics where key = 'epoch/validation_accuracy' and run_uuid = ?", [pruned["id"]]
        )
        assert [step for (step,) in steps] == [1, 2]


def test_an_mlflow_store_that_breaks_stops_the_sweep_and_lacks_nothing_when_it_has_gone_on(
    sweep: Sweep, tmp_path: Path
) -> None:
    def rename(before: str, after: str) -> None:
        with closing(sqlite3.connect(tmp_path / "mlflow.db", timeout=30)) as store, store:
            store.execute(f"alter table {before} rename to {after}")

    def fit(configuration: Configuration, data: TrialData, on_epoch: OnEpoch) -> TrialResult:
        result = quick(configuration, data, on_epoch)
        if configuration.training.seed == 3:
            rename("latest_metrics", "away")
        return result

    with pytest.raises(UserError, match=r"the MLflow store .*mlflow\.db can't be used: .* no such table: .*latest_metrics"):
        sweep(fit)
    rename("away", "latest_metrics")
    assert_finished(sweep(quick))
    ended = [run for run in trials(tmp_path) if run["tags"].get("trial_state") == "finished"]
    assert {run["params"]["training.seed"] for run in ended} == set("012345")
    assert all("epoch/validation_accuracy" in run["latest_metrics"] for run in ended)
    assert {run["status"] for run in trials(tmp_path)} == {"FINISHED", "KILLED"}


def test_a_trial_that_was_given_up_while_its_machine_slept_is_run_once_more(sweep: Sweep, tmp_path: Path) -> None:
    planned, space, _ = command.plan(SEEDS)  # here, for Hydra composes one configuration at a time

    def fit(configuration: Configuration, data: TrialData, on_epoch: OnEpoch) -> TrialResult:
        slept = tmp_path / "slept"
        if configuration.training.seed == 3 and not slept.exists():
            slept.touch()
            with closing(sqlite3.connect(tmp_path / "sweeps.db", timeout=30)) as store, store:
                own = "select trial_id from trial_params where param_name = 'training.seed' and param_value = 3"
                missed = "update trial_heartbeats set heartbeat = datetime('now', '-61 seconds')"
                assert store.execute(f"{missed} where trial_id in ({own})").rowcount == 1  # that of the other worker beats
            study.Study(planned, space, data.sha256, study.storage(planned.sweep))  # another coordinator
        return quick(configuration, data, on_epoch)

    assert_finished(sweep(fit))
    assert set(finished_seeds(tmp_path)) == set("012345")
    assert "KILLED" in {run["status"] for run in trials(tmp_path)}


class PostgreSQL:
    """A server of its own, with a database that anybody who can reach its socket may use."""

    def __init__(self, folder: Path) -> None:
        # Debian keeps its programs off the path, and the server will not run as root.
        found = shutil.which("pg_ctl") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")), None)
        if found is None:
            pytest.fail("A test needs PostgreSQL. Install it: apt-get install postgresql", pytrace=False)
        self._user = "postgres" if os.getuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
        self._command, self._folder = [found, "-D", str(folder / "data"), "-w"], folder
        self.url = f"postgresql://postgres:word@/postgres?host={folder}"
        self._control("initdb", "-o", "-U postgres -A trust")

    def start(self) -> None:
        self._control("start", "-l", f"{self._folder}/log", "-o", f"-k {self._folder} -c listen_addresses=''")

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def _control(self, *what: str) -> None:
        subprocess.run([*self._command, *what], user=self._user, cwd="/", stdout=subprocess.DEVNULL, check=True)


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    """A server that has just been started."""
    if sys.platform == "win32":
        pytest.skip("its servers have no sockets in folders")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # the path of a socket must be short
        made = PostgreSQL(Path(folder))
        made.start()
        yield made
        with suppress(subprocess.CalledProcessError):  # a test that failed has stopped it
            made.stop()


def test_a_study_on_postgresql_outlives_a_server_that_stops_and_its_password_is_not_shown(
    sweep: Sweep, tmp_path: Path, server: PostgreSQL
) -> None:
    stopped = tmp_path / "stopped"  # a file, for what a worker is given is a copy

    def fit(configuration: Configuration, data: TrialData, on_epoch: OnEpoch) -> TrialResult:
        if configuration.training.seed == 3:
            server.stop()
            stopped.touch()
        return quick(configuration, data, on_epoch)

    store = [f"sweep.storage='{server.url}'", "sweep.grace_period_seconds=2"]
    with pytest.raises(UserError) as told:
        sweep(fit, *store)
    while not stopped.exists():  # the sweep may know before the server has ended
        time.sleep(0.1)
    server.start()
    assert "the sweep's store postgresql://postgres:***@/postgres" in str(told.value)
    assert "the same command resumes" in str(told.value)
    assert "word" not in str(told.value).replace("password", "")
    said = sweep(quick, *store)
    assert_finished(said, "[678]")  # what was running may be repeated
    assert "over 6 seeds: mean 52.5000%" in said
    assert not (tmp_path / "sweeps.db").exists()
    assert set(finished_seeds(tmp_path)) == set("012345")


@pytest.mark.parametrize(
    ("url", "why"),
    [("sqlite:////nowhere/x.db", "unable to open database file"), ("mysql://u:word@h/x", "No module named")],
)
def test_a_store_that_can_not_be_opened_is_told_without_its_password(sweep: Sweep, url: str, why: str) -> None:
    with pytest.raises(UserError) as told:
        sweep(quick, f"sweep.storage='{url}'")
    first, remedy = str(told.value).splitlines()
    assert first.startswith(f"the sweep's store {url.replace('word', '***')} can't be used: ")
    assert why in first
    assert "sweep.storage=sqlite:///sweeps.db" in remedy


def test_a_cluster_that_lacks_the_project_is_told_how_to_start_one_that_has_it(address: str) -> None:
    with Client(address) as client, pytest.raises(UserError, match=r"(?s)No module named 'absent'.*pip install -e"):
        workers.check_module(client, "absent")


def test_a_cluster_that_is_not_there_is_told(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(workers.SETTINGS, "distributed.comm.timeouts.connect", "100ms")
    with pytest.raises(UserError, match=r"there is no Dask scheduler at sweep\.scheduler=tcp://127\.0\.0\.1:1"):
        sweep(quick, "sweep.scheduler=tcp://127.0.0.1:1")


def test_a_scheduler_that_is_killed_costs_what_was_running(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(workers.SETTINGS, "distributed.comm.timeouts.connect", "1s")
    with cluster_apart() as (scheduler, remote):

        class Logger(sweep_logger.SweepLogger):
            def epoch(self, number: int, epoch: dict[str, float]) -> None:
                super().epoch(number, epoch)
                if number == 1:
                    scheduler.kill()

        monkeypatch.setattr(sweep_logger, "SweepLogger", Logger)
        with pytest.raises(UserError, match=r"the Dask scheduler is gone.*the same command resumes"):
            sweep(quick, f"sweep.scheduler={remote}", "sweep.workers=1")


@pytest.mark.usefixtures("sweep")
def test_an_existing_cluster_takes_trials_of_cmaes_and_hyperband_and_ctrl_c_keeps_them(tmp_path: Path) -> None:
    coordinator = os.getpid()

    def fit(configuration: Configuration, data: TrialData, on_epoch: OnEpoch) -> TrialResult:
        with (tmp_path / "begun").open("a") as file:
            file.write(".")
        if (tmp_path / "begun").stat().st_size == 5:  # trials; another one waits in the scheduler
            os.kill(coordinator, signal.SIGINT)
        accuracy = configuration.optimizer.model_dump()["rho"]
        for epoch in (1, 2):
            on_epoch({"epoch": epoch, "validation_accuracy": accuracy})
        return TrialResult(accuracy, 1.0, 2, 0.0)

    with ExitStack() as stack:
        file, printed = tmp_path / "scheduler.json", tmp_path / "printed"
        output = stack.enter_context(printed.open("a"))
        arguments = ["--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        stack.enter_context(started(ROOT, "dask", "scheduler", *arguments, output=output))
        while not file.exists():
            time.sleep(0.1)
        remote = json.loads(file.read_text())["address"]
        stack.enter_context(started(ROOT, "dask", "worker", remote, "--nthreads", "1", "--no-dashboard", output=output))
        sweep = ["sweep=adadelta", f"sweep.scheduler={remote}", "dataset=digits", "training.epochs=2"]
        sweep += ["sweep.sampler.name=cmaes", "sweep.sampler.startup_trials=2", "sweep.pruner.name=hyperband"]
        with pytest.raises(KeyboardInterrupt):
            command.run([*sweep, "sweep.trials=500"], fit)
        before = states(tmp_path)
        assert "RUNNING" not in before
        assert before["WAITING"] == before["FAIL"] > 0
        ended = sum(before.get(state, 0) for state in ("COMPLETE", "PRUNED"))
        assert ended >= 3  # with CMA-ES, after two random ones
        command.run([*sweep, f"sweep.trials={ended + 3}"], fit)
        after = states(tmp_path)
        assert after["COMPLETE"] + after.get("PRUNED", 0) == ended + 3
        assert after.keys() <= {"COMPLETE", "PRUNED", "FAIL"}
    assert "Traceback" not in printed.read_text()


def test_ctrl_c_and_a_request_to_end_are_told_to_lose_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # of several processes of pytest each ignores it
    monkeypatch.setattr(sys, "argv", ["sweep", *SEEDS])
    monkeypatch.setattr(command, "run", lambda _: os.kill(os.getpid(), signal.SIGTERM))
    try:
        with pytest.raises(SystemExit) as end:
            command.main()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert end.value.code == 130
    assert "Nothing is lost: the same command resumes" in capsys.readouterr().out


#: A sweep as its command starts it, in a folder of its own. Its workers train nothing, and wait in each trial for a file "go".
WAITING = """
import os, sys, time
from pathlib import Path
import numpy as np
from pipeline.images.arrays import Split
from pipeline.sweep import command, data, report, workers
from pipeline.sweep.trial import TrialResult

folder = Path(os.environ["DVC_ROOT"])

def fit(configuration, images, on_epoch):
    (folder / f"{os.getpid()} works").touch()
    while not (folder / "go").exists():
        time.sleep(0.05)
    on_epoch({"epoch": 1, "validation_accuracy": 0.5, "validation_loss": 1.0, "seconds": 0.0})
    return TrialResult(0.5, 1.0, 1, 0.0)

one = Split(np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.uint8))
data.read = lambda _: data.TrialData(one, [], one, 0.1, 0.3, "0" * 64)
report.write_plots = lambda *_: None
workers.start = int  # and not TensorFlow
print(command.run(sys.argv[1:], fit))
"""


def working(coordinator: Process, folder: Path) -> psutil.Process:
    """The worker of a coordinator, once it has a trial."""
    while True:
        assert coordinator.poll() is None, coordinator.communicate()[0]
        for child in psutil.Process(coordinator.pid).children(recursive=True):
            if (folder / f"{child.pid} works").exists():
                return child
        time.sleep(0.1)


def test_coordinators_and_workers_that_are_killed_cost_what_was_running_and_others_of_the_study_and_the_same_command_go_on(
    tmp_path: Path,
) -> None:
    """Two begin at once, and create the stores; then one goes on where one was killed."""
    whole = [sys.executable, "-uc", WAITING, *SEEDS, "sweep.workers=1", "sweep.grace_period_seconds=2"]
    with ExitStack() as stack:

        def coordinator() -> Process:
            return stack.enter_context(started(ROOT, *whole, variables={"DVC_ROOT": str(tmp_path)}))

        first, second = coordinator(), coordinator()
        worker = working(first, tmp_path)
        working(second, tmp_path)
        worker.kill()
        wait_for(first, "its worker died")
        (tmp_path / f"{worker.pid} works").unlink()
        working(first, tmp_path)
        begun = psutil.Process(first.pid).children(recursive=True)
        first.kill()
        first.wait()
        assert not psutil.wait_procs(begun, timeout=30)[1]
        third = coordinator()
        wait_for(third, "Resuming seeds-")
        (tmp_path / "go").touch()
        said = [process.communicate(timeout=120)[0] for process in (second, third)]
    assert [second.returncode, third.returncode] == [0, 0], said
    assert "Traceback" not in "".join(said)
    assert "5 seeds: mean" in said[1]
    assert "95% interval of the mean" in said[1]
    finished = finished_seeds(tmp_path)
    assert len(set(finished)) == 5  # the trial of the worker that died has failed
    assert states(tmp_path) == {"COMPLETE": len(finished), "FAIL": 2}
    assert len(finished) <= 5 + 2 * 2  # each may overshoot by what it was running
    ended = mlflow_runs(tmp_path)
    assert [run["status"] for run in ended if run["tags"]["role"] == "sweep"] == ["FINISHED"]
    assert Counter(run["status"] for run in trials(tmp_path)) == {"FINISHED": len(finished), "FAILED": 1, "KILLED": 1}


def test_a_terminal_shows_how_far_a_sweep_is_and_the_best_so_far(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    sweep(quick)
    monkeypatch.undo()
    assert re.search(r"\r\d/6 trials \|.*\[.*\d running, best 5\d\.00%\]", terminal.getvalue())
    left = [line.rpartition("\r")[2].strip() for line in terminal.getvalue().split("\n")]  # each \r overwrites a whole line
    assert [line[:5] for line in left if "moved or copied" not in line] == ["trial"] * 6 + [""]
