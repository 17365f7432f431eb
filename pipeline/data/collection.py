"""What people drew and labelled: the collection that the window adds to, and lists of strokes from elsewhere.

A file is JSON, an object ``{"label": 7, "writer": "ann", "date": "2026-01-31T12:00:00", "strokes": [[[x, y], ...], ...]}``
or a list of such objects; ``writer`` and ``date`` may be missing. Coordinates are in the unit square, y downward. The files
of a collection hold one drawing each; a name that ends in ``.gz`` is gzipped.
"""

import gzip
import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.data.datasets import Drawings
from pipeline.images import strokes as rendering
from pipeline.images.arrays import CLASSES, SIDE, Split
from pipeline.system.errors import DataError
from pipeline.system.paths import in_project, replacing

Strokes = list[list[tuple[float, float]]]

DECIMALS = 4  # of a coordinate in the unit square: a ten thousandth of the digit's height


@dataclass(frozen=True)
class Drawing:
    """One labelled drawing.

    Attributes:
        label: 0 to 9.
        strokes: points in the unit square, y downward; at least one.
        writer: who drew it; "" if nobody knows.
        date: when, in ISO 8601; "" if nobody knows.

    """

    label: int
    strokes: Strokes
    writer: str
    date: str


def add(folder: Path, label: int, strokes: Any, writer: str = "") -> Path:
    """Write a drawing into a collection, whole or not at all.

    Args:
        folder: of the collection; it is made if it is not there.
        label: 0 to 9.
        strokes: lists of (x, y), in any unit, y downward. They are brought to the unit square, the longer side 1.
        writer: who drew it.

    Returns:
        The new file.

    Raises:
        DataError: the label is none, or there is no stroke.

    """
    now = datetime.now(UTC)
    drawing = _check({"label": label, "writer": writer, "date": now.isoformat(), "strokes": strokes}, "what is to be added")
    left, top, right, bottom = rendering.bounds(drawing.strokes)
    size = max(right - left, bottom - top) or 1.0
    lines = [
        "[" + ", ".join(f"[{round((x - left) / size, DECIMALS)}, {round((y - top) / size, DECIMALS)}]" for x, y in line) + "]"
        for line in drawing.strokes
    ]
    head = "".join(f'  "{key}": {json.dumps(getattr(drawing, key))},\n' for key in ("label", "writer", "date"))
    text = "{\n" + head + '  "strokes": [\n    ' + ",\n    ".join(lines) + "\n  ]\n}\n"
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    path = folder / f"{now:%Y%m%dT%H%M%S}-{label}-{digest}.json"
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def read(path: Path) -> list[Drawing]:
    """Read a file, or all ``.json`` and ``.json.gz`` files of a folder, in the order of their names.

    Raises:
        DataError: a file is missing, or is not what the format says.

    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.name.endswith((".json", ".json.gz")) and file.name[0] != ".")
        return [drawing for file in files for drawing in read(file)]
    try:
        content = path.read_bytes()
        found = json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    except FileNotFoundError:
        raise DataError(f"there are no drawings {path}: a .json or .json.gz file, or a folder of them, is expected.") from None
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise DataError(f"{path} can't be read as JSON: {error}. Mend it or take it away.") from None
    if isinstance(found, dict):
        return [_check(found, str(path))]
    if not isinstance(found, list):
        raise DataError(f"{path} must hold a drawing or a list of drawings, and holds {_kind(found)}. Mend it or take it away.")
    return [_check(item, f"{path}, drawing {number}") for number, item in enumerate(found)]


def _check(item: Any, where: str) -> Drawing:
    if not isinstance(item, dict):
        raise DataError(f"{where} must be an object with label and strokes, and is {_kind(item)}. Mend it or take it away.")
    label, strokes = item.get("label"), item.get("strokes")
    if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < CLASSES:
        raise DataError(f"{where}: label must be a whole number from 0 to 9, and is {label!r:.40}. Mend it or take it away.")
    try:
        points = [[(float(x), float(y)) for x, y in stroke] for stroke in strokes]  # type: ignore[union-attr]
        sound = any(points) and all(isfinite(x) and isfinite(y) for stroke in points for x, y in stroke)
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise DataError(
            f"{where}: strokes must be lists of points [x, y], one point at least, and are "
            f"{json.dumps(strokes, default=str):.60}. Mend it or take it away."
        )
    return Drawing(label, [stroke for stroke in points if stroke], str(item.get("writer") or ""), str(item.get("date") or ""))


def _kind(value: Any) -> str:
    return {type(None): "null", str: "text", list: "a list"}.get(type(value), "a number")


def pictures(drawings: list[Drawing]) -> Split:
    """The drawings as MNIST would have them: (n, 28, 28) uint8, and their labels, (n,) uint8."""
    drawn = [rendering.render(drawing.strokes) for drawing in drawings]
    labels = np.array([drawing.label for drawing in drawings], np.uint8)
    return Split(np.stack(drawn) if drawn else np.zeros((0, SIDE, SIDE), np.uint8), labels)


def divide(drawings: list[Drawing], by: str, fraction: float) -> tuple[list[Drawing], list[Drawing]]:
    """Keep drawings apart for measuring: whole writers, or the newest.

    Args:
        drawings: all of them.
        by: ``writer`` or ``date``.
        fraction: of the drawings to keep apart. At least one writer, or drawing, is, and at least one isn't; of one, none is.

    Returns:
        Those to train on and those kept apart.

    """

    def group(drawing: Drawing) -> str:
        # Writers in an order that has nothing to do with their names, and stays as others come.
        return hashlib.sha256(drawing.writer.encode()).hexdigest() if by == "writer" else ""

    ordered = sorted(drawings, key=lambda drawing: (group(drawing), drawing.date))
    wanted = max(1, round(fraction * len(ordered))) if len(ordered) > 1 else 0
    cut = len(ordered) - wanted
    if by == "writer" and wanted:
        first = group(ordered[cut])  # the whole writer goes to the side that keeps one for training
        begin = next(number for number, drawing in enumerate(ordered) if group(drawing) == first)
        end = next((number for number, drawing in enumerate(ordered) if group(drawing) > first), len(ordered))
        cut = begin or end
    return ordered[:cut], ordered[cut:]


def text_of(drawings: list[Drawing]) -> str:
    """The text of a file that holds these drawings, a line each; "" for none."""
    if not drawings:
        return ""
    return "[\n" + ",\n".join(json.dumps(asdict(drawing)) for drawing in drawings) + "\n]\n"


def collected(options: Drawings | None) -> list[Drawing]:
    """The drawings of the collection; none if there is no collection."""
    folder = in_project(options.folder) if options else None
    return read(folder) if folder and folder.is_dir() else []


def join(splits: dict[str, Split], found: list[Drawing], options: Drawings | None) -> dict[str, Split]:
    """Add drawings to a dataset: the part kept apart as the split ``drawings``, the rest to ``train`` if it is wanted."""
    if options is None or not found:
        return splits
    train, apart = divide(found, options.held_out_by, options.held_out_fraction)
    joined = dict(splits)
    if options.train:
        drawn, given = pictures(train), splits["train"]
        joined["train"] = Split(
            np.concatenate([given.pictures, np.repeat(drawn.pictures, options.repeat, axis=0)]),
            np.concatenate([given.labels, np.repeat(drawn.labels, options.repeat)]),
        )
    return joined | ({"drawings": pictures(apart)} if apart else {})
