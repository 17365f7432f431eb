"""The dialog that asks for digits to be written."""

import tkinter as tk
from itertools import pairwise
from tkinter import ttk

from gui.page.collecting import COUNT, Collecting
from gui.page.page import Page
from gui.page.palette import Palette
from gui.reading.messages import sentence
from gui.window.dialog import Dialog
from pipeline.system.errors import DataError

SIDE, BRUSH = 320, 18  # of the pad and of its brush, at 96 dots an inch, pixels
MOST_OF_SCREEN = 0.45  # of its height, that the pad has
POLL = 50  # milliseconds
EXPLANATION = (
    "Write the digits as you always do. They are saved with their label in data/drawings. To train with them: "
    "python -m pipeline.compose dataset.drawings.train=true, then dvc repro."
)
KEYS = "Return: next digit. Right: skip it. Ctrl+Z: undo."


class CollectDialog(Dialog):
    """Asks for one digit after another, and has them saved under the name of who writes."""

    def __init__(self, parent: tk.Tk, palette: Palette, px: float, collecting: Collecting, writer: str) -> None:
        super().__init__(parent, palette, px, "Write digits for the collection")
        self.collecting, self._palette, self._width = collecting, palette, BRUSH * px
        side, gap = round(min(SIDE * px, MOST_OF_SCREEN * self.winfo_screenheight())), round(8 * px)
        self.page = Page(side, self._width)
        ttk.Label(self.content, text=EXPLANATION, style="Faint.TLabel", wraplength=side).pack(anchor="w")
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
        self.pad = tk.Canvas(self.content, width=side, height=side, background=palette.paper, takefocus=True)
        self.pad.configure(highlightthickness=max(round(2 * px), 1), highlightcolor=palette.right)
        self.pad.configure(highlightbackground=palette.line, cursor="pencil")
        self.pad.pack(pady=gap)
        self.message = ttk.Label(self.content, style="Faint.TLabel", wraplength=side)
        self.message.pack(anchor="w")
        self._buttons(gap).pack(fill="x", pady=(gap, 0))
        self._bind_keys()
        self.pad.focus_set()
        self.tell(KEYS)
        self._show()
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

    def destroy(self) -> None:
        """Close the dialog, once all is saved."""
        self.after_cancel(self._polling)
        self.withdraw()
        self.collecting.close()
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
        self.page = Page(self.page.side, self._width)
        self._show()

    def _show(self) -> None:
        self.prompt["text"] = self.collecting.prompt
        self.progress["text"] = f"{min(self.collecting.number + 1, COUNT)} of {COUNT}"
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
        self.collecting.look()
