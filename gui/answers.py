"""The column that shows what one model answers: its name, the answer large, ten bars."""

import tkinter as tk
from tkinter import ttk

from gui import wording
from gui.theme import Palette
from gui.worker import Seen

WIDTH, BARS_HEIGHT = 250, 270  # of the column and its bars at 96 dots an inch, pixels
LEFT, RIGHT = 26, 72  # beside the bars, for the digit and its probability


class Column(ttk.Frame):
    """What a model answers.

    Args:
        parent: of the widget.
        px: display scaling.

    """

    def __init__(self, parent: tk.Misc, px: float) -> None:
        super().__init__(parent, style="Card.TFrame", padding=round(12 * px), borderwidth=0)
        self.px = px
        self.values: tuple[float, ...] = (0.0,) * 10
        self._best: int | None = None
        self._palette: Palette | None = None
        wrap = round((WIDTH - 24) * px)
        self.model = ttk.Label(self, style="CardFaint.TLabel", anchor="center", justify="center", wraplength=wrap)
        self.model.pack(fill="x")
        # In a frame of its own size, so that the column stays where it is whatever the answer.
        place = ttk.Frame(self, style="Card.TFrame", width=wrap, height=round(118 * px))
        place.pack_propagate(False)
        place.pack(fill="x", pady=(round(4 * px), 0))
        self.answer = ttk.Label(place, style="Card.TLabel", anchor="center", justify="center")
        self.answer.pack(fill="both", expand=True)
        self.sure = ttk.Label(self, style="CardFaint.TLabel", anchor="center")
        self.sure.pack(fill="x")
        self.bars = tk.Canvas(self, width=wrap, height=round(BARS_HEIGHT * px), highlightthickness=0)
        self.bars.pack(fill="both", expand=True, pady=(round(8 * px), 0))
        self.bars.bind("<Configure>", lambda _: self._draw())

    def colour(self, palette: Palette) -> None:
        """Show everything in the colours of a theme."""
        self._palette = palette
        self.bars.configure(background=palette.card)
        self._draw()

    def show(self, seen: Seen | None, number: int) -> None:
        """Show an answer, with the bars of its digit `number`; None: nothing to answer."""
        mark = seen.marks[number] if seen and seen.marks else None
        answer = seen.answer if seen and mark else ""
        points = wording.headline_points(answer)
        self.answer.configure(
            text=wording.headline(answer), font=("TkDefaultFont", points, "bold" if points > 20 else "normal")
        )
        self.sure["text"] = wording.subtitle(seen, number) if seen and mark else ""
        self.values = mark.probabilities if mark else (0.0,) * 10
        self._best = mark.digit if mark else None
        self._draw(empty=mark is None)

    def _draw(self, empty: bool = False) -> None:
        if self._palette is None:
            return
        palette, px, bars = self._palette, self.px, self.bars
        width, height = max(bars.winfo_width(), int(bars["width"])), max(bars.winfo_height(), int(bars["height"]))
        left, full, step = LEFT * px, width - RIGHT * px, min(height / 10, 40 * px)
        thick = step * 0.52
        bars.delete("all")
        for digit, value in enumerate(self.values):
            y = step * (digit + 0.5)
            best = digit == self._best
            colour = palette.text if best else palette.faint
            bars.create_text(
                left / 2, y, text=str(digit), fill=colour, font=("TkDefaultFont", 10, "bold" if best else "normal")
            )
            bars.create_rectangle(left, y - thick / 2, full, y + thick / 2, fill=palette.track, width=0)
            end = left + value * (full - left)
            filled = palette.right if best else palette.faint
            if end - left >= 1 or best:
                bars.create_rectangle(left, y - thick / 2, end, y + thick / 2, fill=filled, width=0, tags=f"bar{digit}")
            if not empty and any(self.values):
                text = wording.percent(value)
                bars.create_text(width - 4 * px, y, text=text, anchor="e", fill=colour, font=("TkDefaultFont", 9))
