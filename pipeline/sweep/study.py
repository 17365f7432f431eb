"""The study of a sweep: Optuna's store of its trials, which the next trial is chosen from and which outlives every process."""

import hashlib
import itertools
import json
import logging
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import optuna
import psutil
from filelock import FileLock
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from pipeline.config.schema import Pruner, Sampler, SweepConfiguration
from pipeline.sweep.search_space import Dimension
from pipeline.system.errors import ConfigurationError, UserError
from pipeline.system.paths import PROJECT
from pipeline.system.processes import describe, has_died, is_here

#: What a trial keeps of itself in the store: see `Study.ask` and `Study.tell`.
PROCESS, SEEN, OVERRIDES, RESULT, ERROR = "process", "seen", "overrides", "result", "error"
BEAT_SECONDS = 30.0  # between two signs of life of a trial that is running
SILENT = timedelta(minutes=5)  # after which a trial of another machine, which nobody can look at, is taken for dead
UNCLAIMED = timedelta(seconds=5)  # that a trial is without its process, which it is for a few milliseconds
STATES = {"finished": TrialState.COMPLETE, "pruned": TrialState.PRUNED}  # any other has failed


def storage(url: str) -> BaseStorage:
    """Optuna's store at `url`; a SQLite file is relative to the project, and PostgreSQL is spoken to by psycopg 3.

    Raises:
        UserError: it can't be opened.

    """
    address, (scheme, _, path) = url, url.partition(":///")
    if scheme == "sqlite":
        address = f"sqlite:///{PROJECT / path}"
    elif scheme.startswith("postgresql://"):  # where SQLAlchemy would look for psycopg 2
        address = f"postgresql+psycopg{url.removeprefix('postgresql')}"
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        with _alone():  # making the tables is a series of steps
            return _opened(address)
    except (SQLAlchemyError, ImportError, RuntimeError) as error:
        raise UserError(
            f"the sweep's store {url} can't be opened: {str(error).splitlines()[0]}\n"
            "Choose another: sweep.storage=sqlite:///sweeps.db"
        ) from None


def _alone() -> FileLock:
    """What two coordinators on this machine must not do at the same moment."""
    return FileLock(PROJECT / ".sweeps.lock")


def _opened(url: str) -> BaseStorage:
    for _ in range(3):
        try:
            return optuna.storages.RDBStorage(url)
        except (IntegrityError, ProgrammingError):  # somebody on another machine makes the tables
            time.sleep(1)
    return optuna.storages.RDBStorage(url)


def name_of(configuration: SweepConfiguration, space: list[Dimension], data: str) -> str:
    """The study's name: of everything that decides what its trials are, so that the same command finds it again.

    That is the configuration, the space and the `data`, a hash of the pictures. How many trials, where they run and how many
    may fail can differ: a study can be made longer.
    """
    sweep = configuration.sweep
    what = [data, sweep.objective, sweep.sampler.model_dump(), sweep.pruner.model_dump(), [repr(part) for part in space]]
    text = json.dumps([what, configuration.model_dump(exclude={"sweep", "tracking", "composed_from"})])
    return f"{sweep.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def sampler_of(options: Sampler, space: list[Dimension], begun: int) -> optuna.samplers.BaseSampler:
    """Optuna's sampler of the configuration.

    Args:
        options: the configuration.
        space: what is sampled.
        begun: trials that the study has: a sampler that goes on must not begin with the same random numbers again.

    Raises:
        ConfigurationError: it can't sample this space.

    """
    seed = (options.seed + begun) % 2**32
    match options.name:
        case "tpe":
            return optuna.samplers.TPESampler(n_startup_trials=options.startup_trials, seed=seed, constant_liar=True)
        case "random":
            return optuna.samplers.RandomSampler(seed=seed)
        case "grid":
            _require(not any(not part.values for part in space), "grid", "choice(...) and range(...)", space)
            return optuna.samplers.RandomSampler(seed=seed)  # never asked: `Study` queues the grid
        case "cmaes":
            numbers = not any(isinstance(part.distribution, CategoricalDistribution) for part in space)
            _require(numbers, "cmaes", "interval(...) and ranges of whole numbers", space)
            return optuna.samplers.CmaEsSampler(n_startup_trials=options.startup_trials, seed=seed)


def _require(holds: bool, sampler: str, allowed: str, space: list[Dimension]) -> None:
    if not holds:
        keys = ", ".join(part.key for part in space)
        raise ConfigurationError(
            f"sweep.sampler.name={sampler} takes {allowed} alone, and the space has {keys}. Or: sweep.sampler.name=tpe"
        )


def _values(part: Dimension) -> list[Any]:
    """All values of a dimension, as Optuna has them."""
    if isinstance(part.distribution, CategoricalDistribution):
        return list(part.distribution.choices)
    return [int(value) for value in part.values]


def pruner_of(options: Pruner, epochs: int) -> optuna.pruners.BasePruner:
    """Optuna's pruner of the configuration, for trials of `epochs` epochs."""
    match options.name:
        case "none":
            return optuna.pruners.NopPruner()
        case "median":
            return optuna.pruners.MedianPruner(options.startup_trials, options.warmup_epochs + 1)  # Optuna's steps begin at 0
        case "hyperband":
            return optuna.pruners.HyperbandPruner(options.min_epochs, epochs, options.reduction_factor)


def _is_orphan(trial: FrozenTrial) -> bool:
    """Whether the process that a trial was running in is gone, be it before it could say that the trial was its own."""
    if process := trial.user_attrs.get(PROCESS):
        if is_here(process):
            return has_died(process)
        seen = trial.user_attrs.get(SEEN)
        return seen is None or datetime.now(UTC) - datetime.fromisoformat(seen) > SILENT
    return trial.datetime_start is not None and datetime.now() - trial.datetime_start > UNCLAIMED


def _counts(trial: FrozenTrial) -> bool:
    """Whether a trial ended, and was not interrupted, or withdrawn."""
    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED) or (
        trial.state == TrialState.FAIL and ERROR in trial.user_attrs
    )


def _point(trial: FrozenTrial) -> dict[str, Any]:
    """The parameters of a trial. One of the queue has them there already, before it is handed out."""
    return trial.system_attrs.get("fixed_params") or trial.params


@dataclass(frozen=True)
class Count:
    """How many trials of a study ended how."""

    finished: int
    pruned: int
    failed: int

    @property
    def done(self) -> int:
        """All that won't be tried again."""
        return self.finished + self.pruned + self.failed


class Study:
    """The trials of a sweep, kept in its store.

    What was running when its process was killed is queued again; `interrupted` has the numbers of those trials.

    Args:
        configuration: of the sweep.
        space: what it varies.
        data: a hash of the pictures that all trials train on.
        store: of `storage`.

    Raises:
        ConfigurationError: the sampler can't sample this space.

    """

    def __init__(self, configuration: SweepConfiguration, space: list[Dimension], data: str, store: BaseStorage) -> None:
        sweep, self.name = configuration.sweep, name_of(configuration, space, data)
        warnings.filterwarnings("ignore", category=ExperimentalWarning)
        self.space, self._objective = space, sweep.objective
        self.direction: Literal["maximize", "minimize"] = "maximize" if sweep.objective == "validation_accuracy" else "minimize"
        self._distributions: dict[str, BaseDistribution] = {part.key: part.distribution for part in space}
        self.optuna = optuna.create_study(storage=store, study_name=self.name, direction=self.direction, load_if_exists=True)
        self.optuna.sampler = sampler_of(sweep.sampler, space, len(self.optuna.trials))
        self.optuna.pruner = pruner_of(sweep.pruner, configuration.training.epochs)
        size = 1
        for part in space:
            size *= len(part.values)
        if sweep.trials is None and not size:
            raise ConfigurationError("sweep.trials must be a number where the space has intervals: sweep.trials=30")
        self._grid = sweep.sampler.name == "grid" or sweep.trials is None
        self.wanted = min(sweep.trials or size, size) if self._grid else int(sweep.trials or size)
        self._next_beat = 0.0

        if self._grid:
            with _alone():  # or each would queue the whole grid; of other machines see `_is_repeated`
                if len(self._trials()) < size:
                    # Not Optuna's GridSampler, which wants to stop a study that nobody has told to optimize.
                    for values in itertools.product(*map(_values, space)):
                        self.optuna.enqueue_trial(dict(zip(self._distributions, values, strict=True)), skip_if_exists=True)
        self._process, self._is_reseeded = describe(psutil.Process()), False
        self.interrupted: list[int] = []
        self.refresh()

    def refresh(self) -> None:
        """Look at the store again, for others may work on the same study, or die. Once a trial: the larger, the slower."""
        self.interrupted += self._take_up()
        states = [trial.state for trial in self.trials()]
        self._count = Count(*(states.count(state) for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)))
        self._best = self._better(*self._trials(TrialState.COMPLETE))
        self.running = len(self._trials(TrialState.RUNNING))

    def _take_up(self) -> list[int]:
        interrupted = [trial for trial in self._trials(TrialState.RUNNING) if _is_orphan(trial)]
        queued = [_point(trial) for trial in self._trials(TrialState.WAITING)] if interrupted else []
        for trial in interrupted:
            state, value = TrialState.FAIL, None
            if RESULT in trial.user_attrs:  # all but its state was written
                state, value = TrialState.COMPLETE, trial.user_attrs[RESULT][self._objective]
            elif ERROR not in trial.user_attrs and len(_point(trial)) == len(self.space) and _point(trial) not in queued:
                # In this order, or a kill in between would lose it; and once, if that has happened.
                self.optuna.enqueue_trial(_point(trial))
            with suppress(UpdateFinishedTrialError):  # another process was quicker
                self.optuna.tell(trial.number, value, state, skip_if_finished=True)
        return [trial.number for trial in interrupted]

    def ask(self) -> Trial | None:
        """The next trial, or None if others run what is left.

        The store knows from now on that this process runs it, and with what overrides.
        """
        while (trial := self._claim()) is not None:
            others = [one for one in self._trials() if one.number != trial.number]
            if self._is_repeated(trial, others):
                self._withdraw(trial)
                if not self._grid:
                    self.optuna.sampler.reseed_rng()
                    self._is_reseeded = True
                continue
            if self._is_one_too_many(trial, others):
                self.tell(trial, "killed")
                return None
            return trial
        return None

    def _is_one_too_many(self, trial: Trial, others: list[FrozenTrial]) -> bool:
        """Whether another coordinator took the last place at the same moment."""
        before = [one for one in others if one.state == TrialState.RUNNING and one.number < trial.number]
        return len(before) + len([one for one in others if _counts(one)]) >= self.wanted

    def _is_repeated(self, trial: Trial, others: list[FrozenTrial]) -> bool:
        """Whether another coordinator that began at the same moment has queued the same, or has the same random numbers."""
        if self._grid:
            same = [one for one in others if _counts(one) or (one.state == TrialState.RUNNING and one.number < trial.number)]
        else:
            running = [] if self._is_reseeded else [one for one in others if one.state == TrialState.RUNNING]
            same = [one for one in running if one.user_attrs.get(PROCESS) != self._process]
        return any(_point(one) == trial.params for one in same)

    def _claim(self) -> Trial | None:
        while True:
            try:
                trial = self.optuna.ask(self._distributions)
                if self._grid and not self._was_queued(trial):  # there was none in the queue, and this is any point
                    self._withdraw(trial)
                    return None
                self._is_seen(trial)  # first, for whoever finds a process looks for this
                trial.set_user_attr(PROCESS, self._process)
                trial.set_user_attr(OVERRIDES, [part.override(trial.params[part.key]) for part in self.space])
                return trial
            except UpdateFinishedTrialError:  # this machine slept meanwhile, and another process has queued it again
                continue

    def _was_queued(self, trial: Trial) -> bool:
        return "fixed_params" in self._trials()[trial.number].system_attrs

    def _withdraw(self, trial: Trial) -> None:
        """End a trial that nobody runs: without an error it counts for nothing."""
        self.optuna.tell(trial, state=TrialState.FAIL, skip_if_finished=True)

    def beat(self, running: Iterable[Trial]) -> None:
        """Say now and then, to processes on other machines, that trials are still running."""
        if time.monotonic() >= self._next_beat:
            self._next_beat = time.monotonic() + BEAT_SECONDS
            for trial in running:
                with suppress(UpdateFinishedTrialError):  # taken for dead, after a sleep of this machine: see `tell`
                    self._is_seen(trial)

    def _is_seen(self, trial: Trial) -> None:
        trial.set_user_attr(SEEN, datetime.now(UTC).isoformat(timespec="seconds"))

    def tell(self, trial: Trial, state: str, result: dict[str, Any] | None = None) -> None:
        """Say how a trial ended.

        Args:
            trial: of `ask`.
            state: ``finished``, ``pruned``, ``failed``, or ``killed``: then it is queued again.
            result: of a finished trial what it reached, of a failed one its ``error``.

        """
        try:
            self._is_seen(trial)
        except UpdateFinishedTrialError:  # another process took it for dead, and has queued it again
            return
        result = result or {}
        value = result[self._objective] if state == "finished" else None
        if error := result.get("error"):
            trial.set_user_attr(ERROR, error)
        if state == "finished":
            trial.set_user_attr(RESULT, result)
        if state == "killed":
            self.optuna.enqueue_trial(trial.params)
        told = self.optuna.tell(trial, value, STATES.get(state, TrialState.FAIL))
        if state != "killed":
            self._count = replace(self._count, **{state: getattr(self._count, state) + 1})
        if state == "finished":
            self._best = self._better(told, *([self._best] if self._best else []))

    def count(self) -> Count:
        """How many trials ended how; those that were interrupted are tried again and don't count."""
        return self._count

    def trials(self) -> list[FrozenTrial]:
        """All trials that ended and count, in their order."""
        return [trial for trial in self._trials() if _counts(trial)]

    def best(self) -> FrozenTrial | None:
        """The finished trial with the best value, of equals the first; None while none has finished."""
        return self._best

    def _better(self, *finished: FrozenTrial) -> FrozenTrial | None:
        sign = 1 if self.direction == "minimize" else -1
        return min(finished, key=lambda trial: (sign * (trial.value or 0.0), trial.number), default=None)

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Those in one of these states, or all, by their number."""
        return self.optuna.get_trials(deepcopy=False, states=states or None)
