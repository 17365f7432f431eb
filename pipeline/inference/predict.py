"""Reading a picture in one line of a script, a notebook or a server."""

from functools import lru_cache
from pathlib import Path

from pipeline.images.picture_file import Picture
from pipeline.inference.default_model import default_model
from pipeline.inference.recognizer import Recognizer
from pipeline.inference.results import Prediction, Reading

Model = Path | str | Recognizer

KEPT_OPEN = 4  # models


def predict_digit(picture: Picture, model: Model | None = None) -> Prediction:
    """Read the one digit in a picture. `read_picture` reads several, and says what is no digit.

    Args:
        picture: a file (``str`` or ``Path``), the bytes of one, a Pillow image, or an array: see
            `pipeline.images.picture_file.picture_of`. Bright ink on dark paper or dark on bright.
        model: an exported file, or an opened one; None: ``models/mnist.h5``, or the one that ships with the program if there
            is none. The last four files stay open.

    Returns:
        The digit, its probability, and the probabilities of all ten. The digit is None for a blank picture; `blank` says why.

    Raises:
        DataError: the picture can't be read.
        ModelError: the model is missing, broken, or not a digit model.

    """
    return _opened(model).predict(picture)


def read_picture(picture: Picture, model: Model | None = None) -> Reading:
    """Read all digits in a picture, from left to right.

    Args:
        picture: as of `predict_digit`.
        model: likewise.

    Returns:
        The digits, each with its box in the picture and whether it is sure; `text` is the number. None for a blank picture.

    Raises:
        DataError: the picture can't be read, or holds more pieces of ink than a few numbers have.
        ModelError: the model is missing, broken, or not a digit model.

    """
    return _opened(model).read_picture(picture)


def _opened(model: Model | None) -> Recognizer:
    return model if isinstance(model, Recognizer) else opened(model or default_model())


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
