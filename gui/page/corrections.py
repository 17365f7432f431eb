"""Corrections: drawings that go into the collection which `prepare` can train with. Knows nothing of a window."""

from pathlib import Path

from gui.page.drawing import Drawing, Point
from pipeline.inference.results import Digit
from pipeline.system.errors import DataError

NEXT = "Train with it: switch dataset.drawings on, dvc repro. Backspace takes it back."


def correctable(drawing: Drawing, marks: tuple[Digit, ...], selected: int) -> list[list[Point]]:
    """The strokes that a correction is about.

    Args:
        drawing: what is drawn.
        marks: the digits of the answer; without any the whole drawing is one.
        selected: number of the digit among them.

    Returns:
        The strokes of that digit.

    Raises:
        DataError: nothing is drawn, or a picture.

    """
    numbers = marks[selected].strokes if 0 <= selected < len(marks) else range(len(drawing.strokes))
    strokes = [list(drawing.strokes[number]) for number in numbers if number < len(drawing.strokes)]
    if not strokes:
        raise DataError("only what is drawn can be corrected. Draw the digit, then press what it is.")
    return strokes


def keep(folder: Path, label: int, strokes: list[list[Point]], writer: str) -> Path:
    """Put a drawing into a collection, and return its file. Loads numpy: not for the window's own process.

    Raises:
        DataError: the collection can't be written to.

    """
    from pipeline.data import collection

    try:
        return collection.add(folder, label, strokes, writer)
    except OSError as error:
        raise DataError(f"{folder} can't be written to: {error.strerror}. Nothing was kept.") from None


class Corrections:
    """The corrections of this session."""

    def __init__(self) -> None:
        self._kept: list[tuple[Path, list[list[Point]]]] = []

    def before(self, strokes: list[list[Point]]) -> str:
        """A correction is to come: the last one, if it was of the same strokes, was a mistake and goes.

        Returns:
            What is said to the user if it can't go, else "".

        """
        count = len(self._kept)
        told = self.take_back() if self._kept and self._kept[-1][1] == strokes else ""
        return told if told and len(self._kept) == count else ""

    def after(self, path: Path, strokes: list[list[Point]], label: int, part: bool) -> str:
        """A correction was kept in `path`, of a part of the drawing or all of it. Returns what is said to the user."""
        self._kept.append((path, strokes))
        what = f"The chosen digit was kept as a {label}" if part else f"Kept as a {label}"
        whole = f" Alt+{label} keeps all that is drawn as one digit." if part else ""
        return f"{what}: {'/'.join(path.parts[-3:])}. {NEXT}{whole}"

    def take_back(self) -> str:
        """Take the last correction out of the collection, and return what is said to the user."""
        if not self._kept:
            return "There is no correction to take back."
        path, _ = self._kept[-1]
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            return f"{path.name} can't be taken back: {error.strerror}."
        self._kept.pop()
        return f"Taken back: {path.name} is gone."
