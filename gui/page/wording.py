"""How the window words an answer, and where the labels of its digits stand. Knows nothing of a window."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pipeline.inference.results import Digit, Reading


def with_article(label: int) -> str:
    """A digit with its article: "a 7", "an 8"."""
    return f"{'an' if label == 8 else 'a'} {label}"


def percent(part: float) -> str:
    """A probability, never rounded up to certainty or down to impossibility."""
    if part >= 0.9995:
        return "> 99.9 %"
    return f"{part:.1%}".replace("%", " %") if part >= 0.0005 else "0 %"


def label(digit: Digit) -> str:
    """The label at the box of a digit."""
    if digit.verdict == "none":
        return "no digit"
    return f"{short_label(digit)}  {percent(digit.prediction.probability)}"


def short_label(digit: Digit) -> str:
    """The label where there is little room."""
    if digit.verdict == "none":
        return "?"
    return f"{digit.prediction.digit}{'?' if digit.verdict == 'uncertain' else ''}"


def headline_points(answer: str, width: float, height: float) -> int:
    """The size, typographic points, at which the lines of an answer fit into `width` x `height` pixels at 96 dots an inch."""
    lines = answer.splitlines() or [""]
    return max(9, min(int(0.61 * height / len(lines)), int(0.93 * width / max(1, *map(len, lines)))))


def headline(answer: str) -> str:
    """The answer, on two lines where it needs them."""
    return answer.replace(": ", ":\n")


def subtitle(reading: Reading, number: int) -> str:
    """How sure the answer is, of the digit with that number."""
    if not reading.digits:
        return ""
    digit = reading.digits[number]
    if len(reading.digits) == 1:
        sure = percent(digit.prediction.probability)
        return {"digit": f"{sure} sure", "uncertain": f"{digit.prediction.digit} with {sure}"}.get(digit.verdict, "")
    return f"digit {number + 1} of {len(reading.digits)}: {label(digit)}"


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
