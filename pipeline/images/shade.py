"""The brightness of the paper under a lamp, and in a shadow with an edge."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from pipeline.images.arrays import Grey
from pipeline.images.otsu import two_classes

SAMPLES = 64  # rows and columns that the paper's brightness is estimated from
NOISE = 8  # of 255: differences from the paper up to this are noise
COARSE = 64  # longer side of the picture that shadows are looked for in, pixels
WIDEST_STROKE = 4  # a window of which strokes fill less than half is so many times in the shorter side
LIT = 0.85  # of the brightest paper: a shadow is darker, in a place half as broad again as the window
DARKEST_SHADOW = 0.35  # of the brightest paper: light from elsewhere reaches a shadow, and what is darker is no paper


def sampled(grey: Grey) -> Grey:
    """(n,): some thousands of pixels, evenly from the picture."""
    return grey[np.ix_(_places(grey.shape[0]), _places(grey.shape[1]))].ravel()


def deviation(difference: Grey) -> float:
    """The standard deviation of what lies about 0, if it were a normal distribution."""
    return 1.4826 * float(np.median(np.abs(difference)))


def without_shadow(grey: Grey) -> Grey | None:
    """The picture as if its paper were lit evenly, or None if it lies in no shadow.

    The paper is the median of a window that is much wider than a stroke, which keeps the edge of a shadow. Beside this edge
    the paper may be as bright as at either side of it, and only what is darker than both is ink.
    """
    factor = min(1.0, COARSE / max(grey.shape))
    size = max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor))
    coarse = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX))
    window = max(3, min(coarse.shape) // WIDEST_STROKE | 1)
    if (coarse < LIT * np.quantile(coarse, 0.98)).sum() < window * window / 2:  # by far too little for a shadow
        return None
    paper = ndimage.median_filter(coarse, window, mode="nearest")
    darkest, brightest = (float(level) for level in np.quantile(paper, (0.02, 0.98)))
    broader = window * 3 // 2
    in_shadow = ndimage.binary_erosion(paper < LIT * brightest, np.ones((broader, broader)))
    if darkest < DARKEST_SHADOW * brightest or not in_shadow.any():
        return None
    low, high = (
        np.asarray(Image.fromarray(around(paper, 3, mode="nearest")).resize(grey.shape[::-1], Image.Resampling.BILINEAR))
        for around in (ndimage.minimum_filter, ndimage.maximum_filter)
    )
    lit = grey * (np.float32(brightest) / np.maximum(np.clip(grey, low, high), np.float32(1)))
    return np.minimum(lit, np.float32(255))


def _places(length: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, length - 1, SAMPLES).astype(np.int64))


def shade(grey: Grey) -> Grey:
    """(height, width): the brightness of the paper, a surface of the second degree through what is not ink.

    Pixels far from the surface are left out, and it is fitted again, until the ink is out.
    """
    height, width = grey.shape
    rows, columns = _places(height), _places(width)
    y, x = np.meshgrid(rows / max(height - 1, 1), columns / max(width - 1, 1), indexing="ij")
    values, terms = sampled(grey), np.stack(_terms(x, y), axis=2).reshape(-1, 6)
    kept = np.abs(values - np.sort(values)[values.size // 2]) <= 80
    for _ in range(6):
        weights = _fitted(terms[kept], values[kept])
        distance = np.abs(values - terms @ weights)
        kept = distance <= max(2.5 * deviation(distance[kept]), NOISE / 2)
    for _ in range(5):  # where ink covers as much as the paper: both classes lie in the same shade
        residual = values - terms @ weights
        dark = residual <= two_classes(residual).threshold
        if dark.all():  # one colour
            break
        both = np.column_stack([terms, dark])
        weights = _fitted(both, values)[:-1]
    one, right, down, right2, both, down2 = weights.astype(np.float32)  # as in `_terms`
    x, y = np.linspace(0, 1, width, dtype=np.float32), np.linspace(0, 1, height, dtype=np.float32)[:, np.newaxis]
    surface: Grey = (one + right * x + right2 * x * x) + (down * y + down2 * y * y) + both * y * x
    return surface


def _fitted(terms: NDArray[Any], values: Grey) -> NDArray[Any]:
    """The weights of least squares, from the normal equations: of thousands of values a tenth of the time."""
    weights: NDArray[Any] = np.linalg.lstsq(terms.T @ terms, terms.T @ values.astype(np.float64), rcond=None)[0]
    return weights


def _terms(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return list(np.broadcast_arrays(1.0, x, y, x * x, x * y, y * y))
