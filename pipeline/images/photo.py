"""From a picture of paper to ink: one function for the window, for a script and for the prepared data.

Where the two brightnesses of ink and paper stand apart, Otsu's threshold tells them apart, and the border which of them is the
paper: ink may cover most of the picture. Where they don't, most of the picture is paper. Before, the edge of a shadow is taken
out (`shade`); after, what nobody wrote here: a frame (`frames`), the paper's lines (`paper_lines`), what shines through from
the back (`bleed_through`), and what an edge cuts off (`edges`).
"""

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from pipeline.images.arrays import Grey, Ink, Mask
from pipeline.images.bleed_through import without_bleed_through
from pipeline.images.edges import without_cut_off
from pipeline.images.frames import inside_frame, is_paper
from pipeline.images.otsu import two_classes
from pipeline.images.paper_lines import without_lines
from pipeline.images.picture_file import shrunk
from pipeline.images.preprocessing import FAINT
from pipeline.images.shade import NOISE, deviation, sampled, shade, without_shadow
from pipeline.system.errors import DataError

LONGEST = 800  # side of the picture that is looked at, pixels: more costs time and shows no more
DEVIATIONS = 4.0  # of the paper's noise: less than this from the paper is no ink
SEPARATE = 4.0  # standard deviations between the classes of ink and paper: a slope's halves are 3.5 apart, MNIST's 4.5
SOFT, STRONG = 3.0, 60  # less will do with a strong contrast, as a small digit's soft edges have; noise's are 2.7 apart
CLEAR, STAYS = 16, 0.7  # in a small picture any will do with a clear contrast, of which a mean of neighbours keeps this part
SHADED = 1.25  # times as far apart are the classes without the shade, if there is one
SMALLEST = 48  # shorter side of a picture in which lines, shadows and edges are looked for, pixels: 28 x 28 is one digit
ENOUGH = 40_000  # pixels, of which the paper's level and noise are estimated
CONTRAST = 40  # of 255: in colour, between ink and paper of one brightness; in brightness, on a page with transparent margins


class BlankPicture(DataError):
    """There is no ink in a picture."""


def ink_of(image: Image.Image) -> Ink:
    """How much ink each pixel holds, on paper that may lie in a shade.

    Args:
        image: of any mode, size and polarity. It is turned as its EXIF orientation says. A frame around it is no ink, nor are
            the paper's lines, a shadow, the back page's ink, and what an edge cuts off.

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
    grey, flat = _out_of_shadow(grey)
    classes, flat_classes = two_classes(sampled(grey)), two_classes(sampled(flat))
    inside = slice(0, grey.shape[0]), slice(0, grey.shape[1])
    soft = flat_classes.apart >= SOFT and flat_classes.contrast >= STRONG
    small = min(grey.shape) < SMALLEST and flat_classes.contrast >= CLEAR and _stays(flat, flat_classes.contrast)
    if soft or small or max(classes.apart, flat_classes.apart) >= SEPARATE:
        if flat_classes.apart > SHADED * classes.apart:
            grey, classes = flat, flat_classes
        dark = grey <= classes.threshold
        inside = inside_frame(dark)
        bright_ink = is_paper(dark[inside])
        paper = grey[inside][dark[inside] == bright_ink]
        some = paper[:: 1 + paper.size // ENOUGH]
        level = float(np.median(some))
        difference = (grey[inside] - level) * np.float32(1 if bright_ink else -1)
        noise = min(deviation(some - level), _most(difference) / (2 * DEVIATIONS))  # soft edges are no noise
    else:
        noise = deviation(flat.ravel()[:: 1 + flat.size // ENOUGH])
        difference = flat if _most(flat) > _most(-flat) else -flat
    most, floor = _most(difference), max(NOISE, DEVIATIONS * noise)
    if most <= floor:
        found = "is of one colour" if np.ptp(grey) == 0 else f"has ink that differs by {max(most, 0):.0f}"
        raise BlankPicture(
            f"no ink was found: ink must differ from its paper by more than {floor:.0f} of 255 levels, which are noise, and "
            f"this picture {found}. Write darker, or take the picture in better light."
        )
    ink = np.zeros_like(grey)
    ink[inside] = np.clip((difference - floor / 2) / (most - floor / 2), 0, 1)
    within = np.zeros_like(grey)
    framed = inside_frame(ink >= FAINT, (True,))  # by a frame of another grey than the ink's
    both = tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(inside, framed, strict=True))
    within[both] = _written(ink[both])
    return within


def _written(ink: Ink) -> Ink:
    """The ink, (height, width), without what nobody wrote here. Raises BlankPicture."""
    if min(ink.shape) < SMALLEST:
        return ink
    unlined = without_lines(ink)
    left = without_cut_off(without_bleed_through(unlined), has_lines=unlined is not ink)
    if left is ink:
        return ink
    most = _most(left)
    if most < FAINT:
        raise BlankPicture("no ink was found but straight lines, which are taken for the paper's. Write something.")
    scaled: Ink = np.clip(left / np.float32(most), 0, 1)
    return scaled


def _out_of_shadow(grey: Grey) -> tuple[Grey, Grey]:
    """One channel without a shadow that has an edge, if this parts ink from paper better; and the same without a shade."""
    flat = grey - shade(grey)
    lit = without_shadow(grey) if min(grey.shape) >= SMALLEST else None
    if lit is None:
        return grey, flat
    apart = max(two_classes(sampled(grey)).apart, two_classes(sampled(flat)).apart)
    if two_classes(sampled(lit)).apart <= SHADED * apart:
        return grey, flat
    return lit, lit - shade(lit)


def _stays(flat: Grey, contrast: float) -> bool:
    """Whether the mean of neighbouring pixels keeps the contrast of a picture without its shade: that of noise goes."""
    smooth = ndimage.uniform_filter(flat, 3)
    return two_classes(smooth.ravel()).contrast >= STAYS * contrast


def _most(difference: Grey) -> float:
    """The largest value, without the last pixels: a grain of dust is no ink."""
    return float(np.partition(difference.ravel(), -4)[-4] if difference.size > 100 else difference.max())
