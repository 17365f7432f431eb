"""Pictures of paper for the tests: digits drawn on it, and what is on paper beside them."""

import numpy as np
from PIL import Image, ImageDraw

from tests.hand import DIGITS, Strokes, moved

WIDTH, HEIGHT = 400, 300  # pixels
PAPER, PEN = 240, 25  # grey levels
FINE = 3  # pictures are drawn so many times as large, for smooth edges

Grey = np.ndarray  # (height, width) float64, 0 to 255


def drawn(strokes: Strokes, width: int = WIDTH, height: int = HEIGHT, pen: float = 9) -> Grey:
    """How much of each pixel strokes cover, (height, width), 0 to 1."""
    image = Image.new("L", (width * FINE, height * FINE))
    draw = ImageDraw.Draw(image)
    radius = pen * FINE / 2
    for stroke in strokes:
        points = [(x * FINE, y * FINE) for x, y in stroke]
        draw.line(points, fill=255, width=round(2 * radius), joint="curve")
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(image.resize((width, height), Image.Resampling.BOX), float) / 255


def digit(label: int, size: float = 130) -> Grey:
    """The ink of one digit, away from the edges."""
    return drawn(moved(DIGITS[label], 140, 80, size))


def ruled(width: int = WIDTH, height: int = HEIGHT, spacing: float = 40, slope: float = 0.01, squared: bool = False) -> Grey:
    """The lines of ruled or squared paper, (height, width), 0 to 1."""
    lines: Strokes = [[(0, y), (width, y + slope * width)] for y in np.arange(12 - spacing, height + spacing, spacing)]
    if squared:
        lines += [[(x, 0), (x - slope * height, height)] for x in np.arange(9, width + spacing, spacing)]
    return drawn(lines, width, height, pen=1.6)


def page(ink: Grey, lines: Grey | float = 0.0, strength: float = 0.5, pen: float = PEN, noise: float = 2) -> Image.Image:
    """A picture of ink on lines that are so much less dark, with some noise."""
    paper = PAPER - (PAPER - PEN) * strength * lines
    grey = paper * (1 - ink) + np.minimum(paper, pen) * ink
    return picture(grey + np.random.default_rng(0).normal(0, noise, grey.shape))


def picture(grey: Grey) -> Image.Image:
    """An image of grey levels."""
    return Image.fromarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8))
