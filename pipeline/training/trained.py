"""The trained network on disk: what ``train`` writes and later stages read.

The same inputs make the same files: how long a training took is in MLflow, and not here.
"""

import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.system.paths import TRAINED, replacing

if TYPE_CHECKING:
    from pipeline.training.trainer import Trainer

NETWORK = "network.h5"  # a .keras file would hold the time at which it was written
SECONDS = "seconds"  # of an epoch


def write(trainer: "Trainer", folder: Path = TRAINED) -> dict[str, Any]:
    """Write the network, ``history.csv`` and ``training.json``; return what the last one says."""
    with replacing(folder / NETWORK) as temporary:
        trainer.network.save(temporary)
    epochs = [{key: value for key, value in asdict(epoch).items() if key != SECONDS} for epoch in trainer.history]
    with replacing(folder / "history.csv") as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(epochs[0]))
        writer.writeheader()
        writer.writerows(epochs)
    says = {
        "validation_accuracy": trainer.best.validation_accuracy,
        "validation_loss": trainer.best.validation_loss,
        "best_epoch": trainer.best.epoch,
        "epochs": len(trainer.history),
        "network_parameters": trainer.network.count_params(),
    }
    with replacing(folder / "training.json") as temporary:
        temporary.write_text(json.dumps(says, indent=2) + "\n", encoding="utf-8")
    return says


def result(folder: Path = TRAINED) -> dict[str, Any]:
    """What `write` returned."""
    return dict(json.loads((folder / "training.json").read_text(encoding="utf-8")))


def history(folder: Path = TRAINED) -> list[dict[str, float]]:
    """Loss and accuracy of each epoch."""
    with (folder / "history.csv").open(newline="") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
