"""The rows above the drawing: buttons for what is done most, and a warning of a model that reads badly."""

import tkinter as tk
from collections.abc import Callable, Collection
from tkinter import ttk

from gui.page.palette import Palette
from gui.page.session import THICKEST, THINNEST
from gui.window.commands import Actions

SCALE_LENGTH = 110  # of the brush's slider at 96 dots an inch, pixels
BRUSH = "digits_brush"  # the Tcl variable of the slider
LEFT = {"undo": "Undo", "redo": "Redo", "clear": "Clear", "pen": "Pen", "eraser": "Eraser"}
RIGHT = {"choose": "Model …", "recognise": "Recognise"}


class Toolbar(ttk.Frame):
    """Buttons for what is done most, and the width of the brush, which `set_brush` takes as a part of the page's side."""

    def __init__(self, parent: tk.Misc, px: float, actions: Actions, set_brush: Callable[[float], None]) -> None:
        super().__init__(parent)
        self._px = px
        gap = round(6 * px)
        self.buttons = {name: ttk.Button(self, text=text, command=actions[name]) for name, text in LEFT.items()}
        for name, button in self.buttons.items():
            button.pack(side="left", padx=(2 * gap if name == "pen" else 0, gap))
        self.dot = tk.Canvas(self, width=round(30 * px), height=round(30 * px), highlightthickness=0)
        self.dot.pack(side="left", padx=(gap, 0))
        length = round(SCALE_LENGTH * px)
        self.brush = ttk.Scale(self, from_=THINNEST, to=THICKEST, length=length, variable=BRUSH)  # type: ignore[arg-type]
        self.brush.configure(command=lambda share: set_brush(float(share)), takefocus=True)
        for name, text in RIGHT.items():
            self.buttons[name] = ttk.Button(self, text=text, command=actions[name])
        self.buttons["recognise"].configure(style="Main.TButton")
        for name in reversed(RIGHT):
            self.buttons[name].pack(side="right", padx=(gap, 0))
        self.brush.pack(side="left", padx=gap)  # last: where a screen is too narrow, it gets the room that is left

    def show(self, on: Collection[str], unavailable: Collection[str], brush: float, palette: Palette) -> None:
        """Set each control, given the names of the commands that are on and of those that can't be done now."""
        for name, button in self.buttons.items():
            button.state(["disabled" if name in unavailable else "!disabled", "selected" if name in on else "!selected"])
        self.setvar(BRUSH, str(brush))
        middle, radius = 15 * self._px, min(brush * 90, 14) * self._px
        self.dot.configure(background=palette.window)
        self.dot.delete("all")
        box = (middle - radius, middle - radius, middle + radius, middle + radius)
        self.dot.create_oval(box, fill=palette.ink, width=0)


class WarningBar(ttk.Frame):
    """A warning, and buttons that open other models."""

    def __init__(self, parent: tk.Misc, px: float, actions: Actions) -> None:
        super().__init__(parent)
        self.warning = ttk.Label(self, style="Warning.TLabel", width=1)  # asks for no room: it wraps in what there is
        self.shipped = ttk.Button(self, text="Use the shipped model", command=actions["shipped"])
        self.champion = ttk.Button(self, text="Use the champion", command=actions["champion"])
        self._gap = round(6 * px)
        # Right first: what is packed last gets the room that is left, and a text can wrap.
        self.shipped.pack(side="right", padx=(self._gap, 0))
        self.warning.pack(side="left", fill="x", expand=True)
        self.warning.bind("<Configure>", lambda event: self.warning.configure(wraplength=event.width))

    def show(self, warning: str, has_champion: bool) -> None:
        """Show a warning, if there is any."""
        self.warning["text"] = warning
        if has_champion and not self.champion.winfo_manager():
            self.champion.pack(side="right", padx=(self._gap, 0), before=self.warning)
        self.grid() if warning else self.grid_remove()
