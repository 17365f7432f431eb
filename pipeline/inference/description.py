"""What a model file of this project says of itself, as JSON in its .h5: `pipeline.inference.formats` writes it."""

from pathlib import Path
from typing import Any

import h5py
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.images.arrays import CLASSES
from pipeline.inference.default_model import remedy
from pipeline.inference.rejection import Thresholds
from pipeline.system.errors import ModelError

ATTRIBUTE = "handwritten_digits"  # of the .h5 file
_LOW = "_accuracy_low"  # end of a metric's name, where the accuracy has an interval
DIGITS = [str(digit) for digit in range(CLASSES)]


class Description(BaseModel):
    """What a model file says of itself; without arguments, what somebody else's file says: nothing."""

    model_config = ConfigDict(strict=True, frozen=True, populate_by_name=True)

    dataset: str = ""  # that the model was trained on
    class_names: list[str] = DIGITS
    validation_accuracy: float | None = None  # 0 to 1
    test_accuracy: float | None = None  # 0 to 1
    thresholds: Thresholds = Field(default=Thresholds(), validation_alias="rejection")  # that an answer must reach
    outside: dict[str, float] = {}  # accuracy on each set besides the test images, 0 to 1, by name


def outside_accuracies(metrics: dict[str, Any]) -> dict[str, float]:
    """The accuracy on each set besides the test images, 0 to 1, by its name, from the metrics of ``evaluate``."""
    names = [key.removesuffix(_LOW) for key in metrics if key.endswith(_LOW) and key != f"test{_LOW}"]
    return {name: metrics[f"{name}_accuracy"] for name in names}


def parse(text: str | bytes, path: Path) -> Description:
    """Read the description in the file `path`. What else it says makes no difference.

    Raises:
        ModelError: it is no such description, or is of a model of other classes.
    """
    try:
        found = Description.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        place, has = ".".join(map(str, problem["loc"])) or "all of it", problem["input"]
        raise ModelError(
            f"what {path} says of itself is not valid: {place}: {problem['msg']}; it is {has!r:.100}. {remedy(path)}"
        ) from None
    if found.class_names != DIGITS:
        told = ", ".join(found.class_names)
        raise ModelError(f"{path} tells {told:.200} apart, and digits are read here. Choose another model.")
    return found


def read(path: str | Path) -> Description:
    """The description of a file, without opening its model; an empty one if there is none that can be read."""
    try:
        with h5py.File(path, "r") as file:
            return parse(file.attrs[ATTRIBUTE], Path(path))
    except Exception:  # h5py raises whatever on nonsense
        return Description()
