"""The configuration composed from ``conf/`` by Hydra, checked, and what is wrong with an override in words."""

import hashlib
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import ConfigKeyError, OmegaConfBaseException

from pipeline.config.check import check_by, must_be_checkout, plain, read
from pipeline.config.messages import keys_of, unknown_key
from pipeline.config.schema import Configuration
from pipeline.system.errors import ConfigurationError
from pipeline.system.paths import CONFIGURATION, files_of

#: The resolver behind `composed_from`. DVC's own composition has another, which checks: see `hydra_plugins`.
RESOLVER = "digest_of_checked_configuration"


def digest(folder: Path) -> str:
    """SHA-256 over the names and texts of all YAML files below `folder`, the same on every platform."""
    state = hashlib.sha256()
    for path in files_of(folder, "**/*.yaml"):
        text = path.read_text(encoding="utf-8")
        state.update(f"{path.relative_to(folder).as_posix()}\0{len(text)}\0{text}".encode())
    return state.hexdigest()


def warn(configuration: Configuration) -> None:
    """Print what of a configuration is most likely a mistake."""
    for sentence in configuration.optimizer.warnings():
        print(f"Warning: {sentence}", file=sys.stderr)


def explain(error: HydraException, schema: type[Configuration] = Configuration) -> ConfigurationError:
    """Hydra's complaint about an override, with the nearest keys if it is of one that is not there."""
    text, cause = str(error).partition("\nConfig search path:")[0], error.__cause__
    # Hydra names the override alone; the cause has the reason, and what was composed before.
    refused = re.search(r"(?:use \+|Error merging override )(.+)", text, re.DOTALL)
    if refused and isinstance(cause, OmegaConfBaseException) and cause.parent_node is not None:
        within = re.sub(r"\[(\w+)\]", r".\1", str(cause.full_key))  # as in optimizer={rho: 0.5, foo: 1}
        there = keys_of(OmegaConf.to_container(_whole(cause.parent_node)))
        unknown = [key for key in (refused[1].partition("=")[0].lstrip("+~"), within) if key not in there]
        reason = unknown_key(unknown[0], there, schema) if unknown else f"  {str(cause).splitlines()[0]}"
        text = f"{reason}\n    given: {refused[1]}"
    return ConfigurationError(f"the override is not valid.\n{text}")


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
    OmegaConf.register_new_resolver(RESOLVER, lambda: digest(CONFIGURATION), replace=True, use_cache=False)
    try:
        with initialize_config_dir(str(folder), version_base=None):
            values = plain(hydra_compose(schema.primary, overrides=overrides))
    except HydraException as error:
        raise explain(error, schema) from None
    except OmegaConfBaseException as error:
        raise ConfigurationError(f"the configuration can't be composed.\n  {error}") from None
    except (ValueError, TypeError) as error:  # as Hydra has it of model=null
        raise ConfigurationError(f"an override of {' '.join(overrides)} is not valid.\n  {error}") from None
    warn(check_by(schema, values))
    return values


def is_option(override: Override, folder: Path) -> bool:
    """Whether an override chooses files of a group, as in ``model=mlp`` or ``experiment=[smoke,overfit]``."""
    return isinstance(override.value(), str | list) and (folder / str(override.key_or_group)).is_dir()


def is_current(parameters: Path) -> bool:
    """Whether `parameters` was composed from conf/ as it is, or by DVC for the experiment that is running."""
    if not parameters.exists():
        return False
    # In an experiment DVC has just composed params.yaml itself; and a folder it runs in may lack files of conf/ that
    # git doesn't know yet.
    return "DVC_EXP_NAME" in os.environ or read(parameters).get("composed_from") == digest(CONFIGURATION)
