"""The workers of a sweep: Dask processes that have TensorFlow loaded and train trial after trial."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dask
from distributed import Client, LocalCluster, Scheduler

from pipeline.config.schema import Sweep
from pipeline.sweep.trial import Warm
from pipeline.system.errors import UserError
from pipeline.system.processes import START_METHOD

SCHEDULER_GONE = "the Dask scheduler is gone. Start it again; the same command goes on with the trials that remain."


@contextmanager
def workers(sweep: Sweep) -> Iterator[Client]:
    """Dask workers that have TensorFlow loaded: those of the cluster that exists, or new ones here.

    Raises:
        UserError: there is no cluster at ``sweep.scheduler``.

    """
    # A worker that dies takes its trial along: begun anew elsewhere, what killed it would kill the next worker.
    settings = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.comm.timeouts.connect": "20s",
        # Dask has malloc give all memory back at once, which makes every step of a training half as fast.
        "distributed.nanny.pre-spawn-environ": {},
        "distributed.worker.multiprocessing-method": START_METHOD,
        # Measuring what Dask itself costs, a hundred times a second in each process, is a good part of what it costs.
        "distributed.worker.profile.enabled": False,
        "distributed.admin.tick.interval": "1s",
    }
    with dask.config.set(settings):
        if sweep.scheduler:
            for name in ("distributed", "distributed.client"):  # they print a traceback of every error that they raise
                logging.getLogger(name).setLevel(logging.CRITICAL)
            try:
                client = Client(sweep.scheduler)
            except (OSError, TimeoutError, ValueError) as error:
                raise UserError(
                    f"there is no Dask scheduler at sweep.scheduler={sweep.scheduler}: {error}\n"
                    "Start one (dask scheduler; dask worker ADDRESS), or leave the key out."
                ) from None
            cluster = None
        else:
            # Every worker has TensorFlow use all cores, as the stage `train` does: with other threads sums are split in other
            # places, and the best trial would not come out the same there. It costs a twentieth of the speed.
            cluster = LocalCluster(
                n_workers=sweep.workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                silence_logs="CRITICAL",
            )
            client = Client(cluster)
        try:
            try:
                if sweep.scheduler:
                    _adopt(client)
                client.register_plugin(Warm(), name="warm")
            except UserError:
                raise
            except Exception as error:  # Dask's form of whatever a worker or the scheduler raises
                if not isinstance(error, ModuleNotFoundError) and "ModuleNotFoundError" not in str(error):
                    raise
                raise UserError(
                    f"the cluster at sweep.scheduler={sweep.scheduler} lacks what trials are made of: {error}\n"
                    "Start the scheduler and the workers in a checkout of this project, in its environment:\n"
                    "  PYTHONPATH=. dask scheduler\n  PYTHONPATH=. dask worker ADDRESS --nthreads 1"
                ) from None
            yield client
        finally:
            client.close()
            if cluster:
                cluster.close()


def _adopt(client: Client) -> None:
    """Make a cluster that exists fit for trials.

    Raises:
        UserError: a worker has several threads.

    """
    client.run_on_scheduler(_give_up_on_a_trial_at_once)
    if not slots(client):
        print("The cluster has no worker yet. The sweep waits for one: dask worker ADDRESS --nthreads 1")


def slots(client: Client) -> int:
    """How many trials can run at once: one a worker.

    Raises:
        UserError: a worker has several threads, or the scheduler is gone.

    """
    try:
        threads = client.nthreads()
    except (OSError, TimeoutError) as error:
        raise UserError(f"{SCHEDULER_GONE}\n{error}") from None
    if several := [address for address, number in threads.items() if number > 1]:
        raise UserError(
            f"a worker must have one thread, for trials in one process would share their seeds; {several[0]} has "
            f"{threads[several[0]]}. Start it again: dask worker ADDRESS --nthreads 1"
        )
    return len(threads)


def _give_up_on_a_trial_at_once(dask_scheduler: Scheduler) -> None:
    """What ``allowed-failures`` says of a cluster that is started here."""
    dask_scheduler.allowed_failures = 0
