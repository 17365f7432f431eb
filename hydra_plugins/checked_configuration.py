"""Found by Hydra when DVC composes params.yaml (``dvc exp run``): the project's own check, before the file is written."""

from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.errors import HydraException

from pipeline import compose

_load = ConfigLoaderImpl.load_configuration


def _load_or_explain(self: ConfigLoaderImpl, *arguments: Any, **options: Any) -> Any:
    try:
        return _load(self, *arguments, **options)
    except HydraException as error:
        raise compose.explain(error) from None


ConfigLoaderImpl.load_configuration = _load_or_explain
compose.register_resolver()
