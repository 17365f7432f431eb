"""Forms of digits that people write and MNIST hardly has: made of its images, to train with."""

import numpy as np
from PIL import Image, ImageDraw

from pipeline.images.arrays import Images
from pipeline.images.preprocessing import INK, ink_box
from pipeline.images.strokes import PEN

SCALE = 4  # lines are drawn this much larger, for smooth edges
ENDS = (-0.15, 0.3)  # how far within the zero a slash ends, as a part of its width and height; below 0: beyond it
WIDTHS = (0.7, 1.3)  # of a slash, as a part of the pen's


def slashed(zeros: Images, seed: int) -> Images:
    """Zeros with a slash through them, as where 0 and O must be told apart.

    Args:
        zeros: (n, 28, 28) uint8, 0 to 255, ink bright.
        seed: decides where the slashes are.

    Returns:
        (n, 28, 28) uint8, of the same form.

    """
    random = np.random.default_rng(seed)
    return np.stack([_slash(picture, random) for picture in zeros]) if len(zeros) else zeros


def _slash(picture: Images, random: np.random.Generator) -> Images:
    rows, columns = ink_box(picture > INK)
    left, right, top, bottom = columns.start, columns.stop, rows.start, rows.stop
    # From below on the left to above on the right, from within the zero to a little beyond it.
    inside = random.uniform(*ENDS, 4) * [right - left, bottom - top, right - left, bottom - top]
    begin, end = (left + inside[0], bottom - inside[1]), (right - inside[2], top + inside[3])
    image = Image.new("L", (picture.shape[1] * SCALE, picture.shape[0] * SCALE), 0)
    width = round(PEN * random.uniform(*WIDTHS) * SCALE)
    ImageDraw.Draw(image).line([(x * SCALE, y * SCALE) for x, y in (begin, end)], fill=255, width=width)
    drawn: Images = np.maximum(picture, np.asarray(image.reduce(SCALE)))
    return drawn
