"""The page that one draws on: strokes or an image from a file, with undo. Knows nothing of a window."""

from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageOps

from gui.page import ink
from pipeline.data import stroke_files
from pipeline.data.stroke_files import Bounds, Point

OVERSAMPLING = 2  # a saved image is drawn this much larger than the page


class Stroke(NamedTuple):
    """What the pen drew from where it was put down to where it was lifted."""

    points: list[Point]  # page pixels; one is a dot
    width: float  # page pixels


class ShownImage(NamedTuple):
    """An image from a file, for the screen."""

    path: Path
    size: tuple[int, int]  # as it is read, pixels
    pixels: Image.Image  # mode RGB, perhaps smaller


class Content(NamedTuple):
    """A page of some size, pixels, with strokes, or with an image from a file. It is what undo brings back."""

    size: tuple[float, float]
    strokes: tuple[Stroke, ...] = ()
    image: ShownImage | None = None


class Page:
    """What is drawn, on a page of `side` x `side` pixels until `resize`, with a brush that is `brush` pixels wide."""

    def __init__(self, side: float, brush: float) -> None:
        self.content = Content((side, side))  # another object after each change but `extend`
        self.version = 0  # another number after each change
        self.is_drawing = False  # whether the pen is down, or the eraser has erased something and is still down
        self._brush = brush / side
        self._past: list[Content] = []
        self._future: list[Content] = []

    @property
    def side(self) -> float:
        """The shorter side of the page, pixels."""
        return min(self.content.size)

    @property
    def brush(self) -> float:
        """Width of the strokes to come, page pixels. It keeps its part of the page's side when that changes."""
        return self._brush * self.side

    @brush.setter
    def brush(self, width: float) -> None:
        self._brush = width / self.side

    @property
    def strokes(self) -> list[list[Point]]:
        """The points of all strokes, in the order in which they were drawn."""
        return [stroke.points for stroke in self.content.strokes]

    @property
    def blank(self) -> bool:
        """Whether there is nothing on the page."""
        return not self.content.strokes and self.content.image is None

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to undo."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to redo."""
        return bool(self._future)

    def resize(self, width: float, height: float) -> None:
        """Give a blank page another size, pixels. A page with something on it keeps its own, and is shown larger or smaller."""
        if self.blank:
            self.content = Content((width, height))

    def begin(self, x: float, y: float) -> None:
        """Put the pen down, page pixels. An image is put away."""
        self._change((*self.content.strokes, Stroke([(x, y)], self.brush)))
        self.is_drawing = True

    def extend(self, x: float, y: float) -> Point:
        """Draw to (x, y), and return where from."""
        points = self.content.strokes[-1].points
        points.append((x, y))
        self.version += 1
        return points[-2]

    def end(self) -> None:
        """Lift the pen, or the eraser."""
        self.is_drawing = False

    def erase(self, begin: Point, end: Point, radius: float) -> bool:
        """Remove the strokes that the eraser touches on its way, page pixels. Returns whether it touched any.

        Until `end` is called, it is one step of undo.
        """
        strokes = self.content.strokes
        kept = tuple(stroke for stroke in strokes if not ink.touches(stroke.points, begin, end, radius + stroke.width / 2))
        if len(kept) == len(strokes):
            return False
        has_erased = self.is_drawing
        self._change(kept)
        if has_erased:
            self.join()
        self.is_drawing = True
        return True

    def place(self, image: ShownImage) -> None:
        """Put an image on the page, in the place of what is there."""
        self._change((), image)

    def replace(self, strokes: list[list[Point]]) -> None:
        """Put strokes, page pixels, in the place of what is there."""
        self._change(tuple(Stroke(list(points), self.brush) for points in strokes if points))

    def clear(self) -> None:
        """Remove everything."""
        if not self.blank:
            self._change(())

    def undo(self) -> None:
        """Undo the last change."""
        self._travel(self._past, self._future)

    def redo(self) -> None:
        """Make the change again that was undone last."""
        self._travel(self._future, self._past)

    def join(self) -> None:
        """Make one step of undo of the last two."""
        self._past.pop()

    def _travel(self, source: list[Content], target: list[Content]) -> None:
        if source:
            target.append(self.content)
            self._set(source.pop())

    def _change(self, strokes: tuple[Stroke, ...], image: ShownImage | None = None) -> None:
        self._past.append(self.content)
        self._future.clear()
        self._set(Content(self.content.size, strokes, image))

    def _set(self, content: Content) -> None:
        self.content = content
        self.version += 1
        self.is_drawing = False

    def bounds(self) -> Bounds:
        """The page and whatever was drawn beyond it: left, top, right, bottom, page pixels."""
        return stroke_files.bounds([[(0, 0), self.content.size], *self.strokes])

    def render(self) -> Image.Image:
        """The strokes as an image: mode L, dark ink on white paper, round at every joint."""
        left, top, right, bottom = self.bounds()
        size = (round((right - left) * OVERSAMPLING), round((bottom - top) * OVERSAMPLING))
        view = ink.View(OVERSAMPLING, -left * OVERSAMPLING, -top * OVERSAMPLING)
        mask = Image.new("L", size, 0)
        for points, width in self.content.strokes:
            ink.add(mask, points, width, view)
        return ImageOps.invert(mask)
