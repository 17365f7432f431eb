"""The pictures that the trials of a sweep train on, read while the rest of a sweep is made ready."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from pipeline.config.schema import AnyDataset
from pipeline.data import collection, datasets
from pipeline.data.prepared import summarize
from pipeline.images.arrays import Split
from pipeline.system.errors import UserError
from pipeline.system.processes import START_METHOD


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
    splits = collection.join(datasets.read(checked, test=False), collection.collected(checked.drawings), checked.drawings)
    told = summarize(checked, {"train": splits["train"]})
    return TrialPictures(splits["train"], splits["validation"], told["mean"], told["deviation"], told["sha256"])


def begin_to_read(dataset: str) -> Callable[[], TrialPictures]:
    """Begin to `read` in a process of its own, while the rest of a sweep is made ready; the result waits for it."""
    # Where a process may be forked, it has all that this one has loaded; there are no threads yet.
    context: Any = multiprocessing.get_context("fork" if START_METHOD == "forkserver" else "spawn")
    here, there = multiprocessing.Pipe(duplex=False)
    context.Process(target=_read_and_send, args=(dataset, there, here), daemon=True).start()
    there.close()

    def wait() -> TrialPictures:
        with here:
            try:
                found: TrialPictures | str = here.recv()
            except (EOFError, OSError):  # that process was killed
                return read(dataset)
        if isinstance(found, str):
            raise UserError(found)
        return found

    return wait


def _read_and_send(
    dataset: str, there: "Connection[TrialPictures | str, None]", here: "Connection[None, TrialPictures | str]"
) -> None:
    here.close()  # or this process, sending, would not hear that the coordinator has ended
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the coordinator
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # with which a coordinator that ends on an error ends this process
    if hasattr(os, "nice"):
        os.nice(5)  # workers, which load TensorFlow meanwhile, take longer
    found: TrialPictures | str
    try:
        found = read(dataset)
    except UserError as error:
        found = str(error)
    with suppress(OSError):  # the coordinator has ended
        there.send(found)
