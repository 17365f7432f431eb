"""Found by Hydra when DVC composes params.yaml (``dvc exp run``): the project's own check, before the file is written."""

import sys
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from pipeline.config import composition
from pipeline.config.check import check, plain
from pipeline.system import patches
from pipeline.system.errors import ConfigurationError

#: Of the checkout that DVC composes in: a worktree may share the environment, and the package, of another.
CONFIGURATION = Path(__file__).resolve().parent.parent / "conf"


def _digest_of_checked(*, _root_: DictConfig) -> str:
    """The digest of conf/, once the whole composition was found to be valid."""
    try:
        values = plain(_root_, without="composed_from") | {"composed_from": composition.digest(CONFIGURATION)}
        composition.warn(check(values))
    except ConfigurationError as error:
        sys.exit(f"Error: {error}")
    return str(values["composed_from"])


if "dvc.utils.hydra" in sys.modules:  # DVC composes, and would call any Exception an unexpected one
    patches.explain_compositions(lambda error: f"Error: {composition.explain(error)}")
    OmegaConf.register_new_resolver(composition.RESOLVER, _digest_of_checked, replace=True, use_cache=False)
