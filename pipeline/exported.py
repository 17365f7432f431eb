"""Model files: opening them without running what a stranger put in, and the description that ours carry.

``keras.models.load_model`` on a stranger's file has run code (CVE-2024-3660, CVE-2025-9905) and read other files through
HDF5's external links (CVE-2026-1669). So the layers that a file asks for are read as JSON and compared with a list of what is
harmless, and its links are looked at, before Keras sees it.
"""

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from pipeline.arrays import CLASSES, SIDE, Pictures, Probabilities, network_input
from pipeline.errors import ModelError

if TYPE_CHECKING:
    import keras

#: Attribute of the .h5 file that holds the description, as JSON.
ATTRIBUTE = "handwritten_digits"

#: All that a definition may name: layers that compute and do nothing else, and what these are made with.
HARMLESS = {
    *(
        "Functional",
        "Sequential",
        "Model",
        "InputLayer",
        "Rescaling",
        "Normalization",
        "Reshape",
        "Flatten",
        "ZeroPadding2D",
    ),
    *(
        "Conv2D",
        "DepthwiseConv2D",
        "SeparableConv2D",
        "Dense",
        "BatchNormalization",
        "LayerNormalization",
        "Activation",
    ),
    *("ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D"),
    *(
        "GlobalMaxPooling2D",
        "Dropout",
        "SpatialDropout2D",
        "GaussianNoise",
        "Add",
        "Concatenate",
        "Multiply",
        "Average",
    ),
    *(
        "GlorotUniform",
        "GlorotNormal",
        "HeUniform",
        "HeNormal",
        "LecunUniform",
        "LecunNormal",
        "Orthogonal",
        "Constant",
    ),
    *("RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Zeros", "Ones", "L1", "L2", "L1L2"),
    *("DTypePolicy", "__keras_tensor__", "__tuple__", "__numpy__", "__ellipsis__"),
}
MOST_BYTES = 500 * 2**20  # of a model file


def check(path: Path) -> None:
    """Make sure that a model file is one, and harmless, without starting Keras.

    Raises:
        ModelError: the file is missing or broken, or holds more than harmless layers.

    """
    if not path.is_file():
        raise ModelError(f"there is no model {path}. Make one: dvc repro")
    if path.stat().st_size > MOST_BYTES:
        raise ModelError(f"{path} must be at most {MOST_BYTES:,} bytes, and is {path.stat().st_size:,}.")
    try:
        definition = _definition_of_h5(path) if h5py.is_hdf5(path) else _definition_of_keras(path)
    except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} is not a whole Keras model: {error}. Export it again: dvc repro") from None
    if strange := sorted(_classes(definition) - HARMLESS):
        raise ModelError(f"{path} holds what is not known to be harmless: {', '.join(strange)}. It was not opened.")


def open_model(path: Path) -> "keras.Model":
    """Open a model file, ``.h5`` or ``.keras``.

    Returns:
        A model from network input, (n, 28, 28, 1) float32, to probabilities, (n, 10) float32.

    Raises:
        ModelError: the file is missing or broken, holds more than harmless layers, or has another form.

    """
    check(path)
    import keras

    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever its layers raise on nonsense
        raise ModelError(f"{path} can't be opened as a Keras model: {str(error).splitlines()[0]}") from None
    received = f"{model.input_shape} and {model.output_shape}"
    if model.input_shape != (None, SIDE, SIDE, 1) or model.output_shape != (None, CLASSES):
        raise ModelError(f"{path} must go from (None, 28, 28, 1) to (None, 10), and its shapes are {received}.")
    return model


def _definition_of_h5(path: Path) -> Any:
    with h5py.File(path, "r") as file:
        _refuse_links(file, path)
        return json.loads(file.attrs["model_config"])


def _definition_of_keras(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        with archive.open("model.weights.h5") as weights, h5py.File(weights, "r") as file:
            _refuse_links(file, path)
        return json.loads(archive.read("config.json"))


def _refuse_links(group: h5py.Group, path: Path) -> None:
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ModelError(f"{path} holds a link to something outside of it: {name}. It was not opened.")
        if isinstance(item := group[name], h5py.Group):
            _refuse_links(item, path)
        elif item.external:
            raise ModelError(f"{path} keeps {name} in another file. It was not opened.")


def _classes(definition: Any) -> set[str]:
    """Everything that a model's definition asks Keras to make, by name; with its module where that isn't Keras."""
    if isinstance(definition, list):
        return set().union(*map(_classes, definition))
    if not isinstance(definition, dict):
        return set()
    found = set().union(*map(_classes, definition.values()))
    if "class_name" in definition:
        name, module = str(definition["class_name"]), definition.get("module") or "keras"
        found.add(name if module.partition(".")[0] in ("keras", "builtins") else f"{module}.{name}")
    return found


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


def describe(path: Path) -> dict[str, Any]:
    """What an exported ``.h5`` says of itself: see `pipeline.export.description`. Empty for somebody else's file."""
    try:
        with h5py.File(path, "r") as file:
            return dict(json.loads(file.attrs.get(ATTRIBUTE, "{}")))
    except (OSError, ValueError):
        return {}
