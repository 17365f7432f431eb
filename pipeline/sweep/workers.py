"""The workers of a sweep: Dask processes that train one trial after another, on this machine or on an existing cluster."""

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dask
from distributed import Client, Future, LocalCluster

from pipeline.sweep.schema import Sweep
from pipeline.sweep.trial import start
from pipeline.system.errors import UserError

SETTINGS = {
    # When a worker of this machine dies, its trial fails: started again, it might kill the next worker, too.
    "distributed.scheduler.allowed-failures": 0,
    # Dask tells malloc to return memory at once, which halves the speed of training.
    "distributed.nanny.pre-spawn-environ": {},
    "distributed.comm.timeouts.connect": "20s",  # after which a scheduler that does not answer counts as gone
}
SCHEDULER_GONE = "the Dask scheduler is gone. Start it again; the same command resumes with the remaining trials."


@contextmanager
def workers(sweep: Sweep) -> Iterator[tuple[Client, list[Future[None]]]]:
    """A client of the cluster at ``sweep.scheduler``, or of ``sweep.workers`` new processes that end with the block.

    The new processes load TensorFlow meanwhile. Wait for that before the first trials are handed out: Dask might hand all of
    them to the process that is ready first.

    Raises:
        UserError: there is no cluster, or it lacks the project.
    """
    with dask.config.set(SETTINGS):
        if sweep.scheduler:
            with _connected(sweep.scheduler) as client:
                check_module(client, "pipeline.sweep.trial")
                if not client.nthreads():
                    print("The cluster has no worker yet. The sweep waits for one: dask worker ADDRESS --nthreads 1")
                yield client, []
        else:
            # Each worker uses all cores, as the stage `train` does: the number of threads changes the order of floating-point
            # additions, and the stage must reproduce the best trial exactly. This costs a twentieth of the speed.
            print(f"Starting {sweep.workers} workers, which load TensorFlow …", flush=True)
            options = {"threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": "CRITICAL"}
            with LocalCluster(n_workers=sweep.workers, **options) as cluster, Client(cluster) as client:
                yield client, [client.submit(start, workers=[address], pure=False) for address in client.nthreads()]


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    for name in ("distributed", "distributed.client"):  # they log a traceback of each error that they raise
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(scheduler)
    except (OSError, ValueError) as error:
        raise UserError(
            f"there is no Dask scheduler at sweep.scheduler={scheduler}: {error}\n"
            "Start one (dask scheduler; dask worker ADDRESS --nthreads 1), or leave the key out."
        ) from None
    with client:
        yield client


def check_module(client: Client, name: str) -> None:
    """Check that the scheduler and its workers can import a module.

    Raises:
        UserError: one can't.
    """
    try:
        client.run_on_scheduler(importlib.import_module, name)
        client.run(importlib.import_module, name)
    except ImportError as error:
        raise UserError(
            f"the cluster lacks what trials are made of: {error}.\n"
            "Start the scheduler and the workers in the environment of a checkout, where `pip install -e .` was run:\n"
            "  dask scheduler\n  dask worker ADDRESS --nthreads 1"
        ) from None
