"""From the ink of a digit to a picture like MNIST's.

The way of MNIST's own images (http://yann.lecun.com/exdb/mnist/): "The original black and white (bilevel) images from NIST
were size normalized to fit in a 20x20 pixel box while preserving their aspect ratio. [...] the images were centered in a
28x28 image by computing the center of mass of the pixels".
"""

import numpy as np
from PIL import Image

from pipeline.images.arrays import SIDE, Images, Ink, Mask

#: Raised by one whenever the same picture gives another input. Exported models carry the version they were made with.
VERSION = 4

BOX = 20  # longer side of the ink's box within it, pixels
FAINT = 0.15  # ink below this part of the darkest ink is paper, when the ink's box is looked for
INK = 60  # of 255: a pixel of a finished image above this is ink, when what was made of digits is looked for


def ink_box(mask: Mask) -> tuple[slice, slice]:
    """The rows and the columns from the first to the last pixel of a mask, (height, width), which must have one."""
    rows, columns = np.where(mask)
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


def fit_ink(ink: Ink) -> Images:
    """Bring the ink of one digit to the form of MNIST's: (28, 28) uint8, ink bright on dark; all 0 if there is none."""
    if not (ink >= FAINT).any():
        return np.zeros((SIDE, SIDE), np.uint8)
    box = ink[ink_box(ink >= FAINT)]
    scale = BOX / max(box.shape)
    size = (max(1, round(box.shape[1] * scale)), max(1, round(box.shape[0] * scale)))
    small = np.asarray(Image.fromarray(box).resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC))
    small = np.clip(small, 0, 1)  # the filter overshoots at edges
    return centre(small / max(float(small.max()), 1e-6))


def centre(ink: Ink) -> Images:
    """Put ink of at most 20 x 20, not all 0, into a picture, (28, 28) uint8, with its centre of mass in the middle."""
    height, width = ink.shape
    total = float(ink.sum())
    row = float((ink.sum(axis=1) * (np.arange(height) + 0.5)).sum()) / total
    column = float((ink.sum(axis=0) * (np.arange(width) + 0.5)).sum()) / total
    top = int(np.clip(round(SIDE / 2 - row), 0, SIDE - height))
    left = int(np.clip(round(SIDE / 2 - column), 0, SIDE - width))
    picture = np.zeros((SIDE, SIDE), np.uint8)
    picture[top : top + height, left : left + width] = np.round(ink * 255)
    return picture
