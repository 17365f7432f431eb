"""Opening a model file, and reading images with the model."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.images.arrays import Images, Probabilities, network_input
from pipeline.inference import definitions, description, fitting, limits, model_file
from pipeline.inference.description import Description
from pipeline.inference.harmless import Refused
from pipeline.system.errors import ModelError
from pipeline.system.quiet import without_warnings

if TYPE_CHECKING:
    import keras

BATCH = 1000  # images at once; no effect on the result


def open_model(path: str | Path) -> "keras.Model":
    """Open a model file, ``.h5`` or ``.keras``: see `open_described`."""
    return open_described(path)[0]


def open_described(path: str | Path) -> tuple["keras.Model", Description | None]:
    """Open a model file of any Keras. Its content decides what it is, and not its ending.

    Returns:
        A model from network input, (n, 28, 28, 1) float32, to probabilities, (n, 10) float32 (see `fitting.fitted`); and
        what the file says of itself, None for somebody else's.

    Raises:
        ModelError: the file is missing or broken, asks for more than harmless layers or for too much, or is no model of digits.
    """
    path = Path(path)
    try:
        with tempfile.TemporaryDirectory(prefix="model-") as folder:
            found = model_file.read(path, Path(folder))
            says = None if found.description is None else description.parse(found.description, path)
            return _build(json.dumps(definitions.modern(found.definition)), found.weights), says
    except Refused as error:
        raise ModelError(f"{path} {error}. It was not opened.") from None
    except ModelError:
        raise
    except Exception as error:  # Keras raises whatever its layers raise on nonsense
        raise ModelError(f"{path} can't be opened as a Keras model: {model_file.first_line(error)}") from None


def _build(definition: str, weights: Path) -> "keras.Model":
    import keras

    with without_warnings():  # of arguments that are old, and of weights that only training needs
        limits.check(definition)
        model = fitting.fitted(keras.models.model_from_json(definition))
        model.load_weights(weights)
    return model


def predict(model: "keras.Model", images: Images) -> Probabilities:
    """What a model from network input to probabilities, or to logits, says of prepared images: (n, 10) float32."""
    parts = [
        np.asarray(model(network_input(images[begin : begin + BATCH]), training=False), np.float32)
        for begin in range(0, len(images), BATCH)
    ]
    return np.concatenate(parts)
