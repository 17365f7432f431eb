"""Which file is a model, and which one is opened where none is chosen. Loads no library: the window asks before it is seen."""

from pathlib import Path

from pipeline.system.errors import ModelError
from pipeline.system.paths import CHECKOUT, MODEL_FILE, MODELS, TRAINED

EXPORTED = MODELS / MODEL_FILE
SHIPPED = CHECKOUT / "gui" / "shipped.h5"

HDF5_START = b"\x89HDF\r\n\x1a\n"
ZIP_START = b"PK\x03\x04"


def default_model() -> Path:
    """The exported model, else the one that ships with the program.

    Raises:
        ModelError: there is neither.
    """
    for path in (EXPORTED, SHIPPED):
        if path.is_file():
            return path
    raise ModelError("there is no model yet: models/mnist.h5 is missing. Make it: make run (or dvc repro)")


def check_start(path: Path) -> None:
    """Make sure, in no time, that a file starts as one of HDF5 or a ZIP archive, of which every model is one.

    Raises:
        ModelError: it starts otherwise, is a folder, or is missing.
    """
    if path.is_dir():
        raise ModelError(f"{path} is a folder, and a model is one file, .h5 or .keras. Save it with model.save('name.keras').")
    if not path.is_file():
        raise ModelError(f"there is no model {path}. {remedy(path, 'Check its path.')}")
    try:
        with path.open("rb") as file:
            start = file.read(len(HDF5_START))
    except OSError as error:
        raise ModelError(f"{path} can't be read: {error.strerror}.") from None
    if not start.startswith((HDF5_START, ZIP_START)):
        raise ModelError(f"{path} is not a whole Keras model: it is neither HDF5 nor .keras. {remedy(path)}")


def remedy(path: Path, other: str = "Save it again: model.save('name.keras')") -> str:
    """What helps if the file of a model is missing or broken: `other`, unless a stage of the pipeline makes that file."""
    is_ours = any(path.resolve().is_relative_to(made) for made in (EXPORTED, TRAINED))
    return "Make it again: dvc repro" if is_ours else other
