"""A real model for the tests of what uses one: the default network, trained on the bundled digits for a few seconds."""

from pathlib import Path

import pytest

from pipeline import datasets, export, exported, tensorflow_setup
from tests.test_datasets import configured


def make(path: Path) -> Path:
    """Train and export a model to `path`."""
    tensorflow_setup.start()
    from pipeline.trainer import Trainer

    configuration = configured("dataset=digits", "training.epochs=25", "optimizer.learning_rate=3.0", "augment=strong")
    splits = datasets.read(configuration.dataset)
    network = Trainer(configuration, splits["train"], splits["validation"], 0.15, 0.3).fit()
    test = splits["test"]
    expected = exported.predict(network, test.pictures)
    accuracy = float((expected.argmax(axis=1) == test.labels).mean())
    says = {"dataset": "digits", "test_accuracy": accuracy, "class_names": list("0123456789")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "H5", path)
        export.write_h5(network, says, test.pictures, expected, 1e-5)
    return path
