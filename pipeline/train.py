"""The stage ``train``: prepared data and configuration become a trained network and its history."""

import csv
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from pipeline.config.check import load
from pipeline.config.schema import Configuration
from pipeline.data import prepared
from pipeline.system import tensorflow_setup
from pipeline.system.command_line import parse_stage, run_command
from pipeline.system.paths import CHECKOUT, PROJECT, TRAINED, files_of, replacing, sha256
from pipeline.tracking import stage_run
from pipeline.tracking.stage_run import Run

if TYPE_CHECKING:
    from pipeline.training.trainer import Epoch, Trainer


def checkpoint_path(configuration: Configuration, data: str) -> Path:
    """Where a training with this configuration, data (its hash) and code keeps its state, so that only it resumes it."""
    sections = configuration.model_dump(include={"model", "optimizer", "schedule", "augment", "training"})
    code = [sha256(path) for path in files_of(CHECKOUT / "pipeline", "**/*.py")]
    identity = json.dumps([sections, data, code], sort_keys=True)
    return PROJECT / ".checkpoints" / f"{hashlib.sha256(identity.encode()).hexdigest()[:16]}.npz"


def train(configuration: Configuration, checkpoint: Path, run: Run) -> "Trainer":
    """Train to the end, telling the terminal and the run of every epoch."""
    from pipeline.training.trainer import Trainer  # needs TensorFlow to be set up
    from pipeline.training.variables import Variables

    def on_epoch(epoch: "Epoch") -> None:
        # Under names of their own: MLflow's value of a curve is its last point, and the best epoch may be another.
        run.metrics(epoch.epoch, **{f"epoch/{key}": value for key, value in vars(epoch).items() if key != "epoch"})
        print(
            f"epoch {epoch.epoch}/{configuration.training.epochs}: loss {epoch.loss:.4f}, accuracy {epoch.accuracy:.2%}, "
            f"validation accuracy {epoch.validation_accuracy:.2%}, {epoch.seconds:.1f} s"
        )

    data = prepared.summary()
    run.dataset(data["dataset"], data["sha256"])
    variables = Variables(configuration, data["mean"], data["deviation"])
    trainer = Trainer(configuration, prepared.load("train"), prepared.load("validation"), variables, checkpoint)
    trainer.fit(on_epoch)
    trainer.calibrate()
    return trainer


def write(trainer: "Trainer", folder: Path) -> dict[str, Any]:
    """Write ``network.keras``, ``history.csv`` and ``training.json``; return what the last one says."""
    with replacing(folder / "network.keras") as temporary:
        trainer.network.save(temporary)
    with replacing(folder / "history.csv") as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(vars(trainer.history[0])))
        writer.writeheader()
        writer.writerows(vars(epoch) for epoch in trainer.history)
    result = {
        "validation_accuracy": trainer.best.validation_accuracy,
        "validation_loss": trainer.best.validation_loss,
        "best_epoch": trainer.best.epoch,
        "epochs": len(trainer.history),
        "train_seconds": round(trainer.seconds, 2),
        "network_parameters": trainer.network.count_params(),
    }
    with replacing(folder / "training.json") as temporary:
        temporary.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


def main() -> None:
    """Entry point of ``python -m pipeline.train``."""
    parse_stage("train", __doc__)
    configuration = load()
    checkpoint = checkpoint_path(configuration, prepared.summary()["sha256"])
    checkpoint.parent.mkdir(exist_ok=True)
    # Two experiments may differ in what comes after the training alone: one trains, the other waits.
    with FileLock(checkpoint.with_suffix(".lock")):
        with stage_run.stage("train", configuration) as run:
            tensorflow_setup.start(configuration.training.deterministic)
            run.wait_for_store()
            trainer = train(configuration, checkpoint, run)
            result = write(trainer, TRAINED)
            run.metrics(**result)
            run.artifacts("training", TRAINED / "history.csv")
        checkpoint.unlink(missing_ok=True)
    best, seconds = result["validation_accuracy"], result["train_seconds"]
    print(f"Trained in {seconds:.1f} s; validation accuracy {best:.2%}, of epoch {result['best_epoch']}.")


if __name__ == "__main__":
    run_command(main)
    tensorflow_setup.leave()
