"""The panel that explains an answer."""

import tkinter as tk
from collections.abc import Callable, Iterator
from functools import partial
from tkinter import ttk

from PIL import Image, ImageTk

from gui.page import heat
from gui.page.palette import Palette
from gui.reading.messages import Explanation, Reason

IMAGE, GAP = 112, 10  # at 96 dots an inch, pixels
WIDE = 3 * IMAGE + 2 * GAP
LEGEND = "Blue ink supports the digit, orange ink opposes it."
INVITATION = "Draw a digit to see the answer explained."
NOTHING = Explanation(-1, 0, bytes(heat.SIDE**2), (Reason(-1, bytes([128]) * heat.SIDE**2),) * 2, ())

Labels = tuple[ttk.Label, ttk.Label]  # for an image and for its name


class Panel(ttk.Frame):
    """The network's input, how its ink bears on the answer and the runner-up, and the convolutions' feature maps."""

    def __init__(self, parent: tk.Misc, palette: Palette, px: float) -> None:
        super().__init__(parent, style="Card.TFrame", padding=round(12 * px))
        self.palette, self.px = palette, px
        self.shown: Explanation | None = None
        self._images: dict[ttk.Label, ImageTk.PhotoImage] = {}  # which Tk doesn't keep
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
        self._rows: list[Labels] = []

    def _labelled(self, parent: ttk.Frame, column: int) -> Labels:
        """A label for an image and one for the words below it."""
        gap = (round(GAP * self.px) if column else 0, 0)
        image, text = ttk.Label(parent, style="Card.TLabel"), ttk.Label(parent, style="CardFaint.TLabel", anchor="center")
        image.grid(row=0, column=column, padx=gap)
        text.grid(row=1, column=column, padx=gap, sticky="ew")
        return image, text

    @property
    def complete(self) -> bool:
        """Whether all of it has been drawn."""
        return not self._to_draw

    def colour(self, palette: Palette) -> None:
        """Show everything in the colours of a theme."""
        self.palette = palette
        self._draw()

    def show(self, why: Explanation | None) -> None:
        """Show an explanation; None: there is nothing to explain."""
        if why is not self.shown:
            self.shown = why
            self._draw()

    def _draw(self) -> None:
        """Draw an image at a time, so that the pen never waits for all of them. What is left of the last is not drawn."""
        say(self.legend, LEGEND if self.shown else INVITATION)
        is_idle = not self._to_draw
        self._to_draw = [*self._input_steps(self.shown or NOTHING), *self._map_steps(self.shown or NOTHING)]
        if is_idle:
            self._next = self.after(1, self._draw_next)

    def _draw_next(self) -> None:
        draw = self._to_draw.pop(0)
        if self._to_draw:
            self._next = self.after(1, self._draw_next)
        draw()

    def _input_steps(self, why: Explanation) -> Iterator[Callable[[], None]]:
        """What draws the network's input, and its ink coloured for the answer and for the runner-up."""
        side = round(IMAGE * self.px)
        yield partial(self._put, *self._inputs[0], "network's input", partial(heat.plain, why.picture, side))
        names = [f"for {reason.digit}" for reason in why.reasons] if self.shown else ["answer", "runner-up"]
        for labels, name, reason in zip(self._inputs[1:], names, why.reasons, strict=True):
            yield partial(self._put, *labels, name, partial(heat.tinted, why.picture, reason.pixels, side, self.palette))

    def _map_steps(self, why: Explanation) -> Iterator[Callable[[], None]]:
        """What draws the feature maps, and empties the labels of layers that this model doesn't have."""
        while len(self._rows) < len(why.maps):
            title, label = ttk.Label(self.maps, style="CardFaint.TLabel"), ttk.Label(self.maps, style="Card.TLabel")
            title.pack(anchor="w", pady=(round(6 * self.px), 0))
            label.pack(anchor="w")
            self._rows.append((label, title))
        largest = (round(WIDE * self.px), round(IMAGE * self.px))
        for labels, layer in zip(self._rows, why.maps, strict=False):
            draw = partial(heat.sheet, layer, largest, self.palette)
            yield partial(self._put, *labels, f"{layer.name}: {layer.channels} feature maps", draw)
        for labels in self._rows[len(why.maps) :]:
            yield partial(self._empty, *labels)

    def _put(self, label: ttk.Label, title: ttk.Label, text: str, draw: Callable[[], Image.Image]) -> None:
        """Show an image: in the place of the one before if it can be, for a new one has Tk lay out the window anew."""
        say(title, text)
        drawn, image = draw(), self._images.get(label)
        if image is not None and (image.width(), image.height()) == drawn.size:
            image.paste(drawn)
        else:
            self._images[label] = ImageTk.PhotoImage(drawn, master=self)
            label["image"] = self._images[label]

    def _empty(self, label: ttk.Label, title: ttk.Label) -> None:
        say(title, "")
        label["image"] = ""
        self._images.pop(label, None)


def say(label: ttk.Label, text: str) -> None:
    """Have a label say something; said again, it would have Tk lay out the window anew."""
    if str(label["text"]) != text:
        label["text"] = text
