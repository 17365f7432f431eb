"""What was read: a digit, and a row of digits, in numbers and in words."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["digit", "unsure", "none"]


class _Prediction(NamedTuple):
    digit: int | None
    probability: float
    probabilities: tuple[float, ...]


class Prediction(_Prediction):
    """What a picture was read as.

    Attributes:
        digit: 0 to 9; None for a blank picture.
        probability: of that digit, 0 to 1.
        probabilities: of all ten, in their order; they sum to 1, or are all 0 for a blank picture.
        blank: why there is no digit; "" if there is one. It is none of the three that a prediction is unpacked into.

    """

    blank = ""

    @property
    def runner_up(self) -> int:
        """The second most probable digit."""
        return int(np.argsort(self.probabilities, kind="stable")[-2])


BLANK = Prediction(None, 0.0, (0.0,) * 10)


def blank_prediction(why: str) -> Prediction:
    """The prediction of a picture without ink: equal to `BLANK`, and says why."""
    prediction = Prediction(*BLANK)
    prediction.blank = why
    return prediction


class Box(NamedTuple):
    """Where something is, in the unit of what was read: canvas or picture. y goes down."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, eq=False)
class Digit:
    """One of the digits that were read.

    Attributes:
        prediction: the digit and the probabilities.
        verdict: whether it is a digit, and whether that is sure.
        box: around its ink.
        picture: what the network was given, (28, 28) uint8, 0 to 255, ink bright.
        strokes: numbers of its strokes, ascending; empty if a picture was read.
        likeness: how much like a digit it is, more for more (`pipeline.inference.rejection.score`); what the verdict goes by.

    """

    prediction: Prediction
    verdict: Verdict
    box: Box
    picture: NDArray[np.uint8]
    strokes: tuple[int, ...]
    likeness: float = float("inf")

    @property
    def answer(self) -> str:
        """In words: "7", "not sure: 3 or 8", "no digit"."""
        if self.verdict == "none":
            return "no digit"
        if self.verdict == "unsure":
            return f"not sure: {self.prediction.digit} or {self.prediction.runner_up}"
        return str(self.prediction.digit)


@dataclass(frozen=True, eq=False)
class Reading:
    """All digits that were read, from left to right.

    Attributes:
        blank: why no digit was found in a picture, for a person; "" if one was.

    """

    digits: tuple[Digit, ...]
    blank: str = ""

    @property
    def text(self) -> str:
        """The number, like "2026": of what is unsure the most probable digit, of what is none nothing. "" for a blank."""
        return "".join(str(digit.prediction.digit) for digit in self.digits if digit.verdict != "none")

    @property
    def answer(self) -> str:
        """For a person: of one digit its answer, of several the number with a "?" for each that is none. "" for a blank."""
        if len(self.digits) == 1:
            return self.digits[0].answer
        if self.digits and all(digit.verdict == "none" for digit in self.digits):
            return "no digit"
        return "".join("?" if digit.verdict == "none" else str(digit.prediction.digit) for digit in self.digits)
