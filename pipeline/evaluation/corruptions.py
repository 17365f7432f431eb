"""The fifteen corruptions of MNIST-C, made from their definitions: what a network makes of digits that are far from its own.

Norman Mu and Justin Gilmer, MNIST-C: A Robustness Benchmark for Computer Vision, 2019, https://arxiv.org/abs/1906.02337.
Each has the one strength that the authors chose; the numbers below are those of https://github.com/google-research/mnist-c.
The noise is drawn from other random numbers than theirs, so accuracies agree with those on their files up to chance.

To add one: a function from images and their random numbers to images, and its line in `CORRUPTIONS`.
"""

from collections.abc import Callable, Iterable, Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.images.arrays import SIDE, Images

Grey = NDArray[np.float64]  # (n, 28, 28), 0 to 1, ink bright
Random = Sequence[np.random.Generator]  # one an image
Corruption = Callable[[Grey, Random], Grey]

MIDDLE = (SIDE - 1) / 2  # of a picture, stays where it is when the picture is bent
FOG_SIDE = 256  # of the map of heights that fog is cut out of, pixels
AT_ONCE = 100  # images whose fog is made at once: more would not fit the processor's cache
_ROWS, _COLUMNS = np.indices((SIDE, SIDE))


def corrupt(name: str, images: Images, numbers: NDArray[np.int64], seed: int) -> Images:
    """Corrupt images.

    Args:
        name: of `CORRUPTIONS`.
        images: (n, 28, 28) uint8, 0 to 255, ink bright.
        numbers: (n,), of each image in the set that it is from: the same image gets the same noise, whatever others there are.
        seed: decides the noise.

    Returns:
        (n, 28, 28) uint8.
    """
    random = [np.random.default_rng([seed, crc32(name.encode()), number]) for number in numbers.tolist()]
    corrupted = CORRUPTIONS[name](images / 255, random)
    result: Images = np.round(np.clip(corrupted, 0, 1) * 255).astype(np.uint8)
    return result


def _each(random: Random, draw: Callable[[np.random.Generator], object]) -> NDArray[np.float64]:
    """What `draw` takes of each image's random numbers, stacked: (n, ...)."""
    return np.array([draw(own) for own in random], np.float64)


def _sign(random: Random) -> NDArray[np.float64]:
    return _each(random, lambda own: own.choice([-1, 1]))


def _moved(images: Grey, matrices: Iterable[object]) -> Grey:
    """Bend images, bilinear, black around.

    Each has a matrix, 2 x 2, from the x and y of a pixel to the x and y that it is taken from, both from the middle.
    """
    bent = []
    for image, matrix in zip(images, matrices, strict=True):
        turned = np.array(matrix)[::-1, ::-1]  # of row and column
        offset = MIDDLE - turned.sum(axis=1) * MIDDLE
        bent.append(ndimage.affine_transform(image, turned, offset, order=1, mode="grid-constant"))
    return np.stack(bent)


def shot_noise(images: Grey, random: Random) -> Grey:
    """Of a sensor that counts at most three photons a pixel."""
    return np.stack([own.poisson(image * 3) for image, own in zip(images, random, strict=True)]) / 3


def impulse_noise(images: Grey, random: Random) -> Grey:
    """17 % of the pixels are black or white, as often."""
    changed = _each(random, lambda own: own.random((SIDE, SIDE))) <= 0.17
    return np.where(changed, _each(random, lambda own: own.random((SIDE, SIDE))) <= 0.5, images)


def glass_blur(images: Grey, random: Random) -> Grey:
    """Pixels change places with neighbours, twice over, between two blurs.

    The blurs run along the columns alone: so do the authors', whose call takes the other axis for that of colours.
    """
    blurred = np.floor(ndimage.gaussian_filter1d(images, 0.7, axis=1, mode="nearest") * 255)
    swapped = _each(random, lambda own: own.random((2, SIDE, SIDE))) < 0.5
    steps = _each(random, lambda own: own.integers(-1, 1, (2, SIDE, SIDE, 2))).astype(int)
    for turn, row, column in np.ndindex(2, SIDE - 2, SIDE - 2):
        row, column = SIDE - 1 - row, SIDE - 1 - column  # from the lower right
        who = np.flatnonzero(swapped[:, turn, row, column])
        other = (who, row + steps[who, turn, row, column, 1], column + steps[who, turn, row, column, 0])
        blurred[who, row, column], blurred[other] = blurred[other], blurred[who, row, column]
    again: Grey = ndimage.gaussian_filter1d(blurred / 255, 0.7, axis=1, mode="nearest")
    return again


def motion_blur(images: Grey, random: Random) -> Grey:
    """Smeared to one side with a standard deviation of 3 pixels, over 21 at most, within 45° of level: ImageMagick's blur."""
    angles = np.deg2rad(_each(random, lambda own: own.uniform(-45, 45)))
    weights = np.exp(-(np.arange(21) ** 2) / (2 * 3**2))
    smeared, number = np.zeros_like(images), np.arange(len(images))[:, np.newaxis, np.newaxis]
    for step, weight in enumerate(weights / weights.sum()):
        across, down = (np.ceil(step * part(angles) - 0.5).astype(int)[:, np.newaxis, np.newaxis] for part in (np.cos, np.sin))
        smeared += weight * images[number, (_ROWS + down).clip(0, SIDE - 1), (_COLUMNS + across).clip(0, SIDE - 1)]
    return smeared


def shear(images: Grey, random: Random) -> Grey:
    """By 0.4 radians, to either side."""
    return _moved(images, ([[1, -np.sin(angle)], [0, np.cos(angle)]] for angle in 0.4 * _sign(random)))


def scale(images: Grey, _: Random) -> Grey:
    """To 70 %."""
    return _moved(images, [np.eye(2) / 0.7] * len(images))


def rotate(images: Grey, random: Random) -> Grey:
    """By 0.4 radians, to either side."""
    turns = ((np.cos(angle), np.sin(angle)) for angle in 0.4 * _sign(random))
    return _moved(images, ([[cosine, -sine], [sine, cosine]] for cosine, sine in turns))


def brightness(images: Grey, _: Random) -> Grey:
    """Half of white is added to everything."""
    return images + 0.5


def translate(images: Grey, random: Random) -> Grey:
    """By 3 pixels to a side, and 3 up or down."""
    steps = -3 * _each(random, lambda own: own.choice([-1, 1], 2))[:, ::-1]  # down, to the right
    return np.stack([ndimage.shift(image, step, order=0) for image, step in zip(images, steps, strict=True)])


def stripe(images: Grey, _: Random) -> Grey:
    """The outer quarters are negatives."""
    return np.where((_COLUMNS < SIDE // 4) | (_COLUMNS >= SIDE - SIDE // 4), 1 - images, images)


def fog(images: Grey, random: Random) -> Grey:
    """Clouds three times as bright as the ink, of a plasma fractal, brought back to the range of the image."""
    brightest = images.max(axis=(1, 2), keepdims=True)
    parts = [_clouds(random[begin : begin + AT_ONCE]) for begin in range(0, len(images), AT_ONCE)]
    foggy: Grey = (images + 3 * np.concatenate(parts)) * brightest / (brightest + 3)
    return foggy


def _clouds(random: Random) -> Grey:
    """Corners, (n, 28, 28), 0 to 1, of maps of heights by the diamond-square algorithm; its noise shrinks by 1.4 a turn."""
    heights = np.zeros((len(random), FOG_SIDE, FOG_SIDE), np.float32)
    step, noise = FOG_SIDE, 100.0

    def mean(total: NDArray[np.float32]) -> NDArray[np.float32]:
        drawn = np.stack([own.random(total.shape[1:], np.float32) for own in random])
        return total / 4 + np.float32(noise**2) * (2 * drawn - 1)

    while step >= 2:
        half = step // 2
        corners = heights[:, ::step, ::step]
        sides = corners + np.roll(corners, -1, axis=1)
        heights[:, half::step, half::step] = mean(sides + np.roll(sides, -1, axis=2))
        centres, corners = heights[:, half::step, half::step], heights[:, ::step, ::step]
        beside = centres + np.roll(centres, 1, axis=1) + corners + np.roll(corners, -1, axis=2)
        below = centres + np.roll(centres, 1, axis=2) + corners + np.roll(corners, -1, axis=1)
        heights[:, ::step, half::step] = mean(beside)
        heights[:, half::step, ::step] = mean(below)
        step, noise = half, noise / 1.4
    low, high = heights.min(axis=(1, 2), keepdims=True), heights.max(axis=(1, 2), keepdims=True)
    return np.asarray(((heights - low) / (high - low))[:, :SIDE, :SIDE], np.float64)


def spatter(images: Grey, random: Random) -> Grey:
    """Drops of a dark grey that cover what is below."""
    liquid = _each(random, lambda own: own.normal(0.65, 0.3, (SIDE, SIDE)))
    liquid = ndimage.gaussian_filter(liquid, (0, 1, 1), mode="nearest")
    drops = ndimage.gaussian_filter((liquid > 0.65).astype(np.float64), (0, 1.5, 1.5), mode="nearest")
    drops[drops < 0.8] = 0
    return np.asarray(images * (1 - drops) + 63 / 255 * drops, np.float64)


def _line(left: Grey, top: Grey, right: Grey, bottom: Grey) -> Grey:
    """A soft line, (n, 28, 28), from one point to another, (n,) each, pixels; it is cut off straight at both ends."""
    left, top, right, bottom = (each[:, np.newaxis, np.newaxis] for each in (left, top, right, bottom))
    middle = (bottom - top) / (right - left) * (_COLUMNS - left) + top
    distance = np.clip(np.abs(_ROWS - middle), 0, 2.3 - 1e-10)
    begin, end = np.floor(left), np.ceil(right)
    inside = (begin <= _COLUMNS) & (end > _COLUMNS)
    return np.where(inside, np.clip(np.log(1 - distance / 2.3) + 1, 0, 1), 0)


def dotted_line(images: Grey, random: Random) -> Grey:
    """A line from the left edge to the right one, of dashes of two pixels."""
    ends = _each(random, lambda own: own.integers(0, 27, 2))
    ones = np.ones(len(images))
    return images + np.where(_COLUMNS // 2 % 2, _line(0 * ones, ends[:, 0], 27 * ones, ends[:, 1]), 0)


def zigzag(images: Grey, random: Random) -> Grey:
    """A zigzag of teeth 4 pixels wide and 4 high along a line from left to right."""
    first, last = 2, 25  # column of the ends
    rows = _each(random, lambda own: [own.integers(0, 27), own.integers(-5, 5)])
    angle = np.arctan(rows[:, 1] / (last - first))
    length = (last - first) / np.cos(angle)  # from 23 to 23.6: always six teeth, and the end
    along = np.stack([0 * length, *(0 * length + 2 + 4 * tooth for tooth in range(6)), length], axis=1)
    across = np.stack([0 * length, *(0 * length + 2 * (-1) ** tooth for tooth in range(6)), -1 / (length - 20)], axis=1)
    cosine, sine = np.cos(angle)[:, np.newaxis], np.sin(angle)[:, np.newaxis]
    columns, lines = cosine * along - sine * across + first, sine * along + cosine * across + rows[:, :1]
    for end in range(1, columns.shape[1]):
        line = _line(columns[:, end - 1], lines[:, end - 1], columns[:, end], lines[:, end])
        images = np.clip(images + line, 0, 1)
    return images


def canny_edges(images: Grey, _: Random) -> Grey:
    """The edges that Canny's detector finds, alone."""
    from skimage.feature import canny  # takes a second to load

    return np.stack([canny(image) for image in images]).astype(np.float64)


CORRUPTIONS: dict[str, Corruption] = {
    each.__name__: each
    for each in (
        *(shot_noise, impulse_noise, glass_blur, motion_blur, shear, scale, rotate, brightness, translate, stripe),
        *(fog, spatter, dotted_line, zigzag, canny_edges),
    )
}
