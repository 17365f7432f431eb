"""What an edge of a picture cuts off is no digit: a neighbour's half, the table beside the page, a line along the edge.

A picture may be cropped to its digits, and these touch the edges then. So nothing is left out unless there is a digit apart
from the edges, and the others don't fill the picture from one edge to the other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.images.arrays import Ink
from pipeline.images.preprocessing import FAINT

AT_EDGE = 1  # pixels: ink as near to an edge touches it
SPECK = 0.1  # of the largest piece: what is smaller is dirt
FILLS = 0.75  # of the picture's height or width: a piece as large shows that it is cropped to its digits
DIGIT = 0.5  # of the largest piece at an edge or apart from them: a piece apart from the edges that is as large is a digit
DEPTH = 3  # pixels from an edge, where a round end or a bow that only touches it is wider ...
NARROWER = 0.8  # ... so that it has less than this part of its ink there at the edge; a stroke that is cut off has as much
LOW = 0.75  # of the largest digit: less is seen of one that the upper or the lower edge cuts off
NEAR = 0.15  # of it: a line, or something low, belongs to a digit that is as near
TOUCHING = 0.05  # of it: what is cut off likewise
AS_LONG = 0.6, 1.3  # times the largest digit: what is about as long as a digit may be a 1, and no line
FLAT = 0.06  # of the picture's side: what is as flat and lies along an edge is a line


@dataclass(frozen=True)
class _Piece:
    """A connected piece of ink, and the rows and columns of its box."""

    number: int
    rows: slice
    columns: slice

    @property
    def height(self) -> int:
        return int(self.rows.stop - self.rows.start)

    @property
    def width(self) -> int:
        return int(self.columns.stop - self.columns.start)

    @property
    def longer(self) -> int:
        return max(self.height, self.width)

    def touches(self, shape: tuple[int, ...]) -> tuple[bool, bool, bool, bool]:
        """Whether it touches the upper, lower, left and right edge of a picture."""
        low, high = AT_EDGE, (shape[0] - AT_EDGE, shape[1] - AT_EDGE)
        rows, columns = self.rows, self.columns
        return rows.start <= low, rows.stop >= high[0], columns.start <= low, columns.stop >= high[1]

    def distance(self, other: "_Piece") -> int:
        """Between the boxes, pixels; at most 0 if they overlap."""
        sides = ((self.rows, other.rows), (self.columns, other.columns))
        return int(max(max(one.start - two.stop, two.start - one.stop) for one, two in sides))


def without_cut_off(ink: Ink, has_lines: bool = False) -> Ink:
    """The ink without what an edge cuts off; `ink` itself if nothing is.

    If its paper has lines, the rest of one along an edge is as long as any digit.
    """
    height, width = ink.shape
    rim = AT_EDGE + 1
    if max(float(lines.max()) for lines in (ink[:rim], ink[-rim:], ink[:, :rim], ink[:, -rim:])) < FAINT:
        return ink
    numbers, _ = ndimage.label(ink >= FAINT, np.ones((3, 3)))
    pieces = [_Piece(number, *box) for number, box in enumerate(ndimage.find_objects(numbers), 1)]
    largest = max(piece.longer for piece in pieces)
    at_edge: list[_Piece] = []
    apart: list[_Piece] = []
    for piece in pieces:
        if piece.longer >= SPECK * largest:
            (at_edge if any(piece.touches(ink.shape)) else apart).append(piece)
    if not apart:
        return ink
    longest = max(piece.longer for piece in apart)
    digits = [piece for piece in apart if piece.longer >= DIGIT * longest]
    lines = [piece for piece in at_edge if _is_line(piece, ink.shape)]
    if not has_lines:
        lines = [piece for piece in lines if not AS_LONG[0] < piece.longer / longest < AS_LONG[1]]
    others = [piece for piece in at_edge if piece not in lines]
    if any(
        piece.height >= FILLS * height or piece.width >= FILLS * width or piece.longer * DIGIT > longest for piece in others
    ):
        return ink
    cut = [piece for piece in others if _is_cut(piece, ink, numbers)]
    low = [piece for piece in others if any(piece.touches(ink.shape)[:2]) and piece.height < LOW * longest]
    gone = [
        piece.number
        for group, near in ((cut, TOUCHING * longest), (lines + low, NEAR * longest))
        for piece in group
        if all(piece.distance(digit) > near for digit in digits)
    ]
    return np.where(np.isin(numbers, gone), np.float32(0), ink) if gone else ink


def _is_line(piece: _Piece, shape: tuple[int, ...]) -> bool:
    """Whether a piece is a line along the edge that it touches."""
    top, bottom, left, right = piece.touches(shape)
    lies = piece.height <= FLAT * shape[0] and piece.width > 2 * piece.height
    stands = piece.width <= FLAT * shape[1] and piece.height > 2 * piece.width
    return (lies and (top or bottom)) or (stands and (left or right))


def _is_cut(piece: _Piece, ink: Ink, numbers: NDArray[np.int32]) -> bool:
    """Whether an edge cuts a piece off, and doesn't only touch it. `numbers`, (height, width), tells the pieces apart."""
    own = np.where(numbers[piece.rows, piece.columns] == piece.number, ink[piece.rows, piece.columns], np.float32(0))
    for touched, lines in zip(piece.touches(ink.shape), (own, own[::-1], own.T, own.T[::-1]), strict=True):
        at_edge, within = float(lines[0].sum()), float(lines[min(DEPTH, len(lines) - 1)].sum())
        if touched and at_edge >= max(NARROWER * within, 1):
            return True
    return False
