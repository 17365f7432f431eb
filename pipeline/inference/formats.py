"""The formats that a trained network is exported in, and what the exported model says of itself."""

import io
import json
import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from pipeline.config.schema import Configuration
from pipeline.config.stages import EXPORT
from pipeline.data import prepared
from pipeline.images.arrays import Pictures, Probabilities, network_input
from pipeline.images.preprocessing import VERSION
from pipeline.inference import exported
from pipeline.system.errors import ModelError
from pipeline.system.paths import MODEL_FILE, MODELS, REPORTS, replacing

if TYPE_CHECKING:
    import keras

H5 = MODELS / MODEL_FILE
FORMATS = MODELS / "formats"


def description(configuration: Configuration) -> dict[str, Any]:
    """What the exported file says of itself. Which run made it, and when, MLflow knows by the file's hash."""
    summary = prepared.summary()
    metrics = json.loads((REPORTS / "metrics.json").read_text(encoding="utf-8"))
    return {
        "dataset": summary["dataset"],
        "dataset_sha256": summary["sha256"],
        "class_names": summary["class_names"],
        "preprocessing_version": VERSION,
        "test_accuracy": metrics["test_accuracy"],
        "validation_accuracy": metrics["validation_accuracy"],
        "rejection": {
            "none_below": metrics["none_below"],
            "unsure_below": metrics["unsure_below"],
            "sure_from": configuration.export.sure_from,
        },
        "negatives_rejected": metrics["negatives_rejected"],
        "drawings_accuracy": metrics.get("drawings_accuracy"),
        "configuration": configuration.model_dump(include=set(EXPORT.groups)),
    }


def write_h5(
    network: "keras.Model", says: dict[str, Any], pictures: Pictures, expected: Probabilities, tolerance: float
) -> None:
    """Write ``models/mnist.h5``; it gets its name once it was opened again and reads all `pictures` as `network` does.

    Raises:
        ModelError: a probability differs by more than `tolerance`.

    """
    with replacing(H5) as temporary:
        network.save(temporary)
        with h5py.File(temporary, "r+") as file:
            file.attrs[exported.ATTRIBUTE] = json.dumps(says)
        reopened = exported.open_model(temporary)
        _compare(exported.predict(reopened, pictures), expected, tolerance, H5)


def write_keras(network: "keras.Model", path: Path, pictures: Pictures, expected: Probabilities, tolerance: float) -> None:
    """Write a ``.keras`` file, checked like the ``.h5``. It holds the time at which it was written."""
    with replacing(path) as temporary:
        network.save(temporary)
        _compare(exported.predict(exported.open_model(temporary), pictures), expected, tolerance, path)


def write_tflite(network: "keras.Model", path: Path, pictures: Pictures, expected: Probabilities, tolerance: float) -> None:
    """Write a TensorFlow Lite file, checked like the ``.h5``."""
    import tensorflow
    from ai_edge_litert.interpreter import Interpreter

    with replacing(path) as temporary:
        with redirect_stdout(io.StringIO()):  # the converter prints its signature
            # from_concrete_functions, the other way, drops the weights without a word.
            temporary.write_bytes(tensorflow.lite.TFLiteConverter.from_keras_model(network).convert())
        interpreter = Interpreter(str(temporary))
        given, returned = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
        interpreter.resize_tensor_input(given, (len(pictures), 28, 28, 1))
        interpreter.allocate_tensors()
        interpreter.set_tensor(given, network_input(pictures))
        interpreter.invoke()
        _compare(interpreter.get_tensor(returned), expected, tolerance, path)


def _compare(received: Probabilities, expected: Probabilities, tolerance: float, path: Path) -> None:
    difference = float(np.abs(received - expected).max())
    if not difference <= tolerance:
        raise ModelError(
            f"{path.name} does not read the test set as the trained network does: a probability may differ by {tolerance}, "
            f"and one differs by {difference}. Nothing was exported. If that is precise enough, raise export.tolerance."
        )


#: What `export.formats` can name: the file's name in ``models/formats/``, and what writes it, checked.
WRITERS: dict[str, tuple[str, Callable[..., None]]] = {
    "keras": ("mnist.keras", write_keras),
    "tflite": ("mnist.tflite", write_tflite),
}


def write(network: "keras.Model", configuration: Configuration) -> list[Path]:
    """Write all formats of the configuration and return their paths, the ``.h5`` first.

    Raises:
        ModelError: a file does not read the test set as `network` does.

    """
    says, pictures = description(configuration), prepared.load("test").pictures
    with np.load(REPORTS / "predictions.npz") as evaluated:
        expected = evaluated["probabilities"]
    tolerance = configuration.export.tolerance
    shutil.rmtree(FORMATS, ignore_errors=True)
    with replacing(FORMATS / "description.json") as temporary:  # what the .h5 carries inside and other formats can't
        temporary.write_text(json.dumps(says, indent=2) + "\n", encoding="utf-8")
    write_h5(network, says, pictures, expected, tolerance)
    written = [H5]
    for name in sorted(set(configuration.export.formats) & WRITERS.keys()):
        file, write_format = WRITERS[name]
        write_format(network, FORMATS / file, pictures, expected, tolerance)
        written.append(FORMATS / file)
    return written
