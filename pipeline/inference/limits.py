"""How much a model file may ask for. A few kilobytes can ask for any amount; networks for digits have a tenth of this."""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from pipeline.images.arrays import CLASSES, SIDE
from pipeline.inference.fitting import fitted
from pipeline.inference.harmless import Refused

if TYPE_CHECKING:
    import keras

MOST_ENTRIES = 1500  # layers, and tensors between them; a network of 400 layers has 900
MOST_PARAMETERS = 50_000_000
MOST_VALUES = 4_000_000  # of one layer's output for one image
MOST_STEPS = 1024  # in time, or places that attend to each other, of which the 784 pixels are the most that makes sense
IN_STEPS = ("Attention", "Bidirectional", "GRU", "LSTM", "RNN", "TimeDistributed")


def check(definition: str) -> None:
    """Make sure that a definition, as JSON, is of a model that reads images of digits and is not too large.

    Raises:
        Refused: its input or its output has another shape, or it is too large.
    """
    _must_be_at_most(MOST_ENTRIES, definition.count('"class_name"'), "layers and tensors")
    with ThreadPoolExecutor(1) as apart:  # Keras would give weights to the network later, if the thread did not end
        apart.submit(_check, definition).result()


def _check(definition: str) -> None:
    import keras

    with keras.StatelessScope(initialize_variables=False):  # it has no weights, and takes no memory
        network = keras.models.model_from_json(definition)
        model = fitted(network)
    if model.input_shape != (None, SIDE, SIDE, 1) or model.output_shape != (None, CLASSES):
        raise Refused(
            "must go from (None, 28, 28, 1), or the same pixels in a row or a square, to (None, 10), and its shapes are "
            f"{network.input_shape} and {network.output_shape}"
        )
    _must_be_at_most(MOST_PARAMETERS, model.count_params(), "parameters")
    _must_be_at_most(MOST_VALUES, max(map(_values, _shapes(model))), "numbers for an image in one layer")
    for layer in _layers(model):
        if any(word in type(layer).__name__ for word in IN_STEPS):
            steps = max(_values(tensor.shape[:-1]) for tensor in keras.tree.flatten(layer.input))
            _must_be_at_most(MOST_STEPS, steps, f"steps in {layer.name}")


def _must_be_at_most(most: int, count: int, what: str) -> None:
    if count > most:
        raise Refused(f"asks for {count:,} {what}, and at most {most:,} are allowed")


def _layers(model: "keras.Model") -> Iterator["keras.Layer"]:
    """The layers of a model, and those of the models among them."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers(layer)


def _shapes(model: "keras.Model") -> Iterator[tuple[int | None, ...]]:
    """The shapes of all tensors of a model: its layers' first outputs, and those that a layer is given in any of its calls."""
    import keras

    for layer in _layers(model):
        yield from (tensor.shape for tensor in keras.tree.flatten(layer.output))
    waiting: list[Any] = [model.get_config()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("class_name") == "__keras_tensor__":
                yield value["config"]["shape"]
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value


def _values(shape: tuple[int | None, ...]) -> int:
    """How many numbers a tensor (batch, ...) has for one image."""
    return math.prod(SIDE if side is None else side for side in shape[1:])
