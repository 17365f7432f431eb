"""Checking a configuration against the schema, and saying what is wrong with it."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from pipeline.config.messages import explain
from pipeline.config.schema import Configuration
from pipeline.system.errors import ConfigurationError
from pipeline.system.paths import CHECKOUT, IS_CHECKOUT, PARAMETERS

NOT_VALID = "the configuration is not valid."

Checked = TypeVar("Checked", bound=Configuration)


def load(path: Path = PARAMETERS) -> Configuration:
    """Read and check ``params.yaml``.

    Raises:
        ConfigurationError: the file is missing, is not YAML, or breaks the schema.
    """
    return check_by(
        Configuration, read(path), f"{path.name} is not valid. Mend it, or make it anew: python -m pipeline.compose"
    )


def read(path: Path) -> dict[str, Any]:
    """Read a YAML file of keys and values, unchecked.

    Raises:
        ConfigurationError: the file is missing, or is not such a file.
    """
    must_be_checkout()
    try:
        loaded = OmegaConf.load(path)
        if isinstance(loaded, ListConfig):
            raise ConfigurationError(
                f"{path} must hold keys and values, and holds a list. Make it anew: python -m pipeline.compose"
            )
        return plain(loaded)
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


def plain(composed: DictConfig, without: str = "") -> dict[str, Any]:
    """Plain values of what OmegaConf holds, interpolations resolved, except for the key `without`."""
    values = {str(key): composed[key] for key in composed if key != without}
    return {key: OmegaConf.to_object(value) if OmegaConf.is_config(value) else value for key, value in values.items()}


def check(values: dict[str, Any]) -> Configuration:
    """Check the composed configuration of the pipeline: see `check_by`."""
    return check_by(Configuration, values)


def check_by(schema: type[Checked], values: dict[str, Any], told: str = NOT_VALID) -> Checked:
    """Check a composed configuration, of the pipeline or of a sweep; `told` begins the message.

    Raises:
        ConfigurationError: with one paragraph a key that breaks the schema.
    """
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError("\n".join([told, *explain(error.errors(), values, schema)])) from None


def check_bounds(values: dict[str, Any]) -> None:
    """Check that each value by itself is allowed, whether or not all of them go together.

    Raises:
        ConfigurationError: one is not.
    """
    try:
        Configuration.model_validate(values)
    except ValidationError as error:
        if alone := [problem for problem in error.errors() if problem["type"] != "value_error"]:
            raise ConfigurationError("\n".join([NOT_VALID, *explain(alone, values, Configuration)])) from None


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


def shown(values: dict[str, Any], key: str, missing: str) -> str:
    """The value of a key of flat values, as YAML has it; `missing` if there is none."""
    return yaml.safe_dump(values[key], default_flow_style=True, width=1000).partition("\n")[0] if key in values else missing


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
