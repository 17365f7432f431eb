"""What a model file of this project says of itself, as JSON in its .h5: `pipeline.inference.formats` writes it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
from pydantic import ValidationError

from pipeline.images.arrays import CLASSES
from pipeline.inference.default_model import remedy
from pipeline.inference.rejection import Thresholds
from pipeline.system.errors import ModelError

ATTRIBUTE = "handwritten_digits"  # of the .h5 file
_LOW = "_accuracy_low"  # end of a metric's name, where the accuracy has an interval
DIGITS = [str(digit) for digit in range(CLASSES)]


@dataclass(frozen=True)
class Description:
    """What a model file says of itself; without arguments, what somebody else's file says: nothing."""

    dataset: str = ""  # that the model was trained on
    validation_accuracy: float | None = None  # 0 to 1
    test_accuracy: float | None = None  # 0 to 1
    thresholds: Thresholds = field(default_factory=Thresholds)  # that an answer must reach
    outside: dict[str, float] = field(default_factory=dict)  # accuracy on each set besides the test images, 0 to 1, by name


def outside_accuracies(metrics: dict[str, Any]) -> dict[str, float]:
    """The accuracy on each set besides the test images, 0 to 1, by its name, from the metrics of ``evaluate``."""
    names = [key.removesuffix(_LOW) for key in metrics if key.endswith(_LOW) and key != f"test{_LOW}"]
    return {name: metrics[f"{name}_accuracy"] for name in names}


def parse(text: str | bytes, path: Path) -> Description:
    """Read the description in the file `path`. What else it says makes no difference.

    Raises:
        ModelError: it is no JSON object, is of a model of other classes, or has no numbers for the rejection.
    """
    try:
        says = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        says = text
    if not isinstance(says, dict):
        raise ModelError(f"{path} must describe itself as a JSON object, and has {says!r:.100}. {remedy(path)}")
    if (names := says.get("class_names", DIGITS)) != DIGITS:
        told = ", ".join(map(str, names)) if isinstance(names, list) else repr(names)
        raise ModelError(f"{path} tells {told:.200} apart, and digits are read here. Choose another model.")
    return Description(
        dataset=dataset if isinstance(dataset := says.get("dataset"), str) else "",
        validation_accuracy=_accuracy(says.get("validation_accuracy")),
        test_accuracy=_accuracy(says.get("test_accuracy")),
        thresholds=_thresholds(says.get("rejection", {}), path),
        outside=_accuracies(says.get("outside")),
    )


def _accuracy(value: Any) -> float | None:
    return value if isinstance(value, float) else None


def _accuracies(says: Any) -> dict[str, float]:
    return {name: value for name, value in says.items() if isinstance(value, float)} if isinstance(says, dict) else {}


def _thresholds(says: Any, path: Path) -> Thresholds:
    try:
        return Thresholds.model_validate(says)
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(["rejection", *map(str, problem["loc"])])
        raise ModelError(f"{path} must give a number for {name}, and has {problem['input']!r:.100}. {remedy(path)}") from None


def read(path: str | Path) -> Description:
    """The description of a file, without opening its model; an empty one if there is none that can be read."""
    try:
        with h5py.File(path, "r") as file:
            return parse(file.attrs[ATTRIBUTE], Path(path))
    except Exception:  # h5py raises whatever on nonsense
        return Description()
