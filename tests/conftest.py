"""Real things to test with: a clone of the project, small data in MNIST's format, a screen."""

import gzip
import io
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder` and return what it printed. ``python`` and ``dvc`` are those of the tests."""
    return subprocess.run(command, cwd=folder, env=environment(variables), capture_output=True, text=True, check=False)


def environment(more: dict[str, str]) -> dict[str, str]:
    """The variables of a process of a test: its own python, and nothing of a pipeline that runs the tests."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "MLFLOW_", "GIT_", "PYTEST_"))}
    own["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}"
    own |= {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}
    return own | more


def clone(folder: Path) -> Path:
    """Copy the project as git sees it, uncommitted changes included, into a repository of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and name not in ("dvc.lock", "reports/metrics.json"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "begin"]):
        assert run(folder, "git", *arguments).returncode == 0
    return folder


def edit(path: Path, old: str, new: str) -> None:
    """Replace the one occurrence of `old` in a file."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A fresh clone, in a path with spaces."""
    return clone(tmp_path / "a clone of the project")


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """`array` as a gzipped IDX file."""
    header = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.tobytes(), mtime=0)


@pytest.fixture
def write_idx(tmp_path: Path) -> Callable[[str, NDArray[np.uint8]], Path]:
    """A function that writes an IDX file."""

    def write(name: str, array: NDArray[np.uint8]) -> Path:
        path = tmp_path / name
        path.write_bytes(idx_bytes(array))
        return path

    return write


def small_store(folder: Path) -> str:
    """Make an MLflow store with three runs, two of the pipeline, and a trial without a model. Returns its address."""
    from mlflow.entities import LoggedModelOutput  # not for tests that want none of it: it takes seconds

    from pipeline import recorder

    uri = f"sqlite:///{folder / 'mlflow.db'}"
    client, experiment = recorder.open_store(uri, "digits", folder)
    labels = np.arange(1000) % 10
    for name, wrong, role in (("plain", 30, ""), ("better", 5, ""), ("a trial", 0, "trial")):
        tags = {"dataset": "digits", "git_commit": "", "dvc_experiment": name} | ({"role": role} if role else {})
        run = client.create_run(experiment, run_name=name, tags=tags).info.run_id
        client.log_metric(run, "validation_accuracy", 1 - wrong / 1000)
        if not role:
            predicted = labels.copy()
            predicted[:wrong] = (predicted[:wrong] + 1) % 10
            content = io.BytesIO()
            np.savez(content, labels=labels, probabilities=np.eye(10)[predicted])
            (folder / "predictions.npz").write_bytes(content.getvalue())
            (folder / "mnist.h5").write_bytes(name.encode())
            values = {"model": {"dropout": wrong / 100}, "training": {"epochs": 2}, "name": name}
            (folder / "params.yaml").write_text(yaml.safe_dump(values))
            client.log_artifact(run, str(folder / "predictions.npz"), "evaluation")
            client.log_artifact(run, str(folder / "mnist.h5"))
            client.log_artifact(run, str(folder / "params.yaml"))
            logged = client.create_logged_model(experiment, "model", run)
            client.log_outputs(run, [LoggedModelOutput(logged.model_id, 0)])
            (folder / "model").mkdir(exist_ok=True)
            client.log_model_artifacts(logged.model_id, str(folder / "model"))
            client.finalize_logged_model(logged.model_id, "READY")
        client.set_terminated(run)
    return uri


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """A screen: the one there is, or a virtual one."""
    if os.environ.get("DISPLAY") or sys.platform in ("win32", "darwin"):
        yield os.environ.get("DISPLAY", "")
        return
    if shutil.which("Xvfb") is None:
        pytest.fail("Window tests need a screen. Install a virtual one: apt-get install xvfb", pytrace=False)
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as pipe:
        os.environ["DISPLAY"] = f":{pipe.readline().strip()}"
    yield os.environ["DISPLAY"]
    del os.environ["DISPLAY"]
    server.terminate()
    server.wait()
