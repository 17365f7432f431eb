"""Sweeps that something goes wrong with: stores, clusters, memory, other coordinators. All of it really happens."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from pipeline.sweep.trial import Warm
from pipeline.sweep.workers import slots
from pipeline.system.errors import UserError
from tests.conftest import ROOT, environment, mlflow_runs
from tests.test_sweep import SMALL, cluster, started, states, sweep, sweeping, trials, wait_for

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def project(project: Path, empty_store: Path) -> Path:
    """A fresh clone, with a store that has no runs yet."""
    shutil.copy(empty_store, project)
    return project


def always_overcommits() -> bool:
    """Whether Linux grants any allocation, and kills who uses it (vm.overcommit_memory=1)."""
    path = Path("/proc/sys/vm/overcommit_memory")
    return path.exists() and path.read_text().strip() == "1"


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


def test_a_worker_with_several_threads_that_comes_late_says_so_and_leaves(project: Path) -> None:
    with ExitStack() as stack:
        _, address = cluster(stack, project, workers=0)
        client = stack.enter_context(Client(address))
        client.register_plugin(Warm(), name="warm")
        command = ["dask", "worker", address, "--nthreads", "2", "--no-dashboard"]
        late = stack.enter_context(started(project, *command))
        said = late.communicate(timeout=60)[0]
        assert "This worker has several threads" in said
        assert "--nthreads 1" in said
        assert client.nthreads() == {}


def test_an_mlflow_store_that_breaks_stops_the_sweep_and_gets_later_what_it_lacks(project: Path) -> None:
    command = ["sweep=seeds", "training.seed=range(0, 3)", "training.epochs=12"]

    def rename(before: str, after: str) -> None:
        with closing(sqlite3.connect(project / "mlflow.db", timeout=30)) as store, store:
            store.execute(f"alter table {before} rename to {after}")

    with sweeping(project, *command) as first:
        wait_for(first, "finished")
        while not (project / "mlflow.db").exists() or not trials(project):
            time.sleep(0.1)
        rename("latest_metrics", "away")
        rest = first.communicate(timeout=90)[0]
    assert first.returncode == 1
    assert re.search(r"the MLflow store .*mlflow\.db can't be used: .* no such table: .*latest_metrics", rest)
    assert "Then the same command writes there what is missing, and goes on with the trials that remain." in rest
    assert "Traceback" not in rest
    rename("away", "latest_metrics")
    done = sweep(project, *command)
    assert "3 finished, 0 pruned, 0 failed." in done.stdout, done.stdout + done.stderr
    ended = [run for run in trials(project) if run["tags"].get("trial_state") == "finished"]
    assert len(ended) == 3
    assert all("epoch/validation_accuracy" in run["latest_metrics"] for run in ended)


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
        self.url = f"postgresql://postgres@/postgres?host={folder}"
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
        made.stop()


def test_a_study_on_postgresql_outlives_a_server_that_stops_in_the_middle(project: Path, server: PostgreSQL) -> None:
    command = ["sweep=seeds", "training.seed=range(0, 3)", "training.epochs=12", f"sweep.storage='{server.url}'"]
    with sweeping(project, *command) as first:
        wait_for(first, "finished")
        server.stop()
        rest = first.communicate(timeout=90)[0]
    server.start()
    assert first.returncode == 1
    assert "the sweep's store postgresql://postgres@/postgres" in rest
    assert "can't be used any more" in rest
    assert "Traceback" not in rest
    done = sweep(project, *command)
    assert "3 finished, 0 pruned, 0 failed." in done.stdout, done.stdout + done.stderr
    assert not (project / "sweeps.db").exists()
    assert sorted(run["status"] for run in trials(project) if run["tags"].get("trial_state") == "finished") == ["FINISHED"] * 3


def test_machines_that_begin_at_once_make_the_tables_of_a_store_together(tmp_path: Path, server: PostgreSQL) -> None:
    # Each with a lock of its own, as it has on another machine.
    code = (
        "import pathlib, sys; from pipeline.sweep import study; study.PROJECT = pathlib.Path(sys.argv[1]); "
        "study.storage(sys.argv[2])"
    )
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    started = [subprocess.Popen([sys.executable, "-c", code, folder, server.url], cwd=ROOT) for folder in folders]
    assert [process.wait(timeout=120) for process in started] == [0, 0, 0]


def test_a_store_that_cannot_be_opened_is_told_before_anything_runs(project: Path) -> None:
    for storage, why in (
        ("sqlite:////nowhere/x.db", "unable to open database file"),
        ("mysql://u:word@h/x", "Failed to import"),
    ):
        done = sweep(project, "sweep=adadelta", f"sweep.storage={storage}")
        assert done.returncode == 1
        first, remedy = done.stderr.splitlines()
        assert first.startswith(f"Error: the sweep's store {storage.replace('word', '***')} can't be opened: ")
        assert why in first
        assert remedy == "Choose another: sweep.storage=sqlite:///sweeps.db"


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
