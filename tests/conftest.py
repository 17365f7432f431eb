"""Real things to test with: a clone of the project, small data in MNIST's format, a screen."""

import gc
import gzip
import io
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from filelock import FileLock
from numpy.typing import NDArray

from pipeline.config import check
from pipeline.config.schema import Configuration
from pipeline.data import collection
from tests.hand import DIGITS

if TYPE_CHECKING:
    from pipeline.inference.recognizer import Recognizer

ROOT = Path(__file__).resolve().parent.parent
os.environ.pop("DATASET_FOLDER", None)  # some tests are of a machine that has no data
#: Files that take long, which come first: the last to begin would keep one process busy while the others have nothing to do.
#: Those that need the `finished` pipeline, which one process makes, are not all at the head.
LONG = [
    "test_sweep",
    "test_dvc",
    "test_sweep_mishaps",
    "test_trainer",
    "test_graph",
    "test_experiments",
    "test_server",
    "test_docs",
    "test_ui",
    "test_configuration",
    "test_tracking",
    "test_main",
]
STAGES = ["compose", "prepare", "train", "evaluate", "export"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes long first."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Collect the windows of a test at its end, here in the main thread: Tcl aborts the process if another thread does it.

    A window is part of reference cycles, and lives until the garbage collector runs, in whatever thread that is then. What was
    there before the test is frozen meanwhile: the collector looks at the test's own objects alone, in milliseconds.
    """
    if "display" not in getattr(item, "fixturenames", ()):
        return (yield)
    gc.freeze()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.unfreeze()


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in `folder` and return what it printed. ``python`` and ``dvc`` are those of the tests."""
    return subprocess.run(command, cwd=folder, env=environment(variables), capture_output=True, text=True, check=False)


def environment(more: dict[str, str]) -> dict[str, str]:
    """The variables of a process of a test: its own python, and nothing of a pipeline that runs the tests."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "MLFLOW_", "GIT_", "PYTEST_"))}
    own.pop("PYTHONDONTWRITEBYTECODE", None)  # or every process of a clone compiles the project anew
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


def make_small(folder: Path) -> Path:
    """Make the clone's default the bundled digits, a tiny network and few strokes to be measured by, and commit."""
    edit(folder / "conf/config.yaml", "dataset: mnist", "dataset: digits")
    edit(folder / "conf/config.yaml", "model: cnn", "model: mlp")
    edit(folder / "conf/training/default.yaml", "epochs: ", "epochs: 2 # ")
    edit(folder / "conf/evaluation/default.yaml", "data/strokes/pen_digits_test.json.gz", "tests/strokes/pen_digits.json.gz")
    assert run(folder, "python", "-m", "pipeline.compose").returncode == 0
    assert run(folder, "git", "commit", "-qam", "small").returncode == 0
    return folder


def put_stand_ins(folder: Path, *stages: str) -> None:
    """Let stand-ins take the places of stages in a clone's ``dvc.yaml``."""
    shutil.copy(ROOT / "tests/stand_in.py", folder)
    for stage in stages:
        edit(folder / "dvc.yaml", f"cmd: python -m pipeline.{stage}\n", f"cmd: python stand_in.py {stage}\n")


def dvc(folder: Path, *arguments: str, **variables: str) -> tuple[list[str], subprocess.CompletedProcess[str]]:
    """Run dvc; return the stages that it ran."""
    done = run(folder, "dvc", *arguments, **variables)
    assert "Traceback" not in done.stderr + done.stdout, done.stderr + done.stdout
    return re.findall(r"^Running stage '(\w+)'", done.stdout, re.MULTILINE), done


def repro(folder: Path) -> list[str]:
    ran, done = dvc(folder, "repro")
    assert done.returncode == 0, done.stdout + done.stderr
    return ran


def parameters(folder: Path) -> Configuration:
    return check.load(folder / "params.yaml")


def mlflow_runs(folder: Path) -> list[dict[str, Any]]:
    """The runs of a project's store, oldest first: status, parameters, tags, metrics."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as store:
        runs = store.execute("select run_uuid, status, name from runs order by start_time").fetchall()

        def pairs(table: str, run_id: str) -> dict[str, Any]:
            return dict(store.execute(f"select key, value from {table} where run_uuid = ?", [run_id]).fetchall())

        return [
            {"id": run_id, "status": status, "name": name}
            | {table: pairs(table, run_id) for table in ("params", "tags", "latest_metrics")}
            for run_id, status, name in runs
        ]


def conf_is_untouched(folder: Path) -> bool:
    return run(folder, "git", "status", "--porcelain", "conf").stdout == ""


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first process of pytest to ask for it makes: one for all of them, only to be copied."""
    own = factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    done = folder.with_suffix(".done")
    with FileLock(folder.with_suffix(".lock")):
        if not done.exists():
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which drawings were taught, the whole pipeline has run, and been committed. Only to be copied."""

    def make(folder: Path) -> None:
        clone(folder)
        for digit in range(4):
            collection.add(folder / "data/drawings", digit, DIGITS[digit])
        edit(folder / "conf/dataset/drawings/collection.yaml", "train: false", "train: true")
        make_small(folder)
        assert repro(folder) == STAGES
        run(folder, "git", "add", "-A")
        run(folder, "git", "commit", "-qm", "ran")

    return made_once(tmp_path_factory, "a clone of the project", make)


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in whose ``dvc.yaml`` stand-ins have taken the places of all stages but `compose`. Only to be copied."""

    def make(folder: Path) -> None:
        put_stand_ins(make_small(clone(folder)), *STAGES[1:])
        assert repro(folder) == STAGES
        run(folder, "git", "add", "-A")
        run(folder, "git", "commit", "-qm", "ran")

    return made_once(tmp_path_factory, "a clone with stand-ins", make)


def copied(finished: Path, folder: Path) -> Path:
    """A copy of a finished project, to change at will."""
    return Path(shutil.copytree(finished, folder / "a copy of the project", symlinks=True))


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow store without runs, to be copied: making its tables takes seconds."""

    def make(folder: Path) -> None:
        folder.mkdir()
        code = "import sys; from mlflow import MlflowClient; MlflowClient(sys.argv[1]).search_experiments()"
        done = run(folder, "python", "-c", code, f"sqlite:///{folder / 'mlflow.db'}")
        assert done.returncode == 0, done.stderr

    return made_once(tmp_path_factory, "empty store", make) / "mlflow.db"


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


def small_store(folder: Path, empty_store: Path) -> str:
    """Make an MLflow store as `fill_store` fills it. Returns its address."""
    uri = f"sqlite:///{shutil.copy(empty_store, folder)}"
    fill_store(uri, folder)
    return uri


def fill_store(uri: str, folder: Path) -> None:
    """Write three runs to an MLflow store, two of the pipeline, and a trial without a model. `folder` holds their files."""
    from mlflow.entities import LoggedModelOutput  # not for tests that want none of it: it takes seconds

    from pipeline.tracking import recorder

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


@pytest.fixture(scope="session")
def model() -> "Recognizer":
    """The model that ships, opened."""
    from pipeline.inference.default_model import SHIPPED
    from pipeline.inference.recognizer import Recognizer

    return Recognizer(SHIPPED)


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
