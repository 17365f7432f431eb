"""Strokes in files: the one parser and the one rounding. Loads no numpy, for the window reads and writes them too.

A file is JSON, an object ``{"strokes": [[[x, y], ...], ...], ...}`` or a list of such objects; it may be gzipped.
"""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.system.errors import DataError

Point = tuple[float, float]
Strokes = list[list[Point]]
Bounds = tuple[float, float, float, float]  # left, top, right, bottom

DECIMALS = 4  # of a coordinate in the unit square: a ten thousandth of its side
LARGEST = 1e9  # absolute coordinate; arithmetic with far larger ones overflows


def load(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The objects in a file, each with the words that name it in a message.

    Raises:
        DataError: the file is missing, or holds neither an object nor a list of objects.
    """
    try:
        content = path.read_bytes()
        found = json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    except FileNotFoundError:
        raise DataError(f"there are no drawings {path}: a .json or .json.gz file, or a folder of them, is expected.") from None
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise DataError(f"{path} can't be read as JSON: {error}. Mend it or take it away.") from None
    if isinstance(found, dict):
        return [(str(path), found)]
    if not isinstance(found, list):
        raise DataError(f"{path} must hold a drawing or a list of drawings, and holds {_kind(found)}. Mend it or take it away.")
    items = [(f"{path}, drawing {number}", item) for number, item in enumerate(found)]
    for where, item in items:
        if not isinstance(item, dict):
            raise DataError(f"{where} must be an object with strokes, and is {_kind(item)}. Mend it or take it away.")
    return items


def _kind(value: Any) -> str:
    return {type(None): "null", str: "text", list: "a list"}.get(type(value), "a number")


def parse(value: Any, where: str) -> Strokes:
    """The strokes that a JSON value holds, lists of points [x, y] in any unit, y downward; empty ones are left out.

    Raises:
        DataError: it is something else, or holds no point. The message names it by `where`.
    """
    try:
        strokes = [[(float(x), float(y)) for x, y in stroke] for stroke in value if stroke]
        sound = bool(strokes) and all(abs(number) <= LARGEST for stroke in strokes for point in stroke for number in point)
    except (TypeError, ValueError, OverflowError):
        sound = False
    if not sound:
        raise DataError(
            f"{where}: strokes must be lists of points [x, y], one point at least, and are "
            f"{json.dumps(value, default=str):.60}. Mend it or take it away."
        )
    return strokes


def bounds(strokes: Sequence[Sequence[Point]]) -> Bounds:
    """The box around the points of strokes, of which there is one at least."""
    xs, ys = zip(*(point for stroke in strokes for point in stroke), strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def in_unit_square(strokes: Sequence[Sequence[Point]], box: Bounds) -> Strokes:
    """Strokes as they are written: their `box` is scaled so that its longer side is 1, and coordinates are rounded."""
    left, top, right, bottom = box
    side = max(right - left, bottom - top) or 1.0
    return [[(round((x - left) / side, DECIMALS), round((y - top) / side, DECIMALS)) for x, y in stroke] for stroke in strokes]
