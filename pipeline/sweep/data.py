"""The images that the trials of a sweep train on."""

from typing import NamedTuple

from pydantic import TypeAdapter

from pipeline.data import datasets, stroke_sources
from pipeline.data.datasets import AnyDataset
from pipeline.data.prepared import summarize
from pipeline.images.arrays import Split
from pipeline.images.strokes import LabelledDrawing


class TrialData(NamedTuple):
    """The images of a trial, and their statistics."""

    train: Split
    drawings: list[LabelledDrawing]  # to train on, too
    validation: Split  # whose accuracy and loss decide
    mean: float  # of the training images' pixels, 0 to 1
    standard_deviation: float  # likewise
    sha256: str  # of all images and drawings


def read(dataset: str) -> TrialData:
    """Read the images of a dataset whose configuration is given as JSON.

    Raises:
        UserError: the images are not available, or not as they should be.
    """
    checked: AnyDataset = TypeAdapter(AnyDataset).validate_json(dataset)
    recorded = stroke_sources.read(checked.stroke_sources, checked.training_limit)
    splits = stroke_sources.join(datasets.read(checked, test=False), recorded)
    told = summarize(checked, {"train": splits["train"], "validation": splits["validation"]}, recorded)
    drawings = stroke_sources.to_train_on(recorded)
    return TrialData(splits["train"], drawings, splits["validation"], told["mean"], told["standard_deviation"], told["sha256"])
