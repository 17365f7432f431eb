"""The column that shows what one model answers: its name, the answer large, ten bars."""

import tkinter as tk
from tkinter import ttk

from gui.page import wording
from gui.page.palette import Palette
from pipeline.inference.results import Reading

WIDTH, HEIGHT, ANSWER_HEIGHT = 250, 440, 118  # of the column and its answer at 96 dots an inch, pixels
PAD = 12  # around what is in the column
ANSWER_SHARE = 0.25  # of the height of the column at most, that the answer has
READING = "Reading …"
LEFT, RIGHT = 26, 72  # beside the bars, for the digit and its probability


class Column(ttk.Frame):
    """What a model answers."""

    def __init__(self, parent: tk.Misc, palette: Palette, px: float) -> None:
        width, height = round(WIDTH * px), round(HEIGHT * px)
        super().__init__(parent, style="Card.TFrame", padding=round(PAD * px), borderwidth=0, width=width, height=height)
        self.pack_propagate(False)  # what is in it fits into the room that the window gives, and asks for none
        self.palette, self.px = palette, px
        self.values: tuple[float, ...] = (0.0,) * 10
        self._shown: tuple[Reading | None, int, bool] = (None, -1, False)
        self._best: int | None = None
        self._span = (0.0, 0.0)  # where the bars begin and end
        self._room: tuple[float, float] = (WIDTH - 2 * PAD, ANSWER_HEIGHT)  # for the answer, at 96 dots an inch, pixels
        self.model = ttk.Label(self, style="CardFaint.TLabel", anchor="center", justify="center")
        self.model.pack(fill="x")
        self.model.bind("<Configure>", lambda event: self.model.configure(wraplength=event.width))
        # In a frame of its own size, so that the column stays where it is whatever the answer.
        self._place_of_answer = place = ttk.Frame(self, style="Card.TFrame", width=1, height=round(ANSWER_HEIGHT * px))
        place.pack_propagate(False)
        place.pack(fill="x", pady=(round(4 * px), 0))
        self.answer = ttk.Label(place, style="Card.TLabel", anchor="center", justify="center")
        self.answer.pack(fill="both", expand=True)
        self.sure = ttk.Label(self, style="CardFaint.TLabel", anchor="center")
        self.sure.pack(fill="x")
        self.bars = tk.Canvas(self, width=1, height=1, highlightthickness=0)
        self.bars.pack(fill="both", expand=True, pady=(round(8 * px), 0))
        self.bars.bind("<Configure>", lambda _: self._place())
        self.bind("<Configure>", self._fit)

    def colour(self, palette: Palette) -> None:
        """Show everything in the colours of a theme."""
        self.palette = palette
        self.bars.configure(background=palette.card)
        self._place()

    def show(self, reading: Reading | None, number: int, is_waiting: bool) -> None:
        """Show an answer, with the bars of its digit `number`; None: nothing to answer, or a picture is being read."""
        if self._shown == (reading, number, is_waiting):
            return
        self._shown = (reading, number, is_waiting)
        prediction = reading.digits[number].prediction if reading and reading.digits else None
        answer = reading.answer if reading else READING if is_waiting else ""
        self.answer["text"] = wording.headline(answer)
        self._size_answer()
        self.sure["text"] = wording.subtitle(reading, number) if reading else ""
        self.values = prediction.probabilities if prediction else (0.0,) * 10
        self._best = prediction.digit if prediction else None
        self._draw()

    def _fit(self, event: "tk.Event[tk.Misc]") -> None:
        """Fit the words into the room that the window gives."""
        width, height = event.width / self.px - 2 * PAD, min(ANSWER_SHARE * event.height / self.px, ANSWER_HEIGHT)
        self._room = (width, height)
        self._place_of_answer["height"] = round(height * self.px)
        self._size_answer()

    def _size_answer(self) -> None:
        points = wording.headline_points(str(self.answer["text"]), *self._room)
        self.answer["font"] = ("TkDefaultFont", points, "bold" if points > 20 else "normal")

    def _place(self) -> None:
        """Make the parts of the bars, as large as there is room."""
        px, bars = self.px, self.bars
        width, height = bars.winfo_width(), bars.winfo_height()
        self._span, step = (LEFT * px, width - RIGHT * px), min(height / 10, 40 * px)
        left, right = self._span
        bars.delete("all")
        for digit in range(10):
            y, half = step * (digit + 0.5), step * 0.26
            bars.create_text(left / 2, y, text=str(digit), tags=f"digit{digit}")
            bars.create_rectangle(left, y - half, right, y + half, fill=self.palette.track, width=0)
            bars.create_rectangle(left, y - half, left, y + half, width=0, tags=f"bar{digit}")
            bars.create_text(width - 4 * px, y, anchor="e", font=("TkDefaultFont", 9), tags=f"percent{digit}")
        self._draw()

    def _draw(self) -> None:
        """Make the bars as long as the values say; that is quicker than to make them anew."""
        palette, bars, (left, right) = self.palette, self.bars, self._span
        for digit, value in enumerate(self.values):
            best, length = digit == self._best, value * (right - left)
            colour = palette.text if best else palette.faint
            _, top, _, bottom = bars.coords(f"bar{digit}")
            bars.coords(f"bar{digit}", left, top, left + length, bottom)
            state = "normal" if length >= 1 else "hidden"
            bars.itemconfigure(f"bar{digit}", fill=palette.right if best else palette.faint, state=state)
            bars.itemconfigure(f"digit{digit}", fill=colour, font=("TkDefaultFont", 10, "bold" if best else "normal"))
            text = wording.percent(value) if self._best is not None else ""
            bars.itemconfigure(f"percent{digit}", fill=colour, text=text)
