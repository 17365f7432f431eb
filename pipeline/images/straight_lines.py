"""Straight thin lines in the ink of a picture, found by votes. Which of them are the paper's, `paper_lines` tells.

The votes are those of Duda and Hart (1972), "Use of the Hough transformation to detect lines and curves in pictures": each
point of ink votes for all lines y = slope * x + offset through it. The line with most votes is taken, its points' votes are
withdrawn, and so on. All lines here lie; those that stand are found in the transposed picture.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.images.arrays import Mask

LINE_FAINT = 0.07  # ink from which a line is followed: half of what is seen of a digit's
STEEPEST = 0.15  # slope of a line that still counts as lying: a page photographed 8 degrees askew
SLOPE_STEP = 2.0  # neighbouring slopes lie so far apart at the far side of the picture, pixels
NEAR = 2.0  # a point as near to a line is on it, pixels
SHORTEST = 0.08, 24  # of the picture's longer side, and pixels: a line that is looked for is as long as the larger of these
WIDEST_GAP = 0.03  # of the longer side: a wider gap ends a stretch of a line
BENT_FROM = 0.5  # of the width: so long a line may be bent a little, as pages are
UNBROKEN = 0.7  # the part of a stretch's columns that hold its ink, without those where a stroke crosses it
MOST_LINES = 150  # of one direction; finely squared paper has a hundred
MOST_MISSES = 8  # one after another that have many votes and are broken: what has such is no ruled paper
MOST_POINTS = 60_000  # more are no lines but a dithered picture: their votes would take seconds

Numbers = NDArray[np.intp]
Floats = NDArray[np.float64]


class Runs:
    """The runs of ink in the columns of a mask, column after column, each from above."""

    def __init__(self, mask: Mask) -> None:
        steps = np.diff(np.pad(mask, ((1, 1), (0, 0))).astype(np.int8), axis=0).T
        self.columns, self.tops = np.nonzero(steps == 1)
        self.bottoms = np.nonzero(steps == -1)[1]  # the first row behind each run

    @property
    def lengths(self) -> Numbers:
        """(n,) pixels."""
        lengths: Numbers = self.bottoms - self.tops
        return lengths

    @property
    def middles(self) -> Floats:
        """(n,) the y of their middles, pixels."""
        middles: Floats = (self.tops + self.bottoms - 1) / 2
        return middles


@dataclass(frozen=True)
class Stretch:
    """A part of a line that is mostly unbroken, from column `start` to before column `stop`."""

    y: Floats = field(repr=False)  # (width,): of the line's middle in each column of the picture, pixels
    start: int
    stop: int
    thickness: float  # median of its runs, pixels

    @property
    def length(self) -> int:
        """Pixels."""
        return self.stop - self.start


def lying_lines(mask: Mask, thickest: int) -> list[list[Stretch]]:
    """The lines that lie in a picture, given a mask of its ink, each as its stretches from left to right.

    The longest run of ink in a column that may be a line's is `thickest` pixels.
    """
    runs = Runs(mask)
    thin = np.flatnonzero(runs.lengths <= thickest)
    if not 0 < thin.size <= MOST_POINTS:
        return []
    x, y, thickness = runs.columns[thin], runs.middles[thin], runs.lengths[thin]
    votes, left = _Votes(x, y, mask.shape), np.ones(thin.size, bool)
    shortest, found = max(SHORTEST[0] * max(mask.shape), SHORTEST[1]), []
    misses = 0
    for _ in range(MOST_LINES):
        slope, offset, most = votes.best()
        if most < shortest:
            break
        on = np.flatnonzero(left & (np.abs(y - slope * x - offset) <= NEAR))
        course, own = _followed(x, y, on, left, mask.shape[1])
        stretches = [stretch for stretch in _stretches(mask, course, x[own], thickness[own]) if stretch.length >= shortest]
        if stretches:
            found.append(stretches)
            misses = 0
        elif (misses := misses + 1) == MOST_MISSES:
            break
        gone = np.union1d(on, own)
        votes.withdraw(gone)
        left[gone] = False
    return found


class _Votes:
    """The votes of points for the lines through them, (slopes, offsets)."""

    def __init__(self, x: Numbers, y: Floats, shape: tuple[int, ...]) -> None:
        height, width = shape
        steps = max(1, int(STEEPEST * width / SLOPE_STEP))
        self._slopes = np.arange(-steps, steps + 1) * (STEEPEST / steps)
        self._least = -STEEPEST * width - 1  # offset of the first bin
        self._bins = height + 2 * int(STEEPEST * width) + 4
        offsets = np.rint(y - self._slopes[:, np.newaxis] * x - self._least).astype(np.int32)
        self._places = offsets + np.arange(self._slopes.size, dtype=np.int32)[:, np.newaxis] * self._bins  # (slopes, n)
        self._counts = self._of(np.arange(x.size))

    def _of(self, points: Numbers) -> Numbers:
        shape = self._slopes.size, self._bins
        return np.bincount(self._places[:, points].ravel(), minlength=shape[0] * shape[1]).reshape(shape)

    def best(self) -> tuple[float, float, int]:
        """Slope, offset and votes of the line that has most, with the bins at both sides of its own."""
        sums = self._counts[:, :-2] + self._counts[:, 1:-1] + self._counts[:, 2:]
        slope, place = np.unravel_index(int(sums.argmax()), sums.shape)
        return float(self._slopes[slope]), float(place + 1 + self._least), int(sums[slope, place])

    def withdraw(self, points: Numbers) -> None:
        """Take the votes of points out."""
        self._counts -= self._of(points)


def _followed(x: Numbers, y: Floats, on: Numbers, left: Mask, width: int) -> tuple[Floats, Numbers]:
    """The course of a line that was found at the points `on`, y in each column (width,), and all points on it."""
    columns = np.arange(width)
    for degree in (1, 2, 2):
        if degree == 2 and np.ptp(x[on]) < BENT_FROM * width:
            degree = 1
        if np.unique(x[on]).size <= degree:
            break
        course = np.polynomial.Polynomial.fit(x[on], y[on], degree)
        on = np.flatnonzero(left & (np.abs(y - course(x)) <= NEAR))
        if not on.size:
            break
    return (course(columns) if on.size else np.zeros(width)), on


def _stretches(mask: Mask, course: Floats, columns: Numbers, thickness: Numbers) -> list[Stretch]:
    """Cut a line at its gaps. `columns` and `thickness`, (n,), are those of its runs."""
    height, width = mask.shape
    own = np.zeros(width, bool)
    own[columns] = True
    middle = np.clip(np.rint(course).astype(int), 0, height - 1)
    crossed = ~own & mask[middle, np.arange(width)]
    held = np.flatnonzero(own | crossed)
    parts = np.split(held, np.flatnonzero(np.diff(held) > max(4, WIDEST_GAP * max(mask.shape))) + 1)
    found = []
    for part in parts:
        part = part[own[part]]
        if not part.size:
            continue
        start, stop = int(part[0]), int(part[-1]) + 1
        free = (stop - start) - int(crossed[start:stop].sum())
        within = (columns >= start) & (columns < stop)
        if part.size >= UNBROKEN * free:
            found.append(Stretch(course, start, stop, float(np.median(thickness[within]))))
    return found
