"""What a sweep leaves in MLflow: a parent run with its table and plots, and a run for every trial below it."""

import csv
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from mlflow.entities import Metric, Param, RunTag
from omegaconf import OmegaConf
from optuna.trial import FrozenTrial, TrialState

from pipeline.config.check import short
from pipeline.config.schema import SweepConfiguration
from pipeline.sweep.study import ERROR, OVERRIDES, RESULT, Study
from pipeline.system.masking import masked
from pipeline.system.paths import PROJECT
from pipeline.tracking import recorder, stage_run
from pipeline.tracking.problems import telling

#: MLflow's status of a run, by how its trial ended. It knows no pruned runs; the tag `trial_state` does.
STATUS = {"finished": "FINISHED", "pruned": "FINISHED", "failed": "FAILED", "killed": "KILLED"}
STATES = {TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


class SweepRuns:
    """The runs of a sweep.

    Args:
        configuration: of the sweep.
        study: its trials.
        before: those that ended before this process began any: the ones it ends meanwhile it tells of itself.

    Raises:
        UserError: the store can't be used.

    """

    def __init__(self, configuration: SweepConfiguration, study: Study, before: list[FrozenTrial]) -> None:
        self._study, self._configuration = study, configuration
        self.uri = stage_run.uri(configuration.tracking)
        self._runs: dict[int, str] = {}
        self._tags = stage_run.tags(configuration) | {"sweep": study.name}
        with telling(self.uri):
            self._client, self._experiment = recorder.open_store(self.uri, configuration.tracking.experiment, PROJECT)
            self._close_interrupted()
            with FileLock(PROJECT / ".mlflow.lock"):  # or two that begin at once make one each
                self.parent = self._parent()
            self._mend(before)

    def _parent(self) -> str:
        name = self._study.name
        found = self._client.search_runs([self._experiment], f"tags.sweep = '{name}' and tags.role = 'sweep'", max_results=1)
        if found:
            run = str(found[0].info.run_id)
            self._client.update_run(run, "RUNNING")
            self._client.set_tag(run, "process", self._tags["process"])
            return run
        run = self._create(
            f"sweep {self._configuration.sweep.name}", {"role": "sweep"}, stage_run.parameters(self._configuration)
        )
        values = self._configuration.model_dump()
        values["sweep"]["storage"] = masked(values["sweep"]["storage"])
        self._client.log_text(run, OmegaConf.to_yaml(values), "sweep.yaml")
        return run

    def _mend(self, before: list[FrozenTrial]) -> None:
        """Write what the store of the trials has and this one lacks: the coordinator before was killed in between."""
        sweep = f"tags.sweep = '{self._study.name}' and tags.role = 'trial'"
        runs = {run.data.tags["trial"]: run for run in self._client.search_runs([self._experiment], sweep, max_results=50_000)}
        for trial in before:
            run = runs.get(str(trial.number))
            # Optuna's can break while it is told of a result: then the run was closed as killed, and the result is there.
            if run is not None and run.data.tags.get("trial_state") == STATES[trial.state]:
                continue
            written = set()
            if run is None:
                self.begin(trial.number, trial.user_attrs[OVERRIDES], {})
            else:
                self._runs[trial.number] = run.info.run_id
                curve = self._client.get_metric_history(run.info.run_id, f"epoch/{self._configuration.sweep.objective}")
                written = {point.step for point in curve}
            for epoch in trial.intermediate_values.keys() - written:
                reached = trial.intermediate_values[epoch]
                self.epoch(trial.number, {"epoch": epoch, self._configuration.sweep.objective: reached})
            error = {"error": trial.user_attrs[ERROR]} if ERROR in trial.user_attrs else {}
            self.end(trial.number, STATES[trial.state], trial.user_attrs.get(RESULT, error))

    def _close_interrupted(self) -> None:
        recorder.close_dead_runs(self._client, self._experiment)
        sweep = f"tags.sweep = '{self._study.name}' and tags.role = 'trial' and attributes.status = 'RUNNING'"
        for run in self._client.search_runs([self._experiment], sweep, max_results=50_000):
            if int(run.data.tags["trial"]) in self._study.interrupted:  # of another machine: nobody here knew that it had died
                self._client.set_terminated(run.info.run_id, STATUS["killed"])

    def _create(self, name: str, tags: dict[str, str], parameters: dict[str, Any]) -> str:
        run = str(self._client.create_run(self._experiment, run_name=name, tags=self._tags | tags).info.run_id)
        self._client.log_batch(run, params=[Param(key, str(value)) for key, value in parameters.items()])
        return run

    def begin(self, number: int, overrides: list[str], values: dict[str, Any]) -> None:
        """Create the run of a trial; `values` is its whole configuration, empty if it could not be composed."""
        parameters = dict(override.split("=", 1) for override in overrides)
        tags = {"mlflow.parentRunId": self.parent, "role": "trial", "trial": str(number)}
        self._runs[number] = self._create(short(overrides), tags, parameters)
        if values:
            self._client.log_text(self._runs[number], OmegaConf.to_yaml(values), "params.yaml")

    def epoch(self, number: int, epoch: dict[str, float]) -> None:
        """Add an epoch to the curves of a trial."""
        values = {f"epoch/{key}": value for key, value in epoch.items() if key != "epoch"}
        self._metrics(self._runs[number], values, int(epoch["epoch"]))

    def end(self, number: int, state: str, result: dict[str, Any]) -> None:
        """Close the run of a trial: `result` holds its single values, or its `error`."""
        run = self._runs.pop(number, None)
        if run is None:  # it could not be begun, which was told
            return
        self._metrics(run, {key: value for key, value in result.items() if isinstance(value, int | float)})
        tags = [RunTag("trial_state", state)] + ([RunTag("error", result["error"])] if "error" in result else [])
        self._client.set_terminated(run, STATUS[state])
        self._client.log_batch(run, tags=tags)  # last, for it says that all is written: see `_mend`

    def finish(self, status: str) -> None:
        """Write the table and the plots of all trials, and close what is still open."""
        for number in list(self._runs):
            self.end(number, "killed", {})
        self._study.refresh()
        self._close_interrupted()
        with tempfile.TemporaryDirectory() as folder:
            write_table(self._study.trials(), Path(folder) / "trials.csv")
            write_plots(self._study.optuna, self._configuration.sweep.objective, Path(folder))
            self._client.log_artifacts(self.parent, folder)
        count, best = self._study.count(), self._study.best()
        values = {"trials_finished": count.finished, "trials_pruned": count.pruned, "trials_failed": count.failed}
        self._metrics(self.parent, values | ({f"best_{self._configuration.sweep.objective}": best.value} if best else {}))
        if not self._study.running:  # elsewhere: then the last of them ends it
            self._client.set_terminated(self.parent, status)

    def _metrics(self, run: str, values: dict[str, Any], step: int = 0) -> None:
        now = int(time.time() * 1000)
        self._client.log_batch(run, [Metric(key, float(value), now, step) for key, value in values.items()])


def write_table(trials: list[FrozenTrial], path: Path) -> None:
    """Write all trials as CSV: number, state, value, seconds, a column a key, error."""
    keys = list(trials[0].params) if trials else []
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["trial", "state", "value", "seconds", *keys, "error"])
        for trial in trials:
            seconds = round(trial.duration.total_seconds(), 2) if trial.duration else ""
            set_to = [override.partition("=")[2] for override in trial.user_attrs[OVERRIDES]]
            error = trial.user_attrs.get(ERROR, "")
            value = trial.value if trial.state == TrialState.COMPLETE else ""
            writer.writerow([trial.number, STATES[trial.state], value, seconds, *set_to, error])


def load_plots() -> None:
    """Load what `write_plots` needs, which takes seconds: while workers train, and not at the end, when a person waits."""
    small = optuna.create_study()  # for much is loaded by the first plot of each kind
    for value in (0.0, 1.0):
        small.enqueue_trial({"x": value})
        small.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with tempfile.TemporaryDirectory() as folder:
        write_plots(small, "value", Path(folder))


def write_plots(study: optuna.Study, objective: str, folder: Path) -> None:
    """Write the optimisation history, the importances and the parallel coordinates, as PNG, and all as ``sweep.html``."""
    finished = study.get_trials(states=[TrialState.COMPLETE])
    if not finished:
        return
    import matplotlib

    matplotlib.use("Agg")  # before pyplot: no window
    from matplotlib import pyplot, ticker
    from optuna import visualization

    plots = {"history": "plot_optimization_history", "parallel_coordinates": "plot_parallel_coordinate"}
    if len({trial.value for trial in finished}) > 1:  # else nothing has any importance
        plots["importances"] = "plot_param_importances"
    html: list[str] = []
    margin = 0.05 + 0.01 * max(len(key) for key in finished[0].params)  # of the width: a character is a hundredth of it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of plots that Optuna calls experimental
        for name, function in plots.items():
            axes = getattr(visualization.matplotlib, function)(study, target_name=objective)
            figure = axes.figure
            for axis in [axis for each in figure.axes for axis in (each.xaxis, each.yaxis) if axis.get_scale() == "log"]:
                axis.set_minor_locator(ticker.LogLocator(subs=(2, 5)))  # every tick takes long to draw
                for set_formatter in (axis.set_major_formatter, axis.set_minor_formatter):  # plain: a formula takes long to set
                    set_formatter(ticker.LogFormatter(minor_thresholds=(2, 0.5)))
            figure.set_size_inches(9, 5)
            figure.set_layout_engine("none")  # Optuna's is tight, and draws everything twice to find out what is
            figure.subplots_adjust(left=margin, bottom=0.22, right=0.92, top=0.92)
            figure.savefig(folder / f"{name}.png", dpi=110)
            pyplot.close(figure)
            interactive = getattr(visualization, function)(study, target_name=objective)
            html.append(interactive.to_html(full_html=False, include_plotlyjs=not html))
    page = "<!doctype html><meta charset='utf-8'><title>Sweep</title>" + "\n".join(html)
    (folder / "sweep.html").write_text(page, encoding="utf-8")


optuna.logging.set_verbosity(optuna.logging.WARNING)
