"""Checks params.yaml when DVC composes it (``dvc exp run``), before it is written. Hydra loads this module by its folder."""

import sys
from collections.abc import Callable
from typing import Any

from omegaconf import DictConfig, OmegaConf

from pipeline.config import composition, parameters_file
from pipeline.config.check import check, plain
from pipeline.system import patches
from pipeline.system.errors import ConfigurationError

given: list[str] = []  # the overrides of the composition that DVC makes


def _compose(overrides: list[str], composed: Callable[[list[str]], Any]) -> Any:
    """Compose, and keep the overrides."""
    given[:] = overrides
    try:
        return composition.explaining(overrides, composed)
    except ConfigurationError as error:
        sys.exit(f"Error: {error}")


def _origin_of_checked(*, _root_: DictConfig) -> DictConfig:
    """Check the whole composition, and return what it was composed from."""
    try:
        values = plain(_root_, without=composition.ORIGIN)
        values[composition.ORIGIN] = composition.origin(values, given)
        composition.warn(check(values))
        parameters_file.tell_what_is_left_out(values)
    except ConfigurationError as error:
        sys.exit(f"Error: {error}")
    told: DictConfig = OmegaConf.create(values[composition.ORIGIN])  # of plain keys and values, OmegaConf.resolve makes nothing
    return told


if "dvc.utils.hydra" in sys.modules:  # DVC composes, and calls any Exception an unexpected error
    patches.surround_compositions(_compose)
    OmegaConf.register_new_resolver("origin_of_checked_configuration", _origin_of_checked, replace=True, use_cache=False)
