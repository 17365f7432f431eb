"""From a picture of paper to ink: one function for the window, for a script and for the prepared data.

Where the two brightnesses of ink and paper stand apart, Otsu's threshold tells them apart, and the border which of them is the
paper: ink may cover most of the picture. Where they don't, most of the picture is paper.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy import ndimage

from pipeline.images.picture_file import shrunk
from pipeline.images.preprocessing import FAINT
from pipeline.system.errors import DataError

LONGEST = 800  # side of the picture that is looked at, pixels: more costs time and shows no more
SAMPLES = 64  # rows and columns that the paper's brightness is estimated from
NOISE = 8  # of 255: differences from the paper up to this are noise
DEVIATIONS = 4.0  # of the paper's noise: less than this from the paper is no ink
SEPARATE = 4.0  # two classes are apart by this many of their standard deviations: a slope's halves are by 3.5, MNIST's by 4.5
SOFT, STRONG = 3.0, 60  # or by fewer, but with such a contrast without shade: a small digit's soft edges; noise's are by 2.7
SHADED = 1.25  # times as far apart are the classes without the shade, if there is one
FRAME = 0.06  # of the shorter side: a frame is at most as thick
FILLED, EMPTY = 0.9, 0.02  # parts of the lines of a frame, and of the line that parts it from what it frames
CONTRAST = 40  # of 255: in colour, between ink and paper of one brightness; in brightness, on a page with transparent margins

Ink = NDArray[np.float32]
Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]


class BlankPicture(DataError):
    """There is no ink in a picture: `why`, for a person."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def ink_of(image: Image.Image) -> Ink:
    """How much ink each pixel holds, on paper that may lie in a shade.

    Args:
        image: of any mode, size and polarity. It is turned as its EXIF orientation says. A frame around it is no ink.

    Returns:
        (height, width) float32 from 0, paper, to 1, the most ink in the picture. The longer side has at most `LONGEST` pixels.

    Raises:
        BlankPicture: there is none.

    """
    image = ImageOps.exif_transpose(shrunk(image, LONGEST))
    try:
        return _ink_in(grey_of(image))
    except BlankPicture:
        if image.has_transparency_data or len(image.getbands()) < 3:
            raise
        # Ink that is as bright as the paper, perhaps.
        colours = [np.asarray(band, np.float32) for band in image.convert("RGB").convert("YCbCr").split()[1:]]
        strongest = max(colours, key=np.ptp)
        if np.ptp(strongest) < CONTRAST:
            raise
        return _ink_in(strongest)


def grey_of(image: Image.Image) -> Grey:
    """(height, width) float32, 0, black, to 255, white. What is transparent, or not a number, is paper."""
    if image.has_transparency_data:
        return _on_paper(image.convert("RGBA"))
    if not image.mode.startswith(("I", "F")):
        return np.asarray(image.convert("RGB").convert("L"), np.float32)
    values = np.asarray(image.convert("F"))  # of 16 and 32 bit: Pillow's own conversion would cut instead of scale
    known = np.isfinite(values)
    if not known.any():
        return np.zeros_like(values)
    low, high = float(values[known].min()), float(values[known].max())
    with np.errstate(invalid="ignore", over="ignore"):
        scaled: Grey = ((values.astype(np.float64) - low) * (255 / (high - low) if high > low else 0)).astype(np.float32)
    return _continued(scaled, known)


def _on_paper(rgba: Image.Image) -> Grey:
    """The same of a picture with transparent parts: a page that fills the rest, or ink on nothing."""
    alpha = np.asarray(rgba.getchannel("A"), np.float32)
    grey = np.asarray(rgba.convert("RGB").convert("L"), np.float32)
    opaque = alpha >= 0.9 * max(float(alpha.max()), 1.0)
    rows, columns = np.where(opaque)
    if rows.size and np.ptp(grey[opaque]) >= CONTRAST and rows.size >= (np.ptp(rows) + 1) * (np.ptp(columns) + 1) / 2:
        return _continued(grey, opaque)
    bright = (grey * alpha).sum() > 127.5 * alpha.sum()
    paper = np.float32(0 if bright else 255)  # whichever the ink stands out from
    return paper + (grey - paper) * alpha / np.float32(255)


def _continued(grey: Grey, known: Mask) -> Grey:
    """`grey`, where it is not known as it is at the nearest pixel where it is."""
    if known.all():
        return grey
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    continued: Grey = grey[tuple(nearest)]
    return continued


def _ink_in(grey: Grey) -> Ink:
    """Ink from one channel, (height, width), 0 to 255. Raises BlankPicture."""
    flat = grey - _shade(grey)
    classes, flat_classes = _two_classes(_sampled(grey)), _two_classes(_sampled(flat))
    inside = (slice(None), slice(None))
    soft = flat_classes.apart >= SOFT and flat_classes.contrast >= STRONG
    if soft or max(classes.apart, flat_classes.apart) >= SEPARATE:
        if flat_classes.apart > SHADED * classes.apart:
            grey, classes = flat, flat_classes
        dark = grey <= classes.threshold
        inside = _inside_frame(dark)
        bright_ink = _is_paper(dark[inside])
        paper = grey[inside][dark[inside] == bright_ink]
        level = float(np.median(paper))
        difference = (grey[inside] - level) * np.float32(1 if bright_ink else -1)
        noise = min(_deviation(paper - level), _most(difference) / (2 * DEVIATIONS))  # soft edges are no noise
    else:
        noise = _deviation(flat)
        difference = flat if _most(flat) > _most(-flat) else -flat
    most, floor = _most(difference), max(NOISE, DEVIATIONS * noise)
    if most <= floor:
        found = "is of one colour" if np.ptp(grey) == 0 else f"differs from its paper by {max(most, 0):.0f}"
        raise BlankPicture(
            f"no ink was found: ink must differ from its paper by more than {floor:.0f} of 255 levels, which are noise, and "
            f"this picture {found}. Write darker, or take the picture in better light."
        )
    ink = np.zeros_like(grey)
    ink[inside] = np.clip((difference - floor / 2) / (most - floor / 2), 0, 1)
    within = np.zeros_like(grey)  # a frame of another grey than the ink's
    inside = _inside_frame(ink >= FAINT, (True,))
    within[inside] = ink[inside]
    return within


def _most(difference: Grey) -> float:
    """The largest value, without the last pixels: a grain of dust is no ink."""
    return float(np.partition(difference.ravel(), -4)[-4] if difference.size > 100 else difference.max())


def _deviation(difference: Grey) -> float:
    """The standard deviation of what lies about 0, if it were a normal distribution."""
    return 1.4826 * float(np.median(np.abs(difference)))


class _Classes(NamedTuple):
    threshold: float  # up to which the dark class goes
    contrast: float  # between the means of the two
    apart: float  # the same in standard deviations


def _two_classes(values: NDArray[Any]) -> _Classes:
    """The two classes that Otsu's threshold makes."""
    low, high = float(values.min()), float(values.max())
    counts, edges = np.histogram(values, 256, (low, max(high, low + 1)))
    middles = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts)[:-1], np.cumsum(counts * middles)[:-1]
    spread = (total * values.size - below * float(values.sum(dtype=np.float64))) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.nan_to_num(spread / (below * (values.size - below)))
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))  # all thresholds in a gap are as good: the middle
    threshold = float((edges[best[0] + 1] + edges[best[-1] + 1]) / 2)
    dark, bright = values[values <= threshold], values[values > threshold]
    if not dark.size or not bright.size:
        return _Classes(threshold, 0.0, 0.0)
    within = (dark.var() * dark.size + bright.var() * bright.size) / values.size
    contrast = float(bright.mean() - dark.mean())
    return _Classes(threshold, contrast, contrast / max(float(within), 1e-6) ** 0.5)


def _is_paper(those: Mask) -> bool:
    """Whether the pixels of `those` are the paper, and the others the ink.

    The border shows mostly paper. Its corners count as much as its sides: strokes that fill the picture seldom reach them.
    """
    sides = np.concatenate([those[0], those[-1], those[:, 0], those[:, -1]])
    return bool(sides.mean() + those[:: max(len(those) - 1, 1), :: max(those.shape[1] - 1, 1)].mean() > 1)


def _inside_frame(mask: Mask, kinds: tuple[bool, ...] = (False, True)) -> tuple[slice, slice]:
    """The rows and columns within a frame of pixels of one of these kinds, on any of the four sides.

    A frame fills lines along a side, and ends where a line has none of it: a stroke along the side is joined to the rest of its
    digit. What is framed on three sides may touch the frame on the fourth.
    """
    shorter = min(mask.shape)
    deep = max(round(FRAME * shorter), min(3, shorter // 8))
    for kind in kinds:
        filled = [np.flatnonzero((lines[:deep] == kind).mean(axis=1) >= FILLED) for lines in _from_sides(mask)]
        thick = [int(lines[-1]) + 1 if lines.size else 0 for lines in filled]
        while any(thick):
            core = mask[_without(thick, mask.shape)] == kind
            if not core.any() or core.all():
                break
            empty = [np.flatnonzero(lines[: max(1, deep // 3)].mean(axis=1) <= EMPTY) for lines in _from_sides(core)]
            ends = [bool(thick[side]) and empty[side].size > 0 for side in range(4)]
            if sum(ends) >= 3 or ends == [side > 0 for side in thick]:
                inside = _without([thick[side] + (int(empty[side][0]) if ends[side] else 0) for side in range(4)], mask.shape)
                if mask[inside].any() and not mask[inside].all():
                    return inside
                break
            thick = [thick[side] * ends[side] for side in range(4)]
    return slice(None), slice(None)


def _without(thick: list[int], shape: tuple[int, ...]) -> tuple[slice, slice]:
    top, bottom, left, right = thick
    return slice(top, shape[0] - bottom), slice(left, shape[1] - right)


def _from_sides(mask: Mask) -> tuple[Mask, Mask, Mask, Mask]:
    """The lines from the top, the bottom, the left and the right, the outermost first."""
    return mask, mask[::-1], mask.T, mask.T[::-1]


def _sampled(grey: Grey) -> Grey:
    return grey[np.ix_(_places(grey.shape[0]), _places(grey.shape[1]))].ravel()


def _places(length: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, length - 1, SAMPLES).astype(np.int64))


def _shade(grey: Grey) -> Grey:
    """(height, width): the brightness of the paper, a surface of the second degree through what is not ink.

    Pixels far from the surface are left out, and it is fitted again, until the ink is out.
    """
    height, width = grey.shape
    rows, columns = _places(height), _places(width)
    y, x = np.meshgrid(rows / max(height - 1, 1), columns / max(width - 1, 1), indexing="ij")
    values, terms = _sampled(grey), np.stack(_terms(x, y), axis=2).reshape(-1, 6)
    kept = np.abs(values - np.sort(values)[values.size // 2]) <= 80
    for _ in range(6):
        weights = _fitted(terms[kept], values[kept])
        distance = np.abs(values - terms @ weights)
        kept = distance <= max(2.5 * _deviation(distance[kept]), NOISE / 2)
    for _ in range(5):  # where ink covers as much as the paper: both classes lie in the same shade
        residual = values - terms @ weights
        dark = residual <= _two_classes(residual).threshold
        if dark.all():  # one colour
            break
        both = np.column_stack([terms, dark])
        weights = _fitted(both, values)[:-1]
    y, x = np.linspace(0, 1, height)[:, np.newaxis], np.linspace(0, 1, width)
    surface: Grey = sum(weight * term for weight, term in zip(weights, _terms(x, y), strict=True)).astype(np.float32)
    return surface


def _fitted(terms: NDArray[Any], values: Grey) -> NDArray[Any]:
    """The weights of least squares, from the normal equations: of thousands of values a tenth of the time."""
    weights: NDArray[Any] = np.linalg.lstsq(terms.T @ terms, terms.T @ values.astype(np.float64), rcond=None)[0]
    return weights


def _terms(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return list(np.broadcast_arrays(1.0, x, y, x * x, x * y, y * y))
