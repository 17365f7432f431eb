"""What the program knows and does while somebody draws, without a window: a test or another front end can drive it.

A front end changes `Session.page` and then calls `page_changed`, calls `look` often, and shows what it finds here whenever
`changed` is called.
"""

import time
from collections.abc import Callable
from pathlib import Path

from gui.page import files
from gui.page.corrections import COLLECTION, Corrections, correctable
from gui.page.models import MAIN, SECOND, Models
from gui.page.page import Page, ShownImage
from gui.page.pictures import Pictures
from gui.reading import messages
from gui.reading.client import ReadingClient
from gui.reading.errand import Errands
from gui.reading.messages import Answer, Explanation, Failed, Message, Opened, Read
from gui.reading.model_catalog import ENDINGS
from pipeline.inference.results import Digit, Reading
from pipeline.system.errors import DataError

THINNEST, THICKEST = 0.015, 0.16  # brush, of the page's side
BRUSH_STEP = 1.2  # how much thicker one step makes it
EXPLAIN_SECONDS = 0.1  # between two explanations while the pen moves
NO_MODEL = "No model is open, and nothing is read. Ctrl+M: choose one. Ctrl+2: open the one that ships with the program."


class Session:
    """One page, the models that read it, and what they answer.

    Args:
        page: that is drawn on.
        client: that reads it.
        collection: where corrections go; None: ``data/drawings``.
        writer: who draws, saved with the corrections.
        shown_side: of an image for the screen at most, pixels.
    """

    def __init__(
        self, page: Page, client: ReadingClient, collection: Path | None = None, writer: str = "me", shown_side: int = 1000
    ) -> None:
        self.page = page
        self.changed: Callable[[], None] = lambda: None  # called after each change of what is here
        self.status = ""  # the latest message for the user
        self._errands = Errands(self.tell)
        self.models = Models(client, self._errands, self.tell)
        self.seen: dict[int, Reading] = {}  # by slot; empty for a blank page, and before there is an answer
        self._wanted = -1  # number of the digit that was selected; -1 for none
        self.is_explaining = False  # whether explanations are wanted
        self.explanation: Explanation | None = None  # the latest one
        self.uses_eraser = False
        self.corrections = Corrections(collection or COLLECTION, writer, self.tell)
        self._client = client
        self.pictures = Pictures(page, shown_side, self.tell, self._replaced)
        self._picture: ShownImage | None = None  # that was on the page when it was last looked at
        self._asked = self._answered = self._since = page.version  # versions; answers to earlier ones than the last are void
        self._explained, self._explain_next = -1, 0.0  # the version that was explained, and the time of the next

    @property
    def reading(self) -> Reading | None:
        """What the first model reads; None for a blank page, and before there is an answer."""
        return self.seen.get(MAIN)

    @property
    def pending(self) -> bool:
        """Whether the answer to the page as it is now is still to come."""
        return not self.page.blank and self._answered != self.page.version

    @property
    def is_reading_picture(self) -> bool:
        """Whether the answer to a picture is still to come."""
        return self.pending and self.page.content.image is not None

    @property
    def busy(self) -> bool:
        """Whether a picture is being opened, a run is being looked for, or a correction is being saved."""
        return self._errands.busy or self.pictures.busy or self.corrections.busy

    @property
    def is_answer_due(self) -> bool:
        """Whether `look` should be called again at once."""
        return self._client.reading

    @property
    def digits(self) -> tuple[Digit, ...]:
        """The digits of the answer."""
        return self.reading.digits if self.reading else ()

    @property
    def selected(self) -> int:
        """Number of the selected digit; -1 if there is none."""
        return messages.selected(self.digits, self._wanted, len(self.page.strokes) - 1) if self.digits else -1

    def tell(self, message: str) -> None:
        """Change the message for the user."""
        self.status = message
        self.changed()

    def look(self) -> None:
        """Take in what other processes have sent. Never waits."""
        for message in self._client.receive():
            self._receive(message)
            self.changed()
        self._errands.look()
        self.pictures.look()
        self.corrections.look()

    def close(self) -> None:
        """End, once all corrections are saved."""
        self.corrections.close()
        self._errands.close()
        self.pictures.close()

    def page_changed(self) -> None:
        """Have the page read as it is now; the answer comes when it can."""
        page = self.page
        if page.content.image is not self._picture:  # the answer to a picture is none to what takes its place
            self._picture, self._since, self.status = page.content.image, page.version, ""
            self._see({})
        if page.blank:
            self._client.forget()
            self._answered = self._asked = page.version
            self._see({})
        elif page.version != self._asked:
            self._wanted = -1
            self._read()
        elif self.is_explaining and not page.is_drawing and self._explained != page.version:
            self._read()  # the last points of a stroke may not have been explained
        self.changed()

    def recognize(self) -> None:
        """Have the page read, again if it was before."""
        self._read()
        self.changed()

    def _read(self) -> None:
        if self.page.blank:
            return
        if not self.models.is_there:
            self.tell(NO_MODEL)
        self._asked = self.page.version
        explain = self._wanted if self._is_explanation_due() else None
        strokes, image = [list(points) for points in self.page.strokes], self.page.content.image
        self._client.read(Read(self.page.version, strokes, image.path if image else None, explain))

    def _is_explanation_due(self) -> bool:
        """While the pen moves not every answer is explained, or it would lag."""
        now = time.monotonic()
        if not self.is_explaining or (self.page.is_drawing and now < self._explain_next):
            return False
        self._explain_next = now + EXPLAIN_SECONDS
        return True

    def undo(self) -> None:
        """Undo the last change."""
        self.page.undo()
        self._replaced()

    def redo(self) -> None:
        """Make the change again that was undone."""
        self.page.redo()
        self._replaced()

    def clear(self) -> None:
        """Remove everything; undo brings it back."""
        self.page.clear()
        self._replaced()

    def _replaced(self) -> None:
        """Read what has taken the place of all that was on the page."""
        self._since = self.page.version
        self.page_changed()

    def use(self, eraser: bool) -> None:
        """Use the eraser from now on, or the pen."""
        self.uses_eraser = eraser
        self.changed()

    def set_brush(self, share: float) -> None:
        """Draw with a brush of that share of the page's side from now on."""
        self.page.brush = min(max(share, THINNEST), THICKEST) * self.page.side
        self.changed()

    def step_brush(self, steps: int) -> None:
        """Draw with a brush that is some steps thicker from now on; thinner, if they are negative."""
        self.set_brush(self.page.brush / self.page.side * BRUSH_STEP**steps)

    def open(self, path: Path) -> None:
        """Read with the model in a file; or show a picture or a drawing: see `open_drawing`."""
        if path.suffix.lower() in ENDINGS:
            self.models.open(MAIN, str(path))
        else:
            self.open_drawing(path)

    def open_drawing(self, path: Path) -> None:
        """Show a picture, or the first drawing of a ``.json`` or ``.json.gz`` file, and read it.

        Raises:
            DataError: such a file holds no drawing. A faulty picture is told later, when another process opens it.
        """
        if path.name.lower().endswith(files.STROKES):
            strokes, count = files.load_strokes(path, self.page.content.size)
            self.page.replace(strokes)
            self._replaced()
            which = f"the first of {count} drawings in " if count > 1 else ""
            self.tell(f"Opened {which}{path.name}. Ctrl+Z brings back what was drawn before.")
        else:
            self.pictures.open(path)

    def save_drawing(self, path: Path) -> None:
        """Save the drawing as an image or as strokes: see `files.save`."""
        files.save(self.page, path)
        self.tell(f"Saved {path.name}.")

    def close_second(self) -> None:
        """Read with one model only."""
        self.models.close_second()
        self.seen.pop(SECOND, None)
        self.tell("The comparison has ended.")

    def _receive(self, message: Message) -> None:
        match message:
            case Opened() if self.models.opened(message):
                self._read()
            case Failed():
                self.tell(messages.sentence(message.message))
                if message.has_ended:
                    self.models.forget()
                if message.version is not None and message.version >= self._since:
                    self._answered = message.version
                    self._see({})  # the answer to the drawing before is none to this one
            case Answer() if self._is_current(message.version):
                self._answered = message.version
                self._see(message.seen)
                if self.reading:
                    self.pictures.tell_of(self.reading, self.status)
            case Explanation() if self._is_current(message.version) and self.is_explaining:
                if not self.page.is_drawing:  # else the canvas is not coloured: it is asked for again afterwards
                    self._explained = message.version
                self.explanation = message

    def _is_current(self, version: int) -> bool:
        return version >= self._since and not self.page.blank

    def _see(self, seen: dict[int, Reading]) -> None:
        self.seen = {slot: one for slot, one in seen.items() if slot == MAIN or slot in self.models.introductions}
        if not self.digits:
            self.explanation = None

    def toggle_explanation(self) -> None:
        """Explain the answers from now on, or no more."""
        self.is_explaining = not self.is_explaining
        self.explanation = None
        self.recognize()

    def select(self, number: int) -> None:
        """Select a digit of the answer."""
        if self.digits:
            self._wanted = min(max(number, 0), len(self.digits) - 1)
            if self.is_explaining:
                self._read()
            self.changed()

    def correct(self, digit: int, whole: bool = False) -> None:
        """Save the selected digit, or the whole drawing, in the collection with the right label.

        Raises:
            DataError: nothing is drawn, or it is not known yet which strokes are the digit.
        """
        if self.pending and len(self.digits) > 1 and not whole:
            raise DataError("the drawing is still being read. Press the key again when the answer is there.")
        digits = () if whole or self.pending else self.digits
        strokes = correctable(self.page, digits, self.selected)
        self.corrections.add(digit, strokes, is_part=len(strokes) < len(self.page.strokes))
