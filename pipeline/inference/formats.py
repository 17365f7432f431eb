"""The formats that a trained network is exported in, and what the exported model says of itself.

To add one: a function that writes it and reads it again, its name in `Format`, and its line in `FORMATS`.
"""

import io
import json
import shutil
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from pipeline.data import prepared
from pipeline.images.arrays import Images, Probabilities, network_input
from pipeline.images.preprocessing import VERSION
from pipeline.inference.rejection import Thresholds
from pipeline.system.errors import ModelError
from pipeline.system.paths import MODEL_FILE, MODELS, REPORTS, replacing
from pipeline.system.section import Positive, Section

if TYPE_CHECKING:
    import keras

#: Writes a network, and what it says of itself, to a path, and returns what the file, opened again, reads of images.
Writer = Callable[["keras.Model", dict[str, Any], Images, Path], Probabilities]


def write_h5(network: "keras.Model", says: dict[str, Any], images: Images, path: Path) -> Probabilities:
    """The file that the window opens, and plain Keras."""
    import h5py  # in each function, not with the options: it takes a while

    from pipeline.inference import description, exported

    network.save(path)
    with h5py.File(path, "r+") as file:
        file.attrs[description.ATTRIBUTE] = json.dumps(says)
    return exported.predict(exported.open_model(path), images)


def write_keras(network: "keras.Model", _: dict[str, Any], images: Images, path: Path) -> Probabilities:
    """Keras' archive. It holds the time at which it was written."""
    from pipeline.inference import exported

    network.save(path)
    return exported.predict(exported.open_model(path), images)


def write_tflite(network: "keras.Model", _: dict[str, Any], images: Images, path: Path) -> Probabilities:
    """TensorFlow Lite."""
    import tensorflow
    from ai_edge_litert.interpreter import Interpreter

    with redirect_stdout(io.StringIO()):  # the converter prints its signature
        # from_concrete_functions, the other way, drops the weights without a word.
        path.write_bytes(tensorflow.lite.TFLiteConverter.from_keras_model(network).convert())
    read = Interpreter(str(path)).get_signature_runner()
    (given,) = read.get_input_details()
    probabilities: Probabilities
    (probabilities,) = read(**{given: network_input(images)}).values()
    return probabilities


def write_onnx(network: "keras.Model", _: dict[str, Any], images: Images, path: Path) -> Probabilities:
    """ONNX, which runtimes of other libraries and languages read. The numbers in names of its constants differ each time.

    Raises:
        ModelError: ONNX lacks an operation of the network.
    """
    import onnx
    import onnxruntime

    network(network_input(images[:1]))  # Keras exports only what was called
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Keras looks for an alias that NumPy has removed
        network.export(path, format="onnx", verbose=False)
    try:
        onnx.checker.check_model(path, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ModelError(
            f"this network can't be written as ONNX: {str(error).splitlines()[0]}\n"
            "Take onnx out of export.formats, or train with another activation: model.block, model.blocks, model.dense."
        ) from None
    session = onnxruntime.InferenceSession(path)
    probabilities: Probabilities = session.run(None, {session.get_inputs()[0].name: network_input(images)})[0]
    return probabilities


Format = Literal["h5", "keras", "tflite", "onnx"]
FORMATS: dict[Format, Writer] = {"h5": write_h5, "keras": write_keras, "tflite": write_tflite, "onnx": write_onnx}


class Export(Section):
    """What is written."""

    formats: Annotated[list[Format], Field(min_length=1)]
    tolerance: Positive

    @field_validator("formats")
    @classmethod
    def _have_h5(cls, formats: list[Format]) -> list[Format]:
        if "h5" not in formats:
            raise ValueError("must contain h5, which the window opens: add it to the list")
        return formats


class ExportOptions(Section):
    """The groups of the configuration that decide what is exported, besides those of the stages before."""

    export: Export


def description(configuration: dict[str, Any]) -> dict[str, Any]:
    """What the exported file says of itself. Which run made it, and when, MLflow knows by the file's hash."""
    from pipeline.inference.description import outside_accuracies  # with h5py, not with the options

    summary = prepared.summary()
    metrics = json.loads((REPORTS / "all_metrics.json").read_text(encoding="utf-8"))
    return {
        "dataset": summary["dataset"],
        "dataset_sha256": summary["sha256"],
        "class_names": summary["class_names"],
        "preprocessing_version": VERSION,
        "test_accuracy": metrics["test_accuracy"],
        "validation_accuracy": metrics["validation_accuracy"],
        "rejection": {name: metrics[name] for name in Thresholds.model_fields},
        "negatives_rejected": metrics["negatives_rejected"],
        "outside": outside_accuracies(metrics),
        "configuration": configuration,
    }


def write(network: "keras.Model", options: Export, configuration: dict[str, Any]) -> list[Path]:
    """Write a trained network as ``models/mnist.h5``, and in the other formats that are wanted into ``models/formats/``.

    The configuration has the values of all groups that it was made with. Returns the files, the ``.h5`` first.

    Raises:
        ModelError: a file does not read the test set as `network` does.
    """
    says, folder = description(configuration), MODELS / "formats"
    shutil.rmtree(folder, ignore_errors=True)
    with replacing(folder / "description.json") as temporary:  # what the .h5 carries inside and other formats can't
        temporary.write_text(json.dumps(says, indent=2) + "\n", encoding="utf-8")
    images = prepared.load("test").images
    with np.load(REPORTS / "predictions.npz") as evaluated:
        expected = evaluated["probabilities"]
    written = []
    for name in [name for name in FORMATS if name in options.formats]:
        path = MODELS / MODEL_FILE if name == "h5" else folder / f"mnist.{name}"
        write_checked(path, partial(FORMATS[name], network, says, images), expected, options.tolerance)
        written.append(path)
    return written


def write_checked(path: Path, write: Callable[[Path], Probabilities], expected: Probabilities, tolerance: float) -> None:
    """Write a file; it gets its name once it was opened again and reads the images as `expected`.

    Raises:
        ModelError: a probability differs by more than `tolerance`.
    """
    with replacing(path) as temporary:
        difference = float(np.abs(write(temporary) - expected).max())
        if not difference <= tolerance:
            raise ModelError(
                f"{path.name} does not read the test set as the trained network does: a probability may differ by {tolerance}, "
                f"and one differs by {difference}. Nothing was exported. If that is precise enough, raise export.tolerance."
            )
