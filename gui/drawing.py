"""What has been drawn, as strokes. Knows nothing of a window."""

from collections.abc import Iterator

from PIL import Image, ImageDraw

OVERSAMPLING = 2  # the picture is drawn this much larger, for smooth edges

Point = tuple[float, float]


class Drawing:
    """Strokes on a square canvas, and the picture of them.

    Args:
        side: of the canvas, pixels.
        brush: width of the strokes, pixels.

    """

    def __init__(self, side: int, brush: float) -> None:
        self.side = side
        self.brush = brush
        self.strokes: list[list[Point]] = []

    def begin(self, x: float, y: float) -> None:
        """Put the pen down."""
        self.strokes.append([(x, y)])

    def extend(self, x: float, y: float) -> Point:
        """Draw to (x, y), and return where from."""
        stroke = self.strokes[-1]
        stroke.append((x, y))
        return stroke[-2]

    def clear(self) -> None:
        """Take everything away."""
        self.strokes.clear()

    def render(self) -> Image.Image:
        """The drawing as a picture: mode L, dark ink on white paper, round at every joint."""
        image = Image.new("L", (self.side * OVERSAMPLING,) * 2, 255)
        pen = ImageDraw.Draw(image)
        for stroke in self.strokes:
            points = [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in stroke]
            pen.line(points, fill=0, width=round(self.brush * OVERSAMPLING))
            for disc in self._discs(points):
                pen.ellipse(disc, fill=0)
        return image

    def _discs(self, points: list[Point]) -> Iterator[tuple[float, float, float, float]]:
        radius = self.brush * OVERSAMPLING / 2
        return ((x - radius, y - radius, x + radius, y + radius) for x, y in points)
