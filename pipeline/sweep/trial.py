"""One trial of a sweep, as a worker trains it. Knows nothing of Optuna: it reports, and is told whether to go on."""

import gc
import itertools
import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from distributed import Queue, Worker, WorkerPlugin, get_worker

from pipeline.config.check import check
from pipeline.images.arrays import Split
from pipeline.system import tensorflow_setup
from pipeline.system.errors import UserError

if TYPE_CHECKING:
    from pipeline.training.trainer import Epoch
    from pipeline.training.variables import Variables

Message = dict[str, Any]
TRIALS_KEPT = 4  # whose garbage is there at most: some 10 MB each, and the pictures. Looking for it, the next trial waits
PATIENCE_SECONDS = 60  # that a trial waits to hear whether it goes on, before it takes its coordinator for dead


#: The variables of the last trial, by what another must have in common with it. Making them takes longer than handing out a
#: trial, and a sweep of an optimizer needs them once.
_last: "dict[str, Variables]" = {}
_ended = itertools.count(1)  # trials of this worker


class Pruned(Exception):
    """The coordinator has seen enough of a trial."""


class Warm(WorkerPlugin):
    """Gets every worker ready before its first trial, those that start later included."""

    def setup(self, worker: Worker) -> None:
        """Import what trials need: once, and not in their time."""
        if worker.state.nthreads > 1:  # one that joined later: `slots` refuses those that were there
            print("This worker has several threads, and trials in one process would share their seeds. Give it --nthreads 1.")
            worker.loop.add_callback(worker.close, reason="several threads")
            return
        with suppress(ValueError):  # not in the main thread
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the coordinator, which ends its workers
        tensorflow_setup.start()
        from keras.src.random import seed_generator
        from keras.src.utils import rng_utils

        from pipeline.training import trainer  # noqa: F401

        # Keras draws the seeds of initial weights from Python's global generator, which Dask's own threads draw from too:
        # a generator of its own, seeded alike, gives what the stage `train` gets.
        rng_utils.random = seed_generator.python_random = random.Random()  # noqa: S311
        # What is there now stays: to look for garbage among it would take a quarter of a second after every trial.
        gc.collect()
        gc.freeze()


class Data(WorkerPlugin):
    """The pictures of a sweep, which Dask hands to every worker once, those that start later included.

    Args:
        name: of the dataset, so that several can be there at once.
        train: pictures to train on.
        validation: pictures to choose by.
        mean: of the training pictures' pixels, 0 to 1.
        deviation: likewise.
        sha256: of the training pictures and their labels.

    """

    def __init__(self, name: str, train: Split, validation: Split, mean: float, deviation: float, sha256: str) -> None:
        self.name, self.sha256 = name, sha256
        self.train, self.validation = train, validation
        self.mean, self.deviation = mean, deviation


def run(number: int, values: dict[str, Any], data: str, topic: str) -> Message:
    """Train one network.

    Args:
        number: of the trial.
        values: its configuration, as composed.
        data: name of the `Data` to train on.
        topic: where the coordinator listens for epochs, and, with the number, where it says whether the trial goes on.

    Returns:
        ``state`` (``finished``, ``pruned``, ``failed``), and for a finished trial what its best epoch reached, for a failed one
        ``error``. Never raises: what a trial does is no error of the sweep.

    """
    worker = get_worker()

    def goes_on() -> None:
        if not Queue(f"{topic}/{number}").get(timeout=PATIENCE_SECONDS):
            raise Pruned

    def on_epoch(epoch: "Epoch") -> Callable[[], None] | None:
        is_last = epoch.epoch == values["training"]["epochs"]
        worker.log_event(topic, {"trial": number, "epoch": asdict(epoch), "asks": not is_last})
        return None if is_last else goes_on

    try:
        return {"state": "finished", **_train(values, cast(Data, worker.plugins[data]), on_epoch)}
    except Pruned:
        return {"state": "pruned"}
    except TimeoutError:
        return {"state": "failed", "error": f"the coordinator said nothing for {PATIENCE_SECONDS} seconds"}
    except UserError as error:
        return {"state": "failed", "error": str(error)}
    except Exception as error:
        return {"state": "failed", "error": f"{type(error).__name__}: {str(error).strip().partition(os.linesep)[0]}"}
    finally:
        # Graphs refer to themselves in circles, and a worker's memory would grow with every trial.
        if next(_ended) % TRIALS_KEPT == 0:
            gc.collect()


def _train(values: dict[str, Any], data: Data, on_epoch: Any) -> Message:
    from pipeline.training.trainer import Trainer
    from pipeline.training.variables import Variables

    configuration = check(values)
    if configuration.training.deterministic:
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
    key = Variables.key(configuration, data.mean, data.deviation)
    variables = _last.pop(key, None)  # taken, so that no other thread of the process trains the same ones
    if variables is not None:
        variables.reset(configuration.optimizer)
    else:
        variables = Variables(configuration, data.mean, data.deviation)
    # The terminal is the coordinator's.
    trainer = Trainer(configuration, data.train, data.validation, variables, shows_progress=False)
    try:
        trainer.fit(on_epoch)
    finally:
        _last.clear()
        _last[key] = variables
    return {
        "validation_accuracy": trainer.best.validation_accuracy,
        "validation_loss": trainer.best.validation_loss,
        "best_epoch": trainer.best.epoch,
        "train_seconds": trainer.seconds,
    }
