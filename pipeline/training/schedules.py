"""The learning-rate schedules: the options of each, and the learning rate of every step.

To add one: a class with `name` and `_factors`, its place in `AnySchedule`, and ``conf/schedule/<name>.yaml``.
"""

from abc import abstractmethod
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.system.section import Factor, Fraction, Rate, Section


class Schedule(Section):
    """What every schedule can do."""

    def learning_rates(self, peak: float, steps: int) -> NDArray[np.float32]:
        """The learning rate of each of the `steps` of a whole training, (steps,); `peak` is the optimizer's."""
        return (peak * self._factors(steps)).astype(np.float32)

    @abstractmethod
    def _factors(self, steps: int) -> NDArray[np.float64]:
        """The learning rate of each step as a part of the peak, (steps,), above or equal 0."""


class Constant(Schedule):
    """The learning rate as it is."""

    name: Literal["constant"]

    def _factors(self, steps: int) -> NDArray[np.float64]:
        return np.ones(steps)


class Cosine(Schedule):
    """Linear warm-up, then half a cosine."""

    name: Literal["cosine"]
    warmup_fraction: Rate
    final_factor: Factor

    def _factors(self, steps: int) -> NDArray[np.float64]:
        warmup, step = round(self.warmup_fraction * steps), np.arange(steps)
        rising = (step + 1) / max(warmup, 1)
        return np.where(step < warmup, rising, _half_cosine(step, warmup, steps, 1, self.final_factor))


class OneCycle(Schedule):
    """Half a cosine up, half a cosine down."""

    name: Literal["one_cycle"]
    warmup_fraction: Fraction
    initial_factor: Factor
    final_factor: Factor

    def _factors(self, steps: int) -> NDArray[np.float64]:
        warmup, step = max(1, round(self.warmup_fraction * steps)), np.arange(steps)
        rising = _half_cosine(step, 0, warmup, self.initial_factor, 1)
        return np.where(step < warmup, rising, _half_cosine(step, warmup, steps, 1, self.final_factor))


def _half_cosine(step: NDArray[np.int64], begin: int, end: int, first: float, last: float) -> NDArray[np.float64]:
    progress = np.clip((step - begin) / max(end - begin, 1), 0, 1)
    return last + (first - last) * (1 + np.cos(np.pi * progress)) / 2


AnySchedule = Annotated[Constant | Cosine | OneCycle, Field(discriminator="name")]
