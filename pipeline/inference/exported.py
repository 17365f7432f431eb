"""Model files: opening them without running what a stranger put in, and the description that ours carry."""

import json
import math
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from pipeline.images.arrays import CLASSES, SIDE, Pictures, Probabilities, network_input
from pipeline.inference import definitions, model_file
from pipeline.system.errors import ModelError

if TYPE_CHECKING:
    import keras

#: Attribute of the .h5 file that holds the description, as JSON.
ATTRIBUTE = model_file.DESCRIPTION

# What a few kilobytes of definition may ask for. Networks for pictures of digits have a tenth of it.
MOST_PARAMETERS = 50_000_000
MOST_ENTRIES = 1500  # layers, and tensors between them; a network of 400 layers has 900
MOST_VALUES = 4_000_000  # of one layer's output for one picture
MOST_STEPS = 1024  # in time, or places that attend to each other, of which the 784 pixels are the most that makes sense
IN_STEPS = ("Attention", "Bidirectional", "GRU", "LSTM", "RNN", "TimeDistributed")


def check(path: str | Path) -> None:
    """Make sure that a model file is one, and harmless, without starting Keras.

    Raises:
        ModelError: the file is missing or broken, or holds more than harmless layers.

    """
    with model_file.read(Path(path)):
        pass


def open_model(path: str | Path) -> "keras.Model":
    """Open a model file, ``.h5`` or ``.keras``: see `open_described`."""
    return open_described(path)[0]


def open_described(path: str | Path) -> tuple["keras.Model", dict[str, Any]]:
    """Open a model file of any Keras; what it is, is told by its content and not by its ending.

    Models that take the pixels in another shape are given layers in front that bring them there: see `definitions.fitted`.

    Returns:
        A model from network input, (n, 28, 28, 1) float32, to probabilities, (n, 10) float32; and what the file says of itself,
        see `pipeline.export.description`, which is empty for somebody else's file.

    Raises:
        ModelError: the file is missing or broken, holds more than harmless layers, asks for too much, or has another form.

    """
    path = Path(path)
    with model_file.read(path) as found:
        says = _description(found.description or "{}", path)
        try:
            return _built(definitions.modern(found.definition), found.weights, path), says
        except ModelError:
            raise
        except Exception as error:  # Keras raises whatever its layers raise on nonsense
            raise ModelError(f"{path} can't be opened as a Keras model: {model_file.first_line(error)}") from None


def _description(text: str | bytes, path: Path) -> dict[str, Any]:
    try:
        says = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        says = text
    if not isinstance(says, dict):
        raise ModelError(f"{path} must describe itself as a JSON object, and does by {says!r:.100}. {model_file.AGAIN}")
    return says


def _built(definition: dict[str, Any], weights: Path, path: Path) -> "keras.Model":
    import keras

    text = json.dumps(definitions.fitted(definition))
    if (count := text.count('"class_name"')) > MOST_ENTRIES:
        raise ModelError(f"{path} asks for {count:,} layers and tensors, and may for {MOST_ENTRIES:,}. It was not opened.")
    # What is made without numbers is forgotten with its thread: Keras would give it numbers later.
    with ThreadPoolExecutor(1) as apart:
        apart.submit(_check_shapes, text, definitions.input_shape(definition), path).result()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of arguments that are old, and of numbers that only training needs
        model = keras.models.model_from_json(text)
        model.load_weights(weights)
    return model


def _check_shapes(definition: str, given: list[int | None] | None, path: Path) -> None:
    """Make the model without its numbers, which takes no memory, and look at the shapes; `given` is what the file's takes."""
    import keras

    with warnings.catch_warnings(), keras.StatelessScope(initialize_variables=False):
        warnings.simplefilter("ignore")
        model = keras.models.model_from_json(definition)
    if model.input_shape != (None, SIDE, SIDE, 1) or model.output_shape != (None, CLASSES):
        received = f"{tuple(given) if given else model.input_shape} and {model.output_shape}"
        raise ModelError(
            f"{path} must go from (None, 28, 28, 1), or the same pixels in a row or a square, to (None, 10), and its shapes "
            f"are {received}. Choose another model."
        )
    if (parameters := model.count_params()) > MOST_PARAMETERS:
        raise ModelError(f"{path} asks for {parameters:,} parameters, and may for {MOST_PARAMETERS:,}. It was not opened.")
    if (values := max(map(_values, _shapes(model.get_config(), model)))) > MOST_VALUES:
        raise ModelError(
            f"{path} makes {values:,} numbers of a picture in a layer, and may {MOST_VALUES:,}. It was not opened."
        )
    for layer in _layers(model):
        steps = max((_values(tensor.shape[:-1]) for tensor in keras.tree.flatten(layer.input)), default=0)
        if any(word in type(layer).__name__ for word in IN_STEPS) and steps > MOST_STEPS:
            raise ModelError(f"{path} takes {steps:,} steps in {layer.name}, and may {MOST_STEPS:,}. It was not opened.")


def _layers(model: "keras.Model") -> Iterator["keras.Layer"]:
    """The layers of a model, and those of the models among them."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers(layer)


def _shapes(configuration: Any, model: "keras.Model") -> Iterator[tuple[int | None, ...]]:
    """The shapes of all tensors of a model: those between the nodes of its graphs, and its layers' first outputs."""
    import keras

    for layer in _layers(model):
        yield from (tensor.shape for tensor in keras.tree.flatten(layer.output))
    waiting = [configuration]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("class_name") == "__keras_tensor__":
                yield value["config"]["shape"]
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value


def _values(shape: tuple[int | None, ...]) -> int:
    """How many numbers a tensor has for one picture; (batch, ...)."""
    return math.prod(SIDE if side is None else side for side in shape[1:])


def predict(model: "keras.Model", pictures: Pictures, batch_size: int = 1000) -> Probabilities:
    """Probabilities of prepared pictures.

    Args:
        model: from network input to probabilities.
        pictures: (n, 28, 28) uint8.
        batch_size: pictures at once.

    Returns:
        (n, 10) float32.

    """
    parts = [
        np.asarray(model(network_input(pictures[begin : begin + batch_size]), training=False), np.float32)
        for begin in range(0, len(pictures), batch_size)
    ]
    return np.concatenate(parts)


def describe(path: str | Path) -> dict[str, Any]:
    """What an exported ``.h5`` says of itself, without opening the model; empty if it says nothing that can be read."""
    try:
        with h5py.File(path, "r") as file:
            return _description(file.attrs.get(ATTRIBUTE, "{}"), Path(path))
    except (ModelError, Exception):  # h5py raises whatever on nonsense
        return {}
