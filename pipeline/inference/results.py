"""What was read: a digit, and a row of digits, in numbers and in words. The window shows it, and so it loads no numpy."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Verdict = Literal["digit", "unsure", "none"]


class _Prediction(NamedTuple):
    digit: int | None
    probability: float
    probabilities: tuple[float, ...]


class Prediction(_Prediction):
    """What an image was read as.

    Attributes:
        digit: 0 to 9; None for a blank image.
        probability: of that digit, 0 to 1.
        probabilities: of all ten, in their order; they sum to 1, or are all 0 for a blank image.
        blank: why there is no digit; "" if there is one. It is none of the three that a prediction is unpacked into.

    """

    blank = ""

    @property
    def runner_up(self) -> int:
        """The second most probable digit."""
        return sorted(range(len(self.probabilities)), key=self.probabilities.__getitem__)[-2]


def blank_prediction(why: str) -> Prediction:
    """The prediction of an image without ink, and why there is none."""
    prediction = Prediction(None, 0.0, (0.0,) * 10)
    prediction.blank = why
    return prediction


class Box(NamedTuple):
    """Where something is, in the unit of what was read: page or image. y goes down."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Digit:
    """One of the digits that were read.

    Attributes:
        prediction: the digit and the probabilities.
        verdict: whether it is a digit, and whether that is sure.
        box: around its ink.
        pixels: of the image that the network was given, 28 x 28 bytes: see `picture`.
        strokes: numbers of its strokes, ascending; empty if an image was read.
        likeness: how much like a digit it is (`pipeline.inference.rejection.score`); the verdict depends on it.

    """

    prediction: Prediction
    verdict: Verdict
    box: Box
    pixels: bytes = field(repr=False)
    strokes: tuple[int, ...] = ()
    likeness: float = float("inf")

    @property
    def picture(self) -> "NDArray[np.uint8]":
        """The image that the network was given, (28, 28) uint8, 0 to 255, ink bright."""
        import numpy as np

        return np.frombuffer(self.pixels, np.uint8).reshape(28, 28)

    @property
    def answer(self) -> str:
        """In words: "7", "not sure: 3 or 8", "no digit"."""
        if self.verdict == "none":
            return "no digit"
        if self.verdict == "unsure":
            return f"not sure: {self.prediction.digit} or {self.prediction.runner_up}"
        return str(self.prediction.digit)


@dataclass(frozen=True)
class Reading:
    """All digits that were read, from left to right.

    Attributes:
        blank: why no digit was found in an image, for the user; "" if one was.

    """

    digits: tuple[Digit, ...]
    blank: str = ""

    @property
    def text(self) -> str:
        """The number, like "2026", with the most probable digit where it is uncertain. What is no digit is left out."""
        return "".join(str(digit.prediction.digit) for digit in self.digits if digit.verdict != "none")

    @property
    def answer(self) -> str:
        """For the user: the answer of one digit, or the number with a "?" for each that is none. "" for a blank."""
        if len(self.digits) == 1:
            return self.digits[0].answer
        if self.digits and all(digit.verdict == "none" for digit in self.digits):
            return "no digit"
        return "".join("?" if digit.verdict == "none" else str(digit.prediction.digit) for digit in self.digits)
