"""What the window and its processes send to each other: plain values, for which the window needs no numpy."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.inference.results import Digit, Reading
from pipeline.system.errors import UserError


@dataclass(frozen=True)
class Open:
    """A job: open a model and keep it as number `slot`. The answer is `Opened` or `Failed`.

    Attributes:
        path: of its file.
        called: what it is called, "" for the file's own name.

    """

    slot: int
    path: Path
    called: str = ""


@dataclass(frozen=True)
class Close:
    """A job: forget the model number `slot`."""

    slot: int


@dataclass(frozen=True)
class Read:
    """A job: read a drawing with every open model. The answer is an `Answer`, and an `Explanation` may follow: later,
    or never if there is another drawing by then.

    Attributes:
        version: of the drawing; it comes back with the answer.
        strokes: points of each, page pixels.
        picture: read in the place of strokes.
        explain: number of the digit of the first model's answer that is to be explained; -1: the one drawn at; None: none.

    """

    version: int
    strokes: list[list[tuple[float, float]]]
    picture: Path | None = None
    explain: int | None = None


@dataclass(frozen=True)
class Opened:
    """A model is open.

    Attributes:
        introduction: which one it is, for the user.

    """

    slot: int
    introduction: str


@dataclass(frozen=True)
class Failed:
    """A job could not be done.

    Attributes:
        slot: of the model that was to be opened; None for a drawing.
        message: for the user.
        version: of the drawing that could not be read; None if something else could not be done.

    """

    slot: int | None
    message: str
    version: int | None = None


@dataclass(frozen=True)
class Done:
    """A job is done: the last message of each."""


@dataclass(frozen=True)
class Answer:
    """What the models read in the drawing of that version, by slot."""

    version: int
    seen: dict[int, Reading]


class Reason(NamedTuple):
    """Which ink spoke for a digit (255) and against it (0; 128: neither), 28 x 28 bytes."""

    digit: int
    pixels: bytes


class FeatureMaps(NamedTuple):
    """The maps of a convolution layer, side by side in one image: its width, height and bytes."""

    name: str
    channels: int
    width: int
    height: int
    pixels: bytes


@dataclass(frozen=True)
class Explanation:
    """Why the first model answered so, for one digit.

    Attributes:
        version: of the drawing.
        mark: number of the digit.
        picture: the network's input, 28 x 28 bytes.
        reasons: of the answer, then of the runner-up.
        maps: of each convolution layer.

    """

    version: int
    mark: int
    picture: bytes
    reasons: tuple[Reason, ...]
    maps: tuple[FeatureMaps, ...]


class Result(NamedTuple):
    """What the function of an `Errand` returned, or None and a message for the user."""

    value: Any
    message: str = ""


Job = Open | Close | Read
Message = Opened | Failed | Answer | Explanation | Done


def selected(digits: Sequence[Digit], wanted: int, last_stroke: int) -> int:
    """The number of the digit that bars, panel and corrections are about.

    Args:
        digits: at least one.
        wanted: that a person chose; -1 for none.
        last_stroke: number of the stroke that was drawn last.

    Returns:
        `wanted` if there is such a digit, else the one with the last stroke, else the last.

    """
    if 0 <= wanted < len(digits):
        return wanted
    return next((number for number, digit in enumerate(digits) if last_stroke in digit.strokes), len(digits) - 1)


def message_of(error: Exception) -> str:
    """An error in a line for the user. That of a library is told with its class, as many have no message."""
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
