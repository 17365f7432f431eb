"""The window: its widgets, laid out and set as the session is."""

import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from tkinter import ttk

from gui.page.collecting import Collecting
from gui.page.corrections import Corrections
from gui.page.models import MAIN, SECOND
from gui.page.page import Page
from gui.page.palette import DARK, LIGHT, Palette
from gui.page.session import Session
from gui.reading.client import ReadingClient
from gui.reading.messages import sentence
from gui.reading.model_catalog import CHAMPION, Catalog
from gui.window import file_dialogs, theme
from gui.window.answer_column import Column
from gui.window.canvas import Surface
from gui.window.collect_dialog import CollectDialog
from gui.window.commands import CORRECT, CORRECT_WHOLE, Actions
from gui.window.dialog import Dialog, Help, raised
from gui.window.dropping import accept_files
from gui.window.explanation_panel import Panel, say
from gui.window.menu import MenuBar
from gui.window.model_dialog import Picker
from gui.window.toolbar import Toolbar, WarningBar
from pipeline.inference.default_model import SHIPPED, default_model
from pipeline.inference.results import Reading
from pipeline.system.errors import UserError

TITLE = "Handwritten digits"
TWO_LINES = "\n"  # of a message, for which there is always room
UNKNOWN = "\n\n"  # in the place of a model's introduction, which has three lines: the window is not to grow with it
SIDE = 460  # of the canvas at 96 dots an inch, pixels
MOST_OF_SCREEN = 0.6  # of its height, that the canvas has at first
WEIGHTS = (3, 1, 1, 2)  # by which canvas, both answers and explanation share what the window grows or shrinks by
LEAST_WIDTHS = (200, 150, 150, 230)  # of these, at 96 dots an inch, pixels
LEAST_SIZE, GAP = (620, 500), 12  # of the window; between what is in it; at 96 dots an inch, pixels
BARS = 64  # height of the bars that a window has besides, for title and menu, at 96 dots an inch, pixels
BRUSH = 0.06  # width of a stroke, of the canvas' side
RESTS = 3000  # that the pen must rest before the store is looked into, milliseconds
QUICK, PATIENT = 1, 40  # between two looks for an answer, milliseconds, while one is due and while none is


class App(tk.Tk):
    """Draw on the canvas, and the digits are read as you draw. The model is opened in the background meanwhile.

    Args:
        model: a path, a run or ``champion``; None: the exported model, else the shipped one.
        client: that reads; None: one of its own, started once the window is on the screen.
        scaling: of the display, 1 for 96 dots an inch; None: what the environment says.
        palette: of the theme; None: what the environment says.
        collection: where corrections go; None: ``data/drawings``.
        writer: whose hand it is, saved with the corrections.

    Attributes:
        catalog: the models that can be chosen.
        session: what the window shows; a script can do with it what a person does with the mouse.

    Raises:
        ModelError: `model` is None, and there is none.
    """

    def __init__(
        self,
        model: Path | str | None = None,
        client: ReadingClient | None = None,
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
        self._own_client = ReadingClient()  # which starts no process before it has a job
        side = round(min(SIDE * self.px, self.winfo_screenheight() * MOST_OF_SCREEN))
        page, shown_side = Page(side, round(BRUSH * side)), max(self.winfo_screenwidth(), 1000)
        self.session = Session(page, client or self._own_client, collection, writer, shown_side)
        self.catalog = Catalog(lambda: self.show())
        self._least = [0] * len(WEIGHTS)  # widths of the columns that are seen
        self._controls: object = None  # what menu and toolbar show
        self._looks_soon = True  # the first look comes once the window is seen
        self._build()
        self._paint(self.palette)
        self.session.changed = self.show
        self._polling = self.after(1, self._first, name)
        self._resting = self.after(RESTS, self._look_into_store, -1)

    def destroy(self) -> None:
        """Close the window, once what was corrected is saved."""
        for waiting in (self._polling, self._resting):
            self.after_cancel(waiting)
        self.withdraw()
        self.session.changed = lambda: None
        self.session.close()
        self.catalog.close()
        self._own_client.close()
        super().destroy()

    @property
    def reading(self) -> Reading | None:
        """The `gui.Reading` that is shown; None for a blank page, and before there is an answer."""
        return self.session.reading

    def _build(self) -> None:
        gap, actions = round(GAP * self.px), self._actions()
        theme.apply(self, self.palette, self.px)  # before anything is measured
        self.rowconfigure(2, weight=1)
        self.toolbar = Toolbar(self, self.px, actions, self.session.set_brush)
        self.toolbar.grid(row=0, column=0, columnspan=4, sticky="ew", padx=gap, pady=(gap, 0))
        self.toolbar.bind("<Configure>", lambda _: self._share_width(0, True))  # once it has its width
        self.warning = WarningBar(self, self.px, actions)
        self.warning.grid(row=1, column=0, columnspan=4, sticky="ew", padx=gap, pady=(gap, 0))
        self.canvas = Surface(self, self.session, self.palette, self.px)
        self.columns = [Column(self, self.palette, self.px) for _ in (MAIN, SECOND)]
        self.panel = Panel(self, self.palette, self.px)
        for number, widget in enumerate((self.canvas, *self.columns, self.panel)):
            widget.grid(row=2, column=number, sticky="nsew", padx=(0 if number else gap, gap), pady=gap)
            self._share_width(number, True)
        self.status = ttk.Label(self, text=TWO_LINES, style="Faint.TLabel", anchor="w", justify="left")
        self.status.grid(row=3, column=0, columnspan=4, sticky="new", padx=gap, pady=(0, gap))
        self.rowconfigure(3, minsize=self.status.winfo_reqheight() + gap)  # or the window would grow with many a message
        self.status.bind("<Configure>", lambda event: self.status.configure(wraplength=event.width))
        self.menu = MenuBar(self, actions)
        self.maxsize(*self._largest())
        self.canvas.focus_set()

    def _actions(self) -> Actions:
        """What each command of `gui.window.commands` does. A user's mistake is told in the status line."""
        session = self.session
        actions: dict[str, Callable[..., object]] = {
            "open": lambda: file_dialogs.open_drawing(self, session),
            "leave": session.pictures.leave,
            "save": lambda: file_dialogs.save_drawing(self, session),
            "quit": self.destroy,
            "undo": session.undo,
            "redo": session.redo,
            "paste": session.pictures.paste,
            "clear": session.clear,
            "recognise": session.recognize,
            "pen": lambda: session.use(eraser=False),
            "eraser": lambda: session.use(eraser=True),
            "thinner": lambda: session.step_brush(-1),
            "thicker": lambda: session.step_brush(1),
            "explain": session.toggle_explanation,
            "dark": lambda: self._paint(LIGHT if self.palette is DARK else DARK),
            "previous": lambda: session.select(session.selected - 1),
            "next": lambda: session.select(session.selected + 1),
            "choose": lambda: self._choose_model(MAIN, "Choose a model"),
            "champion": lambda: session.models.open(MAIN, CHAMPION),
            "shipped": lambda: session.models.open(MAIN, str(SHIPPED)),
            "compare": lambda: self._choose_model(SECOND, "Compare with another model"),
            "stop_comparing": session.close_second,
            "delete_correction": session.corrections.delete_last,
            "collect": self._collect,
            "help": self._help,
            CORRECT: session.correct,
            CORRECT_WHOLE: lambda digit: session.correct(digit, whole=True),
        }
        return {name: self._told(act) for name, act in actions.items()}

    def _told(self, act: Callable[..., object]) -> Callable[..., None]:
        def told(*arguments: object) -> None:
            try:
                act(*arguments)
            except UserError as error:
                self.session.tell(sentence(error))

        return told

    def _choose_model(self, slot: int, title: str) -> None:
        models = self.session.models
        without = models.names.get(MAIN, "") if slot == SECOND else ""  # with itself none is compared
        if not raised(self, title):
            Picker(self, self.palette, self.px, title, self.catalog, lambda name: models.open(slot, name), without)

    def _help(self) -> None:
        if not raised(self, Help.TITLE):
            Help(self, self.palette, self.px)

    def _collect(self) -> None:
        own = self.session.corrections
        if not raised(self, CollectDialog.TITLE):
            collecting = Collecting(Corrections(own.folder, own.writer, lambda message: dialog.tell(message), advice=""))
            dialog = CollectDialog(self, self.palette, self.px, collecting, own.writer, self.session.tell)

    # What is shown ---------------------------------------------------------------------------------------------------

    def _paint(self, palette: Palette) -> None:
        """Show everything in the colours of a theme."""
        self.palette = palette
        self.configure(background=palette.window)
        theme.apply(self, palette, self.px)
        theme.colour_menu(self.menu, palette)
        self.canvas.colour(palette)
        self.panel.colour(palette)
        for column in self.columns:
            column.colour(palette)
        for child in self.winfo_children():
            if isinstance(child, Dialog):
                child.colour(palette)
        self.show()

    def show(self) -> None:
        """Set every control as the session is. What is as it should be costs next to nothing."""
        session, introductions = self.session, self.session.models.introductions
        say(self.status, session.status)
        title = f"{TITLE} – {introductions[MAIN]}" if MAIN in introductions else TITLE
        if self.title() != title:
            self.title(title)
        self._show_controls()
        self.warning.show(session.models.warning, self.catalog.has_champion)
        self.canvas.show()
        for slot, column in enumerate(self.columns):
            say(column.model, introductions.get(slot, UNKNOWN).replace(", ", "\n", 1))
            reading = session.seen.get(slot)
            number = min(session.selected, len(reading.digits) - 1) if reading else -1
            column.show(reading, number, is_waiting=session.is_reading_picture and slot in introductions)
        self.panel.show(session.explanation)
        self._set_visible(self.columns[SECOND], SECOND in introductions)
        self._set_visible(self.panel, session.is_explaining)
        if session.is_answer_due:
            self._look_soon()

    def _set_visible(self, widget: Column | Panel, is_visible: bool) -> None:
        if is_visible != bool(widget.winfo_manager()):
            widget.grid() if is_visible else widget.grid_remove()
            self._share_width(1 + (*self.columns, self.panel).index(widget), is_visible)

    def _share_width(self, number: int, is_visible: bool) -> None:
        """Give a column of the window its share of the width; what is not seen gets none."""
        self._least[number] = round((LEAST_WIDTHS[number] + GAP) * self.px) * is_visible
        self.columnconfigure(number, weight=WEIGHTS[number] * is_visible, minsize=self._least[number])
        gap = round(GAP * self.px)
        width = max(sum(self._least) + gap, self.toolbar.winfo_reqwidth() + 2 * gap, round(LEAST_SIZE[0] * self.px))
        self.minsize(*map(min, (width, round(LEAST_SIZE[1] * self.px)), self._largest()))

    def _largest(self) -> tuple[int, int]:
        """Width and height that the window may have on this screen."""
        return self.winfo_screenwidth(), self.winfo_screenheight() - round(BARS * self.px)

    def _show_controls(self) -> None:
        """Set menu and toolbar."""
        session, page = self.session, self.session.page
        on = {"eraser" if session.uses_eraser else "pen"}
        on |= {name for name, is_on in (("explain", session.is_explaining), ("dark", self.palette is DARK)) if is_on}
        can = {"undo": page.can_undo, "redo": page.can_redo, "clear": not page.blank}
        can |= {"stop_comparing": session.models.is_chosen(SECOND), "leave": session.pictures.can_leave}
        unavailable = {name for name, is_possible in can.items() if not is_possible}
        brush = page.brush / page.side
        if (controls := (on, unavailable, brush, self.palette)) != self._controls:
            self._controls = controls
            self.menu.show(on, unavailable)
            self.toolbar.show(on, unavailable, brush, self.palette)

    # Looking for answers ---------------------------------------------------------------------------------------------

    def _first(self, name: str) -> None:
        """Start to open the model once the window is seen: starting a process takes a while."""
        self.update_idletasks()
        self._polling = self.after(1, self._look)
        if not self.session.models.is_chosen(MAIN):  # a script may have chosen another meanwhile
            self.session.models.open(MAIN, name)
        accept_files(self, self._told(self.session.open))

    def _look_into_store(self, version: int) -> None:
        """Fill the list of models before somebody asks for it, for that takes seconds; but not while somebody draws."""
        now = self.session.page.version
        if now == version and MAIN in self.session.models.introductions:
            self.catalog.refresh()
        else:
            self._resting = self.after(RESTS, self._look_into_store, now)

    def _look_soon(self) -> None:
        if not self._looks_soon:  # moved again and again, the look would never come
            self._looks_soon = True
            self.after_cancel(self._polling)
            self._polling = self.after(QUICK, self._look)

    def _look(self) -> None:
        self._looks_soon = True  # what is received may ask for it
        try:
            self.session.look()
            self.catalog.look()
        finally:
            self._looks_soon = self.session.is_answer_due
            self._polling = self.after(QUICK if self._looks_soon else PATIENT, self._look)
