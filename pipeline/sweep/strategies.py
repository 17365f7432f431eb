"""The samplers, which choose the values of the next trial, and the pruners, which end a trial early.

To add one: a function that makes it (a sampler from its options, the space and a seed; a pruner from its options and the
epochs of a trial), its name in the options, and its line in the table.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from optuna.distributions import CategoricalDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, CmaEsSampler, GridSampler, RandomSampler, TPESampler
from pydantic import Field

from pipeline.sweep.search_space import Dimension
from pipeline.system.errors import ConfigurationError
from pipeline.system.section import Count, Section, Seed

Space = list[Dimension]


class Sampler(Section):
    """How a sweep chooses the values of the next trial."""

    name: Literal["tpe", "random", "grid", "cmaes"]
    seed: Seed
    startup_trials: Count


class Pruner(Section):
    """When a sweep ends a trial early."""

    name: Literal["none", "median", "hyperband"]
    startup_trials: Count
    warmup_epochs: Annotated[int, Field(ge=0)]
    min_epochs: Count
    reduction_factor: Annotated[int, Field(ge=2)]


def grid(options: Sampler, space: Space, _: int) -> BaseSampler:
    """Every point of a space that is made of ``choice(...)`` and ``range(...)``, in an order that the seed decides."""
    _require(all(part.values for part in space), "grid", "choice(...) and range(...)", space)
    # With the seed of the study, a point has the same number in all processes.
    return GridSampler({part.key: _values(part) for part in space}, seed=options.seed)


def cmaes(options: Sampler, space: Space, seed: int) -> BaseSampler:
    """Covariance matrix adaptation, for numbers."""
    numbers = not any(isinstance(part.distribution, CategoricalDistribution) for part in space)
    _require(numbers, "cmaes", "interval(...) and ranges of whole numbers", space)
    return CmaEsSampler(n_startup_trials=options.startup_trials, seed=seed)


def _require(holds: bool, sampler: str, allowed: str, space: Space) -> None:
    if not holds:
        keys = ", ".join(part.key for part in space)
        raise ConfigurationError(
            f"sweep.sampler.name={sampler} takes {allowed} alone, and the space has {keys}. Or: sweep.sampler.name=tpe"
        )


def _values(part: Dimension) -> list[Any]:
    if isinstance(part.distribution, CategoricalDistribution):
        return list(part.distribution.choices)
    return [int(value) for value in part.values]


SAMPLERS: dict[str, Callable[[Sampler, Space, int], BaseSampler]] = {
    # The liar takes running trials for ones that end badly, so that parallel trials differ.
    "tpe": lambda options, _, seed: TPESampler(n_startup_trials=options.startup_trials, seed=seed, constant_liar=True),
    "random": lambda _, __, seed: RandomSampler(seed=seed),
    "grid": grid,
    "cmaes": cmaes,
}
PRUNERS: dict[str, Callable[[Pruner, int], BasePruner]] = {
    "none": lambda *_: NopPruner(),
    "median": lambda options, _: MedianPruner(options.startup_trials, options.warmup_epochs + 1),  # Optuna's steps begin at 0
    "hyperband": lambda options, epochs: HyperbandPruner(options.min_epochs, epochs, options.reduction_factor),
}
