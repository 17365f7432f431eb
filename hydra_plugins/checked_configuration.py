"""Found by Hydra when DVC composes params.yaml (``dvc exp run``): the project's own check, before the file is written."""

import sys
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from pipeline.config import composition
from pipeline.config.check import check, plain
from pipeline.system.errors import ConfigurationError
from pipeline.system.paths import CONFIGURATION

_load = ConfigLoaderImpl.load_configuration


def _load_or_explain(self: ConfigLoaderImpl, *arguments: Any, **options: Any) -> Any:
    try:
        return _load(self, *arguments, **options)
    except HydraException as error:
        sys.exit(f"Error: {composition.explain(error)}")


def _digest_of_checked(*, _root_: DictConfig) -> str:
    """The digest of conf/, once the whole composition was found to be valid."""
    try:
        values = plain(_root_, without="composed_from") | {"composed_from": composition.digest(CONFIGURATION)}
        composition.warn(check(values))
    except ConfigurationError as error:
        sys.exit(f"Error: {error}")
    return str(values["composed_from"])


if "dvc.utils.hydra" in sys.modules:  # DVC composes, and would call any Exception an unexpected one
    ConfigLoaderImpl.load_configuration = _load_or_explain
    OmegaConf.register_new_resolver(composition.RESOLVER, _digest_of_checked, replace=True, use_cache=False)
