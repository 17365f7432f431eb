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

from gui.reading import model_catalog
from pipeline import runs
from pipeline.sweep import command as sweep
from pipeline.sweep import workers
from pipeline.system.errors import UserError
from tests.conftest import ROOT, copied, dvc, environment, run
from tests.sweep.test_sweep import SMALL, started
from tests.tracking.test_tracking import STAGE
from tests.tracking.test_ui import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


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


def test_pipeline_experiments_sweeps_commands_and_the_window_work_with_a_server(
    server: Server, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, variables = copied(finished, tmp_path), {"MLFLOW_TRACKING_URI": server.uri}
    (project / "mlflow.db").unlink()
    sweep = [sys.executable, "-m", "pipeline.sweep", *SMALL, "sweep=seeds", "training.seed=range(5, 7)"]
    with started(project, *sweep, variables=variables) as sweeping:
        variables["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "false"  # it must not be taken for what the recorder answers
        ran, done = dvc(project, "exp", "run", "--temp", "-n", "other", "-S", "training.label_smoothing=0.2", **variables)
        assert ran == ["compose", "train", "evaluate", "export"], done.stdout + done.stderr
        assert done.returncode == 0, done.stderr
        changed = ["evaluation.confidence=0.9", "export.formats=[h5,keras,tflite,onnx]"]
        run(project, "python", "-m", "pipeline.compose", *changed)
        ran, done = dvc(project, "repro", **variables)
        assert ran == ["compose", "evaluate", "export"], done.stdout + done.stderr
        assert done.returncode == 0, done.stderr
        said = sweeping.communicate(timeout=120)[0]
        assert sweeping.returncode == 0, said
    assert "2 finished, 0 pruned, 0 failed." in said
    assert "View run" not in said  # as MLflow prints at the end of every run on a server
    assert "View run" in done.stderr
    assert not (project / "mlflow.db").exists()

    assert {path.suffix for path in (project / "models/formats").iterdir()} == {".keras", ".tflite", ".onnx", ".json"}

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    table = command("list")
    names = sorted(re.split(" {2,}", line)[-1] for line in table.splitlines()[2:])
    assert [name.partition(",")[0] for name in names] == ["default", "other: default", "seed=5", "seed=6", "sweep seeds"], table
    assert "running" not in table
    assert len(re.findall(r"%\s+digits", table)) == 5, table
    made = str(project / "models/mnist.h5")  # a run is found by what it made
    compared = command("compare", "other", made)
    assert "training.label_smoothing" in compared
    assert "McNemar's exact test" in compared
    assert "is the champion now" in command("promote", made)
    command("export", "champion", "-o", str(tmp_path / "champion.h5"))
    assert (tmp_path / "champion.h5").read_bytes() == (project / "models/mnist.h5").read_bytes()

    found, message = model_catalog.listing()
    assert message == ""
    assert sorted(entry.kind for entry in found if entry.kind in ("champion", "run")) == ["champion", "run", "run"]
    path, called = model_catalog.resolve("champion")
    assert path.read_bytes() == (project / "models/mnist.h5").read_bytes()
    assert called.startswith("champion: ")


def test_a_server_that_is_down_is_told_before_anything_is_trained(finished: Path, tmp_path: Path) -> None:
    project, nowhere = copied(finished, tmp_path), {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{free_port()}"}
    done = run(project, "python", "-m", "pipeline.train", **nowhere)
    assert done.returncode != 0
    assert "no server is running there.\nStart the server.\nOr choose another store: tracking.uri" in done.stderr
    assert "Traceback" not in done.stderr
    assert "epoch 1/" not in done.stdout


def test_a_server_that_is_down_is_told_before_a_sweep_starts_its_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "workers", lambda _: pytest.fail("the workers start"))
    with pytest.raises(UserError, match=r"no server is running there\.\nStart the server\."):
        sweep.run(["sweep=seeds", "training.seed=range(5, 7)", f"tracking.uri=http://127.0.0.1:{free_port()}"])


def test_a_server_that_is_killed_in_a_stage_is_told_at_its_end_and_the_stages_files_stay(
    server: Server, tmp_path: Path
) -> None:
    work = STAGE.replace(
        'if "fail"', 'Path(sys.argv[1], "made").touch(); sys.stdin.readline(); run.metrics(loss=0.4)\n        if "fail"'
    )
    variables = environment(
        {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": server.uri, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    )
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-c", work, str(tmp_path), "train"], env=variables, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline()  # the run's id: the store is open
    server.kill()
    _, said = process.communicate("\n", timeout=60)
    assert process.returncode == 1
    assert "no server is running there.\nStart the server." in said
    assert said.endswith("No training is lost: the same command resumes after its last epoch.\n")
    assert "Traceback" not in said
    assert (tmp_path / "made").exists()
