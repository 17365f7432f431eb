"""The row of buttons above the drawing."""

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gui.window.app import App

SCALE_LENGTH = 110  # of the brush's slider at 96 dots an inch, pixels


class Toolbar(ttk.Frame):
    """Buttons for what is done most.

    Args:
        app: the window, whose methods they call.
        px: display scaling.
        thinnest: brush, of the canvas' side.
        thickest: brush, of the canvas' side.

    """

    def __init__(self, app: "App", px: float, thinnest: float, thickest: float) -> None:
        super().__init__(app)
        self._app, self._px = app, px
        self._state: tuple[object, ...] = ()
        self._setting = False
        gap = round(6 * px)
        self.undo = ttk.Button(self, text="Undo", command=app.undo)
        self.redo = ttk.Button(self, text="Redo", command=app.redo)
        self.clear = ttk.Button(self, text="Clear", command=app.clear)
        self.pen = ttk.Button(self, text="Pen", command=app.use_pen)
        self.eraser = ttk.Button(self, text="Eraser", command=app.use_eraser)
        for button in (self.undo, self.redo, self.clear):
            button.pack(side="left", padx=(0, gap))
        tk.Frame(self, width=gap, height=1).pack(side="left")
        for button in (self.pen, self.eraser):
            button.pack(side="left", padx=(0, gap))
        self.dot = tk.Canvas(self, width=round(30 * px), height=round(30 * px), highlightthickness=0)
        self.dot.pack(side="left", padx=(gap, 0))
        length = round(SCALE_LENGTH * px)
        self.brush = ttk.Scale(self, from_=thinnest, to=thickest, length=length, command=self._set_brush, takefocus=True)
        self.brush.pack(side="left", padx=gap)
        self.recognise = ttk.Button(self, text="Recognise", command=app.recognize, style="Main.TButton")
        self.models = ttk.Button(self, text="Model …", command=app.choose_model)
        self.recognise.pack(side="right")
        self.models.pack(side="right", padx=gap)
        self.models.lower(self.recognise)  # the order in which Tab goes

    def colour(self) -> None:
        """Show everything in the colours of the theme."""
        for child in self.winfo_children():
            if isinstance(child, tk.Frame | tk.Canvas):
                child["background"] = self._app.palette.window
        self._state = ()
        self.update_state()

    def update_state(self) -> None:
        """Set every control as the drawing and the tool are."""
        drawing, eraser = self._app.drawing, self._app.canvas.eraser
        share = drawing.brush / drawing.side
        state = (drawing.can_undo, drawing.can_redo, drawing.blank, eraser, share)
        if state == self._state:
            return
        self._state = state
        able = ((self.undo, drawing.can_undo), (self.redo, drawing.can_redo), (self.clear, not drawing.blank))
        for button, can in able:
            button.state(["!disabled" if can else "disabled"])
        self.pen.state(["!selected" if eraser else "selected"])
        self.eraser.state(["selected" if eraser else "!selected"])
        if not self._setting:
            self.brush.set(share)
        self._draw_dot(share)

    def _set_brush(self, share: str) -> None:
        self._setting = True
        self._app.set_brush(float(share))
        self._setting = False

    def _draw_dot(self, share: float) -> None:
        middle, radius = 15 * self._px, min(share * 90, 14) * self._px
        self.dot.delete("all")
        box = (middle - radius, middle - radius, middle + radius, middle + radius)
        self.dot.create_oval(box, fill=self._app.palette.ink, width=0)
