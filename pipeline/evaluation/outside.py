"""Sets of digits from outside: read, shown to a network, and summed up. Nothing is chosen by them.

What is read of strokes and of pictures is what a window or a script would give the network: an image a digit. An answer below
the threshold of `pipeline.inference.rejection` is "no digit", and counts as wrong; an uncertain one counts by the digit that it
names first. Likewise for what is held out of the collection of drawings, and for corrupted test images.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from pipeline.data import collection, pictures, prepared, stroke_sources
from pipeline.evaluation import corruptions, metrics
from pipeline.evaluation.options import CorruptionSet, Evaluation, OutsideSet
from pipeline.images.arrays import CLASSES, Labels, Probabilities, Split
from pipeline.inference import rejection
from pipeline.inference.description import DIGITS
from pipeline.inference.rejection import Thresholds
from pipeline.system.errors import DataError
from pipeline.system.paths import in_project

SPLITS = ("train", "validation", "test")  # of a dataset; what else is prepared was held out of drawings
DRAWINGS = "drawings"  # what the collection is called


@dataclass(frozen=True)
class Outside:
    """Images that a network is shown."""

    name: str  # with which metrics begin
    title: str  # for people
    split: Split
    whole: str = ""  # name of the set that this is a part of, as a corruption is of all; "" if it stands for itself


@dataclass(frozen=True)
class Answers:
    """What a network said of n images."""

    labels: Labels  # what they are
    probabilities: Probabilities
    rejected: NDArray[np.bool_]  # (n,), whether it took them for no digit

    @property
    def named(self) -> NDArray[np.bool_]:
        """(n,): whether the most probable digit of each is the right one, also if the image was rejected."""
        found: NDArray[np.bool_] = self.probabilities.argmax(axis=1) == self.labels
        return found

    @property
    def right(self) -> NDArray[np.bool_]:
        """(n,): whether each was read as what it is, and not rejected."""
        return self.named & ~self.rejected


def read_strokes(path: Path) -> Split:
    """The images of a list of labelled strokes, or of a folder of them.

    Raises:
        DataError: there is none, or one is broken.
    """
    if not (drawings := collection.read(path)):
        raise DataError(f"{path} must hold drawings, and holds none.")
    return stroke_sources.images(drawings)


#: What reads each kind of `OutsideSet`.
READERS: dict[str, Callable[[Path], Split]] = {"strokes": read_strokes, "pictures": pictures.read}


def read(options: Evaluation) -> list[Outside]:
    """Everything besides the test images that a network is to be measured by.

    Outside sets are of digits: for a dataset of something else there are none of them.

    Raises:
        DataError: a set is missing or broken, or is called like a part of the prepared data. The message names its key.
    """
    summary = prepared.summary()
    held_out = [name for name in summary["splits"] if name not in SPLITS]
    titles = {DRAWINGS: "the collection's held-out drawings"}
    found = [Outside(name, titles.get(name, f"{name}, held out"), prepared.load(name)) for name in held_out]
    if summary["class_names"] == DIGITS:
        found += [_read_set(number, each, held_out) for number, each in enumerate(options.outside)]
    return found + (corrupted(options.corruptions, prepared.load("test")) if options.corruptions else [])


def _read_set(number: int, options: OutsideSet, taken: Sequence[str]) -> Outside:
    try:
        if options.name in taken:
            raise DataError("a part of the prepared data that was held out has that name.")
        return Outside(options.name, options.title, READERS[options.kind](in_project(options.path)))
    except DataError as error:
        raise DataError(
            f"evaluation.outside.{number}, {options.name}, can't be measured: {error}\n"
            "Correct it in conf/evaluation, bring the files back, or take the set off the list."
        ) from None


def corrupted(options: CorruptionSet, test: Split) -> list[Outside]:
    """Images evenly over the test set, with each of the corruptions."""
    count = len(test.labels)
    numbers = np.linspace(0, count - 1, min(options.images, count)).astype(np.int64)
    labels, chosen = test.labels[numbers], test.images[numbers]
    return [
        Outside(
            f"{options.name}_{name}",
            name.replace("_", " "),
            Split(corruptions.corrupt(name, chosen, numbers, options.seed), labels),
            whole=options.name,
        )
        for name in corruptions.CORRUPTIONS
    ]


def answers(logits: NDArray[np.float32], of: Outside, limits: Thresholds) -> Answers:
    """What a network says of the n images of a set, by its logits, (5 n, 10), of their `rejection.copies`."""
    probabilities: Probabilities = softmax(limits.logits_of_answers(logits), axis=1)
    scored = zip(rejection.score(logits), probabilities.max(axis=1), strict=True)
    return Answers(of.split.labels, probabilities, np.array([limits.verdict(*each) == "none" for each in scored]))


def measure(name: str, given: Answers, confidence: float) -> dict[str, Any]:
    """The metrics of a set: its accuracy with its interval, the part that was rejected, 0 to 1, and the number of images."""
    right, count = int(given.right.sum()), len(given.labels)
    low, high = metrics.wilson_interval(right, count, confidence)
    return {
        **{f"{name}_accuracy": right / count, f"{name}_accuracy_low": low, f"{name}_accuracy_high": high},
        **{f"{name}_rejected": float(given.rejected.mean()), f"{name}_images": count},
    }


def measure_parts(name: str, parts: dict[str, Answers], confidence: float) -> dict[str, Any]:
    """The metrics of the same images in several forms, as corruptions make them: of all together, and each accuracy.

    The interval is that of the mean over images, each with the part of its forms that was read right: forms of one image
    are not read independently. ``<name>_error`` is the mean error over the forms as the authors of MNIST-C have it: that of the
    most probable digit, also of images that were rejected.
    """
    right = np.stack([given.right for given in parts.values()])  # (forms, images)
    accuracy = float(right.mean())
    low, high = metrics.mean_interval(right.mean(axis=0), confidence)
    return {
        **{f"{name}_accuracy": accuracy, f"{name}_accuracy_low": low, f"{name}_accuracy_high": high},
        f"{name}_error": 1 - float(np.mean([given.named.mean() for given in parts.values()])),
        f"{name}_rejected": float(np.mean([given.rejected for given in parts.values()])),
        f"{name}_images": right.shape[1],
        **{f"{part}_accuracy": float(given.right.mean()) for part, given in parts.items()},
    }


def measure_all(sets: Sequence[Outside], given: dict[str, Answers], confidence: float) -> dict[str, Any]:
    """The metrics of all sets, from what a network said of each, by name."""
    values: dict[str, Any] = {}
    for each in sets:
        if not each.whole:
            values |= measure(each.name, given[each.name], confidence)
    for whole in dict.fromkeys(each.whole for each in sets if each.whole):
        parts = {each.name: given[each.name] for each in sets if each.whole == whole}
        values |= measure_parts(whole, parts, confidence)
    if DRAWINGS in given:
        values[DRAWINGS] = values.pop(f"{DRAWINGS}_images")
    return values


def titles(sets: Sequence[Outside], options: Evaluation) -> dict[str, str]:
    """The sets that have metrics of their own, by name, each with what people call it: not the single corruptions."""
    whole = {options.corruptions.name: options.corruptions.title} if options.corruptions else {}
    return {each.name: each.title for each in sets if not each.whole} | whole


def recalls(name: str, given: Answers, class_names: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each class that the set has: ``set``, ``digit``, its ``recall``, 0 to 1, and its ``images``."""
    rows = []
    for label in range(CLASSES):
        here = given.labels == label
        if here.any():
            recall = float(given.right[here].mean())
            rows.append({"set": name, "digit": class_names[label], "recall": recall, "images": int(here.sum())})
    return rows


def sentence(title: str, name: str, values: dict[str, Any]) -> str:
    """The result of a set, as in ``UCI's test writers: 98.2 % (97.7 to 98.6 %), 0.3 % called no digit``."""
    accuracy, low, high = (values[f"{name}_accuracy{end}"] for end in ("", "_low", "_high"))
    shown = f"{accuracy:.1%} ({low:.1%} to {high:.1%}), {values[f'{name}_rejected']:.1%} called no digit"
    return f"{title}: {shown}".replace("% to", " to").replace("%", " %")
