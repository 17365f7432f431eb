"""A picture in, a digit out: the recogniser behind the window, which needs no window."""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from pipeline import exported, preprocessing, tensorflow_setup
from pipeline.arrays import SIDE, network_input

DEFAULT_MODEL = Path(__file__).resolve().parent.parent / "models" / "mnist.h5"


class Prediction(NamedTuple):
    """What a picture was read as.

    Attributes:
        digit: 0 to 9; None for a blank picture.
        probability: of that digit, 0 to 1.
        probabilities: of all ten, in their order; they sum to 1, or are all 0 for a blank picture.

    """

    digit: int | None
    probability: float
    probabilities: tuple[float, ...]


BLANK = Prediction(None, 0.0, (0.0,) * 10)


class Recognizer:
    """An opened model.

    Args:
        path: an exported ``.h5`` or ``.keras``.

    Raises:
        ModelError: the file is missing, broken, or not a digit model.

    """

    def __init__(self, path: Path) -> None:
        tensorflow_setup.start()
        import tensorflow as tf

        self.path = path
        self.description: dict[str, Any] = exported.describe(path)
        network = exported.open_model(path)
        # A traced function answers in a millisecond, where calling the model takes nine.
        signature = [tf.TensorSpec((1, SIDE, SIDE, 1), tf.float32)]
        self._infer = tf.function(lambda pictures: network(pictures, training=False), input_signature=signature)
        self._infer(tf.zeros((1, SIDE, SIDE, 1)))

    def predict(self, image: Image.Image) -> Prediction:
        """Read the one digit in `image`, of any mode, size and polarity."""
        picture = preprocessing.fit(image)
        if not picture.any():
            return BLANK
        probabilities = np.asarray(self._infer(network_input(picture[np.newaxis])))[0]
        digit = int(probabilities.argmax())
        return Prediction(digit, float(probabilities[digit]), tuple(map(float, probabilities)))


@cache
def _opened(path: Path, _changed: float) -> Recognizer:
    return Recognizer(path)


def predict_digit(image: Image.Image, model: Path | str | Recognizer | None = None) -> Prediction:
    """Read the one digit in a picture.

    Args:
        image: of any mode, size and polarity: bright ink on dark paper or dark on bright.
        model: an exported file, or an opened one; None: ``models/mnist.h5``. A file is opened once.

    Returns:
        The digit, its probability, and the probabilities of all ten.

    Raises:
        ModelError: the file is missing, broken, or not a digit model.

    """
    if not isinstance(model, Recognizer):
        path = Path(model or DEFAULT_MODEL).resolve()
        model = _opened(path, path.stat().st_mtime if path.exists() else 0.0)
    return model.predict(image)
