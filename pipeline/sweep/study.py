"""The study of a sweep: its trials in Optuna's store, which outlives the processes and from which the next trial is chosen.

A running trial has a heartbeat. A trial whose heartbeat has been missing for the grace period is stale: Optuna marks it as
failed and requeues it.
"""

import logging
import math
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import optuna
from filelock import FileLock
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from pipeline.config.stages import TRAIN
from pipeline.sweep.schema import Sweep, SweepConfiguration
from pipeline.sweep.search_space import Dimension
from pipeline.sweep.strategies import PRUNERS, SAMPLERS
from pipeline.system.errors import ConfigurationError, UserError
from pipeline.system.paths import PROJECT

ERROR = "error"  # attribute of a failed trial: its message; an interrupted trial has none
STORE_PROBLEMS = (StorageInternalError, SQLAlchemyError)  # the errors of Optuna when its store can't be used
LOCK_SECONDS = 60  # how long a process waits for others that write to the same SQLite file


class Storage(RDBStorage):
    """Optuna's store, with a lock that keeps two threads or processes of one machine from claiming the same trial.

    Optuna reads the state of a trial and then sets it, and SQLite has no row locks that would make this one step.
    """

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        """Set the state of a trial, as Optuna does."""
        with _alone():
            return super().set_trial_state_values(trial_id, state, values)

    def record_heartbeat(self, trial_id: int) -> None:
        """Record that a trial is alive. If the store is gone, the trial reports it, and not a traceback of this thread."""
        with suppress(*STORE_PROBLEMS):
            super().record_heartbeat(trial_id)


def requeue(study: optuna.Study, trial: FrozenTrial) -> None:
    """Requeue a trial that was interrupted, unless it had failed and only the end of its record is missing."""
    if ERROR not in trial.user_attrs:
        RetryHeartbeatStaleTrialCallback()(study, trial)


def _alone() -> FileLock:
    return FileLock(PROJECT / ".sweeps.lock")


def storage(sweep: Sweep) -> Storage:
    """Open Optuna's store. The path of a SQLite file is relative to the project; PostgreSQL is used with psycopg 3.

    Raises:
        UserError: it can't be opened.
    """
    address, (scheme, _, path) = sweep.storage, sweep.storage.partition(":///")
    options: dict[str, Any] = {}
    if scheme == "sqlite":
        address, options = f"sqlite:///{PROJECT / path}", {"connect_args": {"timeout": LOCK_SECONDS}}
    elif scheme.startswith("postgresql://"):  # SQLAlchemy's default is psycopg 2
        address = f"postgresql+psycopg{address.removeprefix('postgresql')}"
    warnings.filterwarnings("ignore", category=ExperimentalWarning)  # Optuna calls heartbeats experimental
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # or it logs a traceback of each trial that fails
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        with _alone():  # creating the tables takes several steps
            return Storage(
                address,
                engine_kwargs=options,
                heartbeat_interval=max(1, sweep.grace_period_seconds // 4),
                grace_period=sweep.grace_period_seconds,
                heartbeat_stale_trial_callback=requeue,
            )
    except (*STORE_PROBLEMS, ImportError, RuntimeError) as error:
        raise unusable(sweep.storage, error) from None


def unusable(url: str, error: Exception) -> UserError:
    """The error of a store that can't be used, or no longer."""
    return UserError(
        f"the sweep's store {url} can't be used: {str(error.__cause__ or error).splitlines()[0]}\n"
        "Mend that, and the same command resumes with the remaining trials. Or choose another store: "
        "sweep.storage=sqlite:///sweeps.db"
    )


def name_of(configuration: SweepConfiguration, space: list[Dimension], data: str) -> str:
    """The name of the study, from all that decides the results of its trials, so that the same command finds it again.

    That is what the stage ``train`` goes by, the space and `data`, a hash of the images and drawings. The number of trials, the
    workers and the allowed failures are not part of it: a study can be extended.
    """
    sweep = configuration.sweep
    chosen_by = [sweep.objective, sweep.sampler.model_dump(), sweep.pruner.model_dump(), [repr(part) for part in space]]
    return f"{sweep.name}-{TRAIN.identity(configuration, data, chosen_by)[:8]}"


@dataclass(frozen=True)
class Count:
    """How many trials of a study are in each state."""

    finished: int
    pruned: int
    failed: int
    running: int
    queued: int

    @property
    def done(self) -> int:
        """The number of trials that are not tried again."""
        return self.finished + self.pruned + self.failed


class Study:
    """The trials of a sweep over a space, on images and drawings whose hash is `data`.

    Raises:
        ConfigurationError: the sampler can't sample this space, or the number of trials is missing.
    """

    def __init__(self, configuration: SweepConfiguration, space: list[Dimension], data: str, store: Storage) -> None:
        sweep, self.name, self.space = configuration.sweep, name_of(configuration, space, data), space
        size = math.prod(len(part.values) for part in space)  # of the grid; 0 if the space is no grid
        if sweep.trials is None and not size:
            raise ConfigurationError("sweep.trials must be a number where the space has intervals: sweep.trials=30")
        self.is_grid = sweep.sampler.name == "grid" or sweep.trials is None
        sample = SAMPLERS["grid" if self.is_grid else sweep.sampler.name]
        sample(sweep.sampler, space, 0)  # raises an error before anything is written
        self.wanted: int = min(sweep.trials or size, size) if self.is_grid else int(sweep.trials or size)
        direction = StudyDirection.MAXIMIZE if sweep.objective == "validation_accuracy" else StudyDirection.MINIMIZE
        self.optuna = optuna.create_study(storage=store, study_name=self.name, direction=direction, load_if_exists=True)
        self.optuna.set_metric_names([sweep.objective])
        # A resumed study must not repeat the random numbers of its beginning.
        self.optuna.sampler = sample(sweep.sampler, space, (sweep.sampler.seed + len(self.optuna.trials)) % 2**32)
        self.optuna.pruner = PRUNERS[sweep.pruner.name](sweep.pruner, configuration.training.epochs)
        optuna.storages.fail_stale_trials(self.optuna)  # done once here: each thread that begins would requeue them again

    def suggest(self, trial: Trial) -> list[str]:
        """Choose the values of a trial, as overrides."""
        return self.overrides({part.key: part.suggest(trial) for part in self.space})

    def overrides(self, values: dict[str, Any]) -> list[str]:
        """The values of a trial as overrides."""
        return [part.override(values[part.key]) for part in self.space]

    def shown(self, value: float) -> str:
        """A value of the objective for a person."""
        return f"{value:.2%}" if self.optuna.direction == StudyDirection.MAXIMIZE else f"{value:.4f}"

    def count(self) -> Count:
        """Count the trials in each state. Interrupted trials are tried again, and don't count as failed."""
        states = [trial.state for trial in self.optuna.get_trials(deepcopy=False)]
        failed = sum(trial.state == TrialState.FAIL for trial in self.ended())
        others = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING, TrialState.WAITING)
        finished, pruned, running, queued = (states.count(state) for state in others)
        return Count(finished, pruned, failed, running, queued)

    def remaining(self) -> int:
        """The number of trials still to do. A grid point that two processes tried counts once."""
        ended = self.ended()
        return self.wanted - (len({str(self.overrides(trial.params)) for trial in ended}) if self.is_grid else len(ended))

    def ended(self) -> list[FrozenTrial]:
        """All trials that ended without being interrupted, in their order."""
        trials = self.optuna.get_trials(deepcopy=False)
        return [
            trial
            for trial in trials
            if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
            or (trial.state == TrialState.FAIL and ERROR in trial.user_attrs)
        ]

    def best(self) -> FrozenTrial | None:
        """The finished trial with the best value, the first of equals; None if no trial has finished."""
        finished = self.optuna.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        sign = 1 if self.optuna.direction == StudyDirection.MINIMIZE else -1
        return min(finished, key=lambda trial: (sign * (trial.value or 0.0), trial.number), default=None)
