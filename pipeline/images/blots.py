"""From ink to blots, its connected pieces, and from blots to images like MNIST's."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from pipeline.images import photo, preprocessing
from pipeline.images.arrays import Images, Ink
from pipeline.images.strokes import PEN
from pipeline.system.errors import DataError

SPECK = 0.1  # a blot smaller than this part of the largest, by the longer side of its box, is dirt
PENS = (2.0, 3.9)  # width of the strokes of 90 % of MNIST's training images, measured in the same way, pixels
FINE = 3  # a pen is changed at so many pixels to one of MNIST's
MOST_BLOTS = 60  # of a row of digits; a page of print has thousands
POINTS = 200  # of a blot, that stand for it where its distance to others is asked


class Blots:
    """The connected pieces of ink without the dirt, in one array: a page of them is not copied for each."""

    def __init__(self, ink: Ink) -> None:
        self._ink = ink
        self._numbers, _ = ndimage.label(ink >= preprocessing.FAINT, np.ones((3, 3)))
        boxes = ndimage.find_objects(self._numbers)
        sizes = np.array([max(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in boxes])
        self._kept = np.flatnonzero(sizes >= SPECK * sizes.max(initial=0))
        self._boxes = [boxes[number] for number in self._kept]

    def __len__(self) -> int:
        return len(self._boxes)

    def check(self) -> None:
        """Raise DataError if there are more than a few numbers have."""
        if len(self) > MOST_BLOTS:
            raise DataError(
                f"the picture must hold at most {MOST_BLOTS} pieces of ink, and holds {len(self)}. Cut the number out."
            )

    def points(self, blot: int) -> NDArray[np.float64]:
        """(n, 2) float64: x and y of pixels of a blot, those at the edges of its box among them."""
        rows, columns = self._boxes[blot]
        found = np.argwhere(self._numbers[rows, columns] == self._kept[blot] + 1)[:, ::-1].astype(np.float64)
        edges = [found[:, 0].argmin(), found[:, 0].argmax(), found[:, 1].argmin(), found[:, 1].argmax()]
        few = np.linspace(0, len(found) - 1, min(POINTS, len(found))).astype(int)
        chosen: NDArray[np.float64] = found[np.unique(np.concatenate([few, edges]))] + [columns.start, rows.start]
        return chosen

    def ink(self, group: Sequence[int]) -> Ink:
        """(height, width) float32, 0 to 1: the ink of some blots in their box."""
        rows, columns = zip(*(self._boxes[blot] for blot in group), strict=True)
        box = tuple(slice(min(side.start for side in sides), max(side.stop for side in sides)) for sides in (rows, columns))
        own = np.isin(self._numbers[box], self._kept[list(group)] + 1)
        return np.where(own, self._ink[box], np.float32(0))

    def all_ink(self) -> Ink:
        """(height, width) float32, 0 to 1: the ink of all blots in their box."""
        return self.ink(range(len(self)))


def fit(image: Image.Image) -> Images:
    """Bring a picture of one digit, of any mode, size and polarity, to the form of MNIST's: (28, 28) uint8, ink bright.

    Raises:
        BlankPicture: there is no ink in it.
    """
    return fit_ink(Blots(photo.ink_of(image)).all_ink())


def fit_ink(ink: Ink) -> Images:
    """Bring the ink of one digit, some of it at the edges, to the form of MNIST's: (28, 28) uint8, ink bright.

    A pen that is far too thin or too thick is brought to MNIST's width.
    """
    thickness = _thickness(ink) * preprocessing.BOX / max(ink.shape)
    if PENS[0] <= thickness <= PENS[1]:
        return preprocessing.fit_ink(ink)
    ink = _finely(ink, thin=thickness < PEN)
    thickness = _thickness(ink) / FINE
    if radius := round(abs(PEN - thickness) * FINE / 2):
        from skimage.morphology import disk  # few pens need it

        change = ndimage.grey_dilation if thickness < PEN else ndimage.grey_erosion
        ink = change(np.pad(ink, radius), footprint=disk(radius, bool, strict_radius=False))
    return preprocessing.fit_ink(ink)


def _finely(ink: Ink, thin: bool) -> Ink:
    """The ink at `FINE` pixels to one of MNIST's; a thin line keeps its brightness, and becomes a pixel wider at most."""
    factor = preprocessing.BOX * FINE / max(ink.shape)
    width, height = max(1, round(ink.shape[1] * factor)), max(1, round(ink.shape[0] * factor))
    if thin and factor < 1:
        widened = ndimage.maximum_filter(ink, round(1 / factor))
        return np.asarray(Image.fromarray(widened).resize((width, height), Image.Resampling.NEAREST))
    return np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR))


def _thickness(ink: Ink) -> float:
    """Mean width of the strokes in pixels: 2 x ink / length of its edge."""
    down, right = np.gradient(np.pad(ink, 2))
    return float(2 * ink.sum() / max(float(np.hypot(down, right).sum()), 1e-6))
