"""Picture files, opened in one way by the window, a script and the prepared data. Knows no numpy, which takes time to load."""

import warnings
from pathlib import Path

from PIL import Image, ImageOps

from pipeline.system.errors import DataError

LARGEST = 1600  # side of a picture as it is read and shown, pixels; a larger one is made smaller
MOST_PIXELS = 50_000_000  # of a file: decoding more takes seconds, and hundreds of MiB


def open_picture(path: Path) -> Image.Image:
    """A picture from a file, upright, its sides at most `LARGEST` pixels.

    Raises:
        DataError: the file is missing, no picture, or too large.

    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow warns of is told as an error if it matters
            with Image.open(path) as opened:
                opened.draft("RGB", (LARGEST, LARGEST))
                if opened.width * opened.height > MOST_PIXELS:
                    raise DataError(_too_large(path, f"has {opened.width} x {opened.height}"))
                return ImageOps.exif_transpose(shrunk(opened, LARGEST))
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"there is no picture {path}.") from None
    except Image.DecompressionBombError:
        raise DataError(_too_large(path, "has more")) from None
    except Exception as error:  # a decoder raises anything on a damaged file: ValueError, SyntaxError, struct.error, ...
        why = str(error) or type(error).__name__
        raise DataError(
            f"{path} can't be read as a picture: {why}. Expected: PNG, JPEG, ... Mend it or take it away."
        ) from None


def _too_large(path: Path, has: str) -> str:
    return f"the picture {path} must have at most {MOST_PIXELS:,} pixels, and {has}. Make it smaller."


def shrunk(image: Image.Image, longest: int) -> Image.Image:
    """A picture, or a smaller one with sides of at most `longest` pixels and at least one."""
    factor = longest / max(image.size)
    if factor >= 1:
        return image
    if image.mode.startswith(("I", "F")):
        image = image.convert("F")
    elif image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert("RGBA" if image.has_transparency_data else "L" if image.mode == "1" else "RGB")
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BOX)
