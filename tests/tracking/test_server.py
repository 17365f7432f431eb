"""A real MLflow server, as a team has one: what writes to it, what reads from it, and what happens when it is killed."""

import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from distributed import LocalCluster

from gui.reading import model_catalog
from pipeline import runs, train
from pipeline.data import prepared
from pipeline.sweep import command as sweep
from pipeline.sweep import study, sweep_logger, workers
from pipeline.system import tensorflow_setup
from pipeline.system.errors import UserError
from pipeline.tracking import stage_run
from tests.conftest import copied, dvc, environment, fill_store
from tests.data.test_datasets import configured
from tests.sweep.test_sweep_mishaps import SEEDS, quick
from tests.tracking.test_ui import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Server:
    """An ``mlflow server`` that keeps the artifacts, so that its users need no access to where they lie."""

    def __init__(self, folder: Path, store: Path) -> None:
        port = str(free_port())
        self.uri = f"http://127.0.0.1:{port}"
        own = ["--backend-store-uri", f"sqlite:///{store}", "--artifacts-destination", str(folder / "artifacts")]
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", "1", *own]
        variables = environment({"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})
        with (folder / "log").open("w") as log:
            self._process = subprocess.Popen(command, cwd=folder, env=variables, stdout=log, stderr=log)
        while not self._answers():
            assert self._process.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        """End it and its workers at once."""
        if self._process.poll() is None:
            process = psutil.Process(self._process.pid)
            for each in [*process.children(recursive=True), process]:
                each.kill()
            self._process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    made = Server(folder, folder / "mlflow.db")
    yield made
    made.kill()


def command(*arguments: str) -> str:
    """What ``python -m pipeline.runs`` prints."""
    return runs.answer(runs.parser().parse_args(arguments))


def swept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a sweep of two trials that train nothing says, with its study in `folder`."""
    monkeypatch.setattr(study, "PROJECT", folder)
    monkeypatch.setattr(sweep_logger, "PROJECT", folder)
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0") as one:
        return sweep.run([*SEEDS, "training.seed=range(5, 7)", f"sweep.scheduler={one.scheduler_address}"], quick)


def test_an_experiment_a_sweep_the_commands_and_the_window_work_with_a_server(
    server: Server, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    project, variables = copied(finished, tmp_path), {"MLFLOW_TRACKING_URI": server.uri}
    (project / "mlflow.db").unlink()
    variables["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "false"  # it must not be taken for what the recorder answers
    ran, done = dvc(project, "exp", "run", "-n", "other", "-S", "evaluation.confidence=0.9", **variables)
    assert ran == ["compose", "evaluate", "export"], done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
    assert "View run" in done.stderr
    assert not (project / "mlflow.db").exists()

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    assert "2 finished, 0 pruned, 0 failed." in swept(tmp_path, monkeypatch)
    assert "View run" not in "".join(capfd.readouterr())  # as MLflow prints at the end of every run on a server

    fill_store(server.uri, tmp_path)
    monkeypatch.setenv("COLUMNS", "120")  # of the terminal, whose width cuts names
    table = command("list")
    names = sorted(re.split(" {2,}", line)[-1] for line in table.splitlines()[2:])
    expected = ["a trial", "better", "other: default, confidence=0.9", "plain", "seed=5", "seed=6", "sweep seeds"]
    assert names == expected, table
    assert "running" not in table
    assert len(re.findall(r"%\s+digits", table)) == len(expected), table
    assert "McNemar's exact test" in command("compare", "plain", "better")
    made = str(project / "models/mnist.h5")  # a run is found by what it made
    assert "model.dropout" in command("compare", "plain", made)
    assert "is the champion now" in command("promote", made)
    command("export", "champion", "-o", str(tmp_path / "champion.h5"))
    assert (tmp_path / "champion.h5").read_bytes() == (project / "models/mnist.h5").read_bytes()

    found, message = model_catalog.listing()
    assert message == ""
    listed = sorted(entry.kind for entry in found if entry.kind in ("champion", "run"))
    assert listed == ["champion", "run", "run", "run"]
    path, called = model_catalog.resolve("champion")
    assert path.read_bytes() == (project / "models/mnist.h5").read_bytes()
    assert called.startswith("champion: ")


@pytest.mark.usefixtures("threaded")
def test_a_server_that_is_down_is_told_before_anything_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr(sys, "argv", ["train"])
    monkeypatch.setattr(train, "PROJECT", tmp_path)  # for the checkpoint
    monkeypatch.setattr(prepared, "summary", lambda: {"sha256": "0" * 64})
    monkeypatch.setattr(tensorflow_setup, "start", lambda *_: None)
    monkeypatch.setattr(train, "train", lambda *_: pytest.fail("the training begins"))
    remedies = r"no server is running there\.\nStart the server\.\nOr choose another store: tracking\.uri"
    with pytest.raises(UserError, match=remedies):
        train.main()


def test_a_server_that_is_down_is_told_before_a_sweep_starts_its_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "workers", lambda _: pytest.fail("the workers start"))
    with pytest.raises(UserError, match=r"no server is running there\.\nStart the server\."):
        sweep.run(["sweep=seeds", "training.seed=range(5, 7)", f"tracking.uri=http://127.0.0.1:{free_port()}"])


@pytest.mark.usefixtures("threaded")
def test_a_server_that_is_killed_in_a_stage_is_told_at_its_end_with_what_is_kept(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")

    def trained() -> None:
        with stage_run.stage("train", configured(f"tracking.uri={server.uri}")) as run:
            run.wait_for_store()
            server.kill()
            run.metrics(loss=0.4)

    with pytest.raises(UserError) as told:
        trained()
    said = str(told.value)
    assert "no server is running there.\nStart the server." in said
    assert said.endswith("No training is lost: the same command resumes after its last epoch.")
