"""Checking a configuration against the schema, and saying what is wrong with it."""

import difflib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipeline.config.schema import Configuration, SweepConfiguration
from pipeline.system.errors import ConfigurationError
from pipeline.system.paths import CHECKOUT, IS_CHECKOUT, PARAMETERS


def load(path: Path = PARAMETERS) -> Configuration:
    """Read and check ``params.yaml``.

    Raises:
        ConfigurationError: the file is missing, is not YAML, or breaks the schema.

    """
    return check(read(path))


def read(path: Path) -> dict[str, Any]:
    """Read a YAML file of keys and values, unchecked.

    Raises:
        ConfigurationError: the file is missing, or is not such a file.

    """
    must_be_checkout()
    try:
        return plain(OmegaConf.load(path))
    except FileNotFoundError:
        raise ConfigurationError(f"{path} is missing. Make it anew: python -m pipeline.compose") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError, OmegaConfBaseException) as error:
        raise ConfigurationError(
            f"{path} can't be read as YAML: {error}\nMend it, or make it anew: python -m pipeline.compose"
        ) from None


def must_be_checkout() -> None:
    """Make sure that there are a configuration and a pipeline: an installed wheel has the window and the recogniser alone.

    Raises:
        ConfigurationError: this is no checkout.

    """
    if not IS_CHECKOUT:
        raise ConfigurationError(
            f"this needs a checkout of the project, with conf/ and dvc.yaml, and {CHECKOUT} is none. Clone the project and run "
            "it there; the installed package has the window (digits) and predict_digit."
        )


def plain(composed: DictConfig | ListConfig, without: str = "") -> dict[str, Any]:
    """Plain values of what OmegaConf holds, interpolations resolved, except for the key `without`.

    Raises:
        ConfigurationError: it is a list.
    """
    if isinstance(composed, ListConfig):
        raise ConfigurationError("a configuration must hold keys and values, and this is a list.")
    values = {str(key): composed[key] for key in composed if key != without}
    return {key: OmegaConf.to_object(value) if OmegaConf.is_config(value) else value for key, value in values.items()}


def check(values: dict[str, Any]) -> Configuration:
    """Check a composed configuration, of the pipeline or of a sweep.

    Raises:
        ConfigurationError: with one paragraph a key that breaks the schema.

    """
    try:
        return (SweepConfiguration if "sweep" in values else Configuration).model_validate(values)
    except ValidationError as error:
        problems = error.errors()
    unknown = {_locate(problem["loc"])[0] for problem in problems if problem["type"] == "extra_forbidden"}
    there = {key: value for key, value in keys_of(values).items() if key not in unknown}
    paragraphs = [_explain(problem, there) for problem in problems]
    raise ConfigurationError("the configuration is not valid.\n" + "\n".join(paragraphs)) from None


def warnings(configuration: Configuration) -> list[str]:
    """What is allowed and yet most likely a mistake, a sentence each."""
    optimizer = configuration.optimizer
    found = []
    if optimizer.name == "adadelta" and optimizer.learning_rate < 0.01:
        found.append(
            f"optimizer.learning_rate = {optimizer.learning_rate}: Adadelta hardly trains below 0.01 "
            "(Keras' default of 0.001 is a known trap). The method's own value is 1.0."
        )
    return found


def flatten(values: Any, prefix: str = "") -> dict[str, Any]:
    """``{"model": {"blocks": [{"filters": 32}]}}`` as ``{"model.blocks.0.filters": 32}``. Empty lists stay values."""
    if isinstance(values, dict) and values:
        items: Any = values.items()
    elif isinstance(values, list) and any(isinstance(value, dict) for value in values):
        items = enumerate(values)
    else:
        return {prefix: values}
    flat: dict[str, Any] = {}
    for key, value in items:
        flat |= flatten(value, f"{prefix}.{key}" if prefix else str(key))
    return flat


def short(overrides: list[str]) -> str:
    """Overrides for a person: each key by its last words, as many as tell it from the others.

    ``["optimizer.rho=0.9", "model.blocks.0.filters=8", "model.blocks.1.filters=8"]`` is
    ``rho=0.9, blocks.0.filters=8, blocks.1.filters=8``.
    """
    keys = [override.partition("=")[0].split(".") for override in overrides]
    names = []
    for key in keys:
        length = 1
        while length < len(key) and (key[-length].isdigit() or sum(other[-length:] == key[-length:] for other in keys) > 1):
            length += 1
        names.append(".".join(key[-length:]))
    return ", ".join(f"{name}={text.partition('=')[2]}" for name, text in zip(names, overrides, strict=True))


def keys_of(values: Any, prefix: str = "") -> dict[str, Any]:
    """All dotted keys of nested values, each with what it holds: of sections and of what is in lists too."""
    items: Any = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    keys: dict[str, Any] = {}
    for key, value in items:
        if "." not in str(key):  # as those of a sweep's space, which no override can name
            name = f"{prefix}.{key}" if prefix else str(key)
            keys |= {name: value} | keys_of(value, name)
    return keys


def unknown_key(key: str, there: dict[str, Any]) -> str:
    """What to say of a key that a configuration doesn't have: the nearest of those that are `there`, as of `keys_of`."""
    known = dict(_known_keys(_schema()))
    allowed = {name: known[_in_schema(name)] for name in there if _in_schema(name) in known} or known
    if _in_schema(key) in known:
        return _absent_key(key, there, list(allowed))
    parent, _, last = key.rpartition(".")
    siblings = {name.rpartition(".")[2]: name for name in allowed if name.rpartition(".")[0] == parent}
    near = [siblings[name] for name in difflib.get_close_matches(last, siblings, n=1, cutoff=0.4)]
    near = near or difflib.get_close_matches(key, allowed, n=1, cutoff=0)
    return f"  {key}: there is no such key. The nearest is {near[0]}: {allowed[near[0]]}."


def _absent_key(key: str, there: dict[str, Any], allowed: list[str]) -> str:
    """What to say of a key that there is with other options, or in a longer list."""
    section = key.partition(".")[0]
    option = f" ({section}={there[f'{section}.name']})" if f"{section}.name" in there else ""
    parent = key.rpartition(".")[0]
    while parent and parent not in allowed:
        parent = parent.rpartition(".")[0]
    beside = [name for name in allowed if name.rpartition(".")[0] == parent]
    return (
        f"  {key}: is not part of the configuration as composed{option}.\n"
        "    Leave it out, or choose an option that has it.\n"
        f"    allowed: {', '.join(beside) or f'nothing, for {parent} is empty'}"
    )


def _in_schema(key: str) -> str:
    """A key as `_known_keys` has it: with the first of a list for any."""
    return re.sub(r"\.\d+(?=\.|$)", ".0", key)


def _explain(problem: ErrorDetails, there: dict[str, Any]) -> str:
    key, node = _locate(problem["loc"])
    given = problem["input"]
    match problem["type"]:
        case "extra_forbidden":
            return f"{unknown_key(key, there)}\n    given: {_show(given)}"
        case "missing":
            return f"  {key}: is missing.\n    allowed: {_allowed(node)}"
        case "union_tag_invalid" | "union_tag_not_found":
            tag = node["discriminator"]["propertyName"]
            given = given.get(tag) if isinstance(given, dict) else given
            options = ", ".join(node["discriminator"]["mapping"])
            near = difflib.get_close_matches(str(given), node["discriminator"]["mapping"], n=1, cutoff=0)
            return f"  {key}.{tag}: not known.\n    allowed: {options}; nearest: {near[0]}\n    given: {_show(given)}"
        case "value_error":
            return f"  {key}: {problem['ctx']['error']}."
    return f"  {key}: not allowed.\n    allowed: {_allowed(node)}\n    given: {_show(given)}"


def _show(value: Any) -> str:
    names = {bool: "true or false", int: "whole number", float: "number", str: "text", list: "list", dict: "keys"}
    text = yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()
    return f"{text[:200]} ({names[type(value)]})" if value is not None else "null"


@cache
def _schema() -> dict[str, Any]:
    return SweepConfiguration.model_json_schema()  # all of the pipeline's, and the sweep's


def _resolve(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = _schema()["$defs"][node["$ref"].rpartition("/")[2]]
    options = [option for option in node.get("anyOf", []) if option.get("type") != "null"]
    return _resolve(options[0]) if len(options) == 1 and "$ref" in options[0] else node


def _locate(location: tuple[int | str, ...]) -> tuple[str, dict[str, Any]]:
    """The dotted key of an error's location, and the schema of that key."""
    keys: list[str] = []
    node = _schema()
    for part in location:
        node = _resolve(node)
        mapping = node.get("discriminator", {}).get("mapping", {})
        if part in mapping:  # the variant of a union, which is not part of the key
            node = {"$ref": mapping[part]}
            continue
        keys.append(str(part))
        node = node.get("items", {}) if isinstance(part, int) else node.get("properties", {}).get(part, {})
    return ".".join(keys), _resolve(node)


def _known_keys(node: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """All dotted keys of the schema, each with what is allowed."""
    node = _resolve(node)
    for variant in node.get("oneOf", []):
        yield from _known_keys(variant, prefix)
    for name, child in node.get("properties", {}).items():
        key = f"{prefix}.{name}" if prefix else name
        yield key, _allowed(_resolve(child))
        yield from _known_keys(child, key)
    if node.get("type") == "array":
        yield f"{prefix}.0", _allowed(_resolve(node["items"]))
        yield from _known_keys(node["items"], f"{prefix}.0")


def _allowed(node: dict[str, Any]) -> str:
    """A JSON schema in words."""
    if "anyOf" in node:
        return " or ".join(_allowed(_resolve(option)) for option in node["anyOf"])
    if "enum" in node or "const" in node:
        return "one of " + ", ".join(map(str, node.get("enum", [node.get("const")])))
    if "discriminator" in node:
        return "one of " + ", ".join(node["discriminator"]["mapping"])
    names = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false"}
    names |= {"array": "a list", "object": "keys: " + ", ".join(node.get("properties", {})), "null": "null"}
    words = [names.get(node.get("type", ""), "a value")]
    if node.get("type") == "array":
        words.append("of " + _allowed(_resolve(node.get("items", {}))))
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    bounds |= {"minLength": "of length at least", "minItems": "of at least", "maxItems": "of at most"}
    bounds |= {"pattern": "that matches"}
    limits = [f"{phrase} {node[name]}" for name, phrase in bounds.items() if name in node]
    return " ".join(words) + (" " + " and ".join(limits) if limits else "")
