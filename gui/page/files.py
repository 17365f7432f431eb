"""Drawings and pictures on disk."""

import json
from pathlib import Path

from PIL import Image

from gui.page.drawing import Drawing
from pipeline.data import stroke_files
from pipeline.data.stroke_files import Strokes
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
                strokes = stroke_files.in_unit_square(drawing.strokes, drawing.bounds())
                temporary.write_text(json.dumps([{"label": None, "strokes": strokes}]) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"the file {path} can't be written: {error.strerror}. Choose another folder.") from None


def load_strokes(path: Path, size: tuple[float, float]) -> Strokes:
    """The strokes of the first drawing of a ``.json`` file, in the middle of a page of `size` pixels.

    Raises:
        DataError: the file is missing, or holds no strokes.

    """
    items = stroke_files.load(path)
    if not items:
        raise DataError(f"{path} must hold a drawing, and holds none. Choose another file.")
    where, item = items[0]
    strokes = stroke_files.parse(item.get("strokes"), where)
    left, top, right, bottom = stroke_files.bounds(strokes)
    scale = SPREAD * min(size[0] / ((right - left) or 1e-6), size[1] / ((bottom - top) or 1e-6), max(size))
    x0, y0 = (size[0] - (left + right) * scale) / 2, (size[1] - (top + bottom) * scale) / 2
    return [[(x * scale + x0, y * scale + y0) for x, y in stroke] for stroke in strokes]


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
