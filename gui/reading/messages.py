"""What the window and its processes send to each other: plain values, for which the window needs no numpy."""

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

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
class Mark:
    """One digit of an answer, as the window shows it: plain values, so that the window needs no numpy.

    Attributes:
        answer: "7", "not sure: 3 or 8", "no digit".
        verdict: "digit", "unsure" or "none".
        digit: 0 to 9, the likeliest; None if there is none.
        probability: of it, 0 to 1.
        probabilities: of all ten.
        box: left, top, right, bottom, in the pixels of the page or of the picture.
        strokes: numbers of the strokes that it is made of.

    """

    answer: str
    verdict: str
    digit: int | None
    probability: float
    probabilities: tuple[float, ...]
    box: tuple[float, float, float, float]
    strokes: tuple[int, ...]


@dataclass(frozen=True)
class Seen:
    """What one model sees in a drawing: the answer as a whole, and each digit.

    Attributes:
        reading: the pickled `Reading`.
        blank: why nothing was found in a picture, for the user; "" if something was.

    """

    answer: str
    marks: tuple[Mark, ...]
    reading: bytes = field(repr=False)
    blank: str = ""


@dataclass(frozen=True)
class Answer:
    """What the models see in the drawing of that version, by slot."""

    version: int
    seen: dict[int, Seen]


@dataclass(frozen=True)
class Explanation:
    """Why the first model answered so, for one digit.

    Attributes:
        version: of the drawing.
        mark: number of the digit.
        picture: the network's input, 28 x 28 bytes.
        reasons: a digit, and 28 x 28 bytes of which ink spoke for it (255) and against it (0; 128: neither). The answer first,
            then the runner-up.
        maps: of each convolution layer its name, the number of maps, and all of them in one picture: width, height, bytes.

    """

    version: int
    mark: int
    picture: bytes
    reasons: tuple[tuple[int, bytes], ...]
    maps: tuple[tuple[str, int, int, int, bytes], ...]


class Result(NamedTuple):
    """What the function of an `Errand` returned, or None and a message for the user."""

    value: Any
    message: str = ""


Job = Open | Close | Read
Message = Opened | Failed | Answer | Explanation | Done


def unpickled(seen: Seen) -> Any:
    """The `Reading` of a model, with its arrays."""
    return pickle.loads(seen.reading)  # noqa: S301 - our own process wrote it


def message_of(error: Exception) -> str:
    """An error in a line for the user. That of a library is told with its class, as many have no message."""
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
