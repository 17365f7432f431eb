"""The stage ``train``: prepared data and configuration become a trained network and its history."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.system import tensorflow_setup
from pipeline.system.command_line import parse_stage, run_command
from pipeline.system.patches import end_at_once
from pipeline.system.paths import PROJECT, TRAINED, files_of

if TYPE_CHECKING:  # importing these takes half a second, and `--help` needs none of them
    from pipeline.config.schema import Configuration
    from pipeline.tracking.stage_run import StageRun
    from pipeline.training.trainer import Epoch, Trainer


def checkpoint_path(configuration: "Configuration", data: str) -> Path:
    """Where a training with this configuration, data (its hash) and code keeps its state, so that only it resumes it."""
    from pipeline.config.stages import TRAIN

    return PROJECT / ".checkpoints" / f"{TRAIN.identity(configuration, data)[:16]}.npz"


def train(configuration: "Configuration", checkpoint: Path, run: "StageRun") -> "Trainer":
    """Train to the end, telling the terminal and the run of every epoch."""
    from tqdm import tqdm

    from pipeline.data import prepared
    from pipeline.training import samples
    from pipeline.training.augment import extended
    from pipeline.training.trainer import Trainer  # needs TensorFlow to be set up

    def on_epoch(epoch: "Epoch") -> None:
        # Under names of their own: MLflow's value of a curve is its last point, and the best epoch may be another.
        run.metrics(epoch.epoch, **{f"epoch/{key}": value for key, value in vars(epoch).items() if key != "epoch"})
        tqdm.write(  # above the bar that shows the steps
            f"epoch {epoch.epoch}/{configuration.training.epochs}: loss {epoch.loss:.4f}, accuracy {epoch.accuracy:.2%}, "
            f"validation accuracy {epoch.validation_accuracy:.2%}, {epoch.seconds:.1f} s"
        )

    data = prepared.summary()
    run.dataset(data["dataset"], data["sha256"])
    images, drawings, validation = prepared.load("train"), prepared.drawings(), prepared.load("validation")
    samples.write(TRAINED / samples.SAMPLES, drawings, images.images, configuration.augment, configuration.training.seed)
    images = extended(images, drawings, configuration.augment, configuration.training.seed, shows_progress=True)
    trainer = Trainer(configuration, images, validation, data["mean"], data["standard_deviation"], checkpoint)
    trainer.fit(on_epoch)
    trainer.calibrate()
    return trainer


@contextmanager
def alone(checkpoint: Path) -> Iterator[None]:
    """Wait until no other process trains the same, and tell the user which process that is."""
    from filelock import FileLock, Timeout

    lock, owner = FileLock(checkpoint.with_suffix(".lock")), checkpoint.with_suffix(".process")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        process = owner.read_text() if owner.exists() else "unknown"
        print(f"The same is being trained by process {process}: waiting until it ends.", file=sys.stderr)
        lock.acquire()
    try:
        owner.write_text(str(os.getpid()))
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


@contextmanager
def telling_what_is_kept(checkpoint: Path) -> Iterator[None]:
    """A block that trains: who stops it with Ctrl-C is told how to go on, once an epoch has ended."""
    try:
        yield
    except KeyboardInterrupt:
        if checkpoint.exists():
            print("\nThe epochs that have ended are kept: the same command goes on after the last of them.", file=sys.stderr)
        raise


def main() -> None:
    """Entry point of ``python -m pipeline.train``."""
    parse_stage("train", __doc__)
    from pipeline.config.check import load
    from pipeline.data import prepared
    from pipeline.tracking import stage_run
    from pipeline.training import samples, trained

    configuration = load()
    checkpoint = checkpoint_path(configuration, prepared.summary()["sha256"])
    checkpoint.parent.mkdir(exist_ok=True)
    # Two experiments may differ in what comes after the training alone: one trains, the other waits.
    with alone(checkpoint), telling_what_is_kept(checkpoint):
        with stage_run.stage("train", configuration) as run:
            tensorflow_setup.start(configuration.training.deterministic)
            run.wait_for_store()
            trainer = train(configuration, checkpoint, run)
            result = trained.write(trainer)
            run.metrics(**result, train_seconds=round(trainer.seconds, 2))
            run.artifacts("training", TRAINED / "history.csv", *files_of(TRAINED, samples.SAMPLES))
        checkpoint.unlink(missing_ok=True)
    accuracy, epoch = result["validation_accuracy"], result["best_epoch"]
    print(f"Trained in {trainer.seconds:.1f} s; validation accuracy {accuracy:.2%}, of epoch {epoch}.")


if __name__ == "__main__":
    run_command(main)
    end_at_once()
