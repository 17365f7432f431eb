"""The images of an explanation. Knows nothing of a window."""

from PIL import Image, ImageFilter, ImageOps

from gui.page.palette import Palette
from gui.reading.messages import Explanation, FeatureMaps
from pipeline.data.stroke_files import Bounds

SIDE = 28  # of the network's input, pixels
INK = 64  # from this brightness on, of 255, a pixel of the input counts as ink
SMOOTH = 0.8  # of evidence: pixels of the input; what a single pixel says is mostly noise
STRENGTHEN = 2.0  # evidence that is smoothed, before it is coloured
SOFT_EDGE = 1  # of that ink around the middle of the strokes, pixels of the input


def _strengthened(value: int) -> int:
    """Weak evidence seen more easily, also after the smoothing."""
    part = min(abs(value - 128) / 127 * STRENGTHEN, 1.0) ** 0.6
    return round(128 + (127 if value > 128 else -127) * float(part))


STRENGTHENED = [_strengthened(value) for value in range(256)]


def tinted(given: bytes, reason: bytes, side: int, palette: Palette) -> Image.Image:
    """The network's input with its ink coloured by what it is for a digit: evidence for it, against it, neither.

    `given` and `reason`, the pixels of a `Reason`, are 28 x 28 bytes; the result has `side` x `side` pixels.
    """
    image = Image.new("RGB", (side, side), palette.paper)
    mask = _image(given).resize((side, side), Image.Resampling.BICUBIC)
    image.paste(_colours(reason, side, palette), (0, 0), mask)
    return image


def plain(given: bytes, side: int) -> Image.Image:
    """The network's input as it is, every pixel to be seen."""
    return _image(given).resize((side, side), Image.Resampling.NEAREST)


def sheet(maps: FeatureMaps, largest: tuple[int, int], palette: Palette) -> Image.Image:
    """All feature maps of a layer, as large as they fit into that width and height, from the card's colour to the text's."""
    image = Image.frombytes("L", (maps.width, maps.height), maps.pixels)
    scale = min(largest[0] / maps.width, largest[1] / maps.height)
    size = (max(round(maps.width * scale), 1), max(round(maps.height * scale), 1))
    return ImageOps.colorize(image.resize(size, Image.Resampling.NEAREST), palette.card, palette.text, palette.right)


def paint(colours: Image.Image, mask: Image.Image, why: Explanation, box: Bounds, palette: Palette, fill: bool) -> None:
    """Colour the region of a digit by the evidence of its ink for the answer.

    Args:
        colours: of the ink, screen pixels; painted into.
        mask: where there is ink, mode L, screen pixels.
        why: the explanation.
        box: of the digit, screen pixels.
        palette: of the theme.
        fill: put the ink of the network's input into the mask, for an image has no strokes.
    """
    given = _image(why.picture)
    area = given.point(lambda value: 255 * (value >= INK)).getbbox()
    if area is None or not why.reasons:
        return
    wide, high = max(area[2] - area[0] - 2 * SOFT_EDGE, 1), max(area[3] - area[1] - 2 * SOFT_EDGE, 1)
    scale = max((box[2] - box[0]) / wide, (box[3] - box[1]) / high)  # screen pixels for a pixel of the input
    side = round(SIDE * scale)
    if not 0 < side <= 4 * max(colours.size):
        return
    x = (box[0] + box[2]) / 2 - (area[0] + area[2]) / 2 * scale
    y = (box[1] + box[3]) / 2 - (area[1] + area[3]) / 2 * scale
    place = (round(x), round(y))
    own = Image.new("L", (side, side), 0)
    reach = [round((edge + more) * scale) for edge, more in zip(area, (-2, -2, 2, 2), strict=True)]
    own.paste(255, (reach[0], reach[1], reach[2], reach[3]))  # the digit's own ink, and not a neighbour's
    colours.paste(_colours(why.reasons[0].pixels, side, palette), place, own)
    if fill:
        mask.paste(given.resize((side, side), Image.Resampling.BICUBIC), place)


def _image(values: bytes) -> Image.Image:
    return Image.frombytes("L", (SIDE, SIDE), values)


def _colours(reason: bytes, side: int, palette: Palette) -> Image.Image:
    smooth = _image(reason).filter(ImageFilter.GaussianBlur(SMOOTH)).point(STRENGTHENED)
    coloured = ImageOps.colorize(smooth, palette.against, palette.pro, palette.neutral, midpoint=128)
    return coloured.resize((side, side), Image.Resampling.BICUBIC)
