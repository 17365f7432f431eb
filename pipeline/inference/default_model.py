"""The model that is opened where none is chosen. Loads no library: the window asks before it is seen."""

from pathlib import Path

from pipeline.system.errors import ModelError
from pipeline.system.paths import CHECKOUT, MODEL_FILE, MODELS, TRAINED

EXPORTED = MODELS / MODEL_FILE
SHIPPED = CHECKOUT / "gui" / "shipped.h5"


def default_model() -> Path:
    """The exported model, else the one that ships with the program.

    Raises:
        ModelError: there is neither.

    """
    for path in (EXPORTED, SHIPPED):
        if path.is_file():
            return path
    raise ModelError("there is no model yet: models/mnist.h5 is missing. Make it: make run (or dvc repro)")


def remedy(path: Path, other: str = "Save it again: model.save('name.keras')") -> str:
    """What helps if the file of a model is missing or broken: `other`, unless a stage of the pipeline makes that file."""
    is_ours = any(path.resolve().is_relative_to(made) for made in (EXPORTED, TRAINED))
    return "Make it again: dvc repro" if is_ours else other
