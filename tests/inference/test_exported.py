"""Real model files: ours, and ones that are not what they should be."""

import json
import shutil
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

import h5py
import numpy as np
import pytest

from pipeline.inference import description, exported, formats
from pipeline.inference.description import Description
from pipeline.system import tensorflow_setup
from pipeline.system.errors import ModelError
from tests.data.test_datasets import configured

PICTURES = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)


@pytest.fixture(scope="module")
def keras() -> Any:
    """The library, in the tests that need it."""
    tensorflow_setup.start()
    import keras

    return keras


@pytest.fixture(scope="module")
def build(keras: Any) -> Callable[..., Any]:
    """The function that builds a network."""
    from pipeline.training.network import build

    return build


@pytest.fixture(scope="module")
def network(build: Callable[..., Any]) -> Any:
    return build(configured("model=mlp", "model.dense=[{units: 16, activation: relu}]").model, 0.13, 0.31, 0)


@pytest.fixture(scope="module")
def h5(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "mnist.h5"
    network.save(path)
    return path


def test_an_exported_file_is_opened_by_plain_keras_and_describes_itself(keras: Any, network: Any, tmp_path: Path) -> None:
    exporting = tmp_path / "mnist.h5"
    expected = exported.predict(network, PICTURES)
    says = {"dataset": "mnist", "test_accuracy": 0.99, "outside": {"mine": 0.97}, "note": ["x"]}
    formats.write_checked(exporting, partial(formats.write_h5, network, says, PICTURES), expected, 1e-5)
    assert not keras.saving.get_custom_objects()  # nothing of this project, which another program would not have
    for opened in (keras.models.load_model(exporting), exported.open_model(exporting)):
        np.testing.assert_allclose(exported.predict(opened, PICTURES), expected, atol=1e-6)
    assert description.read(exporting) == Description(dataset="mnist", test_accuracy=0.99, outside={"mine": 0.97})


def test_the_accuracies_on_other_sets_are_those_with_an_interval() -> None:
    intervals = {f"{name}_accuracy_low": 0.9 for name in ("test", "drawings", "corrupted")}
    values = {"test_accuracy": 0.99, "drawings_accuracy": 0.98, "corrupted_accuracy": 0.95, "corrupted_fog_accuracy": 0.5}
    assert description.outside_accuracies(values | intervals) == {"drawings": 0.98, "corrupted": 0.95}


def test_a_file_that_reads_differently_does_not_get_its_name(network: Any, tmp_path: Path) -> None:
    exporting = tmp_path / "mnist.h5"
    exporting.write_bytes(b"what was there")
    wrong = np.roll(exported.predict(network, PICTURES), 1, axis=1)
    with pytest.raises(ModelError, match=r"export\.tolerance"):
        formats.write_checked(exporting, partial(formats.write_h5, network, {}, PICTURES), wrong, 1e-5)
    assert exporting.read_bytes() == b"what was there"
    assert list(exporting.parent.iterdir()) == [exporting]


@pytest.mark.parametrize("name", ["tflite", "onnx"])
@pytest.mark.parametrize(
    "model", ["model=mlp", *(pytest.param(other, marks=pytest.mark.slow) for other in ("model=cnn", "experiment=textbook"))]
)
def test_a_format_that_keras_does_not_read_reads_as_the_network_does(
    build: Callable[..., Any], name: formats.Format, model: str, tmp_path: Path
) -> None:
    network, path = build(configured(model).model, 0.13, 0.31, 0), tmp_path / f"mnist.{name}"
    read = formats.FORMATS[name](network, {}, PICTURES, path)
    np.testing.assert_allclose(read, exported.predict(network, PICTURES), atol=1e-4)
    assert path.stat().st_size > 1000


def test_a_network_with_an_operation_that_onnx_lacks_is_told(build: Callable[..., Any], tmp_path: Path) -> None:
    network = build(configured("model=mlp", "model.dense=[{units: 16, activation: gelu}]").model, 0.13, 0.31, 0)
    with pytest.raises(ModelError, match=r"(?s)can't be written as ONNX: .*Erfc.*Take onnx out of export\.formats"):
        formats.write_onnx(network, {}, PICTURES, tmp_path / "mnist.onnx")


def test_every_format_that_can_be_chosen_has_what_writes_it() -> None:
    assert list(formats.FORMATS) == list(get_args(formats.Format))


def test_every_network_of_conf_can_be_opened_again(build: Callable[..., Any], tmp_path: Path) -> None:
    for number, overrides in enumerate((["model=cnn"], ["model=mlp"], ["experiment=textbook"])):
        configuration = configured(*overrides).model
        network = build(configuration, 0.13, 0.31, 0)
        for suffix in (".h5", ".keras"):
            network.save(tmp_path / f"{number}{suffix}")
            exported.open_model(tmp_path / f"{number}{suffix}")
    everything = configured(
        "model.blocks.0.batch_normalization=true", "model.blocks.1.pooling=average", "model.blocks.2.dropout=0.1",
        *(f"model.blocks.{number}.activation={name}" for number, name in enumerate(("silu", "leaky_relu", "gelu"))),
    )  # fmt: skip
    build(everything.model, 0.13, 0.31, 0).save(tmp_path / "all.h5")
    exported.open_model(tmp_path / "all.h5")


@pytest.mark.parametrize("content", [b"", b"rubbish", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"])
def test_a_broken_file_is_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.h5"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.h5"):
        exported.open_model(path)


def test_a_file_cut_short_is_told(h5: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.h5"
    path.write_bytes(h5.read_bytes()[: h5.stat().st_size // 2])
    with pytest.raises(ModelError, match=r"cut\.h5"):
        exported.open_model(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model"):
        exported.open_model(tmp_path / "missing.h5")


def test_a_model_of_another_shape_is_told_with_both_shapes(keras: Any, tmp_path: Path) -> None:
    path = tmp_path / "other.h5"
    keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(5)]).save(path)
    with pytest.raises(ModelError, match=r"\(None, 28, 28, 1\).*\(None, 32, 32, 3\)"):
        exported.open_model(path)


def test_code_in_a_file_is_not_run(keras: Any, h5: Path, tmp_path: Path) -> None:
    """CVE-2024-3660 and CVE-2025-9905: a Lambda layer in a legacy file."""
    network = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Lambda(lambda x: x[:, :10])])
    for name in ("lambda.h5", "lambda.keras"):
        network.save(tmp_path / name)
        with pytest.raises(ModelError, match=r"not known to be harmless: .*Lambda"):
            exported.open_model(tmp_path / name)


@pytest.mark.parametrize(
    "entry",
    [
        {"class_name": "function", "module": "builtins", "config": "print", "registered_name": "function"},
        {"class_name": "Popen", "module": "subprocess", "config": {"args": "true"}, "registered_name": None},
        {"class_name": "Dense", "module": "evil", "config": {}, "registered_name": None},
        {"class_name": "TorchModuleWrapper", "module": "keras.layers", "config": {}, "registered_name": None},
        {"class_name": "__lambda__", "config": {"value": "bHMK"}},
    ],
    ids=lambda entry: str(entry["class_name"]),
)
def test_a_definition_that_asks_for_anything_else_is_refused(entry: dict[str, object], h5: Path, tmp_path: Path) -> None:
    path = tmp_path / "strange.h5"
    shutil.copy(h5, path)
    with h5py.File(path, "r+") as file:
        definition = json.loads(file.attrs["model_config"])
        definition["config"]["layers"][1]["config"]["activation"] = entry
        file.attrs["model_config"] = json.dumps(definition)
    with pytest.raises(ModelError, match="not known to be harmless"):
        exported.open_model(path)


def test_links_to_other_files_are_refused(h5: Path, tmp_path: Path) -> None:
    """CVE-2026-1669: HDF5's external links and external storage."""
    (tmp_path / "secret").write_bytes(b"s" * 400)
    linked, stored = tmp_path / "linked.h5", tmp_path / "stored.h5"
    for path in (linked, stored):
        shutil.copy(h5, path)
    with h5py.File(linked, "r+") as file:
        file["model_weights/secret"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
    with h5py.File(stored, "r+") as file:
        file.create_dataset("model_weights/secret", (100,), "float32", external=[(str(tmp_path / "secret"), 0, 400)])
    for path in (linked, stored):
        with pytest.raises(ModelError, match="It was not opened"):
            exported.open_model(path)


def test_external_weights_within_a_keras_archive_are_refused(network: Any, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.keras", tmp_path / "bad.keras"
    network.save(good)
    weights = tmp_path / "weights.h5"
    with zipfile.ZipFile(good) as archive, zipfile.ZipFile(bad, "w") as changed:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "model.weights.h5":
                weights.write_bytes(content)
                with h5py.File(weights, "r+") as file:
                    file["secret"] = h5py.ExternalLink("/etc/other.h5", "/x")
                content = weights.read_bytes()
            changed.writestr(name, content)
    with pytest.raises(ModelError, match="It was not opened"):
        exported.open_model(bad)


def test_somebody_elses_file_has_no_description(h5: Path, tmp_path: Path) -> None:
    assert description.read(h5) == Description()
    assert description.read(tmp_path / "missing.h5") == Description()
