"""What was read: a digit, and a row of digits, in numbers and in words. The window shows it, and so it loads no numpy."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Verdict = Literal["digit", "uncertain", "none"]


@dataclass(frozen=True)
class Prediction:
    """What an image was read as. It is unpacked into digit, probability and probabilities."""

    digit: int | None  # 0 to 9; None for a blank image
    probability: float  # of that digit, 0 to 1
    probabilities: tuple[float, ...]  # of all ten; they sum to 1, or are all 0 for a blank image
    blank: str = field(default="", compare=False)  # why there is no digit, for the user

    def __iter__(self) -> Iterator[Any]:
        return iter((self.digit, self.probability, self.probabilities))

    @property
    def runner_up(self) -> int:
        """The second most probable digit."""
        return sorted(range(len(self.probabilities)), key=self.probabilities.__getitem__)[-2]


class Box(NamedTuple):
    """Where something is, in the unit of what was read: page or image. y goes down."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Digit:
    """One of the digits that were read."""

    prediction: Prediction
    verdict: Verdict  # whether it is a digit, and whether that is sure
    box: Box  # around its ink
    pixels: bytes = field(repr=False)  # of `picture`
    strokes: tuple[int, ...] = ()  # their numbers, ascending; none if an image was read
    likeness: float = float("inf")  # how much like a digit it is (`pipeline.inference.rejection.score`)
    row: int = 0  # from above, from 0

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
        if self.verdict == "uncertain":
            return f"not sure: {self.prediction.digit} or {self.prediction.runner_up}"
        return str(self.prediction.digit)


@dataclass(frozen=True)
class Reading:
    """All digits that were read: row after row, each from left to right."""

    digits: tuple[Digit, ...]
    blank: str = ""  # why no digit was found in an image, for the user

    @property
    def text(self) -> str:
        """The number, like "2026", with the most probable digit where it is uncertain. What is no digit is left out.

        Of several rows, each stands on a line of its own, from above.
        """
        return "\n".join(filter(None, self._lines(none="")))

    @property
    def answer(self) -> str:
        """For the user: the answer of one digit, or the number with a "?" for each that is none. "" for a blank."""
        if len(self.digits) == 1:
            return self.digits[0].answer
        if self.digits and all(digit.verdict == "none" for digit in self.digits):
            return "no digit"
        return "\n".join(self._lines(none="?"))

    def _lines(self, none: str) -> list[str]:
        """The most probable digits of each row, with `none` in the place of what is no digit."""
        return ["".join(none if one.verdict == "none" else str(one.prediction.digit) for one in row) for row in self.rows]

    @property
    def rows(self) -> list[list[Digit]]:
        """The digits of each row, the rows from above."""
        return [list(row) for _, row in groupby(self.digits, key=lambda digit: digit.row)]
