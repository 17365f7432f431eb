"""Images, opened in one way by the window, a script and the prepared data. Loads no numpy, which takes time."""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Union

from PIL import Image, ImageOps, UnidentifiedImageError

from pipeline.system.errors import DataError
from pipeline.system.quiet import without_warnings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: What `picture_of` takes.
Picture = Union["Image.Image", str, "os.PathLike[str]", bytes, "NDArray[np.generic]"]

LARGEST = 1600  # side of a picture as it is read and shown, pixels; a larger one is made smaller
MOST_VALUES = 120_000_000  # of a file, pixels times channels: decoding more takes seconds, and hundreds of MiB


def picture_of(picture: Picture) -> Image.Image:
    """A Pillow image of whatever a picture is given as.

    Args:
        picture: a Pillow image of any mode and size; a file, by its path; the bytes of a file; or an array (height, width),
            (height, width, 1), (height, width, 3) RGB or (height, width, 4) RGBA: integers from 0 to 255, booleans, or
            floats, of which those of colours are from 0 to 1.

    Raises:
        DataError: it is none of these, has no pixels, or can't be read.
    """
    if isinstance(picture, str | os.PathLike):
        if not os.fspath(picture):
            raise DataError("the path of the picture is empty.")
        return _opened(Path(picture), os.fspath(picture))
    if isinstance(picture, bytes | bytearray | memoryview):
        return _opened(io.BytesIO(picture), f"what these {len(picture):,} bytes hold")
    if isinstance(picture, Image.Image):
        image = picture
    elif hasattr(picture, "__array_interface__"):
        image = _from_array(picture)
    else:
        raise DataError(
            "a picture must be a path, the bytes of a file, a Pillow image or an array (height, width), and is "
            f"{type(picture).__name__}: {picture!r:.60}."
        )
    if 0 in image.size:
        raise DataError(f"a picture must have pixels, and this one is {image.width} x {image.height}.")
    try:
        image.load()
    except Exception as error:  # an opened file is read only now: see `_opened`
        raise DataError(_unreadable(getattr(image, "filename", "") or "the image", error)) from None
    return image


def _from_array(array: Any) -> Image.Image:
    shape = tuple(array.shape)
    if len(shape) == 3 and shape[2] == 1:
        array, shape = array[..., 0], shape[:2]
    is_colour = len(shape) == 3 and shape[2] in (3, 4)
    if not (len(shape) == 2 or is_colour) or array.dtype.kind not in "buif":
        raise DataError(
            "an array of a picture must be (height, width), or (height, width, 3) RGB or (height, width, 4) RGBA, of numbers, "
            f"and is {shape} of {array.dtype}."
        )
    if 0 in shape:
        raise DataError(f"a picture must have pixels, and this array is {shape}.")
    if is_colour:
        largest = 1 if array.dtype.kind in "fb" else 255
        low, high = array.min(), array.max()
        if not 0 <= low <= high <= largest * 1.001:  # nor if one is not a number; rounding may exceed it by a little
            raise DataError(
                "an array of colours must be integers from 0 to 255 or floats from 0 to 1, and is "
                f"{array.dtype} from {low:.6g} to {high:.6g}. Scale it."
            )
        array = (array * (255 / largest)).clip(0, 255).astype("uint8")
    elif array.dtype.kind != "b" and array.dtype != "uint8":
        array = array.astype("float32")
    return Image.fromarray(array)


def open_picture(path: Path) -> Image.Image:
    """A picture from a file, upright, its sides at most `LARGEST` pixels.

    Raises:
        DataError: the file is missing, no picture, or too large.
    """
    return _opened(path, str(path))


def _opened(source: Path | io.BytesIO, name: str) -> Image.Image:
    try:
        # If what Pillow warns of matters, it becomes an error below. It gets no path: it would map uncompressed TIFFs into
        # memory, and Pillow 13.0 then mistakes the sides of those that their camera turned.
        with without_warnings(), _stream(source) as stream, Image.open(stream) as opened:
            opened.draft("RGB", (LARGEST, LARGEST))
            most = MOST_VALUES // len(opened.getbands())
            if opened.width * opened.height > most:
                raise DataError(_too_large(name, most, f"has {opened.width} x {opened.height}"))
            return ImageOps.exif_transpose(shrunk(opened, LARGEST))
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"there is no picture {name}.") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a folder, and a picture is one file.") from None
    except PermissionError as error:
        raise DataError(f"{name} can't be read: {error.strerror}.") from None
    except Image.DecompressionBombError:
        raise DataError(_too_large(name, MOST_VALUES, "has more")) from None
    except Exception as error:  # a decoder raises anything on a damaged file: ValueError, SyntaxError, struct.error, ...
        raise DataError(_unreadable(name, error)) from None


def _stream(source: Path | io.BytesIO) -> BinaryIO:
    return source.open("rb") if isinstance(source, Path) else source


def _unreadable(name: object, error: Exception) -> str:
    # What else a decoder raises speaks of the decoder, and Pillow's of an unknown format of an object in memory.
    known = isinstance(error, OSError) and not isinstance(error, UnidentifiedImageError)
    why = str(error).rstrip(".") if known and str(error) else "it is damaged, or of no format of pictures that is known"
    return f"{name} can't be read as a picture: {why}. Expected: PNG, JPEG, ... Mend it or take it away."


def _too_large(name: str, most: int, has: str) -> str:
    return f"the picture {name} must have at most {most:,} pixels, and {has}. Make it smaller."


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
