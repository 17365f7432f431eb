"""The window."""

import time
import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from tkinter import filedialog, messagebox, ttk
from typing import Any

from PIL import Image

from gui.page import files, wording
from gui.page.corrections import Corrections, correctable, keep
from gui.page.drawing import Drawing, Point
from gui.page.palette import DARK, LIGHT, Palette
from gui.reading import model_catalog
from gui.reading.client import ReadingClient
from gui.reading.errand import Errand
from gui.reading.messages import Answer, Explanation, Failed, Message, Opened, Read
from gui.window import menu, theme
from gui.window.answer_column import Column
from gui.window.canvas import Surface
from gui.window.explanation_panel import Panel
from gui.window.help import Help
from gui.window.model_dialog import Picker
from gui.window.toolbar import Toolbar
from pipeline.inference.default_model import default_model
from pipeline.inference.results import Digit, Reading
from pipeline.system.errors import DataError
from pipeline.system.paths import PROJECT

SIDE = 460  # of the canvas at 96 dots an inch, pixels
MOST_OF_SCREEN = 0.6  # of its height, that the canvas has at first
BRUSH = 0.06  # width of a stroke, of the canvas' side
THINNEST, THICKEST = 0.015, 0.16
BRUSH_STEP = 1.2  # how much thicker a press of the key makes it
EXPLAIN_SECONDS = 0.1  # between two explanations while the pen moves
QUICK, PATIENT = 1, 40  # between two looks for an answer, milliseconds, while one is due and while none is
ERRAND_SECONDS = 30.0  # that opening a picture or keeping a correction may take
FINDING_SECONDS = 300.0  # that finding a run may take, whose model may lie on a server
COLLECTION = PROJECT / "data" / "drawings"


class App(tk.Tk):
    """Draw on the canvas, and the digits are read as you draw. The model is opened in the background meanwhile.

    Args:
        model: a path, a run or ``champion``; None: the exported model, else the shipped one.
        worker: that reads; None: one of its own, started once the window is on the screen.
        scaling: of the display, 1 for 96 dots an inch; None: what the environment says.
        palette: of the theme; None: what the environment says.
        collection: where corrections go; None: ``data/drawings``.
        writer: whose hand it is, kept with the corrections.

    Raises:
        ModelError: `model` is None, and there is none.

    """

    def __init__(
        self,
        model: Path | str | None = None,
        worker: ReadingClient | None = None,
        scaling: float | None = None,
        palette: Palette | None = None,
        collection: Path | None = None,
        writer: str = "me",
    ) -> None:
        name = str(model if model is not None else default_model())
        theme.sharpen()
        super().__init__(className="Digits")
        self.px = theme.scale(self, scaling)
        self.palette = palette or theme.preferred()
        side = round(min(SIDE * self.px, self.winfo_screenheight() * MOST_OF_SCREEN))
        self.drawing = Drawing(side, round(BRUSH * side))
        self.seen: dict[int, Reading] = {}  # what is shown of each model
        self.wanted = -1  # number of the digit that was chosen by hand
        self._worker = worker or ReadingClient()
        self._own_worker = worker is None
        self._collection, self._writer = collection or COLLECTION, writer
        self._corrections = Corrections()
        self._introductions: dict[int, str] = {}
        self._chosen: dict[int, int] = {}  # number of the latest choice for each slot; a slot that is closed has none
        self._choices = 0
        self._fetched = 0  # pictures that were asked for
        self._asked = self._answered = self._since = self.drawing.version
        self._errands: list[tuple[Errand, Callable[[Any], None]]] = []
        self._keeping: Errand | None = None  # the latest correction, and what is to be done after it
        self._turns: list[Callable[[], None]] = []
        self._explained, self._explain_next = -1, 0.0  # the version that was explained, and the time of the next
        self._begun = self._looks_soon = False
        self._build()
        self.colour(self.palette)
        self.title("Handwritten digits")
        self.status["text"] = f"Opening {Path(name).name} … Draw meanwhile."
        self._polling = self.after(1, self._first, name)

    def destroy(self) -> None:
        """Close the window, once what was taught is kept."""
        self.after_cancel(self._polling)
        self.withdraw()
        while self._turns or self._is_keeping():
            self._look_for_errands()
            time.sleep(0.01)
        for errand, _ in self._errands:
            errand.close()
        if self._own_worker:
            self._worker.close()
        super().destroy()

    @property
    def reading(self) -> Reading | None:
        """The `gui.Reading` that is shown; None for a blank canvas, and before there is an answer."""
        return self.seen.get(0)

    @property
    def pending(self) -> bool:
        """Whether the answer to the drawing as it is now is still to come."""
        return not self.drawing.blank and self._answered != self.drawing.version

    @property
    def selected(self) -> int:
        """Number of the digit that is spoken of; -1 if there is none."""
        marks = self._marks()
        return wording.selected(marks, self.wanted, len(self.drawing.strokes) - 1) if marks else -1

    def _marks(self) -> tuple[Digit, ...]:
        return self.seen[0].digits if 0 in self.seen else ()

    # The window ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        gap = round(12 * self.px)
        self.columnconfigure(0, weight=1)
        self.rowconfigure(1, weight=1)
        self.toolbar = Toolbar(self, self.px, THINNEST, THICKEST)
        self.toolbar.grid(row=0, column=0, columnspan=4, sticky="ew", padx=gap, pady=(gap, 0))
        self.canvas = Surface(self, self.drawing, self.palette, self.px, self._changed, self.choose_digit)
        self.canvas.grid(row=1, column=0, sticky="nsew", padx=gap, pady=gap)
        self.columns = [Column(self, self.px), Column(self, self.px)]
        self.columns[0].grid(row=1, column=1, sticky="ns", padx=(0, gap), pady=gap)
        self.panel = Panel(self, self.px)
        self.status = ttk.Label(self, style="Faint.TLabel", anchor="w", justify="left")
        self.status.grid(row=2, column=0, columnspan=4, sticky="ew", padx=gap, pady=(0, gap))
        self.status.bind("<Configure>", lambda event: self.status.configure(wraplength=event.width))
        self.menu = menu.build(self)
        self.minsize(round(620 * self.px), round(500 * self.px))
        self.canvas.focus_set()

    def colour(self, palette: Palette) -> None:
        """Show everything in the colours of a theme."""
        self.palette = palette
        self.configure(background=palette.window)
        theme.apply(self, palette, self.px)
        theme.colour_menu(self.menu, palette)
        self.canvas.colour(palette)
        for column in self.columns:
            column.colour(palette)
        self.panel.colour(palette)
        self.toolbar.colour()
        self.setvar("digits_dark", str(int(palette is DARK)))

    def tell(self, message: str) -> None:
        """Show a message in the status line."""
        self.status["text"] = message

    def complain(self, error: object) -> None:
        """Show an error in the status line. Errors begin small, for elsewhere they stand behind the word "Error:"."""
        message = str(error)
        self.tell(message[:1].upper() + message[1:])

    # Drawing ---------------------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        """Have the drawing read; the answer comes when it can."""
        self.toolbar.update_state()
        if self.drawing.blank:
            self._worker.forget()
            self._answered = self._asked = self.drawing.version
            self._show({})
        elif self.drawing.version != self._asked:
            self.wanted = -1
            self.recognize()
        elif self.explaining and not self.canvas.is_drawing and self._explained != self.drawing.version:
            self.recognize()  # the last points of a stroke may not have been explained

    def recognize(self) -> None:
        """Have the drawing read, again if it was before."""
        if self.drawing.blank:
            return
        self._asked = self.drawing.version
        explain = self.wanted if self._wants_reasons() else None
        strokes = [list(points) for points in self.drawing.strokes]
        self._worker.read(Read(self.drawing.version, strokes, self.drawing.picture, explain))
        self._look_soon()

    def _wants_reasons(self) -> bool:
        """Whether the drawing is to be explained as well; while the pen moves not every time, or the answer would lag."""
        now = time.monotonic()
        if not self.explaining or (self.canvas.is_drawing and now < self._explain_next):
            return False
        self._explain_next = now + EXPLAIN_SECONDS
        return True

    def _redrawn(self) -> None:
        self.canvas.cancel()
        self._since = self.drawing.version
        if self.drawing.picture and not self.canvas.has_picture(self.drawing.picture):
            self._fetch(self.drawing.picture, place=False)
        self._changed()
        self.canvas.refresh()

    def undo(self) -> None:
        """Take the last change back."""
        self.drawing.undo()
        self._redrawn()

    def redo(self) -> None:
        """Make the change again that was taken back."""
        self.drawing.redo()
        self._redrawn()

    def clear(self) -> None:
        """Take everything away; undo brings it back."""
        self.drawing.clear()
        self._redrawn()

    def use_pen(self) -> None:
        """Draw from now on."""
        self._use(eraser=False)

    def use_eraser(self) -> None:
        """Erase strokes from now on."""
        self._use(eraser=True)

    def _use(self, eraser: bool) -> None:
        self.canvas.eraser = eraser
        self.canvas["cursor"] = "circle" if eraser else "pencil"
        self.toolbar.update_state()

    def thinner(self) -> None:
        """Draw with a thinner brush from now on."""
        self.set_brush(self.drawing.brush / self.drawing.side / BRUSH_STEP)

    def thicker(self) -> None:
        """Draw with a thicker brush from now on."""
        self.set_brush(self.drawing.brush / self.drawing.side * BRUSH_STEP)

    def set_brush(self, share: float) -> None:
        """Draw with a brush of that share of the canvas' side."""
        self.drawing.brush = min(max(share, THINNEST), THICKEST) * self.drawing.side
        self.toolbar.update_state()

    # Files -----------------------------------------------------------------------------------------------------------

    def open_file(self) -> None:
        """Ask for a picture or a drawing, and show it."""
        kinds = [("Pictures and drawings", " ".join(f"*{ending}" for ending in (*files.PICTURES, ".json"))), ("All files", "*")]
        if path := filedialog.askopenfilename(parent=self, title="Open a picture or drawing", filetypes=kinds):
            self.open_drawing(Path(path))

    def open_drawing(self, path: Path) -> None:
        """Show a picture, or the first drawing of a ``.json`` file, and read it."""
        if path.suffix.lower() == ".json":
            self.drawing.replace(files.load_strokes(path, self.drawing.size))
            self._redrawn()
        else:
            self._fetch(path, place=True)
            self.tell(f"Opening {path.name} …")

    def save_file(self) -> None:
        """Ask for a name, and save the drawing as a picture or as strokes."""
        if not self.drawing.strokes:
            self.tell("There are no strokes to save. Draw something first.")
            return
        kinds = [("Picture", "*.png"), ("Strokes", "*.json")]
        self.setvar("digits_kind", "")
        if not (
            chosen := filedialog.asksaveasfilename(
                parent=self, title="Save the drawing", filetypes=kinds, typevariable="digits_kind"
            )
        ):
            return
        # Not the dialog's own default ending: on X11 a name gets that whatever kind was chosen.
        path = files.with_ending(Path(chosen), str(self.getvar("digits_kind")))
        if str(path) == chosen or not path.exists() or messagebox.askokcancel("Save", f"{path.name} is there. Replace it?"):
            self.save_drawing(path)

    def save_drawing(self, path: Path) -> None:
        """Save the drawing as a picture or as strokes, by the ending."""
        files.save(self.drawing, path)
        self.tell(f"Saved {path.name}.")

    def _fetch(self, path: Path, place: bool) -> None:
        """Have the pixels of a picture, for the drawing as it is or, to `place`, for another one."""
        self._fetched += 1
        number, version = self._fetched, self.drawing.version

        def shown(found: tuple[tuple[int, int], tuple[int, int], bytes]) -> None:
            size, small, pixels = found
            if place and number < self._fetched:
                return  # another was asked for since
            if place and (self.drawing.version != version or self.canvas.is_drawing):
                self.tell(f"{path.name} was not opened, for you have drawn meanwhile. Open it again.")
                return
            if not place and self.drawing.picture != path:
                return  # it was undone since
            self.canvas.put_picture(path, Image.frombytes("RGB", small, pixels), size)
            self.tell(f"{path.name}. Drawing puts it away, and Ctrl+Z brings it back.")
            if self.drawing.picture != path:
                self.drawing.place(path)
                self._redrawn()
            else:
                self.recognize()  # the file may have changed

        side = max(self.winfo_screenwidth(), 1000)
        self._send(files.shown_picture, path, side, then=shown, late=f"{path.name} took too long to open. Make it smaller.")

    def _send(
        self,
        function: Callable[..., Any],
        *arguments: object,
        then: Callable[[Any], None],
        late: str,
        seconds: float = ERRAND_SECONDS,
    ) -> Errand:
        """Have a function called in another process, and `then` with what it returned."""
        self._errands.append((Errand(function, *arguments, seconds=seconds, late=late), then))
        return self._errands[-1][0]

    def _look_for_errands(self) -> None:
        for errand, then in list(self._errands):
            if (result := errand.result()) is not None:
                self._errands.remove((errand, then))
                found, message = result
                if message:
                    self.complain(message)
                else:
                    then(found)
        while self._turns and not self._is_keeping():
            self._turns.pop(0)()

    # Models and answers ----------------------------------------------------------------------------------------------

    def choose_model(self) -> None:
        """List the models, and read with the one that is chosen."""
        Picker(self, self.palette, self.px, "Choose a model", self.open_model)

    def choose_second(self) -> None:
        """List the models, and read with the one that is chosen as well."""
        Picker(self, self.palette, self.px, "Compare with another model", self.open_second)

    def open_model(self, name: str) -> None:
        """Read with another model from now on: a path, a run or ``champion``."""
        self._open(0, name)

    def open_second(self, name: str) -> None:
        """Read with another model as well."""
        self._open(1, name)

    def _open(self, slot: int, name: str) -> None:
        number = self._chosen[slot] = self._choices = self._choices + 1
        self.tell(f"Opening {Path(name).name} …")

        def found(what: tuple[Path, str]) -> None:
            if self._chosen.get(slot) == number:  # and none was chosen since
                self._worker.open(slot, *what)
                self._look_soon()

        if model_catalog.is_path(name):
            found((Path(name), ""))
        else:  # MLflow takes seconds to look, and drawings are read meanwhile
            late = f"The MLflow store took too long to find {name}. Try again."
            self._send(model_catalog.resolve, name, then=found, late=late, seconds=FINDING_SECONDS)

    def close_second(self) -> None:
        """Read with one model only."""
        if self._chosen.pop(1, None):
            self._introductions.pop(1, None)
            self.seen.pop(1, None)
            self._worker.close_model(1)
            self.columns[1].grid_forget()

    def _first(self, name: str) -> None:
        """Start to open the model once the window is seen: starting a process takes a while."""
        self.update_idletasks()
        self._begun = True
        self._polling = self.after(1, self._look)
        if 0 not in self._chosen:  # a script may have chosen another meanwhile
            self._open(0, name)

    def _look_soon(self) -> None:
        if self._begun and not self._looks_soon:  # moved again and again, the look would never come
            self._looks_soon = True
            self.after_cancel(self._polling)
            self._polling = self.after(QUICK, self._look)

    def _look(self) -> None:
        self._looks_soon = True  # what is received may ask for it
        try:
            for message in self._worker.receive():
                self._receive(message)
            self._look_for_errands()
        finally:
            self._looks_soon = self._worker.reading
            self._polling = self.after(QUICK if self._looks_soon else PATIENT, self._look)

    def _receive(self, message: Message) -> None:
        if isinstance(message, Opened):
            self._introduce(message)
        elif isinstance(message, Failed):
            self.complain(message.message)
            if message.version is not None and message.version >= self._since:
                self._answered = message.version
                self._show({})  # the answer to the drawing before is none to this one
        elif isinstance(message, Answer) and message.version >= self._since and not self.drawing.blank:
            self._answered = message.version
            self._show(message.seen)
            if 0 in message.seen and (why := message.seen[0].blank):
                self.complain(why)
        elif isinstance(message, Explanation) and self.explaining and message.version >= self._since and not self.drawing.blank:
            if not self.canvas.is_drawing:  # then the canvas is not coloured: it is asked for again afterwards
                self._explained = message.version
            self._explain(message)

    def _introduce(self, opened: Opened) -> None:
        if opened.slot not in self._chosen:
            return  # it was closed meanwhile
        text = self._introductions[opened.slot] = opened.introduction
        self.columns[opened.slot].model["text"] = text.replace(", ", "\n", 1)
        if opened.slot == 0:
            self.title(f"Handwritten digits – {text}")
        else:
            gap = round(12 * self.px)
            self.columns[1].grid(row=1, column=2, sticky="ns", padx=(0, gap), pady=gap)
        self.tell(f"{text}.")
        self.recognize()

    def _show(self, seen: dict[int, Reading]) -> None:
        self.seen = {slot: one for slot, one in seen.items() if slot == 0 or slot in self._introductions}
        marks, chosen = self._marks(), self.selected
        self.canvas.show(marks, chosen)
        for slot, column in enumerate(self.columns):
            if slot and slot not in self._introductions:
                continue
            own = self.seen.get(slot)
            number = min(chosen, len(own.digits) - 1) if own else -1
            column.show(own, number)
        if not marks:
            self._explain(None)

    # Why, and what is right ------------------------------------------------------------------------------------------

    @property
    def explaining(self) -> bool:
        """Whether the panel is there that shows why."""
        return bool(self.panel.winfo_manager())

    def toggle_explanation(self) -> None:
        """Show why it says so, or no more."""
        if self.explaining:
            self.panel.grid_forget()
            self.canvas.explain(None)
        else:
            gap = round(12 * self.px)
            self.panel.grid(row=1, column=3, sticky="ns", padx=(0, gap), pady=gap)
            self.panel.show(None)  # what it showed when it was put away
            self.recognize()
        self.setvar("digits_explained", str(int(self.explaining)))

    def _explain(self, why: Explanation | None) -> None:
        if self.explaining:
            self.panel.show(why)
        if not self.canvas.is_drawing:  # while a stroke is drawn the panel alone follows the pen
            self.canvas.explain(why)

    def choose_digit(self, number: int) -> None:
        """Speak of another digit of the answer."""
        self.wanted = number
        self._show(self.seen)
        if self.explaining:
            self.recognize()

    def previous_digit(self) -> None:
        """Speak of the digit to the left."""
        if self._marks():
            self.choose_digit(max(self.selected - 1, 0))

    def next_digit(self) -> None:
        """Speak of the digit to the right."""
        if self._marks():
            self.choose_digit(min(self.selected + 1, len(self._marks()) - 1))

    def teach(self, digit: int, whole: bool = False) -> None:
        """Correct the answer: the digit that is spoken of, or the whole drawing, goes into the collection as that digit."""
        if self.pending and len(self._marks()) > 1 and not whole:
            raise DataError("the drawing is still being read. Press the key again when the answer is there.")
        marks = () if whole or self.pending else self._marks()
        strokes = correctable(self.drawing, marks, self.selected)
        part = len(strokes) < len(self.drawing.strokes)
        self.tell(f"Keeping it as a {digit} …")
        self._turns.append(lambda: self._keep(digit, strokes, part))
        self._look_for_errands()

    def _keep(self, digit: int, strokes: list[list[Point]], part: bool) -> None:
        def kept(path: Path) -> None:
            self.tell(self._corrections.after(path, strokes, digit, part))

        if problem := self._corrections.before(strokes):
            self.tell(problem)
            return
        late = f"{self._collection} did not take the drawing in time. Try again."
        self._keeping = self._send(keep, self._collection, digit, strokes, self._writer, then=kept, late=late)

    def _is_keeping(self) -> bool:
        """Whether a correction is under way: the next one, and taking it back, come after it."""
        return any(errand is self._keeping for errand, _ in self._errands)

    def take_back(self) -> None:
        """Take the last correction back."""
        self._turns.append(lambda: self.tell(self._corrections.take_back()))
        self._look_for_errands()

    def toggle_theme(self) -> None:
        """Change between light and dark colours."""
        self.colour(LIGHT if self.palette is DARK else DARK)

    def help(self) -> None:
        """Show the keys."""
        Help(self, self.palette, self.px)
