"""The ink of the back page, which shines through: it is fainter than what was written here, and its strokes as wide.

The darkness of strokes is that along their middles, the ridges of the ink. If the ridges are of two kinds that stand far apart,
the faint ones are the back page's.
"""

import numpy as np
from scipy import ndimage

from pipeline.images.arrays import Ink
from pipeline.images.otsu import two_classes
from pipeline.images.preprocessing import FAINT, ink_box

BLUR = 1.0  # pixels, standard deviation: noise makes no ridges then
RIDGE = 5  # pixels: a ridge has most ink of a square as wide
FAINTEST = 0.5  # of the dark ridges' ink: the faint ones have less, whatever the pressure of a pen
SHARE = 0.1  # of the ridges, and of the ink: fewer faint ones are the end of a stroke
CLEAR = 4.0  # standard deviations by which the two kinds are apart
RIM = 3  # pixels around what is dark, that are its soft edge


def without_bleed_through(ink: Ink) -> Ink:
    """The ink without what shines through; `ink` itself if nothing does."""
    seen = ink >= FAINT
    if not seen.any():
        return ink
    box = ink_box(seen)
    smooth = ndimage.gaussian_filter(ink[box], BLUR)
    ridges = smooth[(smooth == ndimage.maximum_filter(smooth, RIDGE)) & seen[box]] * 255
    classes = two_classes(ridges)
    faint = ridges <= classes.threshold
    if classes.apart < CLEAR or faint.mean() < SHARE or faint.all():
        return ink
    if ridges[faint].mean() > FAINTEST * ridges[~faint].mean():
        return ink
    dark = ndimage.binary_dilation(smooth * 255 > classes.threshold, iterations=RIM)
    if (seen[box] & ~dark).sum() < SHARE * seen.sum():
        return ink
    left = np.zeros_like(ink)
    left[box] = np.where(dark, ink[box], np.float32(0))
    return left
