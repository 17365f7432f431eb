"""Drawings and images on disk."""

import json
import tempfile
from pathlib import Path

from PIL import Image

from gui.page.page import Page, ShownImage
from pipeline.data import stroke_files
from pipeline.data.stroke_files import Strokes
from pipeline.images.picture_file import open_picture
from pipeline.system.errors import DataError
from pipeline.system.paths import replacing

#: Endings of files that the dialog lists; whatever Pillow reads is opened.
IMAGES = (".png", ".jpg", ".jpeg", ".jfif", ".jp2", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".avif", ".ico", ".ppm", ".tga")
STROKES = (".json", ".json.gz")
PASTED = "the pasted picture"  # name of its file, for the user
SPREAD = 0.8  # of the page, that strokes from a file take up


def with_ending(path: Path, kind: str) -> Path:
    """`path`, with the ending of the kind that was chosen, ``Image`` or ``Strokes``, if it has none."""
    return path if path.suffix else path.with_suffix(".json" if kind.startswith("Strokes") else ".png")


def must_have_strokes(page: Page) -> None:
    """Make sure that there is something to save.

    Raises:
        DataError: there is not.
    """
    if not page.strokes:
        raise DataError("there are no strokes to save. Draw something first.")


def save(page: Page, path: Path) -> None:
    """Save a drawing as an image (``.png``) or as strokes (``.json``), by the ending; whole or not at all.

    Raises:
        DataError: another ending, nothing drawn, or the folder can't be written to.
    """
    if path.suffix.lower() not in (".png", ".json"):
        raise DataError(f"a drawing is saved as .png or .json, not as {path.name!r}. Choose a name with one of these endings.")
    must_have_strokes(page)
    try:
        with replacing(path) as temporary:
            if path.suffix.lower() == ".png":
                page.render().save(temporary, "PNG")
            else:
                strokes = stroke_files.in_unit_square(page.strokes, page.bounds())
                temporary.write_text(json.dumps([{"label": None, "strokes": strokes}]) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"the file {path} can't be written: {error.strerror}. Choose another folder.") from None


def load_strokes(path: Path, size: tuple[float, float]) -> tuple[Strokes, int]:
    """The strokes of the first drawing in a file, in the middle of a page of `size` pixels; and how many drawings it holds.

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
    return [[(x * scale + x0, y * scale + y0) for x, y in stroke] for stroke in strokes], len(items)


def pasted_image(folder: Path, side: int) -> ShownImage:
    """The picture in the clipboard, for the screen, of sides of at most `side` pixels. A file of it is put into `folder`.

    Raises:
        DataError: there is no picture, or nothing that reads the clipboard is installed.
    """
    from PIL import ImageGrab

    try:
        found = ImageGrab.grabclipboard()
    except NotImplementedError:
        raise DataError(
            "pasting a picture takes the program xclip, or wl-paste on Wayland, and neither is installed. "
            "Remedy on Debian and Ubuntu: apt-get install xclip (or wl-clipboard)."
        ) from None
    except OSError as error:  # an image that can't be read is one too
        raise DataError(f"the picture in the clipboard can't be read: {error}. Save it to a file, and open that.") from None
    if isinstance(found, list) and found:
        return shown_image(Path(found[0]), side)
    if not isinstance(found, Image.Image):
        raise DataError("there is no picture in the clipboard. Copy one first.")
    path = Path(tempfile.mkdtemp(dir=folder)) / PASTED  # each in a folder of its own, for undo brings it back by its path
    found.save(path, "PNG")
    return shown_image(path, side)


def shown_image(path: Path, side: int) -> ShownImage:
    """An image for the screen, of sides of at most `side` pixels.

    Raises:
        DataError: the file is missing, or is no image.
    """
    image = open_picture(path)
    size = image.size
    if image.mode.startswith(("I", "F")):  # few are; Pillow's own conversion would cut instead of scale
        from pipeline.images.photo import grey_of

        image = Image.fromarray(grey_of(image))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "#808080"), rgba)
    shown = image.convert("RGB")
    shown.thumbnail((side, side))
    return ShownImage(path, size, shown)
