"""Which strokes, or which blots of an image, are one digit of a row.

Parts are sorted from left to right, and cut into groups of neighbours so that the sum of three evidences is largest: how well
each group reads as one digit, how its parts lie to each other, and how its size compares with the height of the line. Dynamic
programming finds the best cut. All evidence is in nats (logarithms of odds), so that it adds up.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

Part = NDArray[np.float64]  # a stroke or a blot: some points of its ink, (n, 2), n at least 1
Boxes = NDArray[np.float64]  # (n, 4): left, top, right, bottom, in heights of the line
Group = tuple[int, ...]  # numbers of parts, ascending
Reader = Callable[[list[Group]], NDArray[np.float64]]

MOST_PARTS = 5  # of one digit, after what crosses has become one

# The unit of these lengths is the height of the line.
TOUCHING = 0.04  # parts of one digit are nearer than this: about half of a pen's width
GAP_MIDDLE = 0.04  # a wider gap speaks for two digits, a smaller one for one
GAP_SPREAD = 0.06  # how far from it the odds are 1 to e
WIDEST_GAP = 0.5  # groups with a wider gap are not read
SMALL = 0.45  # a digit is at least this high or wide ...

OVERLAPPING = 0.5  # share of the narrower part's width, from which two parts that touch are one
TOUCH = 3.0  # evidence for one digit if its parts touch
SMALL_COST = 8.0  # ... or this is the evidence against it, times the share that is missing
WIDE = 1.2  # a digit of several parts is at most this wide, compared with its own height ...
WIDE_COST = 6.0  # ... or this is the evidence against it, times what is beyond
HOPELESS = 12.0  # groups with more evidence against their shape are not read


def segment(parts: Sequence[Part], read: Reader) -> list[Group]:
    """Group parts into digits.

    Args:
        parts: strokes or blots in any unit, y downward; at least one.
        read: returns for each of some groups how well it reads as one digit, (n,), nats, at most 0. It is called once, with
            all groups that may be digits.

    Returns:
        The numbers of the parts of each digit, the digits from left to right. Every part is in one of them.
    """
    boxes = np.stack([np.concatenate([part.min(axis=0), part.max(axis=0)]) for part in parts])
    height = max(float((boxes[:, 3] - boxes[:, 1]).max()), float((boxes[:, 2] - boxes[:, 0]).max()) / 2, 1e-9)
    boxes /= height
    near = touching([part / height for part in parts], boxes)
    atoms = _merge_crossing(boxes, near)
    boxes = np.stack([_around(boxes[list(atom)]) for atom in atoms])
    member = np.array([[part in atom for part in range(len(parts))] for atom in atoms], int)  # (atoms, parts)
    near = member @ near @ member.T > 0
    groups = {
        (begin, end): tuple(sorted(part for atom in atoms[begin:end] for part in atom))
        for begin in range(len(atoms))
        for end in range(begin + 1, min(begin + MOST_PARTS, len(atoms)) + 1)
        if end == begin + 1 or _is_possible(boxes[begin:end])
    }
    worth = {
        (begin, end): float(score) + _shape(boxes[begin:end]) + _cohesion(boxes[begin:end], near[begin:end, begin:end])
        for (begin, end), score in zip(groups, read(list(groups.values())), strict=True)
    }
    return [groups[span] for span in best_cut(len(atoms), worth)]


def touching(parts: Sequence[Part], boxes: Boxes) -> NDArray[np.bool_]:
    """(n, n): which two parts touch; none touches itself."""
    low, high = boxes[:, np.newaxis, :2], boxes[:, np.newaxis, 2:]  # (n, 1, 2)
    apart = np.maximum(low - high.swapaxes(0, 1), low.swapaxes(0, 1) - high).max(axis=2)  # of the boxes: most are too far
    touching = np.zeros(apart.shape, bool)
    for one, other in np.argwhere(np.triu(apart < TOUCHING, 1)):
        touching[one, other] = touching[other, one] = cdist(parts[one], parts[other]).min() < TOUCHING
    return touching


def _merge_crossing(boxes: Boxes, touching: NDArray[np.bool_]) -> list[Group]:
    """Parts that touch and lie above each other are one. The groups are sorted by their middles."""
    left, right = boxes[:, 0], boxes[:, 2]
    overlap = np.minimum(right[:, np.newaxis], right) - np.maximum(left[:, np.newaxis], left)
    narrower = np.minimum((right - left)[:, np.newaxis], right - left)
    count, group = connected_components(touching & (overlap >= OVERLAPPING * narrower), directed=False)
    atoms = [tuple(np.flatnonzero(group == number).tolist()) for number in range(count)]
    return sorted(atoms, key=lambda atom: (float(_around(boxes[list(atom)])[[0, 2]].sum()), atom))


def _around(boxes: Boxes) -> NDArray[np.float64]:
    """The box around boxes, (4,)."""
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _gaps(boxes: Boxes) -> list[float]:
    """The paper between each box, without the first, and those before it; negative if they overlap."""
    around = [_around(boxes[:number]) for number in range(1, len(boxes))]
    return [float(max(box[0] - right, left - box[2])) for box, (left, _, right, _) in zip(boxes[1:], around, strict=True)]


def _is_possible(boxes: Boxes) -> bool:
    """Whether neighbours may be one digit."""
    return _shape(boxes) > -HOPELESS and max(_gaps(boxes)) < WIDEST_GAP


def _cohesion(boxes: Boxes, touching: NDArray[np.bool_]) -> float:
    """The evidence of the gaps: for one digit, against several."""
    gaps = sum((GAP_MIDDLE - gap) / GAP_SPREAD for gap in _gaps(boxes))
    return gaps + TOUCH * int(np.tril(touching).any(axis=1).sum())


def _shape(boxes: Boxes) -> float:
    """The evidence of the size: a digit is not much lower than the line, and not much wider than high."""
    left, top, right, bottom = _around(boxes)
    cost = SMALL_COST * max(0.0, 1 - max(bottom - top, right - left) / SMALL)
    if len(boxes) > 1:
        cost += WIDE_COST * max(0.0, (right - left) / max(bottom - top, 1e-9) - WIDE)
    return float(-cost)


def best_cut(count: int, worth: dict[tuple[int, int], float]) -> list[tuple[int, int]]:
    """The spans from 0 to `count`, end to end, of which the sum of worths is largest; none if no spans lead there."""
    best: list[tuple[float, list[tuple[int, int]]] | None] = [(0.0, [])]
    for end in range(1, count + 1):
        ways = [
            (way[0] + worth[begin, end], [*way[1], (begin, end)])
            for begin, way in enumerate(best)
            if way and (begin, end) in worth
        ]
        best.append(max(ways, key=lambda way: way[0], default=None))
    return best[-1][1] if best[-1] else []
