"""Where files and folders are, and how a file is written whole or not at all."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_data_path

#: The checkout that this code runs from. For an experiment that DVC runs in a temporary folder, it is that folder.
CHECKOUT = Path(__file__).resolve().parents[2]

#: Whether it is a checkout. An installed wheel has only the code and the shipped model.
IS_CHECKOUT = (CHECKOUT / "dvc.yaml").is_file()

#: The project itself, which has raw data, checkpoints and the tracking store, whatever folder a stage runs in. Without a
#: checkout it is the user's data folder, in which the window keeps corrected drawings.
PROJECT = Path(os.environ.get("DVC_ROOT", CHECKOUT)).resolve() if IS_CHECKOUT else user_data_path("handwritten-digits")

PARAMETERS = CHECKOUT / "params.yaml"
CONFIGURATION = CHECKOUT / "conf"
PREPARED = CHECKOUT / "data" / "prepared"
TRAINED = CHECKOUT / "data" / "trained"
REPORTS = CHECKOUT / "reports"
MODELS = CHECKOUT / "models"
MODEL_FILE = "mnist.h5"  # written by `export`, and an artifact of its run

# The project's own MLflow store, in `PROJECT`.
MLFLOW_DATABASE = "mlflow.db"
MLFLOW_ARTIFACTS = "mlruns"
MLFLOW_LOCK = ".mlflow.lock"  # one process creates the store, an experiment or a sweep's run


def files_of(folder: Path, pattern: str) -> list[Path]:
    """The files below `folder` that match `pattern`, in order, without those that editors and file managers leave there.

    Those begin with a dot, ``~`` or ``#``, or are in such a folder (``._cnn.yaml``, ``.#cnn.yaml``, ``.ipynb_checkpoints/``).
    """
    found = [path for path in folder.glob(pattern) if not any(part[0] in ".~#" for part in path.relative_to(folder).parts)]
    return sorted((path for path in found if path.is_file()), key=lambda path: path.relative_to(folder).as_posix())


def in_project(path: str | Path) -> Path:
    """`path` with ``~`` expanded, relative to the project if it is relative."""
    return PROJECT / Path(path).expanduser()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to, which is renamed to `path` when the block ends without an exception.

    The temporary name has the suffix of `path`, by which some libraries choose a format.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def md5(path: Path) -> str:
    """MD5 of a file, in hexadecimal, as DVC has it."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
