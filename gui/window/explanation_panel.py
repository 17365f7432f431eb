"""The panel that shows why the network answers so."""

import tkinter as tk
from collections.abc import Callable
from functools import partial
from tkinter import ttk

from PIL import Image, ImageTk

from gui.page import heat
from gui.page.palette import Palette
from gui.reading.messages import Explanation

PICTURE, GAP = 112, 10  # at 96 dots an inch, pixels
WIDE = 3 * PICTURE + 2 * GAP


class Panel(ttk.Frame):
    """The network's input, what its ink spoke for, and what the convolutions make of it.

    Args:
        parent: of the widget.
        px: display scaling.

    """

    def __init__(self, parent: tk.Misc, px: float) -> None:
        super().__init__(parent, style="Card.TFrame", padding=round(12 * px))
        self.px = px
        self._palette: Palette | None = None
        self._images: dict[ttk.Label, ImageTk.PhotoImage] = {}  # which Tk doesn't keep
        self._shown: Explanation | None = None
        self._to_draw: list[Callable[[], None]] = []
        self._next = self.after_idle(lambda: None)  # that draws the next of them
        self.bind("<Destroy>", lambda _: self.after_cancel(self._next))
        self._labels: dict[str, ttk.Label] = {}
        pictures = ttk.Frame(self, style="Card.TFrame")
        pictures.pack(anchor="w")
        for column, name in enumerate(("input", "answer", "runner-up")):
            gap = (round(GAP * px) if column else 0, 0)
            self._labels[name] = ttk.Label(pictures, style="Card.TLabel")
            self._labels[name].grid(row=0, column=column, padx=gap)
            self._labels[f"{name} text"] = ttk.Label(pictures, style="CardFaint.TLabel", anchor="center")
            self._labels[f"{name} text"].grid(row=1, column=column, padx=gap, sticky="ew")
        self.legend = ttk.Label(self, style="CardFaint.TLabel", wraplength=round(WIDE * px))
        self.legend.pack(anchor="w", pady=round(6 * px))
        self.maps = ttk.Frame(self, style="Card.TFrame")
        self.maps.pack(anchor="w", fill="x")
        self._rows: list[tuple[ttk.Label, ttk.Label]] = []

    @property
    def shown(self) -> Explanation | None:
        """What is shown."""
        return self._shown

    @property
    def complete(self) -> bool:
        """Whether all of it has been drawn."""
        return not self._to_draw

    def colour(self, palette: Palette) -> None:
        """Show everything in the colours of a theme."""
        self._palette = palette
        self.show(self._shown)

    def show(self, why: Explanation | None) -> None:
        """Show an explanation; None: there is nothing to explain.

        A picture at a time, so that the pen never waits for all of them. Another explanation puts away what is left to do.
        """
        self._shown = why
        if self._palette is None:
            return
        for name, number in (("answer", 0), ("runner-up", 1)):
            _say(self._labels[f"{name} text"], f"for {why.reasons[number][0]}" if why else name)
        _say(self._labels["input text"], "network's input")
        _say(self.legend, "Blue ink spoke for the digit, orange ink against it." if why else "Draw, and see why it says so.")
        is_idle = not self._to_draw
        self._to_draw = self._pictures(why, self._palette)
        if is_idle:
            self._next = self.after(1, self._draw_next)

    def _draw_next(self) -> None:
        draw = self._to_draw.pop(0)
        if self._to_draw:
            self._next = self.after(1, self._draw_next)
        draw()

    def _pictures(self, why: Explanation | None, palette: Palette) -> list[Callable[[], None]]:
        """What draws each picture of an explanation."""
        side, blank = round(PICTURE * self.px), bytes(heat.SIDE**2)
        picture = why.picture if why else blank
        steps = [lambda: self._put(self._labels["input"], heat.given(picture, side))]
        for name, number in (("answer", 0), ("runner-up", 1)):
            reason = why.reasons[number][1] if why else bytes([128]) * heat.SIDE**2
            steps.append(partial(self._show_reason, self._labels[name], picture, reason, side, palette))
        maps = why.maps if why else ()
        while len(self._rows) < len(maps):
            self._rows.append((ttk.Label(self.maps, style="CardFaint.TLabel"), ttk.Label(self.maps, style="Card.TLabel")))
            self._rows[-1][0].pack(anchor="w", pady=(round(6 * self.px), 0))
            self._rows[-1][1].pack(anchor="w")
        for number, (title, label) in enumerate(self._rows):
            steps.append(partial(self._show_maps, title, label, maps[number] if number < len(maps) else None, palette))
        return steps

    def _show_reason(self, label: ttk.Label, picture: bytes, reason: bytes, side: int, palette: Palette) -> None:
        self._put(label, heat.tinted(picture, reason, side, palette))

    def _show_maps(
        self, title: ttk.Label, label: ttk.Label, layer: tuple[str, int, int, int, bytes] | None, palette: Palette
    ) -> None:
        """Show the feature maps of a layer; None: there is no such layer."""
        if layer is not None:
            name, count, width, height, values = layer
            _say(title, f"{name}: {count} feature maps")
            self._put(label, heat.sheet(width, height, values, round(WIDE * self.px), palette))
        elif label in self._images:
            _say(title, "")
            label["image"] = ""
            del self._images[label]

    def _put(self, label: ttk.Label, picture: Image.Image) -> None:
        """Show a picture: in the place of the one before if it can be, for a new image has Tk lay out the window anew."""
        image = self._images.get(label)
        if image is not None and (image.width(), image.height()) == picture.size:
            image.paste(picture)
        else:
            self._images[label] = ImageTk.PhotoImage(picture, master=self)
            label["image"] = self._images[label]


def _say(label: ttk.Label, text: str) -> None:
    """Have a label say something; said again, it would have Tk lay out the window anew."""
    if str(label["text"]) != text:
        label["text"] = text
