"""Rows of digits are told apart before each is cut into digits: one row is read below the other.

Tall parts that overlap in their height stand in one row, and small ones belong to the nearest tall one. Where two rows lie so
close that they may be the halves of digits, both ways are read, and the better one is kept.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from pipeline.inference import segmentation
from pipeline.inference.segmentation import Boxes, Group, Part, Reader
from pipeline.system.errors import DataError

MOST = 400  # parts: of some hundred digits; their pairs and groups are looked at within two seconds
TALL = 0.4  # of the highest part's height: what is lower may be the bar of a 5, and makes no row
OVERLAPPING = 0.25  # of the lower part's height: two parts that share as much stand in one row

# The unit of these lengths is the height of the rows.
REACH = 2.0  # parts that are farther from each other across are not compared, for a row may climb
GAP_MIDDLE = 0.15  # a wider gap between two rows speaks for two, a smaller one for one
GAP_SPREAD = 0.05  # how far from it the odds are 1 to e
CLEAR_GAP = 0.35  # a wider one needs no reading


def segment(parts: Sequence[Part], read: Reader) -> list[list[Group]]:
    """Group parts into rows, from above, and each row into digits: see `segmentation.segment`.

    Every part is in one of them. `read` may be called several times.
    """
    if len(parts) > MOST:
        raise DataError(f"a number must be made of at most {MOST} strokes, and this has {len(parts)}. Draw less at a time.")
    if not parts:
        return []
    boxes = np.stack([np.concatenate([part.min(axis=0), part.max(axis=0)]) for part in parts])
    found: list[NDArray[np.intp]] = []
    digits: list[list[Group]] = []
    for row in _rows(parts, boxes):
        own = _digits(parts, row, read)
        gap = _gap(boxes[found[-1]], boxes[row]) if found else CLEAR_GAP
        if gap < CLEAR_GAP:
            both = np.sort(np.concatenate([found[-1], row]))
            halves = _digits(parts, both, read)
            evidence = (gap - GAP_MIDDLE) / GAP_SPREAD
            if _are_halves(halves, found[-1], row) and read(halves).sum() >= read(digits[-1] + own).sum() + evidence:
                found[-1], digits[-1] = both, halves
                continue
        found.append(row)
        digits.append(own)
    return digits


def _digits(parts: Sequence[Part], row: NDArray[np.intp], read: Reader) -> list[Group]:
    """The digits of one row, by the numbers of all parts."""

    def own(groups: list[Group]) -> list[Group]:
        return [tuple(int(row[part]) for part in group) for group in groups]

    return own(segmentation.segment([parts[int(number)] for number in row], lambda groups: read(own(groups))))


def _are_halves(digits: list[Group], upper: NDArray[np.intp], lower: NDArray[np.intp]) -> bool:
    """Whether each digit has parts of both rows: one that has not shows how high the digits of a row are."""
    return all(set(digit) & set(upper.tolist()) and set(digit) & set(lower.tolist()) for digit in digits)


def _gap(upper: Boxes, lower: Boxes) -> float:
    """How far a row lies below another where they come closest, in their heights; negative if they overlap."""
    height = max(float((boxes[:, 3] - boxes[:, 1]).max()) for boxes in (upper, lower))
    one, other = upper[:, np.newaxis], lower[np.newaxis]
    beside = np.maximum(one[..., 0] - other[..., 2], other[..., 0] - one[..., 2])
    gaps = (other[..., 1] - one[..., 3])[beside < height / 2]
    gap = gaps.min() if gaps.size else lower[:, 1].min() - upper[:, 3].max()
    return float(gap) / max(height, 1e-9)


def _rows(parts: Sequence[Part], boxes: Boxes) -> list[NDArray[np.intp]]:
    """The numbers of the parts of each row, ascending, the rows from above."""
    widths, heights = (boxes[:, 2:] - boxes[:, :2]).T
    height = max(float(heights.max()), float(widths.max()) / 2, 1e-9)
    tall, small = np.flatnonzero(heights >= TALL * height), np.flatnonzero(heights < TALL * height)
    linked = _overlapping(boxes[tall] / height)
    if not tall.size or connected_components(linked, directed=False)[0] == 1:
        return [np.arange(len(parts))]
    linked |= segmentation.touching([parts[int(number)] / height for number in tall], boxes[tall] / height)
    count, row = connected_components(linked, directed=False)
    of_part = np.zeros(len(parts), int)
    of_part[tall] = row
    for number in small:
        of_part[number] = row[int(np.argmin(_distances(boxes[number], boxes[tall])))]
    found = [np.flatnonzero(of_part == number) for number in range(count)]
    return sorted(found, key=lambda numbers: float(boxes[numbers][:, [1, 3]].mean()))


def _overlapping(boxes: Boxes) -> NDArray[np.bool_]:
    """(n, n): which two parts overlap in their height, and so stand in one row."""
    left, top, right, bottom = boxes.T
    shared = np.minimum(bottom[:, np.newaxis], bottom) - np.maximum(top[:, np.newaxis], top)
    lower = np.minimum((bottom - top)[:, np.newaxis], bottom - top)
    beside = np.maximum(left[:, np.newaxis] - right, (left[:, np.newaxis] - right).T)
    overlapping: NDArray[np.bool_] = (shared >= OVERLAPPING * lower) & (beside <= REACH)
    return overlapping


def _distances(box: NDArray[np.float64], others: Boxes) -> NDArray[np.float64]:
    """(n,): between a box and others, 0 where they overlap."""
    apart = np.maximum(np.maximum(others[:, :2] - box[2:], box[:2] - others[:, 2:]), 0)
    distances: NDArray[np.float64] = np.hypot(apart[:, 0], apart[:, 1])
    return distances
