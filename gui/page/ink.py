"""Geometry of ink: from the page to the screen, smooth round strokes, what an eraser touches. Knows nothing of a window."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor, hypot
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw

from pipeline.data.stroke_files import Bounds, Point, bounds

FINE, COARSE = 4, 2  # each pixel of a thin, a thick stroke is this many by this many, for grey edges
THICK = 20  # from this radius on, screen pixels


class View(NamedTuple):
    """How the page is shown: magnified by `scale`, then moved by (`dx`, `dy`) screen pixels."""

    scale: float = 1.0
    dx: float = 0.0
    dy: float = 0.0

    def to_page(self, x: float, y: float) -> Point:
        """Page pixels of a point of the screen."""
        return (x - self.dx) / self.scale, (y - self.dy) / self.scale

    def to_screen(self, x: float, y: float) -> Point:
        """Screen pixels of a point of the page."""
        return x * self.scale + self.dx, y * self.scale + self.dy

    def box_to_screen(self, box: Bounds) -> Bounds:
        """Screen pixels of a box on the page."""
        return *self.to_screen(*box[:2]), *self.to_screen(*box[2:])


def fit(box: Bounds, size: tuple[float, float]) -> View:
    """Show a box of the page as large as it fits into a screen of `size` pixels, in its middle."""
    width, height = box[2] - box[0], box[3] - box[1]
    scale = min(size[0] / width, size[1] / height)
    return View(scale, (size[0] - width * scale) / 2 - box[0] * scale, (size[1] - height * scale) / 2 - box[1] * scale)


def add(mask: Image.Image, points: Sequence[Point], width: float, view: View) -> None:
    """Draw a stroke, page pixels, into a mask, smooth, with round ends and joints.

    The mask, of mode L, is 0 where there is no ink and 255 where there is; `view` tells how the page lies on it.
    """
    radius = max(width * view.scale / 2, 0.5)
    shown = [view.to_screen(x, y) for x, y in points]
    x0, y0, x1, y1 = bounds([shown])
    left, top = max(floor(x0 - radius) - 1, 0), max(floor(y0 - radius) - 1, 0)
    right, bottom = min(ceil(x1 + radius) + 1, mask.width), min(ceil(y1 + radius) + 1, mask.height)
    if right <= left or bottom <= top:
        return  # beyond the mask
    times = COARSE if radius >= THICK else FINE
    large = Image.new("L", ((right - left) * times, (bottom - top) * times), 0)
    _stroke(ImageDraw.Draw(large), [((x - left) * times, (y - top) * times) for x, y in shown], radius * times)
    area = (left, top, right, bottom)
    mask.paste(ImageChops.lighter(mask.crop(area), large.reduce(times)), area)


def _stroke(pen: ImageDraw.ImageDraw, path: list[Point], radius: float) -> None:
    for (x0, y0), (x1, y1) in pairwise(path):  # Pillow's own lines are a pixel off here and there
        length = hypot(x1 - x0, y1 - y0)
        if length:
            u, v = (y1 - y0) / length * radius, (x1 - x0) / length * radius  # across the stroke
            pen.polygon(((x0 - u, y0 + v), (x1 - u, y1 + v), (x1 + u, y1 - v), (x0 + u, y0 - v)), fill=255)
    last: Point | None = None
    for x, y in path:
        if last is None or hypot(x - last[0], y - last[1]) > radius / 8 or (x, y) == path[-1]:  # else it wouldn't be seen
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
            last = (x, y)


def touches(points: Sequence[Point], begin: Point, end: Point, reach: float) -> bool:
    """Whether a stroke comes nearer than `reach` to the way from `begin` to `end`, all in the same pixels."""
    segments = list(pairwise(points)) or [(points[0], points[0])]
    return any(_distance(one, other, begin, end) <= reach for one, other in segments)


def _distance(a: Point, b: Point, c: Point, d: Point) -> float:
    """Of the segments ab and cd: 0 if they cross, else from an end of one to the other."""
    if _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0:
        return 0.0
    return min(_to_segment(a, c, d), _to_segment(b, c, d), _to_segment(c, a, b), _to_segment(d, a, b))


def _side(a: Point, b: Point, p: Point) -> float:
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def _to_segment(p: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    part = min(max(((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length, 0.0), 1.0) if length else 0.0
    return hypot(p[0] - a[0] - part * dx, p[1] - a[1] - part * dy)
