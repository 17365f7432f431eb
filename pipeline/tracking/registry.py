"""The runs of the MLflow store, as the command line and the window show them, and the champion among them.

A run is named by its id, a unique prefix of its id, its name in DVC or MLflow, the model file that it exported, or
``champion``.
"""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import yaml
from mlflow import MlflowClient
from mlflow.entities import LifecycleStage, Run
from mlflow.exceptions import MlflowException

from pipeline.config.check import flatten, load
from pipeline.system.errors import UserError
from pipeline.system.masking import masked
from pipeline.system.paths import MODEL_FILE, PROJECT, md5
from pipeline.tracking import provenance, stage_run
from pipeline.tracking.moved import bring_artifacts
from pipeline.tracking.problems import PATIENCE, first_contact, must_be_writable, must_not_be_deleted, sqlite_file
from pipeline.tracking.summary import Summary, summarize

if TYPE_CHECKING:
    import pandas

os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # each artifact is one small file

REGISTERED = "digits"  # the name of the registered model
CHAMPION = "champion"  # the alias of the promoted version
MOST = 5000  # runs that a search returns
NO_RUNS = "there are no runs in {} yet. Make one: make run (or dvc repro)"


class RunError(UserError):
    """A run doesn't exist, or lacks what is asked for."""


class NoRuns(RunError):
    """The store doesn't exist yet."""


class RunRegistry:
    """Reads the runs of the project's MLflow store, which it doesn't create, and promotes one to champion.

    Args:
        uri: of the store; empty: the one that ``params.yaml`` or the environment names.

    Raises:
        NoRuns: the store doesn't exist yet.
        UserError: the store can't be read.
    """

    def __init__(self, uri: str = "") -> None:
        configured = load().tracking
        self.uri = uri or stage_run.uri(configured)
        with first_contact(self.uri):
            if file := sqlite_file(self.uri):
                _look_into(file)
            self.client = MlflowClient(self.uri)
            bring_artifacts(self.uri, PROJECT)
            found = self.client.get_experiment_by_name(configured.experiment)
            mlflow.set_tracking_uri(self.uri)  # MLflow looks there for a model that is registered
        if found is None:
            raise NoRuns(NO_RUNS.format(masked(self.uri)))
        must_not_be_deleted(found, self.uri)
        self.experiment = found.experiment_id

    def runs(self, filter_text: str = "", newest_first: bool = False, most: int = MOST) -> list[Summary]:
        """Runs, the best validation accuracy first, or the newest.

        Args:
            filter_text: in MLflow's search syntax, as in ``metrics.test_accuracy > 0.995 and params.optimizer = 'adam'``.
            newest_first: the order; else the best validation accuracy comes first.
            most: how many, up to 5,000. MLflow takes milliseconds for each, for it loads all that a run has logged.

        Raises:
            RunError: `filter_text` is not valid.
        """
        order = "attributes.start_time DESC" if newest_first else "metrics.validation_accuracy DESC"
        with _explaining(filter_text):
            found = self.client.search_runs([self.experiment], filter_text, max_results=min(most, MOST), order_by=[order])
        champion = self.champion()
        return [summarize(run, champion) for run in found]

    def frame(self, filter_text: str = "") -> "pandas.DataFrame":
        """Runs as a table, a row a run, the newest first, with columns such as ``params.model`` and ``metrics.test_accuracy``.

        The filter is as of `runs`.
        """
        with _explaining(filter_text):
            found: pandas.DataFrame = mlflow.search_runs([self.experiment], filter_text, max_results=MOST)
        return found

    def find(self, name: str) -> Run:
        """The run called `name`.

        Raises:
            RunError: no run has that name, or several have.
        """
        if name == CHAMPION:
            champion = self.champion()
            if champion is None:
                raise RunError("there is no champion yet. Choose one: python -m pipeline.runs promote RUN")
            return self._champion_run(champion)
        if (path := Path(name)).is_file():
            maker = self.made("export", md5(path))
            if maker is None:
                raise RunError(f"no run of the store exported {path}. See the runs: python -m pipeline.runs list")
            return self.client.get_run(maker)
        prefix = name.lower() if re.fullmatch("[0-9a-fA-F]{1,32}", name) else ""
        by_id = self._search(f"attributes.run_id LIKE '{prefix}%'") if prefix else []
        if len(by_id) == 1 and by_id[0].info.run_id == prefix:  # a whole id is that run, whatever others are called
            return by_id[0]
        found = list({run.info.run_id: run for run in by_id + self._called(name)}.values())
        if not found:
            raise RunError(f"there is no run {name!r}. See them: python -m pipeline.runs list")
        if len(found) > 1:
            length = max(8, len(prefix) + 1)  # longer than the prefix that was ambiguous
            ids = ", ".join(run.info.run_id[:length] for run in found[:5])
            begin = ", or have an id that begins so" if by_id else ""
            raise RunError(
                f"{len(found)} runs are called {name!r}{begin}: say which by its id ({ids}{', …' if len(found) > 5 else ''})"
            )
        return found[0]

    def made(self, stage: str, md5: str) -> str | None:
        """The id of the newest run in which a stage made its output (`pipeline.config.stages`) with that hash; None: no run."""
        found = self._search(f"tags.{stage}_md5 = '{md5}'") if md5 else []
        return str(found[0].info.run_id) if found else None

    def _champion_run(self, run_id: str) -> Run:
        choose = "Choose another: python -m pipeline.runs promote RUN"
        try:
            run = self.client.get_run(run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise RunError(f"the champion's run {run_id[:8]} was deleted for good. {choose}") from None
        if run.info.lifecycle_stage != LifecycleStage.ACTIVE:
            raise RunError(f"the champion's run {run_id[:8]} was deleted. {choose}, or restore it in the MLflow UI.")
        return run

    def _called(self, name: str) -> list[Run]:
        """The runs that MLflow or DVC calls `name`."""
        # MLflow's filters can't hold both quote characters: the pattern allows anything there, and names are compared here.
        pattern = re.sub(r"\W+", "%", name)
        found = self._search(f"attributes.run_name LIKE '{pattern}'") + self._search(f"tags.dvc_experiment LIKE '{pattern}'")
        return [run for run in found if name in (run.info.run_name, run.data.tags.get("dvc_experiment"))]

    def _search(self, filter_text: str) -> list[Run]:
        order = ["attributes.start_time DESC"]
        return list(self.client.search_runs([self.experiment], filter_text, max_results=MOST, order_by=order))

    def champion(self) -> str | None:
        """The id of the run whose model is the champion; None: no run is."""
        try:
            return str(self.client.get_model_version_by_alias(REGISTERED, CHAMPION).run_id)
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):  # no such model, no such alias
                raise
            return None

    def history(self) -> list[dict[str, str]]:
        """All promotions, oldest first: ``run``, ``by``, ``at``, ``from`` (a run, or empty)."""
        versions = self.client.search_model_versions(f"name = '{REGISTERED}'")
        ordered = sorted(versions, key=lambda version: int(version.version))
        keys = ("by", "at", "from")
        return [{"run": version.run_id} | {key: version.tags.get(f"promoted_{key}", "") for key in keys} for version in ordered]

    def promote(self, run: Run) -> str | None:
        """Make the model of `run` the champion, and return the id of the champion before.

        Each promotion is a version of the registered model, tagged with who promoted it, when, and the champion before.

        Raises:
            RunError: the run has no model, or its model was deleted.
        """
        outputs = run.outputs.model_outputs if run.outputs else []
        if not outputs:
            raise RunError(f"run {run.info.run_id[:8]} has no model: the stage export did not run in it. Choose another.")
        must_be_writable(self.uri)
        before = self.champion()
        try:
            self.client.create_registered_model(REGISTERED)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        now = datetime.now(UTC).isoformat(timespec="seconds")
        tags = {"promoted_by": provenance.user(), "promoted_at": now, "promoted_from": before or ""}
        model = outputs[-1].model_id
        try:
            version = self.client.create_model_version(REGISTERED, f"models:/{model}", run.info.run_id, tags, model_id=model)
        except MlflowException as error:
            raise RunError(
                f"the model of run {run.info.run_id[:8]} can't be promoted: {str(error).splitlines()[0]}\n"
                "If it was deleted, choose another run: python -m pipeline.runs list"
            ) from None
        self.client.set_registered_model_alias(REGISTERED, CHAMPION, version.version)
        return before

    def artifact(self, run: Run, name: str) -> Path:
        """The file of a run's artifact: the artifact itself if it is on this machine, else a copy.

        What DVC restored from its cache is an artifact of the run that made it.

        Raises:
            RunError: the run has no artifact of this name.
        """
        stage = "export" if name == MODEL_FILE else "evaluate" if name.startswith("evaluation/") else ""
        for run_id in filter(None, [run.info.run_id, run.data.tags.get(f"{stage}_from_run")]):
            with suppress(MlflowException, OSError):
                # Given the run's id, MLflow would copy a file of this machine too, and leave the copy in the temporary folder.
                uri = self.client.get_run(run_id).info.artifact_uri.rstrip("/")
                found = mlflow.artifacts.download_artifacts(artifact_uri=f"{uri}/{name}", tracking_uri=self.uri)
                return Path(found).resolve(strict=True)
        if run.info.status == "FINISHED" and run.data.tags.get("role", "pipeline") == "pipeline":
            raise RunError(
                f"run {run.info.run_id[:8]} has finished, and {name} is not where MLflow has it: {run.info.artifact_uri}\n"
                "If that folder was moved or deleted, bring it back, or make the run again: dvc repro --force"
            )
        raise RunError(f"run {run.info.run_id[:8]} has no {name}: it was not finished, or is a trial of a sweep.")

    def parameters(self, run: Run) -> dict[str, Any]:
        """The configuration of a run, flat: all of it if the run has its ``params.yaml``, else its parameters."""
        try:
            return flatten(yaml.safe_load(self.artifact(run, "params.yaml").read_bytes()))
        except RunError:
            return dict(run.data.params)


@contextmanager
def _explaining(filter_text: str) -> Iterator[None]:
    """A block that searches by a filter.

    Raises:
        RunError: the filter is not valid.
    """
    try:
        yield
    except MlflowException as error:
        if error.error_code != "INVALID_PARAMETER_VALUE":
            raise
        raise RunError(
            f"the filter {filter_text!r} is not valid: {str(error).splitlines()[0]}\n"
            "Write it like: metrics.test_accuracy > 0.995 and params.optimizer = 'adam'"
        ) from None


def _look_into(path: Path) -> None:
    """Make sure that a SQLite store can be read. MLflow would create a missing one, and wait long for a locked one.

    Raises:
        NoRuns: it doesn't exist.
        sqlite3.Error: it is locked, or no database.
    """
    if not path.is_file():
        raise NoRuns(NO_RUNS.format(path))
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)) as connection:
        if not connection.execute("select 1 from sqlite_master where name = 'experiments'").fetchall():
            raise NoRuns(NO_RUNS.format(path))
