"""The prepared data on disk: what ``prepare`` writes and every later stage reads."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.data import collection
from pipeline.data.datasets import Dataset
from pipeline.data.stroke_sources import Recorded
from pipeline.images.arrays import CLASSES, SIDE, Images, Split
from pipeline.images.preprocessing import VERSION
from pipeline.images.strokes import LabelledDrawing
from pipeline.system.errors import DataError
from pipeline.system.paths import PREPARED

SAMPLES = 20  # of each class on the sheet
STROKES = "strokes"  # folder of the drawings, a list a source: those to train on, then those held out


def write(dataset: Dataset, splits: dict[str, Split], recorded: Sequence[Recorded], folder: Path = PREPARED) -> dict[str, Any]:
    """Write everything to a temporary folder, then put it in the place of `folder`; return the summary.

    What is held out of the drawings was joined to `splits`. The drawings are written too, so that DVC keeps every version of
    what people drew that a run was made with.
    """
    summary = summarize(dataset, splits, recorded)
    temporary = folder.with_name(f".{folder.name}.incomplete")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name, split in splits.items():
        np.save(temporary / f"{name}_images.npy", split.images)
        np.save(temporary / f"{name}_labels.npy", split.labels)
    contact_sheet(splits["train"]).save(temporary / "samples.png")
    (temporary / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    (temporary / STROKES).mkdir()
    for source, train, held_out in recorded:
        (temporary / STROKES / f"{source.name}.json").write_text(collection.text_of([*train, *held_out]), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)
    return summary


def summarize(dataset: Dataset, splits: dict[str, Split], recorded: Sequence[Recorded]) -> dict[str, Any]:
    """Counts, hashes and licences of splits and drawings; mean and standard deviation of the training pixels, 0 to 1."""
    # From the counts of the 256 values: exact, and faster than from millions of pixels. Pillow counts bytes as they are.
    weights = np.array(Image.fromarray(splits["train"].images.reshape(-1, SIDE)).histogram()) / splits["train"].images.size
    values = np.arange(256) / 255
    mean = float(weights @ values)
    standard_deviation = float(weights @ (values - mean) ** 2) ** 0.5
    summary: dict[str, Any] = {
        "dataset": dataset.name,
        "class_names": dataset.class_names,
        "licences": {dataset.name: dataset.licence} | {source.name: source.licence for source, _, _ in recorded},
        "preprocessing_version": VERSION,
        "mean": round(mean, 6),
        "standard_deviation": round(standard_deviation, 6),
        "splits": {},
        "strokes": {},
    }
    for name, split in splits.items():
        of_each_class = np.bincount(split.labels, minlength=CLASSES).tolist()
        content = hashlib.sha256(split.images.tobytes() + split.labels.tobytes()).hexdigest()
        summary["splits"][name] = {"images": len(split.labels), "of_each_class": of_each_class, "sha256": content}
    for source, train, held_out in recorded:
        content = hashlib.sha256(collection.text_of([*train, *held_out]).encode()).hexdigest()
        counts = {"trained_on": len(train) * source.train, "repeat": source.repeat, "held_out": len(held_out)}
        summary["strokes"][source.name] = {**counts, "sha256": content}
    hashes = json.dumps([summary["splits"], summary["strokes"]])
    summary["sha256"] = hashlib.sha256(hashes.encode()).hexdigest()
    return summary


def contact_sheet(split: Split) -> Image.Image:
    """The first images of each class, a row a class, dark on light."""
    blank: Images = np.zeros((SIDE, SIDE), np.uint8)
    rows = []
    for label in range(CLASSES):
        images = list(split.images[split.labels == label][:SAMPLES])
        rows.append(np.hstack(images + [blank] * (SAMPLES - len(images))))
    return Image.fromarray(255 - np.vstack(rows))


def summary(folder: Path = PREPARED) -> dict[str, Any]:
    """What ``prepare`` says of the data: see `summarize`."""
    try:
        return dict(json.loads((folder / "summary.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise DataError(f"{folder} holds no prepared data. Make it: dvc repro prepare") from None


def drawings(folder: Path = PREPARED) -> list[LabelledDrawing]:
    """The drawings to train on, each as often as its source says."""
    return [
        drawing
        for name, counts in summary(folder)["strokes"].items()
        if counts["trained_on"]
        for drawing in collection.read(folder / STROKES / f"{name}.json")[: counts["trained_on"]] * counts["repeat"]
    ]


def load(split: str, folder: Path = PREPARED) -> Split:
    """One of ``train``, ``validation``, ``test``: images (n, 28, 28) uint8 and labels (n,) uint8."""
    return Split(np.load(folder / f"{split}_images.npy"), np.load(folder / f"{split}_labels.npy"))
