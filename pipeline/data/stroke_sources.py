"""Strokes as a source of a dataset, beside pictures: recorded by others, or drawn and corrected in the window.

What is trained on stays strokes until it is trained on: each time they are rendered as another hand would draw them
(`pipeline.images.hands`). What is held out becomes images, as the window would make them.
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from pipeline.data import collection
from pipeline.images import strokes as rendering
from pipeline.images.arrays import SIDE, Split
from pipeline.images.strokes import LabelledDrawing
from pipeline.system.paths import in_project
from pipeline.system.section import Count, Name, Rate, Section


class StrokeSource(Section):
    """A list of labelled strokes, or a folder of them."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    path: Name
    licence: Name
    train: bool
    repeat: Count
    held_out_by: Literal["writer", "date"]
    held_out_fraction: Rate
    held_out_for: Literal["validation", "evaluation"]


class Recorded(NamedTuple):
    """The drawings of a source."""

    source: StrokeSource  # its configuration
    train: list[LabelledDrawing]  # to train on, if they are wanted
    held_out: list[LabelledDrawing]  # the others


def read(sources: Sequence[StrokeSource], limit: int | None) -> list[Recorded]:
    """Read and divide the drawings of all sources; of each, at most `limit` are trained on.

    A folder that is not there, or is empty, holds none.

    Raises:
        DataError: a file is missing, or not as it should be.
    """
    recorded = []
    for source in sources:
        path = in_project(source.path)
        found = collection.read(path) if path.suffix or path.is_dir() else []
        train, held_out = divide(found, source.held_out_by, source.held_out_fraction)
        if limit and limit < len(train):
            train = [train[place] for place in np.linspace(0, len(train) - 1, limit).astype(int)]
        recorded.append(Recorded(source, train, held_out))
    return recorded


def divide(drawings: list[LabelledDrawing], by: str, fraction: float) -> tuple[list[LabelledDrawing], list[LabelledDrawing]]:
    """Hold drawings out for measuring, whole writers, or the newest; return those to train on and those held out.

    Args:
        drawings: all of them.
        by: ``writer`` or ``date``.
        fraction: of the drawings to hold out; 0: none. Else at least one writer, or drawing, is, and at least one isn't; of
            one, none is.
    """

    def group(drawing: LabelledDrawing) -> str:
        # Writers in an order that has nothing to do with their names, and stays as others come.
        return hashlib.sha256(drawing.writer.encode()).hexdigest() if by == "writer" else ""

    ordered = sorted(drawings, key=lambda drawing: (group(drawing), drawing.date))
    wanted = max(1, round(fraction * len(ordered))) if fraction and len(ordered) > 1 else 0
    cut = len(ordered) - wanted
    if by == "writer" and wanted:
        first = group(ordered[cut])  # the whole writer goes to the side that keeps one for training
        begin = next(number for number, drawing in enumerate(ordered) if group(drawing) == first)
        end = next((number for number, drawing in enumerate(ordered) if group(drawing) > first), len(ordered))
        cut = begin or end
    return ordered[:cut], ordered[cut:]


def images(drawings: Sequence[LabelledDrawing]) -> Split:
    """The drawings as MNIST would have them: (n, 28, 28) uint8, and their labels, (n,) uint8."""
    rendered = [rendering.render(drawing.strokes) for drawing in drawings]
    labels = np.array([drawing.label for drawing in drawings], np.uint8)
    return Split(np.stack(rendered) if rendered else np.zeros((0, SIDE, SIDE), np.uint8), labels)


def join(splits: dict[str, Split], recorded: Sequence[Recorded]) -> dict[str, Split]:
    """Add what is held out to a dataset: to the split ``validation``, or as a split of the source's name."""
    joined = dict(splits)
    for source, _, held_out in recorded:
        if not held_out:
            continue
        drawn = images(held_out)
        if source.held_out_for == "validation":
            chosen = joined["validation"]
            drawn = Split(np.concatenate([chosen.images, drawn.images]), np.concatenate([chosen.labels, drawn.labels]))
        joined["validation" if source.held_out_for == "validation" else source.name] = drawn
    return joined


def to_train_on(recorded: Sequence[Recorded]) -> list[LabelledDrawing]:
    """The drawings that are trained on, each as often as its source says."""
    return [drawing for source, train, _ in recorded if source.train for drawing in train * source.repeat]
