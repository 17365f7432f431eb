"""What people drew and labelled: the collection that the window adds to, and lists of strokes from elsewhere.

A file holds objects as `pipeline.data.stroke_files` reads them, each with more keys: ``{"label": 7, "writer": "ann", "date":
"2026-01-31T12:00:00", "strokes": [...]}``; ``writer`` and ``date`` may be missing. Coordinates are in the unit square, y
downward; in other lists they may be in any unit. The files of a collection hold one drawing each.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.data import stroke_files
from pipeline.images.arrays import CLASSES
from pipeline.images.strokes import LabelledDrawing
from pipeline.system.errors import DataError
from pipeline.system.paths import replacing


def add(folder: Path, label: int, strokes: Any, writer: str = "") -> Path:
    """Write a drawing into a collection, which is made if it is not there, whole or not at all; return the new file.

    The strokes, lists of (x, y) in any unit, y downward, are brought to the unit square, the longer side 1.

    Raises:
        DataError: the label is not from 0 to 9, or there is no stroke.
    """
    now = datetime.now(UTC)
    item = {"label": label, "writer": writer, "date": now.isoformat(), "strokes": strokes}
    drawing = _checked("what is to be added", item)
    lines = map(json.dumps, stroke_files.in_unit_square(drawing.strokes, stroke_files.bounds(drawing.strokes)))
    head = "".join(f'  "{key}": {json.dumps(getattr(drawing, key))},\n' for key in ("label", "writer", "date"))
    text = "{\n" + head + '  "strokes": [\n    ' + ",\n    ".join(lines) + "\n  ]\n}\n"
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    path = folder / f"{now:%Y%m%dT%H%M%S}-{label}-{digest}.json"
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def read(path: Path) -> list[LabelledDrawing]:
    """Read a file, or all ``.json`` and ``.json.gz`` files of a folder, in the order of their names.

    Raises:
        DataError: a file is missing, or is not what the format says.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.name.endswith((".json", ".json.gz")) and file.name[0] != ".")
        return [drawing for file in files for drawing in read(file)]
    return [_checked(where, item) for where, item in stroke_files.load(path)]


def _checked(where: str, item: dict[str, Any]) -> LabelledDrawing:
    label = item.get("label")
    if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < CLASSES:
        raise DataError(f"{where}: label must be a whole number from 0 to 9, and is {label!r:.40}. Mend it or take it away.")
    strokes = stroke_files.parse(item.get("strokes"), where)
    return LabelledDrawing(label, strokes, str(item.get("writer") or ""), str(item.get("date") or ""))


def text_of(drawings: Sequence[LabelledDrawing]) -> str:
    """The text of a file that holds these drawings, a line each."""
    return "[\n" + ",\n".join(json.dumps(vars(drawing)) for drawing in drawings) + "\n]\n"
