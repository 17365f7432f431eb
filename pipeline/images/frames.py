"""Which of two classes of pixels is the paper, and what frames it: the border of a picture tells both."""

import numpy as np

from pipeline.images.arrays import Mask

FRAME = 0.06  # of the shorter side: a frame is at most as thick
FILLED, EMPTY = 0.9, 0.02  # parts of the lines of a frame, and of the line that parts it from what it frames
MOST_FRAMED = 0.7  # of what is framed: what has more of the frame's colour is its paper, and a dark line of it no gap
MARGIN = 0.03  # of a side: what is framed on one or two sides is as far from the ends of these
RULES = 3  # so many thin lines straight through a picture are the paper's ...
THICKEST_RULE = 0.02, 3  # ... each at most as thick: of the longer side, and pixels ...
MOST_RULES = 0.35  # ... and they with all ink at most as much of the picture


def is_paper(those: Mask) -> bool:
    """Whether the pixels of `those` are the paper, and the others the ink.

    The border shows mostly paper. Its corners count as much as its sides: strokes that fill the picture seldom reach them. Of
    squared paper, a line may lie along the border.
    """
    for rules, are_paper in ((those, False), (~those, True)):
        if rules.mean() <= MOST_RULES and max(_rules(rules), _rules(rules.T)) >= RULES:
            return are_paper
    sides = np.concatenate([those[0], those[-1], those[:, 0], those[:, -1]])
    return bool(sides.mean() + those[:: max(len(those) - 1, 1), :: max(those.shape[1] - 1, 1)].mean() > 1)


def _rules(mask: Mask) -> int:
    """How many thin lines go straight through a mask from the left to the right."""
    filled = np.pad(mask.mean(axis=1) >= FILLED, 1).astype(np.int8)
    tops, bottoms = np.flatnonzero(np.diff(filled) == 1), np.flatnonzero(np.diff(filled) == -1)
    return int((bottoms - tops <= max(THICKEST_RULE[0] * max(mask.shape), THICKEST_RULE[1])).sum())


def inside_frame(mask: Mask, kinds: tuple[bool, ...] = (False, True)) -> tuple[slice, slice]:
    """The rows and columns within a frame of pixels of one of these kinds, on any of the four sides.

    A frame fills lines along a side, and ends where a line has none of it: a stroke along the side is joined to the rest of its
    digit. What is framed on three sides may touch the frame on the fourth.
    """
    shorter = min(mask.shape)
    deep = max(round(FRAME * shorter), min(3, shorter // 8))
    for kind in kinds:
        filled = [np.flatnonzero((lines[:deep] == kind).mean(axis=1) >= FILLED) for lines in _from_sides(mask)]
        thick = [int(lines[-1]) + 1 if lines.size else 0 for lines in filled]
        while any(thick):
            core = mask[_without(thick, mask.shape)] == kind
            if not core.any() or core.all():
                break
            empty = [np.flatnonzero(lines[: max(1, deep // 3)].mean(axis=1) <= EMPTY) for lines in _from_sides(core)]
            ends = [bool(thick[side]) and empty[side].size > 0 for side in range(4)]
            if sum(ends) >= 3 or ends == [side > 0 for side in thick]:
                inside = _without([thick[side] + (int(empty[side][0]) if ends[side] else 0) for side in range(4)], mask.shape)
                if 0 < (mask[inside] == kind).mean() <= MOST_FRAMED and _is_apart(mask[inside] == kind, thick):
                    return inside
                break
            thick = [thick[side] * ends[side] for side in range(4)]
    return _without([0, 0, 0, 0], mask.shape)


def _is_apart(framed: Mask, thick: list[int]) -> bool:
    """Whether what is framed on one or two sides ends before these do: a picture may be cropped to 17, whose 1 is no frame."""
    if sum(side > 0 for side in thick) > 2:
        return True
    sides = ((1, thick[2:]), (0, thick[:2]))
    crosswise = [np.asarray(framed.any(axis=axis)) for axis, framing in sides if any(framing)]
    margins = [(line.argmax(), line[::-1].argmax(), line.size) for line in crosswise]
    return all(min(before, behind) >= MARGIN * length for before, behind, length in margins)


def _without(thick: list[int], shape: tuple[int, ...]) -> tuple[slice, slice]:
    top, bottom, left, right = thick
    return slice(top, shape[0] - bottom), slice(left, shape[1] - right)


def _from_sides(mask: Mask) -> tuple[Mask, Mask, Mask, Mask]:
    """The lines from the top, the bottom, the left and the right, the outermost first."""
    return mask, mask[::-1], mask.T, mask.T[::-1]
