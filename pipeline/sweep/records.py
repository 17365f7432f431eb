"""What a sweep writes to MLflow, behind the sweep's back: each write would keep workers waiting.

MLflow is loaded while the workers start, so that a store that can't be used is told before they train.
"""

import gc
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline.system import importing
from pipeline.system.errors import UserError

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from pipeline.config.schema import SweepConfiguration
    from pipeline.sweep.study import Study
    from pipeline.sweep.sweep_runs import SweepRuns

UNUSED = ("pyarrow", "rich")  # MLflow, pandas and scikit-learn would load them: 30 MB


class Records:
    """The same calls as those of `pipeline.sweep.sweep_runs.SweepRuns`, which are made in their order on a thread of their own.

    What fails there is raised by the next call, or by the end of the block, as a UserError.

    Args:
        configuration: of the sweep.
        study: its trials.

    """

    def __init__(self, configuration: "SweepConfiguration", study: "Study") -> None:
        self._thread = ThreadPoolExecutor(1)
        self._configuration, self._study, self._before = configuration, study, study.trials()
        self._under_way: list[Future[Any]] = []

    def __enter__(self) -> "Records":
        self._reached = self._thread.submit(_reach, self._configuration)
        return self

    def wait_for_store(self) -> None:
        """Wait until it is known that there is a store to write to: call this before any trial.

        Raises:
            UserError: the store can't be used.

        """
        self._reached.result()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._thread:
            if kind is not None and "_runs" not in self.__dict__ and not self._before:
                return  # it failed before any trial began, and there is nothing to tell
            if kind is None:
                self._finish("FINISHED")
            elif self._runs.exception() is None:
                with suppress(Exception):  # what ended the sweep is raised
                    self._finish("KILLED" if issubclass(kind, KeyboardInterrupt) else "FAILED")

    def _finish(self, status: str) -> None:
        self._do("finish", status)
        for future in self._under_way:
            future.result()

    def begin(self, number: int, overrides: list[str], values: dict[str, Any]) -> None:
        """Create the run of a trial; `values` is its whole configuration, empty if it could not be composed."""
        self._do("begin", number, overrides, values)

    def epoch(self, number: int, epoch: dict[str, float]) -> None:
        """Add an epoch to the curves of a trial."""
        self._do("epoch", number, epoch)

    def end(self, number: int, state: str, result: dict[str, Any]) -> None:
        """Close the run of a trial: `result` holds its single values, or its `error`."""
        self._do("end", number, state, result)

    @cached_property
    def _runs(self) -> "Future[SweepRuns]":
        """The runs, which are opened with the first call."""
        opened = self._thread.submit(_open, self._configuration, self._study, self._before)
        self._under_way.append(opened)
        return opened

    def _do(self, what: str, *arguments: Any) -> None:
        runs = self._runs
        for future in [future for future in self._under_way if future.done()]:
            self._under_way.remove(future)
            future.result()
        self._under_way.append(self._thread.submit(_call, runs, what, arguments))


def _call(runs: "Future[SweepRuns]", what: str, arguments: tuple[Any, ...]) -> None:
    opened = runs.result()
    from pipeline.tracking.problems import telling  # loaded by now

    try:
        with telling(opened.uri):
            getattr(opened, what)(*arguments)
    except UserError as error:
        raise UserError(
            f"{error}\nThen the same command writes there what is missing, and goes on with the trials that remain."
        ) from None


def _reach(configuration: "SweepConfiguration") -> None:
    from pipeline.system.paths import PROJECT
    from pipeline.tracking import stage_run

    with importing.lightly(*UNUSED):
        from pipeline.tracking.problems import telling
        from pipeline.tracking.recorder import open_store  # loads MLflow

    uri = stage_run.uri(configuration.tracking)
    with telling(uri):
        open_store(uri, configuration.tracking.experiment, PROJECT)


def _open(configuration: "SweepConfiguration", study: "Study", before: "list[FrozenTrial]") -> "SweepRuns":
    with importing.lightly(*UNUSED):
        importing.in_one_piece(_load)
        gc.collect()  # figures refer to themselves in circles, and whatever is there at the end of this block stays
    from pipeline.sweep.sweep_runs import SweepRuns

    return SweepRuns(configuration, study, before)


def _load() -> None:
    from pipeline.sweep.sweep_runs import load_plots  # loads MLflow

    load_plots()
