"""The objective of a study: a worker trains the trial and reports each epoch, and the coordinator decides whether it continues.

It runs in threads of the coordinator, which alone writes to Optuna's and MLflow's stores: workers need neither, and may be
anywhere.
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from distributed import Client, Future, KilledWorker, Queue
from optuna import Trial, TrialPruned
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.study import MaxTrialsCallback
from optuna.trial import TrialState

from pipeline.config.check import check, short
from pipeline.config.composition import compose
from pipeline.sweep import trial as trials
from pipeline.sweep.data import TrialData, read
from pipeline.sweep.schema import SweepConfiguration
from pipeline.sweep.study import ERROR, Study, requeue
from pipeline.sweep.sweep_logger import SweepLogger
from pipeline.sweep.trial import DataPlugin, EpochFields, Fit, TrialFailed, TrialResult
from pipeline.sweep.workers import SCHEDULER_GONE
from pipeline.system.errors import UserError
from pipeline.system.patches import error_of_trial

SCHEDULER_SECONDS = 20  # how long the scheduler may take to answer
LISTENING_SECONDS = 1  # how often a waiting thread checks whether the sweep ends or the scheduler is gone

#: The workers are restarted after this many trials each: TensorFlow leaks about 12 MB a trial.
TRIALS_A_PROCESS = 100


#: The epochs that a trial has reported; None marks its end.
Reports = queue.SimpleQueue[EpochFields | None]


class Interrupted(Exception):
    """The sweep was interrupted; this trial is to be requeued."""


class Objective:
    """The function that Optuna optimizes.

    The overrides `for_all` hold for every trial, `say` prints a line on a trial that ended, and `fit` is what a worker runs.
    """

    def __init__(
        self,
        configuration: SweepConfiguration,
        for_all: list[str],
        data: TrialData,
        study: Study,
        logger: SweepLogger,
        client: Client,
        say: Callable[[str], None],
        fit: Fit,
    ) -> None:
        self._sweep, self._for_all = configuration.sweep, for_all
        self._study, self._logger, self._client, self._say, self._fit = study, logger, client, say, fit
        self._lock = threading.Lock()  # Hydra can compose only one configuration at a time
        # Of Dask's events, as which the workers report epochs to this coordinator. Of a queue that is asked with a time limit
        # the scheduler would log an error each time.
        self._topic = f"{study.name}-{uuid4()}"
        self._reports: dict[str, Reports] = {}  # by the name of a trial's queue of answers
        client.subscribe_topic(self._topic, self._hear)
        self._data = {configuration.dataset.model_dump_json(): data}
        self._handed_out: dict[str, DataPlugin] = {}  # by the configuration of their dataset
        self._failed = 0
        self.train_seconds = 0.0
        self.error: BaseException | None = None  # why the sweep ends before all trials are done

    def optimize(self, show: Callable[[], None]) -> None:
        """Run all trials that remain, and call `show` after each.

        Raises:
            UserError: a store or the scheduler is gone, or more trials have failed than may.
            KeyboardInterrupt: `error` was set to it. What was running is queued again.
        """
        at_once = max(self._sweep.workers, len(self._client.nthreads()))
        callbacks: list[Callable[[Any, Any], None]] = [lambda *_: show()]
        if not self._study.is_grid:  # another coordinator may work on the same study
            callbacks.append(MaxTrialsCallback(self._study.wanted, (TrialState.COMPLETE, TrialState.PRUNED)))
        while (remaining := self._study.remaining()) > 0:
            number, done = min(remaining, TRIALS_A_PROCESS * at_once), self._study.count().done
            try:
                self._study.optuna.optimize(self, number, n_jobs=at_once, catch=(Exception,), callbacks=callbacks)
            except Exception as error:
                if (cause := error_of_trial(error)) is None:  # its trial was requeued: see `_run`
                    continue
                self.error = self.error or cause
            if self.error:
                raise self.error
            if self._study.count().done == done:  # Optuna drops the errors of its last threads
                raise StorageInternalError("it takes no trial")
            if number < remaining and not self._sweep.scheduler:
                self._client.restart()

    def __call__(self, trial: Trial) -> float:
        """Run a trial and return its value. An error that ends the sweep is kept in `error`."""
        overrides = self._study.suggest(trial)
        try:
            return self._run(trial, overrides)
        except (TrialPruned, TrialFailed):
            raise
        except Exception as error:
            self.error = self.error or error
            self._study.optuna.stop()
            with suppress(Exception):  # the error that ended the sweep is reported instead
                requeue(self._study.optuna, self._study.optuna.trials[trial.number])
            with suppress(Exception):
                self._logger.end(trial.number, "killed")
            raise

    def _run(self, trial: Trial, overrides: list[str]) -> float:
        head, tail = f"trial {trial.number:>3}", short(overrides)
        try:
            result = self._train(trial, overrides)
        except UpdateFinishedTrialError:  # the machine slept longer than the grace period: the trial was requeued
            self._logger.end(trial.number, "killed")
            raise TrialFailed("it was given up") from None
        except TrialPruned:
            self._logger.end(trial.number, "pruned")
            self._say(f"{head} pruned    {tail}")
            raise
        except TrialFailed as error:
            self._logger.end(trial.number, "failed", error=str(error))
            trial.set_user_attr(ERROR, str(error))
            self._say(f"{head} failed    {tail}\n  {error}")
            self._count_failure()
            raise
        self._logger.end(trial.number, "finished", asdict(result))
        self.train_seconds += result.train_seconds
        value: float = getattr(result, self._sweep.objective)
        self._say(f"{head} finished {self._study.shown(value)}  {tail}")
        return value

    def _count_failure(self) -> None:
        """Stop the sweep if too many trials have failed since this command began; earlier failures may have been mended."""
        self._failed += 1
        if self._failed > self._sweep.failures:
            self._study.optuna.stop()
            self.error = self.error or UserError(
                f"{self._failed} trials have failed since this command began, and sweep.failures allows "
                f"{self._sweep.failures}.\n"
                "Mend what the messages above say; the same command resumes with the remaining trials."
            )

    def _train(self, trial: Trial, overrides: list[str]) -> TrialResult:
        try:
            with self._lock:
                values = compose(self._for_all + overrides)
                plugin = self._hand_out(values)
        except UserError as error:
            self._logger.begin(trial.number, overrides, {})
            raise TrialFailed(str(error)) from None
        name = f"{self._topic}-{trial.number}"
        self._reports[name] = queue.SimpleQueue()
        try:
            answers = Queue(name, client=self._client)
            began = time.time()
            future = self._client.submit(trials.run, self._fit, values, plugin.name, self._topic, name, pure=False)
            future.add_done_callback(lambda _: self._put(name, None))
            self._logger.begin(trial.number, overrides, values, plugin.data.sha256, began)  # meanwhile the worker trains
            try:
                self._follow(trial, values["training"]["epochs"], self._reports[name], answers)
                return self._result(future)
            finally:
                with suppress(Exception):  # the error that ended the trial is reported instead
                    future.release()
                    answers.put(False, callback_timeout=SCHEDULER_SECONDS)  # or the worker of an interrupted trial would wait
                    answers.close()
        except OSError:
            raise UserError(SCHEDULER_GONE) from None
        finally:
            del self._reports[name]

    def _follow(self, trial: Trial, epochs: int, reports: Reports, answers: Queue) -> None:
        """Receive the epochs of a trial until it ends or is pruned."""
        while epoch := self._next(reports):
            trial.report(epoch[self._sweep.objective], int(epoch["epoch"]))
            if epoch["epoch"] < epochs and trial.should_prune():
                self._logger.epoch(trial.number, epoch)
                raise TrialPruned
            answers.put(True, callback_timeout=SCHEDULER_SECONDS)
            self._logger.epoch(trial.number, epoch)

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        """Receive an epoch; Dask calls this in its own thread."""
        self._put(event[1]["trial"], event[1]["epoch"])

    def _put(self, name: str, epoch: EpochFields | None) -> None:
        if reports := self._reports.get(name):  # otherwise the trial has ended
            reports.put(epoch)

    def _hand_out(self, values: dict[str, Any]) -> DataPlugin:
        """Send the images and drawings of a configuration to all workers, once."""
        dataset = check(values).dataset.model_dump_json()
        if dataset not in self._handed_out:
            data = self._data.get(dataset) or read(dataset)
            self._handed_out[dataset] = DataPlugin(f"data-{data.sha256}", data)
            self._client.register_plugin(self._handed_out[dataset])
        return self._handed_out[dataset]

    def _next(self, reports: Reports) -> EpochFields | None:
        """The next epoch of a trial; None if the trial has ended."""
        while not self.error:
            with suppress(queue.Empty):
                return reports.get(timeout=LISTENING_SECONDS)
            if self._client.status != "running":
                raise UserError(SCHEDULER_GONE)
        raise Interrupted

    def _result(self, future: Future[Any]) -> TrialResult:
        try:
            result: TrialResult = future.result()
        except TrialFailed:
            raise
        except CancelledError:
            raise UserError(SCHEDULER_GONE) from None
        except KilledWorker:
            if self.error:  # Ctrl-C
                raise Interrupted from None
            raise TrialFailed("its worker died: it was killed, or ran out of memory") from None
        except Exception as error:
            raise TrialFailed(f"its worker could not run it: {type(error).__name__}: {error}") from None
        return result
