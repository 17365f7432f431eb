"""Checks params.yaml when DVC composes it (``dvc exp run``), before it is written. Hydra loads this module by its folder."""

import sys
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from pipeline.config import composition
from pipeline.config.check import check, plain
from pipeline.system import patches
from pipeline.system.errors import ConfigurationError

#: In the checkout that DVC composes in. The installed package may belong to another checkout.
CONFIGURATION = Path(__file__).resolve().parent.parent / "conf"


def _digest_of_checked(*, _root_: DictConfig) -> str:
    """Check the whole composition, and return the digest of conf/."""
    try:
        values = plain(_root_, without="composed_from") | {"composed_from": composition.digest(CONFIGURATION)}
        composition.warn(check(values))
    except ConfigurationError as error:
        sys.exit(f"Error: {error}")
    return str(values["composed_from"])


if "dvc.utils.hydra" in sys.modules:  # DVC composes, and calls any Exception an unexpected error
    patches.explain_compositions(lambda error: f"Error: {composition.explain(error)}")
    OmegaConf.register_new_resolver(composition.RESOLVER, _digest_of_checked, replace=True, use_cache=False)
