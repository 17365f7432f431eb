"""The dialog that asks for digits to be written."""

import tkinter as tk
from collections.abc import Callable
from itertools import pairwise
from tkinter import ttk

from gui.page.collecting import COUNT, Collecting
from gui.page.corrections import TRAINING, shown
from gui.page.page import Page
from gui.page.palette import Palette
from gui.reading.messages import sentence
from gui.window.dialog import Dialog
from pipeline.system.errors import DataError

SIDE, BRUSH = 320, 18  # of the pad and of its brush, at 96 dots an inch, pixels
TWO_LINES = "\n"  # of a message, for which there is always room
POLL = 50  # milliseconds
KEYS = "Return: next digit. Right: skip it. Ctrl+Z: undo."


class CollectDialog(Dialog):
    """Asks for one digit after another, and has them saved under the name of who writes.

    What could not be saved is told by `tell_outside` if the dialog is closed already.
    """

    TITLE = "Write digits for the collection"

    def __init__(
        self,
        parent: tk.Tk,
        palette: Palette,
        px: float,
        collecting: Collecting,
        writer: str,
        tell_outside: Callable[[str], None],
    ) -> None:
        super().__init__(parent, palette, px, self.TITLE)
        self.collecting, self._palette, self._width, self._tell_outside = collecting, palette, BRUSH * px, tell_outside
        wide, gap = round(SIDE * px), round(8 * px)
        self._buttons(gap).pack(side="bottom", fill="x", pady=(gap, 0))
        place = shown(collecting.corrections.folder)
        told = f"Write the digits as you always do. They are saved with their label in {place}. To train with them: {TRAINING}"
        ttk.Label(self.content, text=told, style="Faint.TLabel", wraplength=wide).pack(anchor="w")
        row = ttk.Frame(self.content)
        row.pack(fill="x", pady=gap)
        ttk.Label(row, text="Who writes:").pack(side="left")
        self.writer = ttk.Entry(row)
        self.writer.insert(0, writer)
        self.writer.pack(side="left", fill="x", expand=True, padx=(gap, 0))
        row = ttk.Frame(self.content)
        row.pack(fill="x")
        self.prompt = ttk.Label(row, font=("TkDefaultFont", 18, "bold"))
        self.prompt.pack(side="left")
        self.progress = ttk.Label(row, style="Faint.TLabel")
        self.progress.pack(side="right")
        self.message = ttk.Label(self.content, text=TWO_LINES, style="Faint.TLabel", wraplength=wide)
        self.message.pack(side="bottom", anchor="w")
        self.update_idletasks()
        room = self.maxsize()[1] - self.winfo_reqheight() - 3 * gap  # that the rest leaves on this screen
        side = min(wide, max(room, wide // 3))
        self.page = Page(side, self._width)
        self.pad = tk.Canvas(self.content, width=side, height=side, takefocus=True, cursor="pencil")
        self.pad.configure(highlightthickness=max(round(2 * px), 1))
        self.pad.pack(pady=gap)
        self.colour(palette)
        self._bind_keys()
        self.pad.focus_set()
        self.tell(KEYS)
        self._show()
        self._place()  # again: the pad has come since
        self._polling = self.after(POLL, self._poll)

    def _buttons(self, gap: int) -> ttk.Frame:
        buttons = ttk.Frame(self.content)
        ttk.Button(buttons, text="Undo", command=self.undo).pack(side="left")
        ttk.Button(buttons, text="Skip", command=self.skip).pack(side="left", padx=gap)
        ttk.Button(buttons, text="Next", command=self.take, style="Main.TButton").pack(side="right")
        return buttons

    def _bind_keys(self) -> None:
        self.pad.bind("<Button-1>", self._begin)
        self.pad.bind("<B1-Motion>", self._extend)
        self.pad.bind("<ButtonRelease-1>", lambda _: self.page.end())
        for key in ("<Return>", "<KP_Enter>"):
            self.bind(key, lambda _: self.take())
        for key in ("<Control-z>", "<Control-Z>"):  # in the field of the name it is not for strokes
            self.pad.bind(key, lambda _: self.undo())
        self.pad.bind("<Right>", lambda _: self.skip())

    def colour(self, palette: Palette) -> None:
        """Show the pad in the colours of a theme, too."""
        super().colour(palette)
        self._palette = palette
        self.pad.configure(background=palette.paper, highlightcolor=palette.right, highlightbackground=palette.line)
        self.pad.itemconfigure("all", fill=palette.ink)

    def destroy(self) -> None:
        """Close the dialog, once all is saved."""
        self.after_cancel(self._polling)
        self.withdraw()
        self.collecting.corrections.close()
        if self.collecting.returned:
            self._tell_outside(self.message["text"])
        super().destroy()

    def tell(self, message: str) -> None:
        """Show a message."""
        self.message["text"] = message

    def take(self) -> None:
        """Save the digit that is drawn, and ask for the next."""
        try:
            self.collecting.take(self.page.strokes, self.writer.get().strip())
        except DataError as error:
            self.tell(sentence(error))
        else:
            self._clear()

    def skip(self) -> None:
        """Ask for the next digit."""
        self.collecting.skip()
        self.tell(KEYS)
        self._clear()

    def undo(self) -> None:
        """Take the last stroke away; if nothing is drawn, go back to the digit before."""
        self.tell(KEYS)
        if self.page.blank:
            self.collecting.undo()
        else:
            self.page.undo()
        self._show()

    def _clear(self) -> None:
        """Ask for a digit: on a blank page, or with what was drawn if it could not be saved."""
        self.page = Page(self.page.side, self._width)
        self.page.replace(self.collecting.returned)
        self._show()

    def _show(self) -> None:
        self.prompt["text"] = self.collecting.prompt
        number = self.collecting.number
        self.progress["text"] = f"{number + 1} of {COUNT}" if number < COUNT else ""
        self.pad.delete("all")
        for points in self.page.strokes:
            for (x0, y0), (x1, y1) in pairwise([points[0], *points]):
                self._line(x0, y0, x1, y1)

    def _begin(self, event: "tk.Event[tk.Misc]") -> None:
        self.pad.focus_set()
        self.tell(KEYS)
        self.page.begin(event.x, event.y)
        self._line(event.x, event.y, event.x, event.y)

    def _extend(self, event: "tk.Event[tk.Misc]") -> None:
        if self.page.is_drawing:
            self._line(*self.page.extend(event.x, event.y), event.x, event.y)

    def _line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        x1 = x1 + 0.01 if (x0, y0) == (x1, y1) else x1  # Tk draws no cap on a line without length
        self.pad.create_line(x0, y0, x1, y1, width=self._width, fill=self._palette.ink, capstyle="round")

    def _poll(self) -> None:
        self._polling = self.after(POLL, self._poll)
        number = self.collecting.number
        self.collecting.corrections.look()
        if self.collecting.number < number:  # one could not be saved
            self._clear()
