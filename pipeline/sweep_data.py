"""The pictures that the trials of a sweep train on, read while the rest of a sweep is made ready."""

import multiprocessing
import os
import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from pipeline import datasets, drawings
from pipeline.arrays import Split
from pipeline.errors import UserError
from pipeline.prepare import summarize
from pipeline.processes import START_METHOD
from pipeline.schema import AnyDataset


class TrialPictures(NamedTuple):
    """What `read` returns: splits, mean and deviation of the training pixels (0 to 1), a hash of the training pictures."""

    train: Split
    validation: Split
    mean: float
    deviation: float
    sha256: str


def read(dataset: str) -> TrialPictures:
    """The pictures to train on and to choose by, of a dataset's configuration as JSON.

    Raises:
        UserError: they can't be had, or are not what they should be.

    """
    checked: AnyDataset = TypeAdapter(AnyDataset).validate_json(dataset)
    splits = drawings.join(datasets.read(checked, test=False), drawings.collected(checked.drawings), checked.drawings)
    told = summarize(checked, {"train": splits["train"]})
    return TrialPictures(splits["train"], splits["validation"], told["mean"], told["deviation"], told["sha256"])


class Reader:
    """A process that reads pictures while the rest of a sweep is made ready.

    Half of what reading takes is loading scikit-learn, which it begins with before it knows what to read.
    """

    def __init__(self) -> None:
        # Where a process may be forked, it has all that this one has loaded; there are no threads yet.
        context: Any = multiprocessing.get_context("fork" if START_METHOD == "forkserver" else "spawn")
        self._pipe, there = multiprocessing.Pipe()
        context.Process(target=_serve, args=(there, self._pipe), daemon=True).start()
        there.close()

    def begin(self, dataset: str) -> None:
        """Begin to `read` a dataset, of a configuration as JSON."""
        self._dataset = dataset
        with suppress(OSError):  # that process was killed
            self._pipe.send(dataset)

    def wait(self) -> TrialPictures:
        """The pictures that it began with.

        Raises:
            UserError: as `read`.

        """
        with self._pipe:
            try:
                found: TrialPictures | str = self._pipe.recv()
            except (EOFError, OSError):  # that process was killed
                return read(self._dataset)
        if isinstance(found, str):
            raise UserError(found)
        return found


def _serve(there: "Connection[TrialPictures | str, str]", here: "Connection[str, TrialPictures | str]") -> None:
    here.close()  # or this process would not hear that the coordinator has ended
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the coordinator
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # with which a coordinator that ends on an error ends this process
    if hasattr(os, "nice"):
        os.nice(5)  # workers, which load TensorFlow meanwhile, take longer
    datasets.load()
    with suppress(OSError, EOFError):  # the coordinator has ended
        dataset = there.recv()
        try:
            there.send(read(dataset))
        except UserError as error:
            there.send(str(error).removeprefix("Error: "))
