"""The coordinator of a sweep: hands trials to Dask's workers, hears every epoch of them, and says whether they go on.

It is the only one that writes to Optuna's and MLflow's stores: workers need neither, and may be anywhere.
"""

import hashlib
import os
import queue
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future as FutureOfThread
from contextlib import contextmanager, suppress
from typing import Any

from distributed import Client, Future, KilledWorker, Queue
from optuna.exceptions import UpdateFinishedTrialError

from pipeline.config import check as configurations
from pipeline.config.composition import compose
from pipeline.config.schema import SweepConfiguration
from pipeline.sweep.data import TrialPictures, read
from pipeline.sweep.records import Records
from pipeline.sweep.study import BEAT_SECONDS, OVERRIDES, STATES, Study
from pipeline.sweep.trial import Data, Message
from pipeline.sweep.workers import SCHEDULER_GONE, slots
from pipeline.system.errors import UserError

STOP: Message = {"stop": True}


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Have Ctrl-C and the signal to end call `stop`.

    Raised wherever the program happens to be, a KeyboardInterrupt leaves a trial half recorded, or is lost: one that comes in
    a callback of the garbage collector's is printed, and ignored.
    """
    both = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop()) for number in both]
    try:
        yield
    finally:
        for number, handler in zip(both, before, strict=True):
            signal.signal(number, handler)


class Coordinator:
    """Hands trials to workers until the study has as many as it should, or too many have failed.

    Args:
        configuration: of the sweep.
        for_all: overrides that hold for every trial.
        pictures: of the configuration's dataset.
        study: where the trials are kept.
        records: where they are shown.
        client: of the workers, which may still be starting.
        trial: what a worker runs: `pipeline.sweep.trial.run`, or another function of its form.

    """

    def __init__(
        self,
        configuration: SweepConfiguration,
        for_all: list[str],
        pictures: TrialPictures,
        study: Study,
        records: Records,
        client: FutureOfThread[Client],
        trial: Callable[..., Message],
    ) -> None:
        self._sweep, self._for_all = configuration.sweep, for_all
        self._study, self._records, self._client_to_be = study, records, client
        self._trial = trial
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._running: dict[int, Any] = {}  # Optuna's trials, by their number
        self._futures: dict[int, Future[Any]] = {}
        self._ready: list[tuple[Any, dict[str, Any], str]] = []  # chosen trials, and their configurations, or why there is none
        self._pictures = {configuration.dataset.model_dump_json(): pictures}
        self._begun: list[tuple[Any, dict[str, Any]]] = []  # and not shown yet
        self._data: dict[str, str] = {}  # the names under which workers have datasets, by the configurations of those
        self._topic = f"sweep-{study.name}-{os.getpid()}"
        self.train_seconds = 0.0
        self.failed = 0

    def run(self, say: Callable[[str], None], show: Callable[[int], None]) -> None:
        """Run all trials that remain.

        Args:
            say: prints a line on a trial that ended.
            show: shows where the sweep stands, given how many trials are running.

        Raises:
            KeyboardInterrupt: Ctrl-C, or a signal to end. What is running is then to be tried again.

        """
        self._say = say
        with _signals(lambda: self._messages.put(STOP)):
            try:
                # While the workers start; elsewhere there may be none.
                while not (self._sweep.scheduler or self._client_to_be.done()) and len(self._ready) < self._sweep.workers:
                    if not self._prepare():
                        break
                self._records.wait_for_store()
                self._client = self._client_to_be.result()
                self._client.subscribe_topic(self._topic, lambda event: self._messages.put(event[1]))
                while True:
                    self._begin_trials()
                    show(len(self._running))
                    if not self._running:
                        return
                    self._receive(self._next())
            except BaseException:
                for number in list(self._running):
                    # What ended the sweep is raised below; each trial is told all the same.
                    with suppress(Exception):
                        self._answer(number, False)  # or it would wait for one, and its worker with it
                    with suppress(Exception):
                        self._end(number, {"state": "killed"})
                raise
            finally:
                for trial, _, _ in self._ready:  # chosen, and never begun
                    self._study.tell(trial, "killed")

    @property
    def has_failed(self) -> bool:
        """Whether more trials have failed here than may: those of earlier, that were to be mended, don't count."""
        return self.failed > self._sweep.failures

    def _begin_trials(self) -> None:
        places = slots(self._client) or 1  # a trial waits if there is no worker yet
        try:
            while not self.has_failed and len(self._running) < places and (self._ready or self._prepare()):
                self._begin(*self._ready.pop(0))
        finally:
            self._record_begun()
        # While the workers train, one more is chosen and composed, so that none of them waits for it.
        if self._running and not self._ready and self._messages.empty() and not self.has_failed:
            self._prepare()

    def _record_begun(self) -> None:
        """Show the trials that have begun: once all have, for the first of these calls loads MLflow."""
        while self._begun:
            trial, values = self._begun.pop(0)
            self._records.begin(trial.number, trial.user_attrs[OVERRIDES], values)

    def _prepare(self) -> bool:
        """Choose the next trial and compose its configuration; False if there is none to come."""
        self._study.refresh()
        if self._study.count().done + self._study.running >= self._study.wanted:
            return False
        trial = self._study.ask()
        if trial is None:
            return False
        try:
            self._ready.append((trial, compose(self._for_all + trial.user_attrs[OVERRIDES]), ""))
        except UserError as error:
            self._ready.append((trial, {}, str(error)))
        return True

    def _begin(self, trial: Any, values: dict[str, Any], error: str) -> None:
        number = trial.number
        self._running[number] = trial
        self._begun.append((trial, values))
        try:
            data = "" if error else self._hand_out(values)
        except UserError as problem:
            error = str(problem)
        if error:
            self._messages.put({"trial": number, "state": "failed", "error": error})
            return
        future = self._client.submit(self._trial, number, values, data, self._topic, pure=False, retries=0)
        self._futures[number] = future
        future.add_done_callback(lambda done: self._messages.put({"trial": number, **_result(done)}))

    def _hand_out(self, values: dict[str, Any]) -> str:
        """Make sure that all workers have the pictures of a configuration, and return the name they are under."""
        dataset = configurations.check(values).dataset.model_dump_json()
        if dataset not in self._data:
            name = f"data-{hashlib.sha256(dataset.encode()).hexdigest()[:8]}"
            self._client.register_plugin(Data(name, *(self._pictures.pop(dataset, None) or read(dataset))), name=name)
            self._data[dataset] = name
        return self._data[dataset]

    def _next(self) -> Message:
        """The next message. While there is none, the store hears that the trials go on."""
        while True:
            self._study.beat([*self._running.values(), *(trial for trial, _, _ in self._ready)])
            with suppress(queue.Empty):
                return self._messages.get(timeout=BEAT_SECONDS)

    def _receive(self, message: Message) -> None:
        if message is STOP:
            raise KeyboardInterrupt
        number = message["trial"]
        if number not in self._running:  # of a trial whose worker has died
            return
        if message.get("state") == "lost":
            raise UserError(SCHEDULER_GONE)
        if "epoch" not in message:
            self._end(number, message)
            return
        epoch, trial = message["epoch"], self._running[number]
        try:
            trial.report(epoch[self._sweep.objective], epoch["epoch"])
            goes_on = not trial.should_prune()
        except UpdateFinishedTrialError:  # taken for dead, and queued again: see `Study.tell`
            goes_on = False
        if message["asks"]:
            self._answer(number, goes_on)
        self._records.epoch(number, epoch)

    def _answer(self, number: int, goes_on: bool) -> None:
        if self._client.status != "running":  # the scheduler is gone, and so is the trial: see `_result`
            return
        with suppress(OSError):  # at this moment
            Queue(f"{self._topic}/{number}", client=self._client).put(goes_on)

    def _end(self, number: int, result: Message) -> None:
        trial = self._running.pop(number)
        self._futures.pop(number, None)
        state, told = result["state"], {key: result[key] for key in result if key not in ("trial", "state")}
        self.failed += state == "failed"
        try:
            if self._ready and state in STATES:  # its worker has nothing to do, and need not wait for the store
                self._begin(*self._ready.pop(0))
        finally:
            self._study.tell(trial, state, told)
        self._records.end(number, state, told)
        self.train_seconds += result.get("train_seconds", 0.0)
        if state != "killed":
            self._say(describe(number, trial.user_attrs[OVERRIDES], result, self._sweep.objective))


def _result(future: Future[Any]) -> Message:
    """What became of a trial, even if its worker is gone."""
    if future.status == "finished":
        return dict(future.result())
    if future.status in ("cancelled", "lost"):  # which is no fault of the trial
        return {"state": "lost"}
    error = future.exception()
    if isinstance(error, KilledWorker):
        return {"state": "failed", "error": "its worker died: it was killed, or ran out of memory"}
    return {"state": "failed", "error": f"its worker could not run it: {type(error).__name__}: {error}"}


def describe(number: int, overrides: list[str], result: Message, objective: str) -> str:
    """A line on a trial that ended."""
    head = f"trial {number:>3} {result['state']:<8}"
    if result["state"] == "finished":
        value = result[objective]
        head += f" {value:.2%}" if objective == "validation_accuracy" else f" {value:.4f}"
    return f"{head}  {' '.join(overrides)}" + (f"\n  {result['error']}" if "error" in result else "")
