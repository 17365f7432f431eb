"""Digits that touch each other in an image: their ink, which is one piece, is cut from top to bottom.

A cut follows the way from the top to the bottom that crosses the least ink, and the network decides which cuts part two digits:
R. G. Casey and E. Lecolinet, A Survey of Methods and Strategies in Character Segmentation, 1996.
"""

import math
from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.images.arrays import Ink
from pipeline.images.preprocessing import FAINT, ink_box
from pipeline.inference.results import Digit
from pipeline.inference.segmentation import best_cut

HEIGHT = 60  # pixels, to which larger ink is brought first: three to one of MNIST's
# The unit of these lengths is the height of the ink.
WIDTHS = 1.0, 8.0  # narrower ink is one digit at most, wider ink is a line or a page: neither is cut
STEP = 0.12  # between two cuts that are tried
REACH = 0.3  # a cut ends where it begins, and may get so far from there between
NARROWEST, WIDEST = 0.12, 1.25  # width of a slice that may be a digit

MOST_PIECES = 12  # of ink in a picture: if there are more, trying to cut each takes seconds
CROSSED = 30.0  # what a pixel of ink costs a cut, where a pixel of paper costs 1

Cut = NDArray[np.intp]  # (height,): the first column behind the cut, in each row
Span = tuple[int, int]  # the numbers of two cuts


class Slice(NamedTuple):
    """The ink between two cuts, (height, width) float32, and its box in the piece: left, top, right and bottom."""

    ink: Ink
    box: tuple[float, float, float, float]


def cuts(ink: Ink) -> list[Cut]:
    """Where a piece of ink, some of it at the edges, may be cut; the first cut is its left edge, the last its right edge."""
    from skimage.graph import route_through_array  # only for ink that was no digit

    height, width = ink.shape
    found, price = [np.zeros(height, np.intp)], 1 + CROSSED * (ink >= FAINT)
    for column in np.arange(STEP, width / height - STEP / 2, STEP) * height:
        left = max(0, int(column - REACH * height))
        middle = int(column) - left
        window = price[:, left : int(column + REACH * height) + 1]
        path, _ = route_through_array(window, (0, middle), (height - 1, middle), geometric=False)
        cut = np.zeros(height, np.intp)
        np.maximum.at(cut, [row for row, _ in path], [left + place for _, place in path])
        found.append(cut)
    return [*found, np.full(height, width, np.intp)]


def slices(ink: Ink, between: list[Cut]) -> dict[Span, Slice]:
    """What may be a digit between two of the cuts that `cuts` found."""
    height, width = ink.shape
    columns, found = np.arange(width), {}
    for begin, end in combinations(range(len(between)), 2):
        first, last = between[begin][:, np.newaxis], between[end][:, np.newaxis]
        if not NARROWEST * height <= float((last - first).mean()) <= WIDEST * height:
            continue
        own = np.where((columns >= first) & (columns < last), ink, np.float32(0))
        if (own >= FAINT).any():
            rows, across = ink_box(own >= FAINT)
            found[begin, end] = Slice(own[rows, across], (across.start, rows.start, across.stop, rows.stop))
    return found


def separated(ink: Ink, read: Callable[[list[Slice]], list[Digit]]) -> list[Digit]:
    """The digits that a piece of ink is made of, from left to right; none if there are no cuts that make all of them sure.

    The ink is as `cuts` takes it, and not surely one digit; `read` reads slices as a digit each.
    """
    if not WIDTHS[0] <= ink.shape[1] / ink.shape[0] <= WIDTHS[1]:
        return []
    scale = max(1.0, ink.shape[0] / HEIGHT)
    size = max(1, round(ink.shape[1] / scale)), round(ink.shape[0] / scale)
    ink = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BOX))
    between = cuts(ink)
    found = slices(ink, between)
    large = [each._replace(box=tuple(edge * scale for edge in each.box)) for each in found.values()]
    digits = dict(zip(found, read(large), strict=True))
    # No slice is a 1: of letters cut small enough, nearly all are ones.
    sure = {span: digit for span, digit in digits.items() if digit.verdict == "digit" and digit.prediction.digit != 1}
    spans = best_cut(len(between) - 1, {span: math.log(digit.prediction.probability) for span, digit in sure.items()})
    return [sure[span] for span in spans] if len(spans) > 1 else []
