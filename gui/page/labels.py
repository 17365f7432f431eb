"""Where the labels of digits stand, and how much they say. Knows nothing of a window."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gui.page.wording import label, short_label
from pipeline.inference.results import Digit


class Label(NamedTuple):
    """A label, from its left to its right edge."""

    text: str
    left: float
    right: float


def place(digits: Sequence[Digit], lefts: Sequence[float], width: float, measure: Callable[[str], float]) -> list[Label]:
    """Labels that begin where their digits do, and reach into none beside them: one that has little room says less.

    Args:
        digits: row after row, each from left to right.
        lefts: where the box of each digit begins.
        width: of the canvas, in the same unit.
        measure: how wide a label with that text is.

    """
    placed: list[Label] = []
    for number, digit in enumerate(digits):
        is_last = number + 1 == len(digits) or digits[number + 1].row != digit.row
        is_first = number == 0 or digits[number - 1].row != digit.row
        left = max(lefts[number], 0.0 if is_first else placed[-1].right)
        fits = left + measure(label(digit)) <= (width if is_last else lefts[number + 1])
        text = label(digit) if fits else short_label(digit)
        left = max(min(left, width - measure(text)), 0.0)
        placed.append(Label(text, left, left + measure(text)))
    return placed
