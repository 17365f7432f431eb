"""From a picture of paper to ink, from ink to blots, and from blots to pictures like MNIST's."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from pipeline import preprocessing
from pipeline.arrays import Pictures
from pipeline.errors import DataError
from pipeline.strokes import PEN

LONGEST = 800  # side of the picture that is looked at, pixels: more costs time and shows no more
SAMPLES = 64  # pixels a side that the paper's brightness is estimated from
DEVIATIONS = 4.0  # of the paper's noise: less than this from the paper is no ink
COLOURED = 40  # of 255: of blue or red, ink of the paper's brightness differs from it by so much at least
SPECK = 0.1  # a blot smaller than this part of the largest, by the longer side of its box, is dirt
PENS = (2.0, 3.9)  # width of the strokes of 90 % of MNIST's training pictures, measured in the same way, pixels
MOST_BLOTS = 60  # of a row of digits; a page of print has thousands
POINTS = 200  # of a blot, that stand for it where its distance to others is asked

Ink = NDArray[np.float32]


def shrink(image: Image.Image) -> Image.Image:
    """`image`, or a smaller one of `LONGEST` pixels."""
    factor = LONGEST / max(image.size)
    if factor >= 1:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    if image.mode in ("P", "1", "CMYK", "PA", "LA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image.resize(size, Image.Resampling.BOX)


def ink_of(image: Image.Image) -> Ink:
    """How much ink each pixel holds, on paper that may lie in a shade.

    Args:
        image: of any mode and size.

    Returns:
        (height, width) float32 from 0, paper, to 1, the most ink in the picture. All 0 for blank paper.

    """
    ink = _ink_in(preprocessing.grey_of(image))
    if not ink.any() and not image.has_transparency_data and len(image.getbands()) >= 3:  # as bright as the paper, perhaps
        colours = [np.asarray(band, np.float32) for band in image.convert("RGB").convert("YCbCr").split()[1:]]
        strongest = max(colours, key=np.ptp)
        if np.ptp(strongest) >= COLOURED:
            return _ink_in(strongest)
    return ink


def _ink_in(grey: NDArray[np.float32]) -> Ink:
    """The same of one channel, (height, width), 0 to 255."""
    difference = grey - _paper(grey)
    noise = 1.4826 * float(np.median(np.abs(difference)))  # the deviation, if it were a normal distribution
    floor = max(preprocessing.NOISE, DEVIATIONS * noise)
    # The ends of the distribution without its last pixels: a grain of dust is no ink.
    low, high = (
        np.partition(difference.ravel(), [3, -4])[[3, -4]] if difference.size > 100 else (difference.min(), difference.max())
    )
    ink, most = (-difference, -float(low)) if -low >= high else (difference, float(high))
    if most <= floor:
        return np.zeros_like(grey)
    scaled: Ink = np.clip((ink - floor / 2) / (most - floor / 2), 0, 1).astype(np.float32)
    return scaled


def _paper(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """(height, width): the brightness of the paper, a surface of the second degree through what is not ink.

    Pixels far from the surface are left out, and it is fitted again, until the ink is out.
    """
    height, width = grey.shape
    rows = np.unique(np.linspace(0, height - 1, SAMPLES).astype(int))
    columns = np.unique(np.linspace(0, width - 1, SAMPLES).astype(int))
    values = grey[np.ix_(rows, columns)].ravel()
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    if float(border.max() - border.min()) <= 2 * preprocessing.NOISE:  # no shade
        return np.full_like(grey, np.median(border))
    y, x = np.meshgrid(rows / max(height - 1, 1), columns / max(width - 1, 1), indexing="ij")
    terms = _terms(x.ravel(), y.ravel())
    kept = np.abs(values - np.median(values)) <= 80
    for _ in range(6):
        weights, *_ = np.linalg.lstsq(terms[kept], values[kept], rcond=None)
        distance = np.abs(values - terms @ weights)
        kept = distance <= max(2.5 * 1.4826 * float(np.median(distance[kept])), preprocessing.NOISE / 2)
    y, x = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    surface: NDArray[np.float32] = (_terms(x.ravel(), y.ravel()) @ weights).reshape(height, width).astype(np.float32)
    return surface


def _terms(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def blots(ink: Ink) -> list[Ink]:
    """The connected pieces of ink, each in a picture of its own of the same size; dirt is left out.

    Raises:
        DataError: there are more than a few numbers have.

    """
    numbers, count = ndimage.label(ink >= preprocessing.FAINT, np.ones((3, 3)))
    boxes = ndimage.find_objects(numbers)
    sizes = [max(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in boxes]
    kept = [number + 1 for number in range(count) if sizes[number] >= SPECK * max(sizes)]
    if len(kept) > MOST_BLOTS:
        raise DataError(f"the picture must hold at most {MOST_BLOTS} pieces of ink, and holds {len(kept)}. Cut the number out.")
    return [np.where(numbers == number, ink, np.float32(0)) for number in kept]


def points(blot: Ink) -> NDArray[np.float64]:
    """(n, 2) float64: x and y of pixels of a blot, those at the edges of its box among them."""
    found = np.argwhere(blot > 0)[:, ::-1].astype(np.float64)
    edges = [found[:, 0].argmin(), found[:, 0].argmax(), found[:, 1].argmin(), found[:, 1].argmax()]
    few = np.linspace(0, len(found) - 1, min(POINTS, len(found))).astype(int)
    chosen: NDArray[np.float64] = found[np.unique(np.concatenate([few, edges]))]
    return chosen


def fit(ink: Ink) -> Pictures:
    """Bring the ink of one digit to MNIST's form, a pen that is far too thin or too thick to MNIST's width.

    Args:
        ink: (height, width) float32, 0 to 1.

    Returns:
        (28, 28) uint8, 0 to 255, ink bright.

    """
    rows, columns = np.where(ink >= preprocessing.FAINT)
    if not rows.size:
        return preprocessing.fit_ink(ink)
    box = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = preprocessing.BOX / max(box.shape)
    thickness = _thickness(box) * scale
    if not PENS[0] <= thickness <= PENS[1]:
        radius = round(abs(PEN - thickness) / scale / 2)
        change = ndimage.grey_dilation if thickness < PEN else ndimage.grey_erosion
        box = change(np.pad(box, radius), footprint=_disc(radius)) if radius else box
    return preprocessing.fit_ink(box)


def _thickness(ink: Ink) -> float:
    """Mean width of the strokes in pixels: 2 x ink / length of its edge."""
    padded = np.pad(ink, 2)
    down, right = np.gradient(padded)
    return float(2 * ink.sum() / max(float(np.hypot(down, right).sum()), 1e-6))


def _disc(radius: int) -> NDArray[np.bool_]:
    line = np.arange(-radius, radius + 1)
    disc: NDArray[np.bool_] = line[:, np.newaxis] ** 2 + line**2 <= (radius + 0.5) ** 2
    return disc
