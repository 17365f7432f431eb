"""One trial of a sweep in a worker: it reports each epoch and waits for the decision whether to continue. Knows no Optuna."""

import gc
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from distributed import Queue, Worker, WorkerPlugin, get_worker

from pipeline.config.check import check
from pipeline.config.schema import Configuration
from pipeline.images.arrays import Split
from pipeline.sweep.data import TrialData
from pipeline.system import tensorflow_setup
from pipeline.system.errors import UserError

if TYPE_CHECKING:
    from pipeline.training.trainer import Epoch

PATIENCE_SECONDS = 60  # how long a trial waits for the decision before it takes its coordinator for dead

#: The fields of `pipeline.training.trainer.Epoch` as a dictionary, because importing that class imports TensorFlow.
EpochFields = dict[str, float]

#: Keras sets its precision for the whole process, so a worker with several threads trains one trial at a time.
_one_at_a_time = threading.Lock()

#: The training images of the last trial with what was put among them, by what decides that.
_extended_last: dict[str, Split] = {}


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial that was trained to its end: the values of its best epoch, and the seconds of all epochs."""

    validation_accuracy: float
    validation_loss: float
    best_epoch: int
    train_seconds: float


class TrialFailed(Exception):
    """A trial ended with an error, whose text is the message. The sweep continues."""


class Stopped(Exception):
    """The coordinator has pruned the trial, or ends."""


class DataPlugin(WorkerPlugin):
    """Sends the images of a sweep to each worker once, also to workers that start later."""

    idempotent = True  # another coordinator with the same images must not take them away from trials that are beginning

    def __init__(self, name: str, data: TrialData) -> None:
        self.name, self.data = name, data

    def setup(self, worker: Worker) -> None:  # noqa: ARG002
        """Ignore Ctrl-C, which the terminal sends to all processes of a command: the coordinator handles it."""
        with suppress(ValueError):  # a test runs its workers in threads
            signal.signal(signal.SIGINT, signal.SIG_IGN)


#: The type of `fit`, and of its replacements where the sweep itself is tested or measured.
Fit = Callable[[Configuration, TrialData, Callable[[EpochFields], None]], TrialResult]


def run(fit: Fit, values: dict[str, Any], data: str, topic: str, name: str) -> TrialResult | None:
    """Train one network, in a worker.

    Args:
        fit: what trains it.
        values: its configuration, as composed.
        data: name of the `DataPlugin` whose images it trains on.
        topic: of Dask's events, under which every epoch is reported: ``{"trial": name, "epoch": its fields}``.
        name: of Dask's queue that says after each epoch whether the trial continues.

    Returns:
        What the trial reached; None if it was stopped.

    Raises:
        TrialFailed: whatever went wrong. Of another type it could not be raised again without TensorFlow.
    """
    worker, answers = get_worker(), Queue(name)

    def on_epoch(epoch: EpochFields) -> None:
        worker.log_event(topic, {"trial": name, "epoch": epoch})
        if not answers.get(timeout=PATIENCE_SECONDS):
            raise Stopped

    try:
        return fit(check(values), cast(DataPlugin, worker.plugins[data]).data, on_epoch)
    except Stopped:
        return None
    except TimeoutError:
        raise TrialFailed(f"the coordinator said nothing for {PATIENCE_SECONDS} seconds") from None
    except UserError as error:
        raise TrialFailed(str(error)) from None
    except Exception as error:
        raise TrialFailed(f"{type(error).__name__}: {str(error).strip().partition(os.linesep)[0]}") from None
    finally:
        answers.close()


@cache
def start() -> None:
    """Load TensorFlow, once a process: it takes seconds."""
    tensorflow_setup.start()
    from pipeline.training import trainer  # noqa: F401


def fit(configuration: Configuration, data: TrialData, on_epoch: Callable[[EpochFields], None]) -> TrialResult:
    """Train a network as the stage ``train`` does."""
    start()
    if configuration.training.deterministic:
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
    from pipeline.training.trainer import Trainer

    def report(epoch: "Epoch") -> None:
        on_epoch(asdict(epoch))

    gc.collect()  # frees the graphs of the last trial, which are reference cycles
    with _one_at_a_time:
        images = _extended(configuration, data)
        trainer = Trainer(configuration, images, data.validation, data.mean, data.standard_deviation)
        trainer.shows_progress = False  # the terminal is the coordinator's
        trainer.fit(report)
    best = trainer.best
    return TrialResult(best.validation_accuracy, best.validation_loss, best.epoch, trainer.seconds)


def _extended(configuration: Configuration, data: TrialData) -> Split:
    """The training images, the drawings rendered, and what is no digit.

    Rendering takes seconds, as long as a short training, and in most sweeps comes out the same for all trials: that of the last
    trial is kept.
    """
    from pipeline.training.augment import extended

    seed = configuration.training.seed
    key = f"{data.sha256} {configuration.dataset.model_dump_json()} {configuration.augment.model_dump_json()} {seed}"
    if key not in _extended_last:
        _extended_last.clear()
        _extended_last[key] = extended(data.train, data.drawings, configuration.augment, seed)
    return _extended_last[key]
