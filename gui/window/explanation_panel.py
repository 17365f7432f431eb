"""The panel that explains an answer."""

import tkinter as tk
from collections.abc import Callable
from functools import partial
from tkinter import ttk

from PIL import Image, ImageTk

from gui.page import heat
from gui.page.palette import Palette
from gui.reading.messages import Explanation

IMAGE, GAP = 112, 10  # at 96 dots an inch, pixels
WIDE = 3 * IMAGE + 2 * GAP
LEGEND = "Blue ink supports the digit, orange ink opposes it."
INVITATION = "Draw a digit to see the answer explained."


class Panel(ttk.Frame):
    """The network's input, how its ink bears on the answer and the runner-up, and the convolutions' feature maps.

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
        images = ttk.Frame(self, style="Card.TFrame")
        images.pack(anchor="w")
        self._inputs = [self._labelled(images, column) for column in range(3)]  # the input, the answer, the runner-up
        self.legend = ttk.Label(self, style="CardFaint.TLabel", wraplength=round(WIDE * px))
        self.legend.pack(anchor="w", pady=round(6 * px))
        self.maps = ttk.Frame(self, style="Card.TFrame")
        self.maps.pack(anchor="w", fill="x")
        self._rows: list[tuple[ttk.Label, ttk.Label]] = []

    def _labelled(self, parent: ttk.Frame, column: int) -> tuple[ttk.Label, ttk.Label]:
        """A label for an image and one for the words below it."""
        gap = (round(GAP * self.px) if column else 0, 0)
        image, text = ttk.Label(parent, style="Card.TLabel"), ttk.Label(parent, style="CardFaint.TLabel", anchor="center")
        image.grid(row=0, column=column, padx=gap)
        text.grid(row=1, column=column, padx=gap, sticky="ew")
        return image, text

    @property
    def shown(self) -> Explanation | None:
        """The explanation that is shown."""
        return self._shown

    @property
    def complete(self) -> bool:
        """Whether all of it has been drawn."""
        return not self._to_draw

    def colour(self, palette: Palette) -> None:
        """Show everything in the colours of a theme."""
        self._palette = palette
        self._draw()

    def show(self, why: Explanation | None) -> None:
        """Show an explanation; None: there is nothing to explain."""
        if why is not self._shown:
            self._shown = why
            self._draw()

    def _draw(self) -> None:
        """Draw an image at a time, so that the pen never waits for all of them. What is left of the last is not drawn."""
        if self._palette is None:
            return
        is_idle = not self._to_draw
        self._to_draw = self._steps(self._shown, self._palette)
        say(self.legend, LEGEND if self._shown else INVITATION)
        if is_idle:
            self._next = self.after(1, self._draw_next)

    def _draw_next(self) -> None:
        draw = self._to_draw.pop(0)
        if self._to_draw:
            self._next = self.after(1, self._draw_next)
        draw()

    def _steps(self, why: Explanation | None, palette: Palette) -> list[Callable[[], None]]:
        """What draws each image of an explanation."""
        side, blank = round(IMAGE * self.px), bytes(heat.SIDE**2)
        given = why.picture if why else blank
        nothing = bytes([128]) * heat.SIDE**2
        reasons = (
            [(f"for {digit}", values) for digit, values in why.reasons]
            if why
            else [("answer", nothing), ("runner-up", nothing)]
        )
        drawn = [("network's input", partial(heat.given, given, side))]
        drawn += [(text, partial(heat.tinted, given, values, side, palette)) for text, values in reasons]
        return [
            *(partial(self._put, *labels, text, draw) for labels, (text, draw) in zip(self._inputs, drawn, strict=True)),
            *self._map_steps(why, palette),
        ]

    def _map_steps(self, why: Explanation | None, palette: Palette) -> list[Callable[[], None]]:
        maps = why.maps if why else ()
        while len(self._rows) < len(maps):
            title, label = ttk.Label(self.maps, style="CardFaint.TLabel"), ttk.Label(self.maps, style="Card.TLabel")
            title.pack(anchor="w", pady=(round(6 * self.px), 0))
            label.pack(anchor="w")
            self._rows.append((label, title))
        largest = (round(WIDE * self.px), round(IMAGE * self.px))
        steps: list[Callable[[], None]] = [partial(self._empty, *row) for row in self._rows[len(maps) :]]
        for row, layer in zip(self._rows, maps, strict=False):
            text = f"{layer.name}: {layer.channels} feature maps"
            steps.append(partial(self._put, *row, text, partial(heat.sheet, layer, largest, palette)))
        return steps

    def _put(self, label: ttk.Label, title: ttk.Label, text: str, draw: Callable[[], Image.Image]) -> None:
        """Show an image: in the place of the one before if it can be, for a new one has Tk lay out the window anew."""
        say(title, text)
        picture, image = draw(), self._images.get(label)
        if image is not None and (image.width(), image.height()) == picture.size:
            image.paste(picture)
        else:
            self._images[label] = ImageTk.PhotoImage(picture, master=self)
            label["image"] = self._images[label]

    def _empty(self, label: ttk.Label, title: ttk.Label) -> None:
        say(title, "")
        label["image"] = ""
        self._images.pop(label, None)


def say(label: ttk.Label, text: str) -> None:
    """Have a label say something; said again, it would have Tk lay out the window anew."""
    if str(label["text"]) != text:
        label["text"] = text
