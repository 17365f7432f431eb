"""Other people's model files: opened right, whatever Keras wrote them, or refused with the reason."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from gui import Recognizer, predict_digit
from pipeline.inference import definitions, description, exported, harmless, model_file
from pipeline.inference.description import Description
from pipeline.inference.rejection import Thresholds
from pipeline.system import tensorflow_setup
from pipeline.system.errors import ModelError
from tests import strangers
from tests.strangers import changed, old_layer, right, trained, weights_of, write_old

CONVOLUTION = {"kernel_size": [3, 3], "strides": [1, 1], "data_format": "channels_last", "dilation_rate": [1, 1]}
POOLING = {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid", "data_format": "channels_last"}


@pytest.fixture(scope="module")
def keras() -> Any:
    """The library, in the tests that need it."""
    tensorflow_setup.start()
    import keras

    return keras


@pytest.fixture(scope="module")
def L(keras: Any) -> Any:  # noqa: N802
    return keras.layers


@pytest.fixture(scope="module")
def cnn(L: Any) -> Any:
    """The layers of keras-examples' mnist_cnn.py, fewer and smaller."""
    layers = [L.Conv2D(4, 3, activation="relu", name="conv2d_1"), L.MaxPooling2D(name="max_pooling2d_1"), L.Dropout(0.25)]
    network = trained(*layers, L.Flatten(name="flatten_1"))
    assert right(network) >= 0.9
    return network


def old_cnn(**first: Any) -> list[dict[str, Any]]:
    return [
        old_layer("Conv2D", "conv2d_1", filters=4, padding="valid", activation="relu", **CONVOLUTION, **first),
        old_layer("MaxPooling2D", "max_pooling2d_1", **POOLING),
        old_layer("Dropout", "dropout_1", rate=0.25, noise_shape=None, seed=None),
        old_layer("Flatten", "flatten_1", data_format="channels_last"),
        old_layer("Dense", "answer", units=10, activation="softmax"),
    ]


def sequential(layers: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"class_name": "Sequential", "config": {"name": "sequential_1", "layers": layers, **more}}


KERAS_1 = [
    {
        "class_name": "Convolution2D",
        "config": {
            **{"name": "conv2d_1", "batch_input_shape": [None, 28, 28, 1], "input_dtype": "float32", "trainable": True},
            **{"nb_filter": 4, "nb_row": 3, "nb_col": 3, "border_mode": "valid", "subsample": [1, 1], "dim_ordering": "tf"},
            **{"init": "glorot_uniform", "activation": "relu", "bias": True, "W_regularizer": None, "b_constraint": None},
        },
    },
    {
        "class_name": "MaxPooling2D",
        "config": {"name": "pool", "pool_size": [2, 2], "strides": [2, 2], "border_mode": "valid", "dim_ordering": "tf"},
    },
    {"class_name": "Dropout", "config": {"name": "dropout_1", "p": 0.25}},
    {"class_name": "Flatten", "config": {"name": "flatten_1"}},
    {
        "class_name": "Dense",
        "config": {
            "name": "answer",
            "output_dim": 10,
            "input_dim": None,
            "activation": "softmax",
            "init": "uniform",
            "bias": True,
        },
    },
]


@pytest.mark.parametrize(
    ("version", "definition"),
    [
        ("1.2.2", {"class_name": "Sequential", "config": KERAS_1}),
        ("2.1.6", {"class_name": "Sequential", "config": old_cnn(batch_input_shape=[None, 28, 28, 1], dtype="float32")}),
        ("2.2.4", sequential(old_cnn(batch_input_shape=[None, 28, 28, 1], dtype="float32"))),
        ("2.2.4-tf", sequential(old_cnn(), build_input_shape=[None, 28, 28, 1])),
        ("2.3.1", sequential(old_cnn(batch_input_shape=[128, 28, 28, 1], dtype="float32"))),
    ],
    ids=["1.2", "2.1", "2.2", "tf", "2.3"],
)
def test_files_of_old_versions_of_keras_are_read_right(version: str, definition: Any, cnn: Any, tmp_path: Path) -> None:
    path = write_old(tmp_path / "mnist_cnn.h5", definition, weights_of(cnn), version, text=version == "2.3.1")
    assert right(exported.open_model(path)) == right(cnn)


def test_a_shape_that_a_later_layer_carries_along_is_not_taken_for_its_input(cnn: Any, tmp_path: Path) -> None:
    layers = old_cnn(batch_input_shape=[None, 28, 28, 1])
    layers[-1]["config"]["batch_input_shape"] = [None, 28, 28, 1]
    assert right(exported.open_model(write_old(tmp_path / "m.h5", sequential(layers), weights_of(cnn)))) == right(cnn)


def test_old_names_and_arguments_of_layers_are_understood(L: Any, tmp_path: Path) -> None:
    network = trained(
        *(L.Conv2D(4, 3, padding="same", name="conv"), L.BatchNormalization(name="norm"), L.LeakyReLU(0.1, name="leaky")),
        *(L.DepthwiseConv2D(3, name="depthwise"), L.ReLU(threshold=0.1, name="threshold"), L.Flatten(name="flat")),
    )
    half, whole = ({"class_name": "Policy", "config": {"name": name}} for name in ("mixed_float16", "float32"))
    ones = {"class_name": "Ones", "config": {"dtype": "float32"}}
    norm = {"axis": [3], "momentum": 0.99, "epsilon": 0.001, "center": True, "scale": True, "fused": True, "renorm": False}
    depthwise = {"padding": "valid", "groups": 1, "depth_multiplier": 1, "kernel_initializer": "glorot_uniform", **CONVOLUTION}
    layers = [
        old_layer("Conv2D", "conv", filters=4, padding="same", batch_input_shape=[None, 28, 28, 1], dtype=half, **CONVOLUTION),
        old_layer("BatchNormalizationV1", "norm", **norm, gamma_initializer=ones),
        old_layer("LeakyReLU", "leaky", alpha={"type": "ndarray", "value": 0.1}),
        old_layer("DepthwiseConv2D", "depthwise", **depthwise),
        old_layer("ThresholdedReLU", "threshold", theta=0.1),
        old_layer("Flatten", "flat"),
        old_layer(
            "Dense",
            "answer",
            units=10,
            activation="softmax_v2",
            dtype=whole,
        ),
    ]
    opened = exported.open_model(write_old(tmp_path / "m.h5", sequential(layers), weights_of(network), "2.2.4-tf"))
    given = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    np.testing.assert_allclose(opened(given), network(given), atol=1e-5)


def test_an_old_model_within_a_model_is_put_together_again(cnn: Any, tmp_path: Path) -> None:
    """Keras 2 counted the calls of a model within a model from 1."""
    inner = sequential(old_cnn(batch_input_shape=[None, 28, 28, 1])[:-1])
    entry = {"class_name": "InputLayer", "config": {"name": "input_1", "batch_input_shape": [None, 28, 28, 1], "sparse": False}}
    layers = [
        {**entry, "name": "input_1", "inbound_nodes": []},
        {**inner, "name": "sequential_1", "inbound_nodes": [[["input_1", 0, 0, {}]]]},
        {**old_cnn()[-1], "name": "answer", "inbound_nodes": [[["sequential_1", 1, 0, {}]]]},
    ]
    ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [["answer", 0, 0]]}
    definition = {"class_name": "Model", "config": {"name": "model_1", "layers": layers, **ends}}
    weights = weights_of(cnn)
    path = write_old(tmp_path / "m.h5", definition, {"sequential_1": weights["conv2d_1"], "answer": weights["answer"]})
    assert right(exported.open_model(path)) == right(cnn)


def test_what_keras_no_longer_computes_is_told(cnn: Any, tmp_path: Path) -> None:
    theano = json.loads(json.dumps(KERAS_1).replace('"tf"', '"th"'))
    path = write_old(tmp_path / "m.h5", {"class_name": "Sequential", "config": theano}, weights_of(cnn), "1.2.2")
    with pytest.raises(ModelError, match="conv2d_1 has its numbers in Theano's order"):
        exported.open_model(path)


@pytest.mark.parametrize(
    ("kind", "ending"), [("h5", ".H5"), ("h5", ".keras"), ("keras", ".KERAS"), ("keras", ".h5"), ("h5", ".hdf5"), ("keras", "")]
)
def test_what_a_file_is_is_told_by_its_content(ending: str, kind: str, cnn: Any, tmp_path: Path) -> None:
    cnn.save(tmp_path / f"saved.{kind}")
    path = (tmp_path / f"saved.{kind}").rename(tmp_path / f"model{ending}")
    assert right(exported.open_model(str(path))) == right(cnn)
    assert description.read(str(path)) == Description()


def test_a_model_saved_after_training_is_opened(keras: Any, cnn: Any, tmp_path: Path) -> None:
    network = keras.models.clone_model(cnn)
    network.set_weights(cnn.get_weights())
    network.compile(keras.optimizers.Adam(1e-9), keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
    shown = strangers.digits(20)
    network.fit(shown.images[..., None] / 255, shown.labels, verbose=0)
    for kind in ("h5", "keras"):
        network.save(tmp_path / f"model.{kind}")
        assert right(exported.open_model(tmp_path / f"model.{kind}")) == right(network) >= 0.9


HARMLESS: dict[str, Callable[[Any], list[Any]]] = {
    "random": lambda L: [
        *(L.RandomRotation(0.1), L.RandomZoom(0.1), L.RandomTranslation(0.1, 0.1), L.RandomFlip("horizontal")),
    ],
    "normalized": lambda L: [
        *(L.Cropping2D(1), L.Identity(), L.GroupNormalization(1), L.UnitNormalization(), L.LayerNormalization()),
    ],
    "constrained": lambda L: [L.Conv2D(2, 3, kernel_constraint="MaxNorm", kernel_regularizer="L1L2")],
    "convolutions": lambda L: [
        *(L.Conv2DTranspose(2, 3), L.UpSampling2D(), L.AveragePooling2D(2), L.SpatialDropout2D(0.1), L.GaussianDropout(0.1)),
    ],
    "recurrent": lambda L: [
        *(L.Reshape((28, 28)), L.Bidirectional(L.LSTM(4, return_sequences=True)), L.TimeDistributed(L.Dense(3))),
    ],
    "rescaled": lambda L: [
        *(L.Rescaling(2.0, -1.0), L.Resizing(14, 14), L.Normalization(mean=0.1, variance=0.3), L.Activation("mish"), L.PReLU()),
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_layers_are_opened_and_compute_the_same(keras: Any, L: Any, name: str, tmp_path: Path) -> None:
    network = keras.Sequential([keras.Input((28, 28, 1)), *HARMLESS[name](L), L.Flatten(), L.Dense(10, "softmax")])
    given = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    for kind in ("h5", "keras"):
        network.save(tmp_path / f"model.{kind}")
        opened = exported.open_model(tmp_path / f"model.{kind}")
        np.testing.assert_allclose(opened(given, training=False), network(given, training=False), atol=1e-5)


def test_arithmetic_between_layers_is_opened(keras: Any, L: Any, tmp_path: Path) -> None:
    given = keras.Input((28, 28, 1))
    flat = L.Flatten()(keras.ops.expand_dims((given[:, 2:-2, 2:-2, 0] - 0.1) / 0.3, -1))
    network = keras.Model(given, L.Dense(10, "softmax")(flat))
    network.save(tmp_path / "model.keras")
    shown = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    np.testing.assert_allclose(exported.open_model(tmp_path / "model.keras")(shown), network(shown), atol=1e-5)


def test_every_class_that_keras_offers_is_known_to_be_harmless_or_named_here(keras: Any) -> None:
    """A new Keras may offer more: somebody has to look whether that computes and does nothing else."""
    not_harmless = {
        "keras.layers": "CategoryEncoding Discretization FlaxLayer HashedCrossing Hashing InputSpec IntegerLookup JaxLayer "
        "Lambda Layer MaxNumBoundingBoxes MelSpectrogram STFTSpectrogram StringLookup TFSMLayer TextVectorization "
        "TorchModuleWrapper Wrapper",
        "keras.initializers": "Initializer STFT STFTInitializer",
        "keras.regularizers": "Regularizer",
        "keras.constraints": "Constraint",
        "keras.dtype_policies": "AWQDTypePolicy GPTQDTypePolicy",
        "keras.quantizers": "AWQConfig GPTQConfig QuantizationConfig Quantizer",
    }
    for module, others in not_harmless.items():
        offered = vars(getattr(keras, module.removeprefix("keras.")))
        classes = {name for name, value in offered.items() if isinstance(value, type) and name[0].isupper()}
        assert harmless.CLASSES[module] <= classes
        assert classes - harmless.CLASSES[module] == set(others.split())
    functions = {name for name, value in vars(keras.activations).items() if callable(value)}
    assert set(harmless.ACTIVATIONS.values()) == functions - {"get", "serialize", "deserialize"}


@pytest.mark.parametrize(
    "entry",
    [
        {"class_name": "function", "module": "builtins", "config": "eval", "registered_name": "softmax"},
        {"class_name": "function", "module": "os", "config": "system", "registered_name": "function"},
        {"class_name": "Dense", "module": "keras.layers", "config": {"units": 1}, "registered_name": "evil>Dense"},
        {"class_name": "Dense", "module": "kerasevil.layers", "config": {"units": 1}, "registered_name": None},
        {"class_name": "WhileLoop", "module": "keras.src.ops.core", "config": {}, "registered_name": None},
        {"class_name": "__typespec__", "module": "subprocess", "config": [], "registered_name": "Popen", "spec_name": "Popen"},
        {"class_name": ["Lambda"], "config": {}},
        {"class_name": "StringLookup", "module": "keras.layers", "config": {"vocabulary": "/etc/passwd"}},
        {"class_name": "__numpy__", "config": {"value": 0, "dtype": "V9999999999"}},
    ],
    ids=lambda entry: str(entry["class_name"]),
)
@pytest.mark.parametrize("place", ["kernel_regularizer", "activation", "inbound"])
def test_what_may_hold_foreign_code_is_refused_wherever_it_stands(entry: Any, place: str, cnn: Any, tmp_path: Path) -> None:
    layers = old_cnn(batch_input_shape=[None, 28, 28, 1])
    definition = sequential(layers)
    layers[0]["config"][place] = {"deep": [entry]} if place == "inbound" else entry
    path = write_old(tmp_path / "strange.h5", definition, weights_of(cnn))
    with pytest.raises(ModelError, match=r"strange\.h5"):
        exported.open_model(path)


def test_what_a_file_says_of_training_never_comes_to_keras(keras: Any, cnn: Any, tmp_path: Path) -> None:
    """Not even where it doesn't belong: it isn't compared with the list."""
    evil = {"class_name": "TFSMLayer", "module": "keras.layers", "config": {"filepath": "evil"}, "registered_name": None}
    functional = keras.Model(cnn.inputs[0], cnn.outputs[0])
    functional.save(tmp_path / "model.keras")
    definition = json.loads(functional.to_json())
    for layer in definition["config"]["layers"]:
        layer["compile_config"] = layer["config"]["compile_config"] = evil
        for node in layer["inbound_nodes"]:
            node["kwargs"] = {"compile_config": {"deep": [evil]}}
    text = json.dumps({**definition, "compile_config": evil}).encode()
    path = changed(tmp_path / "model.keras", tmp_path / "trained.keras", {"config.json": text})
    assert right(exported.open_model(path)) == right(cnn)


def test_what_is_checked_is_what_is_opened(
    keras: Any, L: Any, cnn: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that begins as HDF5 and ends as an archive; and one that is replaced after the check."""
    network = keras.Sequential([keras.Input((28, 28, 1)), L.Flatten(), L.Lambda(lambda x: x), L.Dense(10, "softmax")])
    network.save(tmp_path / "lambda.keras")
    cnn.save(tmp_path / "cnn.h5")
    both = tmp_path / "both.keras"
    both.write_bytes((tmp_path / "cnn.h5").read_bytes() + (tmp_path / "lambda.keras").read_bytes())
    assert zipfile.is_zipfile(both)
    assert right(exported.open_model(both)) == right(cnn)

    honest, path = definitions.modern, tmp_path / "replaced.h5"
    path.write_bytes((tmp_path / "cnn.h5").read_bytes())

    def replace(*given: Any) -> Any:
        path.write_bytes((tmp_path / "lambda.keras").read_bytes())
        return honest(*given)

    monkeypatch.setattr(definitions, "modern", replace)
    assert right(exported.open_model(path)) == right(cnn)


FORMS = [(784,), (28, 28), (1, 28, 28), (784, 1), (None, None, 1), (32, 32, 1), (28, 28, 3)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "functional"),
    [*((shape, False) for shape in FORMS), ((28, 28), True), ((32, 32, 1), True)],
    ids=lambda value: str(value) if isinstance(value, tuple) else "functional" if value else "sequential",
)
def test_the_same_pixels_in_another_form_are_read_right(
    keras: Any, L: Any, shape: tuple[int, ...], functional: bool, tmp_path: Path
) -> None:
    layers = [L.Conv2D(3, 3, activation="relu")] if len(shape) == 3 and shape[0] != 1 else []
    layers += [L.GlobalMaxPooling2D(), L.Dense(60, "relu")] if None in shape else [L.Flatten()]
    if None in shape:
        network = keras.Sequential([keras.Input(shape), *layers, L.Dense(10, "softmax")])
    else:
        ways = {32: lambda x: np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)])}
        takes: Callable[[Any], Any] = ways.get(shape[0], lambda x: x) if shape[-1] != 3 else lambda x: np.repeat(x, 3, axis=3)
        network = trained(*layers, shape=shape, takes=takes)
    if functional:
        given = keras.Input(shape, name="given")
        network = keras.Model(given, keras.Sequential(network.layers)(given))
    network.save(tmp_path / "model.h5")
    opened = exported.open_model(tmp_path / "model.h5")
    assert opened.input_shape == (None, 28, 28, 1)
    assert None in shape or right(opened) >= 0.85
    recognizer = Recognizer(tmp_path / "model.h5")
    picture = strangers.digits(1).images[0]
    assert np.abs(recognizer.explainer.saliency(picture, 0)).max() == pytest.approx(1)
    assert len(recognizer.explainer.feature_maps(picture)) == (bool(layers[:-1]) and not functional)


def test_channels_first_is_told_with_the_remedy(keras: Any, L: Any, tmp_path: Path) -> None:
    layers = [L.Conv2D(2, 3, data_format="channels_first"), L.Flatten()]
    keras.Sequential([keras.Input((1, 28, 28)), *layers, L.Dense(10, "softmax")]).save(tmp_path / "model.h5")
    with pytest.raises(ModelError, match=r"model\.h5 .*channels_first.*channels_last"):
        exported.open_model(tmp_path / "model.h5")


@pytest.mark.parametrize(
    ("shape", "outputs"), [((28, 28, 2), 10), ((64, 64, 1), 10), ((100,), 10), ((28, 28, 1), 26), ((784,), 47)], ids=str
)
def test_another_shape_is_told_with_the_one_of_the_file(
    keras: Any, L: Any, shape: tuple[int, ...], outputs: int, tmp_path: Path
) -> None:
    keras.Sequential([keras.Input(shape), L.Flatten(), L.Dense(outputs, "softmax")]).save(tmp_path / "other.h5")
    with pytest.raises(ModelError) as told:
        exported.open_model(tmp_path / "other.h5")
    assert f"{(None, *shape)} and {(None, outputs)}" in str(told.value)


def test_several_inputs_are_told(keras: Any, L: Any, tmp_path: Path) -> None:
    one, two = keras.Input((28, 28, 1)), keras.Input((28, 28, 1))
    keras.Model([one, two], L.Dense(10, "softmax")(L.Flatten()(L.Add()([one, two])))).save(tmp_path / "two.keras")
    with pytest.raises(ModelError, match=r"must go from \(None, 28, 28, 1\)"):
        exported.open_model(tmp_path / "two.keras")


def test_outputs_that_are_no_probabilities_are_told_with_the_remedy(keras: Any, L: Any, tmp_path: Path) -> None:
    keras.Sequential([keras.Input((28, 28, 1)), L.Flatten(), L.Dense(10)]).save(tmp_path / "logits.h5")
    with pytest.raises(ModelError, match=r"logits\.h5 must end in probabilities.*Put a Softmax layer at its end"):
        Recognizer(tmp_path / "logits.h5")


def test_weights_alone_are_told(cnn: Any, tmp_path: Path) -> None:
    cnn.save_weights(tmp_path / "model.weights.h5")
    write_old(tmp_path / "old.h5", {}, weights_of(cnn))
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        del file.attrs["model_config"]
    for name in ("model.weights.h5", "old.h5"):
        with pytest.raises(ModelError, match=r"holds weights without the definition.*model\.save, not save_weights"):
            exported.open_model(tmp_path / name)
    cnn.save(tmp_path / "model.keras")
    without = changed(tmp_path / "model.keras", tmp_path / "without.keras", {"model.weights.h5": None})
    with pytest.raises(ModelError, match=r"a ZIP archive without model\.weights\.h5"):
        exported.open_model(without)


def test_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "saved.keras").mkdir()
    with pytest.raises(ModelError, match="is a folder, and a model is one file"):
        exported.open_model(tmp_path / "saved.keras")


RANGES = {
    "0 to 1": lambda x: x,
    "0 to 255": lambda x: 255 * x,
    "-0.5 to 0.5": lambda x: x - 0.5,
    "1, paper, to 0, ink": lambda x: 1 - x,
}


@pytest.mark.parametrize(("name", "kind"), [*((name, "sequential") for name in RANGES), ("0 to 255", "functional")], ids=str)
def test_a_model_that_takes_another_range_is_given_it_and_that_is_said(
    keras: Any, L: Any, name: str, kind: str, tmp_path: Path
) -> None:
    way = RANGES[name]
    convolution = L.Conv2D(4, 3, activation="relu", bias_initializer=keras.initializers.Constant(0.3))
    scale = 255.0 if "255" in name else 1.0
    layers = [L.Rescaling(1 / scale), convolution, L.MaxPooling2D(), L.Dropout(0.5), L.Flatten()]
    network = trained(*layers, takes=way)
    if kind == "functional":
        network = keras.Model(network.inputs, network.outputs)
    network.save(tmp_path / "model.h5")
    recognizer = Recognizer(str(tmp_path / "model.h5"))
    assert right(recognizer.network) >= 0.9
    note = recognizer.note
    assert ("are brought into the range" in note) == (name != "0 to 1"), note
    assert name in note or name in ("0 to 1", "-0.5 to 0.5"), note  # that of -1 to 1 reads as well here
    assert len(recognizer.explainer.feature_maps(strangers.digits().images[0])) == 1


def test_a_model_that_reads_no_digits_is_opened_and_that_is_said(keras: Any, L: Any, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    keras.Sequential([keras.Input((28, 28, 1)), L.Flatten(), L.Dense(10, "softmax")]).save(tmp_path / "model.h5")
    note = Recognizer(tmp_path / "model.h5").note
    assert "of 20 sample digits: was it trained on digits, bright ink on dark, 0 to 1?" in note


def described(path: Path, says: Any, cnn: Any) -> Path:
    cnn.save(path)
    with h5py.File(path, "r+") as file:
        file.attrs[description.ATTRIBUTE] = says
    return path


@pytest.mark.parametrize(
    "says",
    [
        *(b"[1]", "7", "{", "[" * 100_000, 5, np.arange(3), '{"class_names": 7}', '{"class_names": {"0": 1}}'),
        *('{"rejection": [1]}', '{"rejection": {"none_below": "low"}}', '{"rejection": {"sure_from": NaN}}'),
        *('{"rejection": {"uncertain_below": null}}', '{"rejection": {"uncertain_below": true}}', '{"test_accuracy": "good"}'),
    ],
    ids=lambda says: repr(says)[:30],
)
def test_a_description_of_the_wrong_type_is_told(says: Any, cnn: Any, tmp_path: Path) -> None:
    path = described(tmp_path / "model.h5", says, cnn)
    with pytest.raises(ModelError, match=r"model\.h5"):
        Recognizer(path)
    assert description.read(path) == Description()


def test_the_threshold_of_an_older_file_is_read_under_its_old_name(cnn: Any, tmp_path: Path) -> None:
    path = described(tmp_path / "model.h5", '{"rejection": {"unsure_below": 6.5}}', cnn)
    assert description.read(path).thresholds.uncertain_below == 6.5


def test_a_description_of_more_than_ours_is_read_past(keras: Any, cnn: Any, tmp_path: Path) -> None:
    says = {"note": ["x"], "rejection": {"none_below": -5, "more": {}}}
    path = described(tmp_path / "model.h5", json.dumps(says), cnn)
    assert Recognizer(path).description == Description(thresholds=Thresholds(none_below=-5))
    picture = keras.utils.array_to_img(strangers.digits().images[3][..., None])
    assert predict_digit(picture, path) == predict_digit(picture, str(path))


def small(**config: Any) -> dict[str, Any]:
    """A definition with a layer in its middle."""
    first = old_layer("Conv2D", "conv2d_1", filters=4, padding="valid", **CONVOLUTION, batch_input_shape=[None, 28, 28, 1])
    return sequential([first, config, *old_cnn()[-2:]])


FIRST = old_cnn(batch_input_shape=[None, 28, 28, 1])
BOMBS: dict[str, Any] = {
    "units": small(class_name="Dense", config={"name": "d", "units": 10**9}),
    "dense": sequential(
        [*old_cnn(batch_input_shape=[None, 28, 28, 1])[:-1], old_layer("Dense", "d", units=10**5), *old_cnn()[-1:]]
    ),
    "orthogonal": small(class_name="Dense", config={"name": "d", "units": 6000, "kernel_initializer": "orthogonal"}),
    "padding": small(class_name="ZeroPadding2D", config={"name": "p", "padding": [[9**6, 9**6], [9**6, 9**6]]}),
    "enlarging": small(class_name="UpSampling2D", config={"name": "u", "size": [10**5, 10**5]}),
    "repeating": sequential(
        [
            old_layer("Flatten", "f", batch_input_shape=[None, 28, 28, 1]),
            old_layer("RepeatVector", "r", n=10**8),
            old_layer("GlobalAveragePooling1D", "g"),
            old_cnn()[-1],
        ]
    ),
    "attention": sequential(
        [
            old_layer("ZeroPadding2D", "z", padding=[[300, 300], [300, 300]], batch_input_shape=[None, 28, 28, 1]),
            old_layer("Reshape", "r", target_shape=[628 * 628, 1]),
            old_layer("MultiHeadAttention", "a", num_heads=1, key_dim=1),
            old_cnn()[-1],
        ]
    ),
    "recurrent": sequential(
        [
            old_layer("ZeroPadding2D", "z", padding=[[300, 300], [300, 300]], batch_input_shape=[None, 28, 28, 1]),
            old_layer("Reshape", "r", target_shape=[628 * 628, 1]),
            old_layer("LSTM", "l", units=3, activation="tanh", recurrent_activation="sigmoid", unroll=True),
            old_cnn()[-1],
        ]
    ),
    "dilation": sequential([{**FIRST[0], "config": {**FIRST[0]["config"], "dilation_rate": [3000, 3000]}}, *FIRST[1:]]),
    "layers": sequential([*old_cnn(batch_input_shape=[None, 28, 28, 1])[:1], *[{"class_name": "ReLU", "config": {}}] * 1600]),
    "type": {"class_name": "Sequential", "config": {"layers": 7}},
    "no layers": sequential([]),
    "a layer": {"class_name": "Dense", "config": {"units": 10}},
    "no class": {"config": {}},
    "number": 5,
    "list": [1, 2],
    "null": None,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_definition_that_asks_for_too_much_or_is_none_is_told_at_once(name: str, cnn: Any, tmp_path: Path) -> None:
    path = write_old(tmp_path / "bomb.h5", BOMBS[name], weights_of(cnn))
    with pytest.raises(ModelError, match=r"bomb\.h5"):
        exported.open_model(path)


def nested(brackets: int) -> str:
    return json.dumps(sequential(old_cnn())).replace(
        '"trainable"', '"deep": ' + "[" * brackets + "]" * brackets + ', "trainable"'
    )


@pytest.mark.parametrize(
    "text",
    ["{", nested(100_000), nested(500), " " * (model_file.MOST_TEXT + 1), "\0", '{"config": {"a": 1' + "0" * 5000 + "}}"],
    ids=["cut", "deep", "deeper than needed", "long", "nothing", "large number"],
)
def test_text_that_is_no_definition_is_told(text: str, cnn: Any, tmp_path: Path) -> None:
    cnn.save(tmp_path / "model.keras")
    path = changed(tmp_path / "model.keras", tmp_path / "bad.keras", {"config.json": text.encode()})
    with pytest.raises(ModelError, match=r"bad\.keras"):
        exported.open_model(path)


def group_within_itself(file: h5py.File) -> None:
    file["model_weights/again"] = file["model_weights"]


def many_names(file: h5py.File) -> None:
    for number in range(10):
        group = file.create_group(f"level {number}")
        for name in "abcdefghij" if number else "":
            group[name] = file[f"level {number - 1}"]


def many_pieces(file: h5py.File) -> None:
    file.create_group("many", track_order=False)
    for number in range(model_file.MOST_PIECES + 1):
        file["many"].create_group(str(number))


def packed_zeros(file: h5py.File) -> None:
    file.create_dataset("zeros", (10**6, 10**6), "float32", chunks=(1000, 1000), compression="gzip")


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "float32")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("virtual", layout)


def soft_link(file: h5py.File) -> None:
    file["soft"] = h5py.SoftLink("/model_weights")


def reference(file: h5py.File) -> None:
    file.attrs["reference"] = file["model_weights"].ref


def one_text_many_times(file: h5py.File) -> None:
    file.attrs.create("texts", ["x"] * 3000, dtype=h5py.string_dtype())
    file.create_dataset("large", data=np.zeros(200_000, np.float32))


@pytest.mark.parametrize(
    "change",
    [group_within_itself, many_names, many_pieces, packed_zeros, virtual, soft_link, reference, one_text_many_times],
    ids=lambda change: change.__name__,
)
@pytest.mark.parametrize("kind", ["h5", "keras"])
def test_weights_that_no_model_has_are_told_at_once(
    change: Callable[[h5py.File], None], kind: str, cnn: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_file, "MOST_PIECES", 200)
    path, weights = tmp_path / f"bad.{kind}", tmp_path / "weights.h5"
    cnn.save(path)
    with h5py.File(path if kind == "h5" else weights, "w" if kind == "keras" else "r+") as file:
        file.require_group("model_weights")
        change(file)
    if kind == "keras":
        path = changed(path, tmp_path / "worse.keras", {"model.weights.h5": weights.read_bytes()})
    with pytest.raises(ModelError, match=r"(bad\.h5|worse\.keras) .*"):
        exported.open_model(path)


def test_named_types_in_the_weights_do_no_harm(cnn: Any, tmp_path: Path) -> None:
    cnn.save(tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5", "r+") as file:
        file["type"] = np.dtype("f8")
    exported.open_model(tmp_path / "model.h5")


def test_an_archive_that_unpacks_to_too_much_or_is_damaged_is_told(
    cnn: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cnn.save(tmp_path / "model.keras")
    packed = changed(tmp_path / "model.keras", tmp_path / "packed.keras", {}, zipfile.ZIP_DEFLATED)
    assert right(exported.open_model(packed)) == right(cnn)
    damaged = bytearray(packed.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / "damaged.keras").write_bytes(damaged)
    with pytest.raises(ModelError, match=r"damaged\.keras"):
        exported.open_model(tmp_path / "damaged.keras")
    zeros = {"model.weights.h5": bytes(2**20)}
    changed(packed, tmp_path / "zeros.keras", zeros, zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(model_file, "MOST_BYTES", 2**19)
    with pytest.raises(ModelError, match=r"zeros\.keras must have at most 524,288 bytes, unpacked"):
        exported.open_model(tmp_path / "zeros.keras")


def test_weights_that_do_not_fit_are_told(cnn: Any, tmp_path: Path) -> None:
    weights = weights_of(cnn)
    weights["answer"] = [weights["answer"][0][:5], weights["answer"][1]]
    path = write_old(tmp_path / "short.h5", sequential(old_cnn(batch_input_shape=[None, 28, 28, 1])), weights)
    with pytest.raises(ModelError, match=r"short\.h5 can't be opened as a Keras model: .*[Ss]hape"):
        exported.open_model(path)
