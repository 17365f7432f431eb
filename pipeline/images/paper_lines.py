"""The lines of the paper, found and taken out of the ink: ruled and squared paper, a form's boxes, a line along an edge.

A digit has straight strokes too: a 1, the bar of a 7, the foot of a 2. What is taken for a line of the paper is thin, straight
and mostly unbroken. It also goes through the picture and reaches beyond the digits at both ends, or is one of many; or it
closes a box with something in it; or it is much longer than any digit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np
from scipy import ndimage

from pipeline.images.arrays import Ink
from pipeline.images.line_removal import rest, without
from pipeline.images.preprocessing import FAINT
from pipeline.images.straight_lines import LINE_FAINT, Stretch, lying_lines

THICKEST = 0.015, 5  # of the picture's longer side, and pixels: a line is at most as thick as the larger of these
THROUGH = 0.07  # of the picture's side: a line that ends as near to both edges goes through
PARALLEL = 0.06  # lines whose slopes differ by less are parallel, as far as a camera sees
MANY = 4  # so many lines through a picture are the paper's wherever the digits are; if they stand, beside two that lie: 1111
OVERHANG = 0.05, 0.05, 0.01  # of its length: so far one, two or more others reach beyond the digits at both ends ...
WIDEST_INK = 0.85  # ... and they are at most as wide
EDGE = 0.04  # of the picture's side: a line as near to an edge lies along it ...
MARGIN = 0.03  # ... and the digits are as far from the other edges: they are not what the picture is cropped to
PIECE = 0.25  # of the largest piece of ink: what is smaller is no digit that a line is compared with
LONG = 2.5  # times the largest piece of ink: so long is a line that doesn't go through ...
LONG_OF_MANY = 1.5  # ... or one of many that don't ...
LONG_APART = 1.3  # ... or one that no stroke comes near, as an underline
SHORT = 0.15  # of such a line: the largest piece is no less, or strokes of a digit were taken for lines, and this is its rest
APART = 0.05  # of its length: ink that is as near to a line may belong to it
INSIDE = 0.25  # of a box's shorter side: the ink in it is at least as large
JOINT = 4.0  # pixels, beyond the lines' own thickness: ends of lines that are as near meet

Line = list[Stretch]


@dataclass(frozen=True)
class Box:
    """Around some ink: the first row and column, and those behind the last."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def longer(self) -> int:
        """The longer side, pixels."""
        return max(self.bottom - self.top, self.right - self.left)

    def transposed(self) -> "Box":
        """With rows for columns."""
        return Box(self.left, self.top, self.right, self.bottom)


def without_lines(ink: Ink) -> Ink:
    """The ink of a picture without the paper's lines; `ink` itself if there are none."""
    thickest = max(round(THICKEST[0] * max(ink.shape)), THICKEST[1])
    mask = ink >= LINE_FAINT
    lying, standing = lying_lines(mask, thickest), lying_lines(mask.T, thickest)
    for choose in (_through_lines, _box_lines, _long_lines):
        chosen = choose(ink, lying, standing)
        if any(chosen):
            ink = without(ink, *chosen)
            lying, standing = (
                [line for line in lines if not set(map(id, line)) <= set(map(id, own))]
                for lines, own in zip((lying, standing), chosen, strict=True)
            )
    return ink


def _pieces(ink: Ink) -> list[Box]:
    """The boxes around what may be digits, the largest first; of half the resolution, which is enough and quicker."""
    mask = np.pad(ink >= FAINT, [(0, side % 2) for side in ink.shape])
    halved = mask[::2, ::2] | mask[1::2, ::2] | mask[::2, 1::2] | mask[1::2, 1::2]
    numbers, _ = ndimage.label(halved, np.ones((3, 3)))
    found = ndimage.find_objects(numbers)
    boxes = [Box(2 * rows.start, 2 * columns.start, 2 * rows.stop, 2 * columns.stop) for rows, columns in found]
    boxes.sort(key=lambda box: -box.longer)
    return [box for box in boxes if box.longer >= max(PIECE * boxes[0].longer, 4)]


def _around(boxes: Iterable[Box]) -> Box:
    sides = np.array([(box.top, box.left, box.bottom, box.right) for box in boxes])
    return Box(*(int(side) for side in (*sides[:, :2].min(axis=0), *sides[:, 2:].max(axis=0))))


def _through_lines(ink: Ink, lying: list[Line], standing: list[Line]) -> tuple[Line, Line]:
    """The lines from edge to edge."""
    height, width = ink.shape
    across, down = _through(lying, height, width), _through(standing, width, height)
    if not across and not down:
        return [], []
    for _ in range(3):  # what one direction may take depends on what the other has taken
        pieces = _pieces(rest(ink, list(chain(*across)), list(chain(*down))))
        digits = _around(pieces) if pieces else None
        kept = (
            _beyond(across, digits, height, len(across) >= MANY, len(down) >= MANY),
            _beyond(down, digits and digits.transposed(), width, len(down) >= MANY and len(across) > 1, len(across) >= MANY),
        )
        if [len(lines) for lines in kept] == [len(across), len(down)]:
            break
        across, down = kept
    return list(chain(*across)), list(chain(*down))


def _through(lines: list[Line], height: int, width: int) -> list[Line]:
    """Those that lie, from the left edge to the right one, and are parallel to most of them."""
    found, slopes = [], []
    for line in lines:
        y = line[0].y
        seen = np.flatnonzero((y > -0.5) & (y < height - 0.5))  # an askew line leaves by the top or the bottom
        if not seen.size:
            continue
        length = line[-1].stop - line[0].start
        ends = line[0].start <= seen[0] + THROUGH * width and line[-1].stop > seen[-1] - THROUGH * width
        if ends and sum(stretch.length for stretch in line) > 0.8 * length:
            found.append(line)
            slopes.append(float(y[-1] - y[0]) / width)
    if all(line[-1].stop - line[0].start < width / 2 for line in found):  # a corner's, or a stroke's
        return []
    return [line for line, slope in zip(found, slopes, strict=True) if abs(slope - np.median(slopes)) <= PARALLEL]


def _beyond(lines: list[Line], digits: Box | None, height: int, are_many: bool, is_ruled: bool) -> list[Line]:
    """Those of the lines through a picture that are the paper's.

    Args:
        lines: that lie.
        digits: around what is left without them.
        height: of the picture, pixels.
        are_many: whether they are the paper's wherever the digits are.
        is_ruled: whether there are many lines of the other direction: one of this direction is their margin then.
    """
    if are_many or digits is None:
        return lines if are_many else []
    overhang = OVERHANG[-1 if is_ruled else min(len(lines), len(OVERHANG)) - 1]
    found = []
    for line in lines:
        start, stop = line[0].start, line[-1].stop
        reaches = min(digits.left - start, stop - digits.right) >= overhang * (stop - start)
        is_wider = is_ruled or digits.right - digits.left <= WIDEST_INK * (stop - start)
        if (reaches and is_wider) or _is_along_edge(line, digits, height):
            found.append(line)
    return found


def _is_along_edge(line: Line, digits: Box, height: int) -> bool:
    """Whether a line lies along the upper or the lower edge, apart from the digits, and these are apart from other edges."""
    y = np.concatenate([stretch.y[stretch.start : stretch.stop] for stretch in line])
    start, stop, half = line[0].start, line[-1].stop, line[0].thickness / 2 + 2
    if min(digits.left - start, stop - digits.right) < MARGIN * (stop - start):
        return False
    if y.max() <= EDGE * height:
        return digits.top > y.max() + half and digits.bottom < (1 - MARGIN) * height
    return bool(y.min() >= (1 - EDGE) * height and digits.bottom <= y.min() - half and digits.top > MARGIN * height)


def _box_lines(ink: Ink, lying: list[Line], standing: list[Line]) -> tuple[Line, Line]:
    """The lines of a form's boxes: each ends at others of them, and there is ink in the boxes."""
    across, down = list(chain(*lying)), list(chain(*standing))
    before = -1
    while before != (before := len(across) + len(down)):
        across = [line for line in across if _ends_meet(line, down, ink.shape[1])]
        down = [line for line in down if _ends_meet(line, across, ink.shape[0])]
    if len(across) < 2 or len(down) < 2:
        return [], []
    tops = [float(line.y[line.start : line.stop].mean()) for line in across]
    lefts = [float(line.y[line.start : line.stop].mean()) for line in down]
    inside = [
        box
        for box in _pieces(rest(ink, across, down))
        if min(tops) < (box.top + box.bottom) / 2 < max(tops) and min(lefts) < (box.left + box.right) / 2 < max(lefts)
    ]
    shorter = min(max(tops) - min(tops), max(lefts) - min(lefts))
    if not inside or inside[0].longer < INSIDE * shorter:
        return [], []
    return across, down


def _ends_meet(line: Stretch, others: Line, width: int) -> bool:
    """Whether both ends of a line lie on others, which are of the other direction, or at the picture's edges."""
    return all(
        x <= JOINT or x >= width - 1 - JOINT or any(_is_on(x, float(line.y[x]), other, line.thickness) for other in others)
        for x in (line.start, line.stop - 1)
    )


def _is_on(x: int, y: float, other: Stretch, thickness: float) -> bool:
    """Whether a point is on a line of the other direction."""
    reach = JOINT + thickness + other.thickness
    if not other.start - reach <= y <= other.stop + reach:
        return False
    return bool(abs(x - other.y[int(np.clip(round(y), 0, other.y.size - 1))]) <= reach)


def _long_lines(ink: Ink, lying: list[Line], standing: list[Line]) -> tuple[Line, Line]:
    """The lines that are much longer than any digit: an underline, the rules of a form."""
    across, down = list(chain(*lying)), list(chain(*standing))
    pieces = _pieces(rest(ink, across, []))  # a line that stands may be a 1
    if not across or not pieces:
        return [], []
    digit = pieces[0].longer
    long = [line for line in across if line.length >= LONG_OF_MANY * digit]
    if len(long) < MANY:
        long = [line for line in across if line.length >= (LONG_APART if _is_apart(line, pieces) else LONG) * digit]
    long = [line for line in long if digit >= SHORT * line.length]
    if long or min(len(across), len(down)) < MANY:
        return long, []
    pieces = _pieces(rest(ink, across, down))  # squared paper
    both = [[line for line in lines if pieces and line.length >= LONG_OF_MANY * pieces[0].longer] for lines in (across, down)]
    return (both[0], both[1]) if min(map(len, both)) >= MANY else ([], [])


def _is_apart(line: Stretch, pieces: list[Box]) -> bool:
    """Whether a line that lies has every piece of ink above or below it, and none near."""
    y, near = line.y[line.start : line.stop], line.thickness / 2 + max(JOINT, APART * line.length)
    return all(box.bottom <= y.min() - near or box.top > y.max() + near for box in pieces)
