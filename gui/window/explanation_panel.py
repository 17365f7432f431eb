"""The panel that explains an answer."""

import tkinter as tk
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from tkinter import ttk

from PIL import Image, ImageTk

from gui.page import heat
from gui.page.palette import Palette
from gui.reading.messages import Explanation, FeatureMaps, Reason

WIDTH, HEIGHT, PAD, GAP = 380, 560, 12, 10  # of the panel; around it; between its images; at 96 dots an inch, pixels
INPUTS = 3  # images in the first row: the input, the answer, the runner-up
INPUTS_HEIGHT = 0.25  # of the panel at most, that these have
LEGEND = "Blue ink supports the digit, orange ink opposes it."
INVITATION = "Draw a digit to see the answer explained."
NOTHING = Explanation(-1, 0, bytes(heat.SIDE**2), (Reason(-1, bytes([128]) * heat.SIDE**2),) * 2, ())

Labels = tuple[ttk.Label, ttk.Label]  # for an image and for its name


class Panel(ttk.Frame):
    """The network's input, how its ink bears on the answer and the runner-up, and the convolutions' feature maps."""

    def __init__(self, parent: tk.Misc, palette: Palette, px: float) -> None:
        size = (round(WIDTH * px), round(HEIGHT * px))
        super().__init__(parent, style="Card.TFrame", padding=round(PAD * px), width=size[0], height=size[1])
        self.pack_propagate(False)  # its images are as large as there is room, and the window never grows with them
        self.palette, self.px, self._size = palette, px, size
        self.shown: Explanation | None = None
        self._images: dict[ttk.Label, ImageTk.PhotoImage] = {}  # which Tk doesn't keep
        self._to_draw: list[Callable[[], None]] = []
        self._next = self.after_idle(lambda: None)  # that draws the next of them
        self.bind("<Destroy>", lambda _: self.after_cancel(self._next))
        images = ttk.Frame(self, style="Card.TFrame")
        images.pack(anchor="w")
        self.inputs = [self._labelled(images, column) for column in range(INPUTS)]
        self.legend = ttk.Label(self, style="CardFaint.TLabel")
        self.legend.pack(anchor="w", pady=round(6 * px))
        self.maps = ttk.Frame(self, style="Card.TFrame")
        self.maps.pack(anchor="w", fill="x")
        self._rows: list[Labels] = []
        self.bind("<Configure>", self._fit)

    def _fit(self, event: "tk.Event[tk.Misc]") -> None:
        """Draw the images as large as the window gives room."""
        if self._size != (size := (event.width, event.height)):
            self._size = size
            self.legend["wraplength"] = self._width
            self._draw()

    @property
    def _width(self) -> int:
        """Of what is in the panel, screen pixels."""
        return self._size[0] - 2 * round(PAD * self.px)

    @property
    def _input_side(self) -> int:
        gaps = (INPUTS - 1) * round(GAP * self.px)
        return max(min((self._width - gaps) // INPUTS, round(self._size[1] * INPUTS_HEIGHT)), 1)

    def _largest_maps(self, layers: Sequence[FeatureMaps]) -> tuple[int, int]:
        """The largest width and height at which the maps of all layers fit into the panel, screen pixels."""
        line, gap = self.inputs[0][1].winfo_reqheight(), 2 * round(GAP / 2 * self.px)
        above = round(PAD * self.px) + self._input_side + line + self.legend.winfo_reqheight() + 2 * gap
        room = self._size[1] - above - round(PAD * self.px) - len(layers) * (line + gap)
        heights = [self._width * layer.height // layer.width for layer in layers]  # if they were as wide as the panel
        highest = next((each for each in range(room, 0, -1) if sum(min(each, height) for height in heights) <= room), 1)
        return max(self._width, 1), highest

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
        side = self._input_side
        yield partial(self._put, *self.inputs[0], "input", partial(heat.plain, why.picture, side))
        names = [f"for {reason.digit}" for reason in why.reasons] if self.shown else ["answer", "runner-up"]
        for labels, name, reason in zip(self.inputs[1:], names, why.reasons, strict=True):
            yield partial(self._put, *labels, name, partial(heat.tinted, why.picture, reason.pixels, side, self.palette))

    def _map_steps(self, why: Explanation) -> Iterator[Callable[[], None]]:
        """What draws the feature maps, and empties the labels of layers that this model doesn't have."""
        while len(self._rows) < len(why.maps):
            title, label = ttk.Label(self.maps, style="CardFaint.TLabel"), ttk.Label(self.maps, style="Card.TLabel")
            title.pack(anchor="w", pady=(round(6 * self.px), 0))
            label.pack(anchor="w")
            self._rows.append((label, title))
        largest = self._largest_maps(why.maps)
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
