"""Corrections: drawings that go into the collection which `prepare` can train with. Knows nothing of a window."""

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from gui.page.page import Page
from gui.page.wording import with_article
from gui.reading.errand import Errands
from pipeline.data.stroke_files import Strokes
from pipeline.inference.results import Digit
from pipeline.system.errors import DataError
from pipeline.system.paths import IS_CHECKOUT, PROJECT

SECONDS = 30.0  # that saving a correction may take
COLLECTION = PROJECT / "data" / "drawings"
TRAINING = (
    "python -m pipeline.compose dataset.drawings.train=true, then dvc repro."
    if IS_CHECKOUT
    else "copy that folder to data/drawings of a checkout of the project, and see its docs/use.md."
)
NEXT = f"To train with it: {TRAINING} Backspace deletes it again."


def shown(folder: Path) -> str:
    """A folder as the user is told of it: in a checkout relative to that."""
    return folder.relative_to(PROJECT).as_posix() if IS_CHECKOUT and folder.is_relative_to(PROJECT) else str(folder)


def correctable(page: Page, digits: tuple[Digit, ...], selected: int) -> Strokes:
    """The strokes of the selected digit of an answer; without digits, of the whole drawing.

    Raises:
        DataError: nothing is drawn, or an image.
    """
    numbers = digits[selected].strokes if 0 <= selected < len(digits) else range(len(page.strokes))
    strokes = [list(page.strokes[number]) for number in numbers if number < len(page.strokes)]
    if not strokes:
        raise DataError("only a drawing can be corrected. Draw the digit, then press the key of the right digit.")
    return strokes


def save(folder: Path, label: int, strokes: Strokes, writer: str) -> Path:
    """Put a drawing into a collection, and return its file. Loads numpy: not for the window's own process.

    Raises:
        DataError: the collection can't be written to.
    """
    from pipeline.data import collection

    try:
        return collection.add(folder, label, strokes, writer)
    except OSError as error:
        raise DataError(f"{folder} can't be written to: {error.strerror}. Nothing was saved.") from None


class Corrections:
    """The corrections since the program began. They are saved one after another, each in a process of its own.

    Messages for the user go to `tell`; the `advice` is part of that on each that was saved.
    """

    def __init__(self, folder: Path, writer: str, tell: Callable[[str], None], advice: str = NEXT) -> None:
        self.folder, self.writer = folder, writer
        self._tell, self._advice = tell, advice
        self.lost: Callable[[Strokes], None] = lambda _: None  # called with strokes that could not be saved
        self._saved: list[tuple[Path, Strokes]] = []
        self._waiting: deque[Callable[[], object]] = deque()
        self._errands = Errands(tell)

    @property
    def busy(self) -> bool:
        """Whether a correction is not saved yet."""
        return bool(self._waiting) or self._errands.busy

    def add(self, label: int, strokes: Strokes, is_part: bool) -> None:
        """Save strokes, part of the drawing or all of it, with their label, once those before are saved."""
        self._tell(f"Saving it as {with_article(label)} …")
        writer = self.writer
        self._waiting.append(lambda: self._save(label, strokes, writer, is_part))
        self.look()

    def delete_last(self, strokes: Strokes | None = None) -> None:
        """Delete the last correction from the collection, once it is saved; if `strokes` are given, only if it is of them."""
        self._waiting.append(lambda: (strokes is None or self._is_last(strokes)) and self._delete_last())
        self.look()

    def look(self) -> None:
        """Tell what has been saved, and go on with what waits. Never waits itself."""
        self._errands.look()
        while self._waiting and not self._errands.busy:
            self._waiting.popleft()()

    def close(self) -> None:
        """End, once all is saved."""
        while self.busy:
            self.look()
            time.sleep(0.01)

    def _save(self, label: int, strokes: Strokes, writer: str, is_part: bool) -> None:
        def saved(path: Path) -> None:
            self._saved.append((path, strokes))
            what = f"The selected digit was saved as {with_article(label)}" if is_part else f"Saved as {with_article(label)}"
            whole = f" Alt+{label} saves the whole drawing as one digit." if is_part else ""
            self._tell(f"{what}: {shown(path)}. {self._advice}{whole}".strip())

        def failed(message: str) -> None:
            self._tell(message)
            self.lost(strokes)

        # A correction of the same strokes had the wrong label. If it can't be deleted, the user is told why.
        if not self._is_last(strokes) or self._delete_last():
            late = f"{self.folder} did not take the drawing in time. Try again."
            self._errands.send(
                save, self.folder, label, strokes, writer, then=saved, otherwise=failed, seconds=SECONDS, late=late
            )

    def _is_last(self, strokes: Strokes) -> bool:
        return bool(self._saved) and self._saved[-1][1] == strokes

    def _delete_last(self) -> bool:
        if not self._saved:
            self._tell("There is no correction to delete.")
            return False
        path, _ = self._saved[-1]
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self._tell(f"{path.name} can't be deleted: {error.strerror}.")
            return False
        self._saved.pop()
        self._tell(f"Deleted the correction {path.name}.")
        return True
