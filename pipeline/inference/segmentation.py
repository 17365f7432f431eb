"""Which strokes, or which blots of a picture, are one digit.

Parts are put in order from left to right, and cut into groups of neighbours so that the sum of three evidences is largest:
how well each group reads as one digit, how its strokes lie to each other, and how its size is to the height of the line.
A dynamic programme finds the best cut. All evidence is in nats (logarithms of odds), so that they add up.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from pipeline.system.errors import DataError

Part = NDArray[np.float64]  # a stroke or a blot: some points of its ink, (n, 2), n at least 1
Group = tuple[int, ...]  # numbers of parts, ascending
Reader = Callable[[list[Group]], NDArray[np.float64]]

MOST = 400  # parts: of some hundred digits; their pairs and groups are looked at within two seconds
MOST_PARTS = 5  # of one digit, after what crosses has become one
TOUCHING = 0.04  # parts of one digit are nearer than this, as a part of the line's height: about half of a pen's width
OVERLAPPING = 0.5  # share of the narrower part's width
GAP_MIDDLE = 0.04  # a gap to the right of this speaks for two digits, a smaller one for one; as a part of the line's height
GAP_SPREAD = 0.06  # how far from it the odds are 1 to e
TOUCH = 3.0  # what touching speaks for one digit
SMALL = 0.45  # a digit is at least this high or wide, as a part of the line's height ...
SMALL_COST = 8.0  # ... or pays for what is missing of it
WIDE = 1.2  # a digit of several parts is at most this wide, as a part of its height ...
WIDE_COST = 6.0  # ... or pays for what is beyond
HOPELESS = 12.0  # groups that pay so much for their shape are not looked at, ...
WIDEST_GAP = 0.5  # ... nor those with such a gap, as a part of the line's height


def segment(parts: Sequence[Part], read: Reader) -> list[Group]:
    """Group parts into digits.

    Args:
        parts: strokes or blots in any unit, y downward.
        read: returns for each of some groups how well it reads as one digit, (n,), nats, at most 0. It is called once, with
            all groups that may be digits.

    Returns:
        The numbers of the parts of each digit, the digits from left to right. Every part is in one of them.

    Raises:
        DataError: there are more than `MOST` parts.

    """
    if len(parts) > MOST:
        raise DataError(f"a number must be made of at most {MOST} strokes, and this has {len(parts)}. Draw less at a time.")
    if not parts:
        return []
    boxes = np.stack(
        [np.concatenate([part.min(axis=0), part.max(axis=0)]) for part in parts]
    )  # (n, 4): left, top, right, bottom
    height = max(float((boxes[:, 3] - boxes[:, 1]).max()), float((boxes[:, 2] - boxes[:, 0]).max()) / 2, 1e-9)
    touching = _touching(parts, boxes, TOUCHING * height)
    atoms = _merge_crossing(boxes, touching)
    boxes = np.stack([_around(boxes[list(atom)]) for atom in atoms])
    member = np.array([[part in atom for part in range(len(parts))] for atom in atoms], int)  # (atoms, parts)
    touching = member @ touching @ member.T > 0
    spans = [
        (begin, end)
        for begin in range(len(atoms))
        for end in range(begin + 1, min(begin + MOST_PARTS, len(atoms)) + 1)
        if end == begin + 1 or _is_possible(boxes[begin:end], height)
    ]
    groups = [tuple(sorted(part for atom in atoms[begin:end] for part in atom)) for begin, end in spans]
    scores = read(groups)
    worth = {
        span: float(score) + _shape(boxes[span[0] : span[1]], height) + _cohesion(span, boxes, touching, height)
        for span, score in zip(spans, scores, strict=True)
    }
    chosen = _best_cut(len(atoms), worth)
    return [groups[spans.index(span)] for span in chosen]


def _touching(parts: Sequence[Part], boxes: NDArray[np.float64], reach: float) -> NDArray[np.bool_]:
    """(n, n): which two parts are nearer to each other than `reach`; none is to itself."""
    low, high = boxes[:, np.newaxis, :2], boxes[:, np.newaxis, 2:]  # (n, 1, 2)
    apart = np.maximum(low - high.swapaxes(0, 1), low.swapaxes(0, 1) - high).max(axis=2)  # of the boxes: most are too far
    touching = np.zeros(apart.shape, bool)
    for one, other in np.argwhere(np.triu(apart < reach, 1)):
        touching[one, other] = touching[other, one] = cdist(parts[one], parts[other]).min() < reach
    return touching


def _merge_crossing(boxes: NDArray[np.float64], touching: NDArray[np.bool_]) -> list[Group]:
    """What touches and lies above or below each other is one; the groups are in order of their middles."""
    left, right = boxes[:, 0], boxes[:, 2]
    overlap = np.minimum(right[:, np.newaxis], right) - np.maximum(left[:, np.newaxis], left)
    narrower = np.minimum((right - left)[:, np.newaxis], right - left)
    count, group = connected_components(touching & (overlap >= OVERLAPPING * narrower), directed=False)
    atoms = [tuple(np.flatnonzero(group == number).tolist()) for number in range(count)]
    return sorted(atoms, key=lambda atom: (float(_around(boxes[list(atom)])[[0, 2]].sum()), atom))


def _is_possible(boxes: NDArray[np.float64], height: float) -> bool:
    """Whether neighbours may be one digit: near to each other, and of such a shape."""
    gaps = (_gap(boxes[:number], boxes[number], height) for number in range(1, len(boxes)))
    return _shape(boxes, height) > -HOPELESS and all(gap < WIDEST_GAP for gap in gaps)


def _around(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _gap(group: NDArray[np.float64], box: NDArray[np.float64], height: float) -> float:
    """Paper between a group and what is to its right, as a part of the line's height; negative if they overlap."""
    left, _, right, _ = _around(group)
    return float(max(box[0] - right, left - box[2]) / height)


def _cohesion(span: tuple[int, int], boxes: NDArray[np.float64], touching: NDArray[np.bool_], height: float) -> float:
    """What the gaps say for the group, against its parts being digits of their own."""
    begin, end = span
    total = 0.0
    for number in range(begin + 1, end):
        total += (GAP_MIDDLE - _gap(boxes[begin:number], boxes[number], height)) / GAP_SPREAD
        total += TOUCH if touching[number, begin:number].any() else 0.0
    return total


def _shape(boxes: NDArray[np.float64], height: float) -> float:
    """What the size says: a digit is not much lower than the line, and not much wider than high."""
    left, top, right, bottom = _around(boxes)
    size = max(bottom - top, right - left) / height
    cost = SMALL_COST * max(0.0, 1 - size / SMALL)
    if len(boxes) > 1:
        cost += WIDE_COST * max(0.0, (right - left) / max(bottom - top, 1e-9) - WIDE)
    return float(-cost)


def _best_cut(count: int, worth: dict[tuple[int, int], float]) -> list[tuple[int, int]]:
    """The spans from 0 to `count`, end to end, of which the sum of worths is largest."""
    best: list[tuple[float, list[tuple[int, int]]]] = [(0.0, [])]
    for end in range(1, count + 1):
        ways = [
            (best[begin][0] + worth[begin, end], [*best[begin][1], (begin, end)])
            for begin in range(end)
            if (begin, end) in worth
        ]
        best.append(max(ways, key=lambda way: way[0]))
    return best[count][1]
