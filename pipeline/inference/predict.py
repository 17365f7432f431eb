"""Reading an image in one line of a script, a notebook or a server."""

import os
from functools import lru_cache
from pathlib import Path

from pipeline.images.picture_file import Picture
from pipeline.inference.default_model import default_model
from pipeline.inference.recognizer import Recognizer
from pipeline.inference.results import Prediction, Reading
from pipeline.system.errors import ModelError

Model = Path | str | Recognizer

KEPT_OPEN = 4  # models


def predict_digit(picture: Picture, model: Model | None = None) -> Prediction:
    """Read the one digit in an image. `read_picture` reads several, and tells what is no digit.

    If the image has several digits, or more pieces of ink than a digit has, a `UserWarning` says so.

    >>> predict_digit("seven.png").digit
    7

    Args:
        picture: a file (``str`` or ``Path``), the bytes of one, a Pillow image, or an array: see
            `pipeline.images.picture_file.picture_of`. Bright ink on dark paper or dark on bright.
        model: a file, or a `Recognizer`; None: ``models/mnist.h5``, or without one the model that ships with the program.
            The last four files stay open.

    Returns:
        The digit, its probability, and the probabilities of all ten. The digit is None for a blank image; `blank` says why.

    Raises:
        DataError: the image can't be read.
        ModelError: the model is missing, broken, or no model of digits.
    """
    return _recognizer(model).predict(picture)


def read_picture(picture: Picture, model: Model | None = None) -> Reading:
    """Read all digits in an image, row after row and each from left to right.

    >>> read_picture("2026.png").text
    '2026'

    Arguments and errors are those of `predict_digit`.

    Returns:
        The digits, each with its box in pixels of the image, upright, and of at most `LARGEST` pixels a side if it was a
        file; and whether it is sure. `text` is the number, of several rows each on a line.
        No digits for a blank image; `blank` says why.

    Raises:
        DataError: also, the image holds more pieces of ink than a few numbers have.
    """
    return _recognizer(model).read_picture(picture)


def _recognizer(model: Model | None) -> Recognizer:
    if isinstance(model, Recognizer):
        return model
    if model is not None and not isinstance(model, str | os.PathLike):
        raise ModelError(
            f"a model must be the path of a file or a Recognizer, and is {type(model).__name__}. "
            "Save a network of Keras first: model.save('name.keras')"
        )
    if model == "":
        raise ModelError("the path of the model is empty. Give one, or None for the model that is there.")
    return opened(default_model() if model is None else model)


def opened(path: str | Path) -> Recognizer:
    """Open a model file, which takes a second, or return what it was opened to lately.

    Raises:
        ModelError: the file is missing, broken, or no model of digits.
    """
    path = Path(path).resolve()
    return _open(path, path.stat().st_mtime if path.exists() else 0.0)


@lru_cache(KEPT_OPEN)
def _open(path: Path, _changed: float) -> Recognizer:
    return Recognizer(path)
