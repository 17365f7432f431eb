"""What has been drawn, as strokes, with undo. Knows nothing of a window."""

from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageOps

from gui.page import ink

OVERSAMPLING = 2  # a saved picture is drawn this much larger than the page

Point = tuple[float, float]


class Stroke(NamedTuple):
    """What the pen drew from where it was put down to where it was lifted.

    Attributes:
        points: page pixels. One point is a dot.
        width: page pixels.

    """

    points: list[Point]
    width: float


class State(NamedTuple):
    """What there is: a page of some size, pixels, with strokes, or with a picture from a file. What undo brings back."""

    size: tuple[float, float]
    strokes: tuple[Stroke, ...] = ()
    picture: Path | None = None


class Drawing:
    """A page with strokes on it, or with a picture. Starting to draw puts a picture away.

    Args:
        side: width and height of the page, pixels, until `resize`.
        brush: width of the strokes to come, pixels.

    """

    def __init__(self, side: float, brush: float) -> None:
        self.version = 0  # another one for every change
        self._brush = brush / side
        self._state = self._before = State((side, side))
        self._past: list[State] = []
        self._future: list[State] = []
        self._erasing = False

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the page, pixels."""
        return self._state.size

    @property
    def brush(self) -> float:
        """Width of the strokes to come, page pixels. It keeps its part of the page's side when that changes."""
        return self._brush * self.side

    @brush.setter
    def brush(self, width: float) -> None:
        self._brush = width / self.side

    @property
    def side(self) -> float:
        """The shorter side of the page, pixels."""
        return min(self.size)

    @property
    def strokes(self) -> list[list[Point]]:
        """The points of all strokes, in the order in which they were drawn."""
        return [stroke.points for stroke in self._state.strokes]

    @property
    def inked(self) -> tuple[Stroke, ...]:
        """The strokes with their widths."""
        return self._state.strokes

    @property
    def picture(self) -> Path | None:
        """The picture that is shown in the place of strokes."""
        return self._state.picture

    @property
    def blank(self) -> bool:
        """Whether there is nothing on the page."""
        return not self._state.strokes and self._state.picture is None

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether a change was taken back."""
        return bool(self._future)

    def resize(self, width: float, height: float) -> None:
        """Give a blank page another size, pixels. A page with something on it keeps its own, and is shown larger or smaller."""
        if self.blank:
            self._state = State((width, height))

    def begin(self, x: float, y: float) -> None:
        """Put the pen down, page pixels."""
        self._change((*self._state.strokes, Stroke([(x, y)], self.brush)))

    def extend(self, x: float, y: float) -> Point:
        """Draw to (x, y), and return where from."""
        points = self._state.strokes[-1].points
        points.append((x, y))
        self.version += 1
        return points[-2]

    def end(self) -> None:
        """Lift the pen, or the eraser."""
        self._erasing = False

    def erase(self, begin: Point, end: Point, radius: float) -> bool:
        """Take away the strokes that the eraser touches on its way; until `end` is called, one step of undo.

        Args:
            begin: where it was, page pixels.
            end: where it is.
            radius: of the eraser, page pixels.

        Returns:
            Whether it touched any.

        """
        kept = tuple(s for s in self._state.strokes if not ink.touches(s.points, begin, end, radius + s.width / 2))
        if len(kept) == len(self._state.strokes):
            return False
        if self._erasing:
            self._past.pop()
        self._change(kept, before=self._before if self._erasing else None)
        self._erasing = True
        return True

    def place(self, picture: Path) -> None:
        """Put a picture on the page, in the place of what is there."""
        self._change((), picture)

    def replace(self, strokes: list[list[Point]]) -> None:
        """Put strokes, page pixels, in the place of what is there."""
        self._change(tuple(Stroke(list(points), self.brush) for points in strokes if points))

    def clear(self) -> None:
        """Take everything away."""
        if not self.blank:
            self._change(())

    def undo(self) -> None:
        """Take the last change back."""
        if self._past:
            self._future.append(self._state)
            self._state = self._past.pop()
            self.version += 1

    def join(self) -> None:
        """Make one change of the last two."""
        self._past.pop()

    def redo(self) -> None:
        """Make the change again that was taken back last."""
        if self._future:
            self._past.append(self._state)
            self._state = self._future.pop()
            self.version += 1

    def _change(self, strokes: tuple[Stroke, ...], picture: Path | None = None, before: State | None = None) -> None:
        self._before = before or self._state
        self._past.append(self._before)
        self._future.clear()
        self._state = State(self.size, strokes, picture)
        self.version += 1

    def bounds(self) -> tuple[float, float, float, float]:
        """The page and whatever was drawn beyond it: left, top, right, bottom, page pixels."""
        points = [point for stroke in self._state.strokes for point in stroke.points]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return min(0, *xs, 0), min(0, *ys, 0), max(self.size[0], *xs, 0), max(self.size[1], *ys, 0)

    def render(self) -> Image.Image:
        """The strokes as a picture: mode L, dark ink on white paper, round at every joint."""
        left, top, right, bottom = self.bounds()
        size = (round((right - left) * OVERSAMPLING), round((bottom - top) * OVERSAMPLING))
        view = ink.View(OVERSAMPLING, -left * OVERSAMPLING, -top * OVERSAMPLING)
        mask = Image.new("L", size, 0)
        for points, width in self._state.strokes:
            ink.add(mask, points, width, view)
        return ImageOps.invert(mask)
