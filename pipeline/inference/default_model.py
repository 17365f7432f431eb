"""The model that is opened where none is chosen. Loads no library: the window asks before it is seen."""

from pathlib import Path

from pipeline.system.errors import ModelError
from pipeline.system.paths import CHECKOUT, MODEL_FILE, MODELS

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
