"""The search space of a sweep, written in Hydra's override grammar.

https://hydra.cc/docs/advanced/override_grammar/extended/: ``choice(...)``, ``range(...)``, ``interval(...)``, with ``int(...)``
and ``tag(log, ...)`` around them.
"""

from dataclasses import dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep, Transformer
from hydra.errors import HydraException
from optuna import Trial
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from pipeline.system.errors import ConfigurationError

DIGITS = 4  # significant digits of the numbers that are tried: more make no difference and are hard to read


@dataclass(frozen=True)
class Dimension:
    """One key that a sweep varies."""

    key: str
    distribution: FloatDistribution | IntDistribution | CategoricalDistribution
    values: tuple[str, ...]  # all values as in overrides; empty for an interval

    @property
    def ends(self) -> tuple[Any, Any]:
        """The first and the last value."""
        if self.values:
            return self.values[0], self.values[-1]
        assert not isinstance(self.distribution, CategoricalDistribution)  # which has values
        return self.distribution.low, self.distribution.high

    @property
    def checked(self) -> tuple[Any, ...]:
        """The values that tell whether all are within bounds: those of a choice, the ends of a range or an interval."""
        return self.values if isinstance(self.distribution, CategoricalDistribution) else self.ends

    def suggest(self, trial: Trial) -> Any:
        """Let Optuna choose the value of a trial for this key."""
        match self.distribution:
            case CategoricalDistribution(choices=choices):
                return trial.suggest_categorical(self.key, choices)
            case IntDistribution(low=low, high=high, step=step, log=log):
                return trial.suggest_int(self.key, low, high, step=step, log=log)
            case FloatDistribution(low=low, high=high, log=log):
                return trial.suggest_float(self.key, low, high, log=log)

    def override(self, value: Any) -> str:
        """The override that sets this key, as in ``model.dropout=0.2``."""
        return f"{self.key}={float(f'{value:.{DIGITS}g}')!r}" if isinstance(value, float) else f"{self.key}={value}"


def parse(overrides: list[str]) -> tuple[list[Dimension], list[str]]:
    """Separate the overrides that define the search space, as ``optimizer.rho=interval(0.8, 0.99)``, from the others.

    Returns:
        A dimension for each varied key (the last one given counts), and the other overrides.

    Raises:
        ConfigurationError: an override is not in the grammar, or is a kind of sweep that is not supported.
    """
    try:
        parsed = OverridesParser.create().parse_overrides(overrides)
    except HydraException as error:
        raise ConfigurationError(f"the override is not valid.\n  {error}") from None
    varied = {str(override.key_or_group): _dimension(override) for override in parsed if override.is_sweep_override()}
    return list(varied.values()), [str(override.input_line) for override in parsed if not override.is_sweep_override()]


def _dimension(override: Override) -> Dimension:
    key, sweep = str(override.key_or_group), override.value()
    log = "log" in getattr(sweep, "tags", ())
    try:
        match sweep:
            case ChoiceSweep(shuffle=True) | RangeSweep(shuffle=True):  # by Hydra, anew at each call: another study each time
                raise ConfigurationError(
                    f"the search space can't have {override.input_line}: a sampler has an order of its own.\n"
                    "    Write the same without shuffle(...)."
                )
            case IntervalSweep(start=int(low), end=int(high)):
                return Dimension(key, IntDistribution(low, high, log=log), ())
            case IntervalSweep(start=float(low), end=float(high)):
                return Dimension(key, FloatDistribution(low, high, log=log), ())
            case ChoiceSweep():
                words = tuple(str(value) for value in override.sweep_iterator(Transformer.encode))
                return Dimension(key, CategoricalDistribution(words), words)
            case RangeSweep(step=step):
                numbers = sorted(sweep.range())  # Optuna has no ranges that descend
                words = tuple(map(str, numbers))
                if len(numbers) > 1 and isinstance(numbers[0], int):
                    return Dimension(key, IntDistribution(numbers[0], int(numbers[-1]), step=abs(int(step))), words)
                return Dimension(key, CategoricalDistribution(words), words)
    except (ValueError, HydraException) as error:
        raise ConfigurationError(f"the search space can't have {override.input_line}: {error}") from None
    raise ConfigurationError(
        f"the search space can't have {override.input_line}.\n    allowed: choice(a, b), range(0, 10, 2), interval(0.1, 6), "
        "int(interval(1, 9)), tag(log, interval(0.1, 6))"
    )
