"""Model files as other people's programs wrote them, small, and reading digits: for the tests."""

import json
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from pipeline.images import hands
from pipeline.images.arrays import Split, network_input
from pipeline.images.hands import Hands
from tests.hand import DIGITS

HAND = Hands(
    pen_width=[2.0, 3.4],
    **dict.fromkeys(("slant", "stretch", "bend", "jitter", "ends", "shift"), 0.04),
    rotate_degrees=8.0,
    rounding=0.5,
)

Weights = dict[str, list[NDArray[np.float32]]]


@cache
def digits(count: int = 500, seed: int = 0) -> Split:
    """Images of digits, each as another hand would draw it."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = [hands.render([np.array(stroke) for stroke in DIGITS[int(digit)]], HAND, random) for digit in labels]
    return Split(np.stack(images), labels.astype(np.uint8))


def trained(*layers: Any, shape: tuple[int, ...] = (28, 28, 1), takes: Callable[[Any], Any] = lambda given: given) -> Any:
    """A network of `layers` and ten probabilities that reads digits: only the last numbers are fitted, by least squares.

    Args:
        layers: from `shape` to (n,), as they come, with random numbers.
        shape: of the input.
        takes: from network input, 0 to 1, to the values that the network is to be given.
    """
    import keras

    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input(shape), *layers, keras.layers.Dense(10, "softmax", name="answer")])
    given = np.asarray(takes(network_input(digits().images))).reshape(-1, *shape)
    features = np.asarray(keras.Model(network.inputs[0], network.layers[-1].input)(given))
    features = np.hstack([features, np.ones((len(features), 1))])
    wanted = np.eye(10)[digits().labels] - 0.1
    weights = features.T @ np.linalg.solve(features @ features.T + np.eye(len(features)), wanted)  # ridge regression
    network.layers[-1].set_weights([20 * weights[:-1], 20 * weights[-1]])
    return network


def weights_of(network: Any) -> Weights:
    return {layer.name: layer.get_weights() for layer in network.layers if layer.get_weights()}


def write_old(path: Path, definition: Any, weights: Weights, version: str = "2.2.4", text: bool = False) -> Path:
    """Write an .h5 file as Keras 1 and 2 did, and tf.keras: layers and weights by name, attributes mostly bytes."""
    encode: Callable[[str], Any] = str if text else lambda value: np.bytes_(value.encode())
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = encode(version), encode("tensorflow")
        file.attrs["model_config"] = encode(json.dumps(definition))
        file.attrs["training_config"] = encode(json.dumps({"optimizer_config": {"class_name": "Adadelta", "config": {}}}))
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in weights]
        group.attrs["keras_version"], group.attrs["backend"] = encode(version), encode("tensorflow")
        for name, values in weights.items():
            names = [f"{name}/number_{number}:0" for number in range(len(values))]
            group.create_group(name).attrs["weight_names"] = [each.encode() for each in names]
            for each, value in zip(names, values, strict=True):
                group[name][each] = value
    return path


def old_layer(class_name: str, name: str, **config: Any) -> dict[str, Any]:
    """A layer of a definition, with initial values as Keras 2.0 to 2.3 wrote them."""
    random = {
        "class_name": "VarianceScaling",
        "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None},
    }
    more: dict[str, Any] = {"name": name, "trainable": True}
    if class_name in ("Conv2D", "Dense"):
        more |= {"kernel_initializer": random, "bias_initializer": {"class_name": "Zeros", "config": {}}, "use_bias": True}
        more |= {"kernel_regularizer": None, "activity_regularizer": None, "kernel_constraint": None, "bias_constraint": None}
    return {"class_name": class_name, "config": more | config}


def changed(source: Path, target: Path, members: Mapping[str, bytes | None], compression: int = zipfile.ZIP_STORED) -> Path:
    """A copy of a .keras archive with other members; None: without it."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w", compression) as made:
        for name in archive.namelist():
            if (content := members.get(name, archive.read(name))) is not None:
                made.writestr(name, content)
    return target


def right(network: Any) -> float:
    """The part of other digits, as network input, that a network tells right."""
    shown = digits(100, seed=1)
    return float(np.mean(np.asarray(network(network_input(shown.images))).argmax(axis=1) == shown.labels))
