"""Pictures of why the network answered so. Knows nothing of a window."""

from functools import cache

from PIL import Image, ImageFilter, ImageOps

from gui.page.ink import View
from gui.page.palette import Palette
from gui.reading.messages import Explanation, FeatureMaps

SIDE = 28  # of the network's input, pixels
INK = 64  # from this brightness on, of 255, a pixel of the input counts as ink
SMOOTH = 0.8  # of reasons: pixels of the input; what a single pixel says is mostly noise
STRENGTHEN = 2.0  # reasons that are smoothed, before they are coloured
SOFT_EDGE = 1  # of that ink around the middle of the strokes, pixels of the input


def _strengthened(value: int) -> int:
    """Weak reasons seen more easily, also after the smoothing."""
    part = min(abs(value - 128) / 127 * STRENGTHEN, 1.0) ** 0.6
    return round(128 + (127 if value > 128 else -127) * float(part))


STRENGTHENED = [_strengthened(value) for value in range(256)]


def tinted(picture: bytes, reason: bytes, side: int, palette: Palette) -> Image.Image:
    """The network's input with its ink coloured by what it said: for the digit, against it, neither.

    Args:
        picture: 28 x 28 bytes.
        reason: 28 x 28 bytes, as in `Explanation`.
        side: of the result, pixels.
        palette: of the theme.

    """
    mask = Image.frombytes("L", (SIDE, SIDE), picture).resize((side, side), Image.Resampling.BICUBIC)
    image = Image.new("RGB", (side, side), palette.paper)
    image.paste(_colours(reason, (side, side), palette), (0, 0), mask)
    return image


def given(picture: bytes, side: int) -> Image.Image:
    """The network's input as it is, every pixel to be seen."""
    return Image.frombytes("L", (SIDE, SIDE), picture).resize((side, side), Image.Resampling.NEAREST)


def sheet(maps: FeatureMaps, largest: tuple[int, int], palette: Palette) -> Image.Image:
    """All feature maps of a layer, as large as they fit into that width and height, from the card's colour to the text's."""
    image = Image.frombytes("L", (maps.width, maps.height), maps.pixels)
    scale = min(largest[0] / maps.width, largest[1] / maps.height)
    size = (max(round(maps.width * scale), 1), max(round(maps.height * scale), 1))
    return _coloured(image.resize(size, Image.Resampling.NEAREST), palette.card, palette.text, palette.right)


def paint(
    colours: Image.Image,
    mask: Image.Image,
    why: Explanation,
    box: tuple[float, float, float, float],
    view: View,
    palette: Palette,
    fill: bool,
) -> None:
    """Colour the region of a digit by what its ink said for the answer.

    Args:
        colours: of the ink, screen pixels; painted into.
        mask: where there is ink, mode L, screen pixels.
        why: the explanation.
        box: of the digit on the page.
        view: how the page is shown.
        palette: of the theme.
        fill: put the ink of the network's input into the mask, for a picture has no strokes.

    """
    area = Image.frombytes("L", (SIDE, SIDE), why.picture).point(lambda value: 255 * (value >= INK)).getbbox()
    if area is None or not why.reasons:
        return
    left, top = view.to_screen(*box[:2])
    right, bottom = view.to_screen(*box[2:])
    wide, high = max(area[2] - area[0] - 2 * SOFT_EDGE, 1), max(area[3] - area[1] - 2 * SOFT_EDGE, 1)
    scale = max((right - left) / wide, (bottom - top) / high)  # screen pixels for a pixel of the input
    side = round(SIDE * scale)
    if not 0 < side <= 4 * max(colours.size):
        return
    x = (left + right) / 2 - (area[0] + area[2]) / 2 * scale
    y = (top + bottom) / 2 - (area[1] + area[3]) / 2 * scale
    painted = _colours(why.reasons[0][1], (side, side), palette)
    own = Image.new("L", (side, side), 0)
    reach = (
        round((area[0] - 2) * scale),
        round((area[1] - 2) * scale),
        round((area[2] + 2) * scale),
        round((area[3] + 2) * scale),
    )
    own.paste(255, reach)  # the digit's own ink, and not a neighbour's
    colours.paste(painted, (round(x), round(y)), own)
    if fill:
        given = Image.frombytes("L", (SIDE, SIDE), why.picture).resize((side, side), Image.Resampling.BICUBIC)
        mask.paste(given, (round(x), round(y)))


def _colours(reason: bytes, size: tuple[int, int], palette: Palette) -> Image.Image:
    spoken = Image.frombytes("L", (SIDE, SIDE), reason).filter(ImageFilter.GaussianBlur(SMOOTH))
    coloured = _coloured(spoken.point(STRENGTHENED), palette.against, palette.pro, palette.neutral, midpoint=128)
    return coloured.resize(size, Image.Resampling.BICUBIC)


def _coloured(grey: Image.Image, black: str, white: str, middle: str, midpoint: int = 127) -> Image.Image:
    """What `ImageOps.colorize` gives, whose tables take longer than all the rest of a picture: they are made once."""
    grey.putpalette(_ramp(black, white, middle, midpoint))
    return grey.convert("RGB")


@cache
def _ramp(black: str, white: str, middle: str, midpoint: int) -> bytes:
    """The colours of the 256 greys."""
    greys = Image.frombytes("L", (256, 1), bytes(range(256)))
    return ImageOps.colorize(greys, black, white, middle, midpoint=midpoint).tobytes()
