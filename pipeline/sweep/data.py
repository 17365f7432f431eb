"""The images that the trials of a sweep train on."""

from typing import NamedTuple

from pydantic import TypeAdapter

from pipeline.data import collection, datasets
from pipeline.data.datasets import AnyDataset
from pipeline.data.prepared import summarize
from pipeline.images.arrays import Split


class TrialData(NamedTuple):
    """The images of a trial, and their statistics.

    Args:
        train: images to train on.
        validation: images whose accuracy and loss decide.
        mean: of the training images' pixels, 0 to 1.
        standard_deviation: likewise.
        sha256: hash of the training images and their labels.

    """

    train: Split
    validation: Split
    mean: float
    standard_deviation: float
    sha256: str


def read(dataset: str) -> TrialData:
    """Read the images of a dataset whose configuration is given as JSON.

    Raises:
        UserError: the images are not available, or not as they should be.

    """
    checked: AnyDataset = TypeAdapter(AnyDataset).validate_json(dataset)
    splits = collection.join(datasets.read(checked, test=False), collection.collected(checked.drawings), checked.drawings)
    told = summarize(checked, {"train": splits["train"]})
    return TrialData(splits["train"], splits["validation"], told["mean"], told["standard_deviation"], told["sha256"])
