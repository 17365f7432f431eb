"""What people drew and labelled: the collection that the window adds to, and lists of strokes from elsewhere.

A file holds objects as `pipeline.data.stroke_files` reads them, each with more keys: ``{"label": 7, "writer": "ann", "date":
"2026-01-31T12:00:00", "strokes": [...]}``; ``writer`` and ``date`` may be missing. Coordinates are in the unit square, y
downward. The files of a collection hold one drawing each.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.data import stroke_files
from pipeline.data.datasets import Drawings
from pipeline.data.stroke_files import Strokes
from pipeline.images import strokes as rendering
from pipeline.images.arrays import CLASSES, SIDE, Split
from pipeline.system.errors import DataError
from pipeline.system.paths import in_project, replacing


@dataclass(frozen=True)
class LabelledDrawing:
    """What somebody drew, and which digit it is.

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


def images(drawings: list[LabelledDrawing]) -> Split:
    """The drawings as MNIST would have them: (n, 28, 28) uint8, and their labels, (n,) uint8."""
    rendered = [rendering.render(drawing.strokes) for drawing in drawings]
    labels = np.array([drawing.label for drawing in drawings], np.uint8)
    return Split(np.stack(rendered) if rendered else np.zeros((0, SIDE, SIDE), np.uint8), labels)


def divide(drawings: list[LabelledDrawing], by: str, fraction: float) -> tuple[list[LabelledDrawing], list[LabelledDrawing]]:
    """Hold drawings out for measuring: whole writers, or the newest.

    Args:
        drawings: all of them.
        by: ``writer`` or ``date``.
        fraction: of the drawings to hold out. At least one writer, or drawing, is, and at least one isn't; of one, none is.

    Returns:
        Those to train on and those held out.

    """

    def group(drawing: LabelledDrawing) -> str:
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


def text_of(drawings: list[LabelledDrawing]) -> str:
    """The text of a file that holds these drawings, a line each; "" for none."""
    if not drawings:
        return ""
    return "[\n" + ",\n".join(json.dumps(asdict(drawing)) for drawing in drawings) + "\n]\n"


def collected(options: Drawings | None) -> list[LabelledDrawing]:
    """The drawings of the collection; none if there is no collection."""
    folder = in_project(options.folder) if options else None
    return read(folder) if folder and folder.is_dir() else []


def join(splits: dict[str, Split], found: list[LabelledDrawing], options: Drawings | None) -> dict[str, Split]:
    """Add drawings to a dataset: the held-out part as the split ``drawings``, the rest to ``train`` if it is wanted."""
    if options is None or not found:
        return splits
    train, held_out = divide(found, options.held_out_by, options.held_out_fraction)
    joined = dict(splits)
    if options.train:
        drawn, given = images(train), splits["train"]
        joined["train"] = Split(
            np.concatenate([given.images, np.repeat(drawn.images, options.repeat, axis=0)]),
            np.concatenate([given.labels, np.repeat(drawn.labels, options.repeat)]),
        )
    return joined | ({"drawings": images(held_out)} if held_out else {})
