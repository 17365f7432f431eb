"""Definitions of models, from those that Keras 1 wrote on, in the words of today's Keras.

Each is made anew, of harmless classes only: whatever else it asks for, it is refused. What only training needs is left out,
so that it can neither fail nor take time: initial values, which the weights overwrite, regularizers and constraints. Every
float is a float32. Nothing here starts Keras.
"""

import re
from typing import Any

from pipeline.images.arrays import SIDE
from pipeline.inference.harmless import ACTIVATIONS, CLASSES, OLD_NAMES, VALUES, is_operation, must_be_harmless

Entry = dict[str, Any]

MODELS = CLASSES["keras"]
#: How a model was trained is of no use to one that only reads, and names losses and optimizers of anybody's making.
TRAINING = "compile_config"

#: Arguments that were called otherwise in Keras 1 and 2.
RENAMED = {
    "bias": "use_bias",
    "border_mode": "padding",
    "nb_filter": "filters",
    "p": "rate",
    "subsample": "strides",
    "theta": "threshold",
}
#: Arguments of which a model that reads has no use, or that there is one value of today.
DROPPED = re.compile(
    r"\w+\.(batch_input_shape|input_shape|input_dtype|input_length|\w+_(regularizer|constraint)|init|fused|implementation"
    r"|zero_output_for_mask|(query|key|value)_shape|unroll|stateful)|(?!Embedding)\w+\.input_dim"
)
#: Those that change what is computed, and that today's Keras doesn't have: they may be there as long as they are not used.
GIVEN_UP = re.compile(r"\w+\.(time_major|renorm|virtual_batch_size|adjustment)|Attention\.causal|BatchNormalization\.mode")
#: Those that Keras 2 wrote down for layers that don't take them.
NOT_TAKEN = re.compile(
    r"(Depthwise|Separable)\w+\.(groups|kernel_initializer)|ConvLSTM\dD\.groups|Conv(olution)?\dDTranspose\.groups"
    r"|SpatialDropout\dD\.noise_shape"
)
_PLAIN_DTYPE = re.compile(r"u?int(8|16|32|64)|b?float(16|32|64)|bool")


def modern(definition: Entry) -> Entry:
    """The definition of a model, as JSON, as Keras 3 takes it.

    Raises:
        Refused: it asks for more than harmless classes.
        ValueError: it is of no model, or asks for something that Keras no longer computes.
    """
    if definition["class_name"] not in MODELS:
        raise ValueError(f"its definition must be of a model, and is of {definition['class_name']!r:.50}")
    made: Entry = _entry(definition)
    return made


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "ndarray" and "value" in value:  # a number, as Keras 2 wrote those of NumPy
        return _value(value["value"])
    return _entry(value) if "class_name" in value else {key: _value(each) for key, each in value.items() if key != TRAINING}


def _entry(entry: Entry) -> Any:
    """Something that a definition asks to make: a layer, a model, a policy, a tensor."""
    must_be_harmless(entry)
    name, config = entry["class_name"], entry["config"]
    if name == "function":
        return ACTIVATIONS[config]
    if name in VALUES:
        if name in ("__numpy__", "__tensor__") and not _PLAIN_DTYPE.fullmatch(str(config["dtype"])):
            raise ValueError(f"numbers in its definition must be of a plain type, and are {config['dtype']!r:.50}")
        return {"class_name": name, "config": _value(config)}
    kept = {key: _value(entry[key]) for key in ("name", "inbound_nodes", "build_config", "shared_object_id") if key in entry}
    if is_operation(name, entry.get("module") or ""):
        return kept | {"module": entry["module"], "class_name": name, "config": _value(config), "registered_name": None}
    name = str(OLD_NAMES.get(name, name))
    if name in MODELS:
        return kept | _model(name, config)
    if name in ("DTypePolicy", "FloatDTypePolicy"):
        return "float32"
    return kept | _made(name, **_config(name, config))


def _made(class_name: str, **config: Any) -> Entry:
    """The entry for a class and its arguments. It comes from Keras' own module, wherever the file says that it comes from."""
    module = next(module for module, names in CLASSES.items() if class_name in names)
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def _only(config: Entry, *keys: str) -> Entry:
    return {key: _value(config[key]) for key in keys if key in config}


def _config(name: str, config: Entry) -> Entry:
    """The arguments of a layer."""
    if name == "InputLayer":
        shape = config.get("batch_shape") or config.get("batch_input_shape") or [None, *config.get("shape", [])]
        return {"batch_shape": [None, *_value(shape[1:])], "dtype": "float32", **_only(config, "name")}
    found = {}
    for key, value in config.items():
        argument = f"{name}.{key}"
        if GIVEN_UP.fullmatch(argument) and value:
            raise ValueError(f"{config.get('name', name)} uses {key}={value!r:.50}, which Keras no longer has")
        if key == TRAINING:
            continue
        made = _value(value)  # refused also where it would be left out
        if any(left_out.fullmatch(argument) for left_out in (GIVEN_UP, DROPPED, NOT_TAKEN)):
            continue
        key = RENAMED.get(key, key)
        if key.endswith("_initializer"):
            found[key] = "zeros"
        elif key == "dtype" and not isinstance(value, dict):
            found[key] = "float32"
        elif key.endswith("activation") and isinstance(value, str):
            found[key] = ACTIVATIONS.get(value, value)
        else:
            found[key] = made
    return _renamed(name, found)


def _renamed(name: str, config: Entry) -> Entry:
    """The arguments that mean something else, or are not there, in this layer."""
    if isinstance(axis := config.get("axis"), list) and len(axis) == 1:
        config["axis"] = axis[0]
    if name == "LeakyReLU" and "alpha" in config:
        config["negative_slope"] = config.pop("alpha")
    if name != "Embedding" and "output_dim" in config:
        config["units"] = config.pop("output_dim")
    if "nb_row" in config:
        config["kernel_size"] = [config.pop("nb_row"), config.pop("nb_col")]
    if config.pop("dim_ordering", "tf") == "th":
        raise ValueError(f"{config.get('name', name)} has its numbers in Theano's order, which Keras no longer has")
    if config.get("data_format") == "channels_first" and re.search(r"Conv|Pool", name):
        raise ValueError(
            f"{config.get('name', name)} has the data_format channels_first, which only some graphics cards compute. Save the "
            "model with channels_last"
        )
    dilation = config.get("dilation_rate", 1)
    if max(dilation if isinstance(dilation, list) else [dilation]) > (SIDE * SIDE if "1D" in name else SIDE):
        raise ValueError(f"{config.get('name', name)} has the dilation_rate {dilation}, wider than the picture")
    if name == "GaussianNoise" and "sigma" in config:
        config["stddev"] = config.pop("sigma")
    if name == "GRU":
        config.setdefault("reset_after", False)  # as it was before it could be chosen
    return config


def _model(name: str, config: Any) -> Entry:
    if name == "Sequential":
        config = config if isinstance(config, dict) else {"layers": config}  # a list before Keras 2.2.3
        layers = [_entry(each) for each in config["layers"]]
        if layers[0]["class_name"] != "InputLayer":  # before Keras 2.4
            shape = _value(input_shape(config["layers"][0]) or config.get("build_input_shape"))
            layers.insert(0, _made("InputLayer", batch_shape=[None, *shape[1:]], dtype="float32"))
        return _made(name, **{"name": "sequential"} | _only(config, "name", "trainable"), layers=layers)
    inner = {each["name"] for each in config["layers"] if each["class_name"] in MODELS}
    layers = [{**each, "inbound_nodes": _renumbered(each["inbound_nodes"], inner)} for each in config["layers"]]
    ends = {key: _single(_value(config[key])) for key in ("input_layers", "output_layers")}
    return _made("Model", **{"name": "model"} | _only(config, "name", "trainable") | ends, layers=list(map(_entry, layers)))


def _single(tensors: Any) -> Any:
    """The one input or output of a model, which Keras 2 wrote as a list of one."""
    return tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list) else tensors


def _renumbered(nodes: list[Any], inner: set[str]) -> list[Any]:
    """The calls of a layer; before Keras 3, those of a model within the model, one of `inner`, were counted from 1."""
    return [
        [[each[0], max(each[1] - 1, 0) if each[0] in inner else each[1], *each[2:]] for each in node]
        if isinstance(node, list)
        else node
        for node in nodes
    ]


def input_shape(entry: Entry) -> list[int | None] | None:
    """The shape that a layer or a model is given, batch first; None if its definition doesn't say."""
    config = entry["config"]
    if entry["class_name"] == "Sequential":
        return input_shape((config["layers"] if isinstance(config, dict) else config)[0])
    if entry["class_name"] in MODELS:
        inputs = [each for each in config["layers"] if each["class_name"] == "InputLayer"]
        return input_shape(inputs[0]) if len(inputs) == 1 else None
    shape = config.get("batch_input_shape") or config.get("batch_shape")
    if not shape and config.get("input_dim") and entry["class_name"] != "Embedding":
        shape = [None, config["input_dim"]]
    return shape or (entry.get("build_config") or {}).get("input_shape")
