"""The learning rate of every step."""

import numpy as np
from numpy.typing import NDArray

from pipeline.config import schema


def learning_rates(schedule: schema.AnySchedule, peak: float, steps: int) -> NDArray[np.float32]:
    """The learning rate of each step.

    Args:
        schedule: its form.
        peak: the optimizer's learning rate.
        steps: of the whole training.

    Returns:
        (steps,) float32, above or equal 0.

    """
    step = np.arange(steps, dtype=np.float64)
    match schedule:
        case schema.ConstantSchedule():
            factor = np.ones(steps)
        case schema.CosineSchedule():
            warmup = round(schedule.warmup_fraction * steps)
            rising = (step + 1) / max(warmup, 1)
            factor = np.where(step < warmup, rising, _half_cosine(step, warmup, steps, 1, schedule.final_factor))
        case schema.OneCycleSchedule():
            warmup = max(1, round(schedule.warmup_fraction * steps))
            rising = _half_cosine(step, 0, warmup, schedule.initial_factor, 1)
            factor = np.where(step < warmup, rising, _half_cosine(step, warmup, steps, 1, schedule.final_factor))
    return (peak * factor).astype(np.float32)


def _half_cosine(step: NDArray[np.float64], begin: int, end: int, first: float, last: float) -> NDArray[np.float64]:
    progress = np.clip((step - begin) / max(end - begin, 1), 0, 1)
    return last + (first - last) * (1 + np.cos(np.pi * progress)) / 2
