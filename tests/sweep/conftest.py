"""Compositions that are kept: Hydra takes a quarter of a second for each, and a sweep makes one a trial."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

import pytest

from pipeline.config import composition
from pipeline.config.schema import Configuration
from pipeline.sweep import objective

composed = cache(lambda overrides, schema: compose(list(overrides), schema=schema))
compose: Callable[..., dict[str, Any]] = composition.compose


@pytest.fixture(autouse=True)
def _keep_compositions(monkeypatch: pytest.MonkeyPatch) -> None:
    def kept(overrides: list[str], schema: type[Configuration] = Configuration) -> dict[str, Any]:
        return deepcopy(composed(tuple(overrides), schema))

    for module in (composition, objective):
        monkeypatch.setattr(module, "compose", kept)
