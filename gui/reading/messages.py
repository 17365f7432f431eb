"""What the window and its processes send to each other: plain values, for which the window needs no numpy."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.inference.results import Digit, Reading
from pipeline.system.errors import UserError


@dataclass(frozen=True)
class Open:
    """A job: open a model. The answer is `Opened` or `Failed`."""

    slot: int  # 0: the model that reads; 1: the one beside it
    path: Path
    called: str = ""  # for the user; "": by the name of the file


@dataclass(frozen=True)
class Close:
    """A job: forget a model."""

    slot: int


@dataclass(frozen=True)
class Read:
    """A job: read a drawing with every open model. The answer is an `Answer` or `Failed`.

    An `Explanation` may follow: later, or never if there is another drawing by then.
    """

    version: int  # of the drawing, which comes back with the answer
    strokes: list[list[tuple[float, float]]]  # page pixels
    picture: Path | None = None  # an image, which is read in the place of strokes
    explain: int | None = None  # number of the first model's digit that is to be explained; -1: the one drawn at; None: none


@dataclass(frozen=True)
class Opened:
    """A model is open."""

    slot: int
    introduction: str  # which one it is, for the user
    warning: str = ""  # if it reads badly


@dataclass(frozen=True)
class Failed:
    """A job could not be done."""

    message: str  # for the user
    version: int | None = None  # of the drawing that could not be read
    has_ended: bool = False  # whether the process that reads has ended, and with it all models are closed


@dataclass(frozen=True)
class Done:
    """A job is done: the last message of each."""


@dataclass(frozen=True)
class Answer:
    """What the models read in a drawing."""

    version: int
    seen: dict[int, Reading]  # by slot


class Reason(NamedTuple):
    """Which ink spoke for a digit."""

    digit: int
    pixels: bytes  # 28 x 28; 255: for it, 0: against it, 128: neither


class FeatureMaps(NamedTuple):
    """The maps of a convolution layer, side by side in one image."""

    name: str
    channels: int
    width: int  # of the image
    height: int
    pixels: bytes


@dataclass(frozen=True)
class Explanation:
    """Why the first model answered so, for one digit."""

    version: int
    mark: int  # number of the digit
    picture: bytes  # the network's input, 28 x 28
    reasons: tuple[Reason, ...]  # of the answer, then of the runner-up
    maps: tuple[FeatureMaps, ...]


class Result(NamedTuple):
    """What the function of an `Errand` returned, or None and a message for the user."""

    value: Any
    message: str = ""


Job = Open | Close | Read
Message = Opened | Failed | Answer | Explanation | Done


def selected(digits: Sequence[Digit], wanted: int, last_stroke: int) -> int:
    """The number of the digit, of one at least, that bars, panel and corrections are about.

    It is the one that a person `wanted` (-1: none) if there is such a digit, else that with the last stroke, else the last.
    """
    if 0 <= wanted < len(digits):
        return wanted
    return next((number for number, digit in enumerate(digits) if last_stroke in digit.strokes), len(digits) - 1)


def message_of(error: Exception) -> str:
    """An error in a line for the user. That of a library begins with its class, for many have no message."""
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def sentence(error: object) -> str:
    """An error as a sentence: it begins with a small letter, for elsewhere it stands behind the word "Error:"."""
    message = str(error)
    return message[:1].upper() + message[1:]
