"""Two classes of brightness, and how far they are apart.

N. Otsu (1979), "A threshold selection method from gray-level histograms": the threshold between the classes that differ most.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Classes(NamedTuple):
    """A dark and a bright class."""

    threshold: float  # up to which the dark class goes
    contrast: float  # between the means of the two
    apart: float  # the same in standard deviations


def two_classes(values: NDArray[Any]) -> Classes:
    """The two classes that Otsu's threshold makes."""
    low, high = float(values.min()), float(values.max())
    counts, edges = np.histogram(values, 256, (low, max(high, low + 1)))
    middles = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts)[:-1], np.cumsum(counts * middles)[:-1]
    spread = (total * values.size - below * float(values.sum(dtype=np.float64))) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.nan_to_num(spread / (below * (values.size - below)))
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))  # all thresholds in a gap are as good: the middle
    threshold = float((edges[best[0] + 1] + edges[best[-1] + 1]) / 2)
    dark, bright = values[values <= threshold], values[values > threshold]
    if not dark.size or not bright.size:
        return Classes(threshold, 0.0, 0.0)
    within = (dark.var() * dark.size + bright.var() * bright.size) / values.size
    contrast = float(bright.mean() - dark.mean())
    return Classes(threshold, contrast, contrast / max(float(within), 1e-6) ** 0.5)
