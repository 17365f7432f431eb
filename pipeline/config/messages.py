"""What is said of a key or a value that breaks the schema: what is allowed, what was given, and the nearest key."""

import difflib
import re
from collections.abc import Iterable, Iterator
from functools import cache, partial
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from pipeline.config.schema import Configuration

Schema = type[BaseModel]
Node = dict[str, Any]  # of a JSON schema

EXPERIMENT = "experiment"  # the group of conf/ whose files set keys of others
MOST_NEAR = 4  # keys that are named, where several are meant
MOST_MISSING = 3  # keys of a section that are missing and told one by one


def keys_of(values: Any, prefix: str = "") -> dict[str, Any]:
    """All dotted keys of nested values, each with what it holds: of sections and of what is in lists too."""
    items: Any = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    keys: dict[str, Any] = {}
    for key, value in items:
        if "." not in str(key):  # as those of a sweep's space, which no override can name
            name = f"{prefix}.{key}" if prefix else str(key)
            keys |= {name: value} | keys_of(value, name)
    return keys


def unknown_key(key: str, there: dict[str, Any], schema: Schema = Configuration) -> str:
    """What to say of a key that a configuration doesn't have: the nearest of those that are `there`, as of `keys_of`."""
    known = dict(_known_keys(_tree(schema)))
    allowed = {name: known[_in_schema(name)] for name in _possible(there, known) if _in_schema(name) in known} or known
    if _in_schema(key) in known:
        return _absent_key(key, there, list(allowed))
    allowed |= {EXPERIMENT: "a file in conf/experiment"}
    near = _nearest(key, list(allowed))
    if not near:
        return f"  {key}: there is no such key, and none is like it. See them all: python -m pipeline.compose --print"
    if len(near) == 1:
        return f"  {key}: there is no such key. The nearest is {near[0]}: {allowed[near[0]]}."
    lines = "".join(f"\n    {name}: {allowed[name]}" for name in near)
    return f"  {key}: there is no such key. The nearest are:{lines}"


def _possible(there: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    """The keys that are `there`, and those that an entry of a list may have left out."""
    for name in there:
        yield name
        if name.rpartition(".")[2].isdigit():
            entry = f"{_in_schema(name)}."
            yield from (f"{name}.{key.removeprefix(entry)}" for key in known if key.startswith(entry))


def _nearest(key: str, allowed: list[str]) -> list[str]:
    """The keys that somebody most likely means: several, the nearest first, if the section was left out and several have it."""
    parent, _, last = key.rpartition(".")
    siblings = {name.rpartition(".")[2]: name for name in allowed if name.rpartition(".")[0] == parent}
    similar = partial(difflib.get_close_matches, n=1, cutoff=0.7)
    if parent and (words := _shortened(last, siblings) or similar(last, siblings)):
        return [siblings[words[0]]]
    words = sorted({name.rpartition(".")[2] for name in allowed})
    meant = [last] if last in words else _shortened(last, words) or similar(last, words)
    if ending := [name for name in allowed if name.rpartition(".")[2] in meant and name == _in_schema(name)]:
        ending.sort(key=lambda name: -difflib.SequenceMatcher(None, key, name).ratio())
        return ending[: 1 if parent else MOST_NEAR]
    near = [siblings[word] for word in similar(last, siblings, cutoff=0.4)]
    return near or similar(key, allowed, cutoff=0.4)


def _shortened(short: str, words: Iterable[str]) -> list[str]:
    """The words of which `short` is the initials (``lr``: ``learning_rate``) or a part (``shift``: ``shift_pixels``)."""
    parts = {word: word.split("_") for word in words}
    return [word for word in words if short == "".join(part[:1] for part in parts[word]) or f"_{short}_" in f"_{word}_"]


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


def explain(problems: list[ErrorDetails], values: dict[str, Any], schema: Schema) -> list[str]:
    """A paragraph for each problem that pydantic found in the values of a configuration."""
    unknown = {_locate(problem["loc"], _tree(schema))[0] for problem in problems if problem["type"] == "extra_forbidden"}
    there = {key: value for key, value in keys_of(values).items() if key not in unknown}
    absent: dict[str, list[ErrorDetails]] = {}  # keys that are missing, by their section
    for problem in problems:
        if problem["type"] == "missing":
            absent.setdefault(_locate(problem["loc"][:-1], _tree(schema))[0], []).append(problem)
    many = {section: those for section, those in absent.items() if len(those) > MOST_MISSING}
    others = [problem for problem in problems if not any(problem in those for those in many.values())]
    told = [_lacks(section, [str(problem["loc"][-1]) for problem in those]) for section, those in many.items()]
    return told + [_explain(problem, there, schema) for problem in others]


def _lacks(section: str, keys: list[str]) -> str:
    """What to say of a section that lacks many keys, as that of an option's file that begins with no other option."""
    return (
        f"  {section or 'the configuration'}: lacks {', '.join(keys)}.\n"
        "    An option has all keys of its group. To take the rest from another one, let its file in "
        f"conf/{section.partition('.')[0]}/ begin with: defaults: [NAME, _self_]"
    )


def _explain(problem: ErrorDetails, there: dict[str, Any], schema: Schema) -> str:
    key, node = _locate(problem["loc"], _tree(schema))
    given = problem["input"]
    match problem["type"]:
        case "extra_forbidden" if key == EXPERIMENT:
            return (
                "  experiment: the file in conf/experiment that was chosen must say to which keys its values belong.\n"
                "    Let it begin with the line: # @package _global_"
            )
        case "extra_forbidden":
            return f"{unknown_key(key, there, schema)}\n    given: {_show(given)}"
        case "missing":
            return f"  {key}: is missing.\n    allowed: {_allowed(node)}"
        case "union_tag_invalid" | "union_tag_not_found":
            tag = node["discriminator"]["propertyName"]
            given = given.get(tag) if isinstance(given, dict) else given
            options = ", ".join(node["discriminator"]["mapping"])
            near = difflib.get_close_matches(str(given), node["discriminator"]["mapping"], n=1, cutoff=0.5)
            nearest = f"; nearest: {near[0]}" if near else ""
            return f"  {key}.{tag}: not known.\n    allowed: {options}{nearest}\n    given: {_show(given)}"
        case "value_error":
            return f"  {key}: {problem['ctx']['error']}."
    return f"  {key}: not allowed.\n    allowed: {_allowed(node)}\n    given: {_show(given)}"


def _show(value: Any) -> str:
    names = {bool: "true or false", int: "whole number", float: "number", str: "text", list: "list", dict: "keys"}
    text = yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("...\n").strip()
    return f"{text[:200]} ({names[type(value)]})" if value is not None else "null"


@cache
def _tree(schema: Schema) -> Node:
    """The JSON schema of a configuration, with each definition in the place of the references to it."""
    whole = schema.model_json_schema()

    def inlined(node: Any) -> Any:
        if isinstance(node, str) and node.startswith("#/$defs/"):
            return inlined(whole["$defs"][node.rpartition("/")[2]])
        if isinstance(node, list):
            return [inlined(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return inlined(node["$ref"])
        sections = [option for option in node.get("anyOf", []) if "$ref" in option]
        return inlined(sections[0]) if sections else {key: inlined(value) for key, value in node.items()}

    tree: Node = inlined({key: value for key, value in whole.items() if key != "$defs"})
    return tree


def _locate(location: tuple[int | str, ...], node: Node) -> tuple[str, Node]:
    """The dotted key of an error's location, and the schema of that key."""
    keys: list[str] = []
    for part in location:
        mapping = node.get("discriminator", {}).get("mapping", {})
        if part in mapping:  # the variant of a union, which is not part of the key
            node = mapping[part]
            continue
        keys.append(str(part))
        node = node.get("items", {}) if isinstance(part, int) else node.get("properties", {}).get(part, {})
    return ".".join(keys), node


def _known_keys(node: Node, prefix: str = "") -> Iterator[tuple[str, str]]:
    """All dotted keys of the schema, each with what is allowed."""
    for variant in node.get("oneOf", []):
        yield from _known_keys(variant, prefix)
    if "discriminator" in node:  # each variant allows its own name alone
        yield f"{prefix}.{node['discriminator']['propertyName']}", _allowed(node)
    for name, child in node.get("properties", {}).items():
        key = f"{prefix}.{name}" if prefix else name
        yield key, _allowed(child)
        yield from _known_keys(child, key)
    if node.get("type") == "array":
        yield f"{prefix}.0", _allowed(node["items"])
        yield from _known_keys(node["items"], f"{prefix}.0")


def _allowed(node: Node) -> str:
    """A JSON schema in words."""
    if "anyOf" in node:
        return " or ".join(_allowed(option) for option in node["anyOf"])
    if "enum" in node or "const" in node:
        return "one of " + ", ".join(map(str, node.get("enum", [node.get("const")])))
    if "discriminator" in node:
        return "one of " + ", ".join(node["discriminator"]["mapping"])
    names = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false"}
    names |= {"array": "a list", "object": "keys: " + (", ".join(node.get("properties", {})) or "values"), "null": "null"}
    word = names.get(node.get("type", ""), "a value")
    if node.get("type") == "array":
        least, most = (node.get(name, "") for name in ("minItems", "maxItems"))
        count = f"{least} entries, each" if least == most != "" else f"at least {least}, each" if least else ""
        return " ".join(filter(None, [word, "of", count, _allowed(node.get("items", {}))]))
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    bounds |= {"minLength": "of length at least", "pattern": "that matches"}
    limits = [f"{phrase} {_show_bound(node[name])}" for name, phrase in bounds.items() if name in node]
    return f"{word} {' and '.join(limits)}" if limits else word


def _show_bound(bound: object) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)
