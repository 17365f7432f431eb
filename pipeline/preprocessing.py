"""From any picture of a digit to one like MNIST's: one function for the prepared data, the window and everybody else.

The way of MNIST's own pictures (http://yann.lecun.com/exdb/mnist/): "The original black and white (bilevel) images from NIST
were size normalized to fit in a 20x20 pixel box while preserving their aspect ratio. [...] the images were centered in a
28x28 image by computing the center of mass of the pixels".
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.arrays import SIDE, Pictures

#: Raised by one whenever the same picture gives another input. Exported models carry the version they were made with.
VERSION = 1

BOX = 20  # longer side of the ink's box within it, pixels
FAINT = 0.15  # ink below this part of the darkest ink is paper, when the ink's box is looked for
NOISE = 8  # of 255: differences from the paper up to this are noise


def ink_of(image: Image.Image) -> NDArray[np.float32]:
    """How much ink each pixel holds.

    The paper is what the border mostly shows; ink is what differs from it, whichever is the brighter of the two.

    Args:
        image: a picture of any mode and size. What is transparent is paper.

    Returns:
        (height, width) float32 from 0, paper, to 1, the most ink in the picture. All 0 for a picture of one colour.

    """
    grey = grey_of(image)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper_value = float(np.median(border))
    darker, brighter = np.clip(paper_value - grey, 0, None), np.clip(grey - paper_value, 0, None)
    ink = darker if darker.max() >= brighter.max() else brighter
    most = float(ink.max())
    return ink / most if most > NOISE else np.zeros_like(ink)


def grey_of(image: Image.Image) -> NDArray[np.float32]:
    """(height, width) float32, 0, black, to 255, white. What is transparent is white, or black under bright ink."""
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        # Ink on nothing: put it on whichever paper it stands out from.
        alpha = np.asarray(rgba.getchannel("A"), np.float32)
        grey = np.asarray(rgba.convert("RGB").convert("L"), np.float32)
        bright = (grey * alpha).sum() > 127.5 * alpha.sum()
        paper = Image.new("RGBA", rgba.size, (0, 0, 0, 255) if bright else (255, 255, 255, 255))
        image = Image.alpha_composite(paper, rgba)
    if image.mode.startswith(("I", "F")):  # 16 and 32 bit: Pillow's own conversion would cut instead of scale
        values = np.asarray(image, np.float32)
        low, high = float(values.min()), float(values.max())
        return (values - low) * np.float32(255 / (high - low) if high > low else 0)
    return np.asarray(image.convert("RGB").convert("L"), np.float32)


def fit(image: Image.Image) -> Pictures:
    """Bring one picture of one digit to the form of MNIST's.

    Args:
        image: a picture of any mode, size and polarity.

    Returns:
        (28, 28) uint8, 0 to 255, ink bright on dark; all 0 for a blank picture.

    """
    return fit_ink(ink_of(image))


def fit_ink(ink: NDArray[np.float32]) -> Pictures:
    """The same from ink, (height, width) float32, 0 to 1."""
    rows, columns = np.where(ink >= FAINT)
    if not rows.size:
        return np.zeros((SIDE, SIDE), np.uint8)
    box = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = BOX / max(box.shape)
    size = (max(1, round(box.shape[1] * scale)), max(1, round(box.shape[0] * scale)))
    small = np.asarray(Image.fromarray(box).resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC))
    small = np.clip(small, 0, 1)  # the filter overshoots at edges
    return centre(small / max(float(small.max()), 1e-6))


def centre(ink: NDArray[np.float32]) -> Pictures:
    """Put ink of at most 20 x 20 into a 28 x 28 picture with its centre of mass in the middle.

    Args:
        ink: (height, width) float32, 0 to 1, not all 0.

    Returns:
        (28, 28) uint8.

    """
    height, width = ink.shape
    total = float(ink.sum())
    row = float((ink.sum(axis=1) * (np.arange(height) + 0.5)).sum()) / total
    column = float((ink.sum(axis=0) * (np.arange(width) + 0.5)).sum()) / total
    top = int(np.clip(round(SIDE / 2 - row), 0, SIDE - height))
    left = int(np.clip(round(SIDE / 2 - column), 0, SIDE - width))
    picture = np.zeros((SIDE, SIDE), np.uint8)
    picture[top : top + height, left : left + width] = np.round(ink * 255)
    return picture
