"""Drawings and pictures on disk."""

import json
from pathlib import Path
from typing import Any

from PIL import Image

from gui.page.drawing import Drawing, Point
from pipeline.images.picture_file import open_picture
from pipeline.system.errors import DataError
from pipeline.system.paths import replacing

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
SPREAD = 0.8  # of the page, that strokes from a file take up


def with_ending(path: Path, kind: str) -> Path:
    """`path`, with the ending of the kind that was chosen, ``Picture`` or ``Strokes``, if it has none."""
    return path if path.suffix else path.with_suffix(".json" if kind.startswith("Strokes") else ".png")


def save(drawing: Drawing, path: Path) -> None:
    """Save a drawing as a picture (``.png``) or as strokes (``.json``), by the ending; whole or not at all.

    Raises:
        DataError: another ending, nothing drawn, or the folder can't be written to.

    """
    if path.suffix.lower() not in (".png", ".json"):
        raise DataError(f"a drawing is saved as .png or .json, not as {path.name!r}. Choose a name with one of these endings.")
    if not drawing.strokes:
        raise DataError("there are no strokes to save. Draw something first.")
    try:
        with replacing(path) as temporary:
            if path.suffix.lower() == ".png":
                drawing.render().save(temporary, "PNG")
            else:
                temporary.write_text(json.dumps([{"label": None, "strokes": unit(drawing)}]) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"the file {path} can't be written: {error.strerror}. Choose another folder.") from None


def unit(drawing: Drawing) -> list[list[list[float]]]:
    """The strokes of a drawing, in the unit square: its page, or more if it goes beyond."""
    return in_unit(drawing.strokes, drawing.bounds())


def in_unit(strokes: list[list[Point]], bounds: tuple[float, float, float, float]) -> list[list[list[float]]]:
    """Strokes within `bounds`, left, top, right, bottom, in the unit square."""
    left, top, right, bottom = bounds
    side = max(right - left, bottom - top) or 1.0
    return [[[round((x - left) / side, 5), round((y - top) / side, 5)] for x, y in stroke] for stroke in strokes]


def load_strokes(path: Path, size: tuple[float, float]) -> list[list[Point]]:
    """The strokes of the first drawing of a ``.json`` file, in the middle of a page of `size` pixels.

    Raises:
        DataError: the file is missing, or holds no strokes.

    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        strokes = _points(found[0] if isinstance(found, list) else found)
    except OSError as error:
        raise DataError(f"the file {path} can't be opened: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, IndexError, OverflowError):
        raise DataError(f'the file {path.name} is no drawing: [{{"strokes": [[[x, y], ...], ...]}}] is expected.') from None
    xs, ys = [x for s in strokes for x, _ in s], [y for s in strokes for _, y in s]
    width, height = max(xs) - min(xs), max(ys) - min(ys)
    scale = SPREAD * min(size[0] / (width or 1e-6), size[1] / (height or 1e-6), max(size))
    x0, y0 = (size[0] - width * scale) / 2 - min(xs) * scale, (size[1] - height * scale) / 2 - min(ys) * scale
    return [[(x * scale + x0, y * scale + y0) for x, y in stroke] for stroke in strokes]


def _points(drawing: Any) -> list[list[Point]]:
    strokes = [[(float(x), float(y)) for x, y, *_ in stroke] for stroke in drawing["strokes"] if stroke]
    if not strokes or not all(abs(value) < 1e9 for stroke in strokes for point in stroke for value in point):
        raise ValueError("no strokes, or coordinates that are none")
    return strokes


def shown_picture(path: Path, side: int) -> tuple[tuple[int, int], tuple[int, int], bytes]:
    """A picture for the screen.

    Returns:
        Its size as it is read, pixels; the size of the shown one, of sides of at most `side`; its RGB bytes.

    Raises:
        DataError: the file is missing, or no picture.

    """
    picture = open_picture(path)
    size = picture.size
    if picture.mode.startswith(("I", "F")):
        grey = picture.convert("F")  # Pillow's own conversion would cut instead of scale
        low, high = (float(value) for value in grey.getextrema())  # type: ignore[arg-type]
        scale = 255 / (high - low or 1.0)
        picture = grey.point(lambda value: value * scale - low * scale)
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "#808080"), rgba)
    shown = picture.convert("RGB")
    shown.thumbnail((side, side))
    return size, shown.size, shown.tobytes()
