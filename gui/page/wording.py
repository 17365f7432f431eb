"""What the window says of an answer, and which digit of several it speaks of. Knows nothing of a window."""

from collections.abc import Sequence

from pipeline.inference.results import Digit, Reading


def selected(marks: Sequence[Digit], wanted: int, last_stroke: int) -> int:
    """The number of the digit that bars, panel and corrections are about.

    Args:
        marks: at least one.
        wanted: that a person chose; -1 for none.
        last_stroke: number of the stroke that was drawn last.

    Returns:
        `wanted` if there is such a digit, else the one with the last stroke, else the last.

    """
    if 0 <= wanted < len(marks):
        return wanted
    return next((number for number, mark in enumerate(marks) if last_stroke in mark.strokes), len(marks) - 1)


def percent(part: float) -> str:
    """A probability, never rounded up to certainty or down to impossibility."""
    if part >= 0.9995:
        return "> 99.9 %"
    return f"{part:.1%}".replace("%", " %") if part >= 0.0005 else "0 %"


def chip(digit: Digit) -> str:
    """What stands at the box of a digit."""
    if digit.verdict == "none":
        return "no digit"
    percentage = min(round(digit.prediction.probability * 100), 99)
    return f"{digit.prediction.digit}{'?' if digit.verdict == 'unsure' else ''}  {percentage} %"


def headline_points(answer: str) -> int:
    """The size at which the answer fits into its column, typographic points."""
    longest = max((len(line) for line in headline(answer).splitlines()), default=0)
    return max(11, min(72, 210 // max(longest, 1)))


def headline(answer: str) -> str:
    """The answer, on two lines where it needs them."""
    return answer.replace(": ", ":\n")


def subtitle(seen: Reading, number: int) -> str:
    """How sure the answer is, of the digit with that number."""
    if not seen.digits:
        return ""
    digit = seen.digits[number]
    if len(seen.digits) == 1:
        sure = percent(digit.prediction.probability)
        return {"digit": f"{sure} sure", "unsure": f"{digit.prediction.digit} with {sure}"}.get(digit.verdict, "")
    return f"digit {number + 1} of {len(seen.digits)}: {chip(digit)}"
