"""The MLflow runs of a sweep: a parent run with the table and the plots, and below it a run for each trial."""

import tempfile
import time
from pathlib import Path
from typing import Any

from filelock import FileLock
from mlflow.entities import Metric, Param, RunTag
from omegaconf import OmegaConf
from optuna.trial import TrialState

from pipeline.config.check import short
from pipeline.sweep import report
from pipeline.sweep.schema import SweepConfiguration
from pipeline.sweep.study import ERROR, Study
from pipeline.system.masking import masked
from pipeline.system.paths import MLFLOW_LOCK, PROJECT
from pipeline.tracking import provenance, recorder, stage_run
from pipeline.tracking.problems import telling

#: MLflow's status of a run, by the state of its trial. MLflow has no status for pruned trials; the tag `trial_state` has it.
STATUS = {"finished": "FINISHED", "pruned": "FINISHED", "failed": "FAILED", "killed": "KILLED"}


class SweepLogger:
    """Writes the runs of a sweep.

    The end of a trial is written to MLflow before it is written to Optuna's store: if MLflow's store breaks, the trial is tried
    again and nothing is missing. Every method raises UserError if the store can't be used.
    """

    def __init__(self, configuration: SweepConfiguration, study: Study) -> None:
        self._study, self._configuration = study, configuration
        self._uri = stage_run.uri(configuration.tracking)
        self._runs: dict[int, str] = {}
        self._tags = provenance.tags(configuration, "python -m pipeline.sweep") | {"sweep": study.name}
        with telling(self._uri):
            self._client, self._experiment = recorder.open_store(self._uri, configuration.tracking.experiment, PROJECT)
            self._close_interrupted()
            with FileLock(PROJECT / MLFLOW_LOCK):  # or two commands that begin at once create one each
                self._parent = self._find_or_create_parent()

    def _find_or_create_parent(self) -> str:
        name = self._study.name
        found = self._client.search_runs([self._experiment], f"tags.sweep = '{name}' and tags.role = 'sweep'", max_results=1)
        if found:
            run = str(found[0].info.run_id)
            self._client.update_run(run, "RUNNING")
            self._client.set_tag(run, "process", self._tags["process"])
            return run
        called = f"sweep {self._configuration.sweep.name}"
        tags = {"role": "sweep", "mlflow.note.content": provenance.description(self._configuration)}
        run = self._create(called, tags, provenance.parameters(self._configuration))
        values = self._configuration.model_dump()
        values["sweep"]["storage"] = masked(values["sweep"]["storage"])
        self._client.log_text(run, OmegaConf.to_yaml(values), "sweep.yaml")
        return run

    def _close_interrupted(self) -> None:
        """Mark the runs of trials that were requeued, or whose process has died, as killed."""
        recorder.close_dead_runs(self._client, self._experiment)
        trials = self._study.optuna.get_trials(deepcopy=False, states=(TrialState.FAIL,))
        interrupted = {str(trial.number) for trial in trials if ERROR not in trial.user_attrs}
        sweep = f"tags.sweep = '{self._study.name}' and tags.role = 'trial' and attributes.status != 'KILLED'"
        for run in self._client.search_runs([self._experiment], sweep, max_results=50_000) if interrupted else []:
            if run.data.tags["trial"] in interrupted:
                self._close(run.info.run_id, "killed")

    def _create(self, name: str, tags: dict[str, str], parameters: dict[str, Any], began: float | None = None) -> str:
        start = None if began is None else int(began * 1000)
        created = self._client.create_run(self._experiment, start, self._tags | tags, name)
        run = str(created.info.run_id)
        self._client.log_batch(run, params=[Param(key, str(value)) for key, value in parameters.items()])
        return run

    def begin(
        self, number: int, overrides: list[str], values: dict[str, Any], sha256: str = "", began: float | None = None
    ) -> None:
        """Create the run of a trial.

        Args:
            number: of the trial.
            overrides: its own.
            values: its whole configuration; empty if it could not be composed.
            sha256: hash of its images and drawings.
            began: when it was handed to a worker, as `time.time` has it; None: now.
        """
        parameters = dict(override.split("=", 1) for override in overrides)
        tags = {"mlflow.parentRunId": self._parent, "role": "trial", "trial": str(number)}
        with telling(self._uri):
            self._runs[number] = self._create(short(overrides), tags, parameters, began)
            if values:
                dataset = {"name": values["dataset"]["name"], "sha256": sha256}
                recorder.record(self._client, self._runs[number], {"dataset": dataset})
                self._client.log_text(self._runs[number], OmegaConf.to_yaml(values), "params.yaml")

    def epoch(self, number: int, epoch: dict[str, float]) -> None:
        """Add an epoch to the curves of a trial."""
        with telling(self._uri):
            values = {f"epoch/{key}": value for key, value in epoch.items() if key != "epoch"}
            self._metrics(self._runs[number], values, int(epoch["epoch"]))

    def end(self, number: int, state: str, values: dict[str, float] | None = None, error: str = "") -> None:
        """Close the run of a trial: `state` is ``finished``, ``pruned``, ``failed`` or ``killed``."""
        if run := self._runs.pop(number, ""):
            with telling(self._uri):
                self._metrics(run, values or {})
                self._close(run, state, error)

    def _close(self, run: str, state: str, error: str = "") -> None:
        tags = {"trial_state": state} | ({"error": error} if error else {})
        self._client.log_batch(run, tags=[RunTag(key, value) for key, value in tags.items()])
        self._client.set_terminated(run, STATUS[state])

    def finish(self, status: str) -> None:
        """Write the table and the plots of all trials, and close the parent."""
        count, best, objective = self._study.count(), self._study.best(), self._configuration.sweep.objective
        values = {"trials_finished": count.finished, "trials_pruned": count.pruned, "trials_failed": count.failed}
        with telling(self._uri), tempfile.TemporaryDirectory() as folder:
            self._close_interrupted()
            self._study.optuna.trials_dataframe().to_csv(Path(folder) / "trials.csv", index=False)
            report.write_plots(self._study.optuna, objective, Path(folder))
            self._client.log_artifacts(self._parent, folder)
            self._metrics(self._parent, values | ({objective: best.value} if best else {}))
            self._client.set_terminated(self._parent, status)

    def _metrics(self, run: str, values: dict[str, Any], step: int = 0) -> None:
        now = int(time.time() * 1000)
        self._client.log_batch(run, [Metric(key, float(value), now, step) for key, value in values.items()])
