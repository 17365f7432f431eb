"""The configuration composed from ``conf/`` by Hydra, checked, and what is wrong with an override in words."""

import difflib
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import ConfigKeyError, OmegaConfBaseException
from yaml import YAMLError

from pipeline.config.check import check_by, must_be_checkout, plain
from pipeline.config.messages import keys_of, unknown_key
from pipeline.config.schema import Configuration
from pipeline.system.errors import ConfigurationError
from pipeline.system.paths import CONFIGURATION, files_of

ORIGIN = "composed_from"  # the key that tells what params.yaml was composed from

Result = TypeVar("Result")


def warn(configuration: Configuration, varied: Iterable[str] = ()) -> None:
    """Print what of a configuration is most likely a mistake, given the overrides in it and the keys that a sweep varies."""
    keys = map(key_of, configuration.composed_from.overrides)
    for sentence in configuration.optimizer.warnings() + configuration.model.warnings([*keys, *varied]):
        print(f"Warning: {sentence}", file=sys.stderr)


def key_of(override: str) -> str:
    """The key that an override sets, adds or takes away."""
    return override.partition("=")[0].lstrip("+~")


def _explain(error: HydraException, schema: type[Configuration]) -> ConfigurationError:
    """Hydra's complaint about an override, with the nearest keys if it is of one that is not there."""
    text, cause = str(error).partition("\nConfig search path:")[0], error.__cause__
    # Hydra names the override alone; the cause has the reason, and what was composed before.
    refused = re.search(r"(?:use \+|Error merging override )(.+)", text, re.DOTALL)
    given = re.sub(r"^\+\+(?=[^=]*\.\d)", "", refused[1]) if refused else ""  # that is `_for_hydra`'s
    if refused and isinstance(cause, OmegaConfBaseException) and cause.parent_node is not None:
        within = re.sub(r"\[(\w+)\]", r".\1", str(cause.full_key))  # as in optimizer={rho: 0.5, foo: 1}
        there = keys_of(OmegaConf.to_container(_whole(cause.parent_node)))
        unknown = [key for key in (given.partition("=")[0].lstrip("+~"), within) if key not in there]
        reason = unknown_key(unknown[0], there, schema) if unknown else f"  {str(cause).splitlines()[0]}"
        text = f"{reason}\n    given: {given}"
    if (lost := re.search(r"In '\w+/\w+': Could not find '\w+/(\w+)/(\w+)'", text)) and (CONFIGURATION / lost[1]).is_dir():
        text += f"\n  In the defaults list of that file, another group's option is written: - override /{lost[1]}: {lost[2]}"
    for words in ("add --multirun to your command line", "requires --multirun"):
        text = text.replace(words, "use python -m pipeline.sweep")
    return ConfigurationError(f"the override is not valid.\n{text.rstrip()}")


def _whole(node: Any) -> Any:
    """The whole configuration that a node is a part of."""
    with suppress(ConfigKeyError):  # the whole is a part of nothing
        while True:
            node = OmegaConf.select(node, "..")
    return node


def compose(overrides: list[str], folder: Path = CONFIGURATION, schema: type[Configuration] = Configuration) -> dict[str, Any]:
    """Compose and check the configuration.

    Args:
        overrides: in Hydra's override grammar, as in ``["experiment=textbook", "model.dropout=0.4"]``.
        folder: what to compose it from.
        schema: what it is checked by, which says the file that it begins with.

    Raises:
        ConfigurationError: an override or a value is not valid.
    """
    must_be_checkout()

    def composed(those: list[str]) -> dict[str, Any]:
        with initialize_config_dir(str(folder), version_base=None):
            return plain(hydra_compose(schema.primary, overrides=those), without=ORIGIN)

    values = explaining(overrides, composed, schema)
    values[ORIGIN] = origin(values, overrides)
    check_by(schema, values)
    return values


def explaining(
    overrides: list[str], composed: Callable[[list[str]], Result], schema: type[Configuration] = Configuration
) -> Result:
    """What `composed` makes of overrides by Hydra's means.

    Raises:
        ConfigurationError: Hydra refuses an override, or can't read a file of conf/.
    """
    try:
        parsed = OverridesParser.create().parse_overrides(overrides)
        for override in parsed:
            if key_of(str(override.input_line)).partition(".")[0] == "sweep" and "sweep" not in schema.model_fields:
                raise ConfigurationError(
                    f"the override is not valid.\n  {override.input_line}: is for python -m pipeline.sweep, which tries many "
                    "configurations. Here one is composed."
                )
        return composed([_for_hydra(override) for override in parsed])
    except HydraException as error:
        raise _explain(error, schema) from None
    except (OmegaConfBaseException, YAMLError, UnicodeDecodeError) as error:
        told = str(error).partition("\n    full_key:")[0]
        raise ConfigurationError(f"conf/ can't be composed with {' '.join(overrides) or 'no overrides'}.\n  {told}") from None
    except (ValueError, TypeError) as error:  # as Hydra has it of model={a: 1}
        raise ConfigurationError(f"an override of {' '.join(overrides)} is not valid.\n  {error}") from None


def _for_hydra(override: Override) -> str:
    """An override as Hydra takes it, which wants ``experiment=[]`` for ``experiment=null``, and ``++`` for a key that an entry
    of a list may have left out (``model.blocks.0.dropout=0.1``).

    Raises:
        ConfigurationError: it is of a key of Hydra's own, which would be ignored, or gives an option the name of another.
    """
    key = str(override.key_or_group)
    group, _, last = key.partition(".")
    options = sorted({path.stem for path in files_of(CONFIGURATION / group, "*.yaml")} - {"default"})
    if last == "name" and options:
        near = difflib.get_close_matches(str(override.value()), options, n=1, cutoff=0)
        raise ConfigurationError(
            f"the override is not valid.\n  {key}: is how an option calls itself, and goes with its other values. "
            f"Choose the option: {group}={near[0]}\n    allowed: {', '.join(options)}\n    given: {override.input_line}"
        )
    if re.split(r"\W", key, maxsplit=1)[0] == "hydra":
        raise ConfigurationError(
            f"the override is not valid.\n  {override.input_line}: Hydra only composes the configuration here, and its own "
            "keys have no effect.\n    Leave it out: where outputs go stands in dvc.yaml."
        )
    if override.is_delete() and re.search(r"\.\d+$", key):
        raise ConfigurationError(
            f"the override is not valid.\n  {override.input_line}: an entry of a list can't be taken away. "
            f"Give the whole list: {key.rpartition('.')[0]}=[...]"
        )
    if override.type == OverrideType.CHANGE and re.search(r"\.\d+(\.|$)", key):
        return f"++{override.input_line}"
    chooses_nothing = override.is_delete() is False and override.value() is None and (CONFIGURATION / key).is_dir()
    return f"{key}=[]" if chooses_nothing else str(override.input_line)


def origin(values: dict[str, Any], overrides: list[str]) -> dict[str, Any]:
    """What ``params.yaml`` says of its origin: the overrides, and a digest of the values that they composed to."""
    text = json.dumps(values, sort_keys=True)
    return {"overrides": overrides, "digest": hashlib.sha256(text.encode()).hexdigest()[:12]}  # short: `dvc exp show` has it


def with_override(values: dict[str, Any], override: str) -> dict[str, Any]:
    """Composed values with another value of one key, unchecked."""
    parsed, changed = OverridesParser.create().parse_override(override), OmegaConf.create(values)
    OmegaConf.update(changed, str(parsed.key_or_group), parsed.value(), force_add=True)
    return plain(changed)


def missing_options(overrides: list[str]) -> list[str]:
    """The files in ``conf/`` that overrides choose, as in ``experiment=mine``, and that are not there."""
    files = []
    for override in OverridesParser.create().parse_overrides(overrides):
        if is_option(override, CONFIGURATION):
            options = override.value()
            files += [f"{override.key_or_group}/{name}.yaml" for name in (options if isinstance(options, list) else [options])]
    return [f"conf/{name}" for name in files if not (CONFIGURATION / name).is_file()]


def is_option(override: Override, folder: Path) -> bool:
    """Whether an override chooses files of a group, as in ``model=mlp`` or ``experiment=[smoke,overfit]``."""
    return isinstance(override.value(), str | list) and (folder / str(override.key_or_group)).is_dir()
