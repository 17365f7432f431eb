"""One execution of the pipeline is one MLflow run, written by all its stages.

Stages are separate processes, and any of them may be the first that DVC runs. They find each other's run by the process that
all of them descend from: the ``dvc`` that is executing. The run is closed after every stage, as finished or failed, and
opened again by the next, so that only a killed process leaves one open; the next start, of whichever execution, closes that.
"""

import logging
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import psutil
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunStatus, RunTag
from mlflow.exceptions import MlflowException

from pipeline.configuration import flatten
from pipeline.errors import UserError
from pipeline.paths import CHECKOUT, PARAMETERS, PROJECT, replacing
from pipeline.schema import Configuration, Tracking

RUNS = CHECKOUT / "data" / "runs"

#: Groups of the configuration that a person tunes; the others are logged as the file params.yaml alone.
TUNED = ("model", "optimizer", "schedule", "augment", "training")
DATASET_KEYS = ("name", "validation_fraction", "split_seed", "training_limit")


@dataclass(frozen=True)
class Run:
    """The MLflow run of this execution."""

    id: str
    client: MlflowClient

    def tag(self, **tags: object) -> None:
        """Set tags."""
        self.client.log_batch(self.id, tags=[RunTag(key, str(value)) for key, value in tags.items()])

    def metrics(self, step: int | None = None, **values: float) -> None:
        """Log values: a point of a curve if `step` is given, a single value else."""
        now = int(time.time() * 1000)
        self.client.log_batch(self.id, [Metric(key, float(value), now, step or 0) for key, value in values.items()])

    def artifacts(self, folder: str, *paths: Path) -> None:
        """Log files below the artifact folder `folder`, ``""`` for the root."""
        for path in paths:
            self.client.log_artifact(self.id, str(path), folder or None)


def uri(tracking: Tracking) -> str:
    """The store: what the configuration says, else ``MLFLOW_TRACKING_URI``, else SQLite at the root of the project."""
    return tracking.uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{PROJECT / 'mlflow.db'}"


@contextmanager
def stage(name: str, configuration: Configuration) -> Iterator[Run]:
    """The run of this execution, open while the stage writes to it.

    What the stage leaves in ``data/runs/<name>.json`` names the run, so that a stage that DVC restores from its cache points
    to the run that produced it.

    Raises:
        UserError: the store can't be reached.

    """
    try:
        client, experiment = open_store(configuration.tracking)
        _close_dead_runs(client, experiment)
        run = Run(_find(client, experiment) or _create(client, experiment, configuration), client)
        client.set_tag(run.id, "process", _describe(psutil.Process()))
        client.update_run(run.id, RunStatus.to_string(RunStatus.RUNNING))
        _point_to_producers(run, name)
    except MlflowException as error:
        raise UserError(
            f"the MLflow store {uri(configuration.tracking)} can't be used: {str(error).splitlines()[0]}\n"
            "Start the server, or choose another store: tracking.uri in conf/tracking, or MLFLOW_TRACKING_URI."
        ) from None
    status = RunStatus.FAILED
    try:
        yield run
        status = RunStatus.FINISHED
    except KeyboardInterrupt:
        status = RunStatus.KILLED
        raise
    finally:
        client.set_terminated(run.id, RunStatus.to_string(status))
    with replacing(RUNS / f"{name}.json") as temporary:
        temporary.write_text(f'{{"run_id": "{run.id}"}}\n', encoding="utf-8")


def active(run: Run, configuration: Configuration) -> mlflow.ActiveRun:
    """`run` as MLflow's active run, for what its client has no call for: logging a model."""
    mlflow.set_tracking_uri(uri(configuration.tracking))
    return mlflow.start_run(run_id=run.id)


def open_store(tracking: Tracking) -> tuple[MlflowClient, str]:
    """A client of the store, and the id of the experiment in it. Both are made if they are not there."""
    logging.getLogger("mlflow.store").setLevel(logging.WARNING)  # says at length that it creates tables
    local = uri(tracking).startswith("sqlite:")
    # Creating the database, which making a client does, is a long series of steps that two processes must not begin at once.
    with FileLock(PROJECT / ".mlflow.lock"):
        client = MlflowClient(uri(tracking))
        experiment = client.get_experiment_by_name(tracking.experiment)
        if experiment is not None:
            return client, experiment.experiment_id
        # MLflow's default is relative to the folder that a process happens to be in.
        artifacts = (PROJECT / "mlruns").as_uri() if local else None
        return client, client.create_experiment(tracking.experiment, artifacts)


def _find(client: MlflowClient, experiment: str) -> str | None:
    found = client.search_runs([experiment], f"tags.execution = '{_execution()}'", max_results=1)
    return found[0].info.run_id if found else None


def _create(client: MlflowClient, experiment: str, configuration: Configuration) -> str:
    name = os.environ.get("DVC_EXP_NAME", configuration.name)
    run = client.create_run(experiment, run_name=name, tags=_tags(configuration)).info.run_id
    client.log_batch(run, params=[Param(key, str(value)) for key, value in parameters(configuration).items()])
    client.log_artifact(run, str(PARAMETERS))
    return str(run)


def parameters(configuration: Configuration) -> dict[str, Any]:
    """What a person tunes, flat. The name of a group's option is called like the group: ``optimizer = adadelta``."""
    values = configuration.model_dump()
    tuned = {group: values[group] for group in TUNED}
    tuned["dataset"] = {key: values["dataset"][key] for key in DATASET_KEYS}
    return {key.removesuffix(".name"): value for key, value in flatten(tuned).items()}


def _tags(configuration: Configuration) -> dict[str, str]:
    commit, dirty = git_state()
    tags = {
        "execution": _execution(),
        "configuration": configuration.name,
        "dataset": configuration.dataset.name,
        "mlflow.source.name": "dvc",
        "mlflow.source.git.commit": commit,
        "git_commit": commit,
        "git_dirty": str(dirty).lower(),
    }
    if name := os.environ.get("DVC_EXP_NAME"):
        tags |= {"dvc_experiment": name, "dvc_baseline": os.environ.get("DVC_EXP_BASELINE_REV", "")}
    return tags


def git_state() -> tuple[str, bool]:
    """The commit that is checked out, and whether tracked files differ from it; an empty commit outside of git."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False).stdout.strip()

    # What a run itself writes is no change of the code.
    own = [":!params.yaml", ":!dvc.lock", ":!reports"]
    return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no", "--", ".", *own))


def _describe(process: psutil.Process) -> str:
    # A process number alone is used again.
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.2f}"


def _execution() -> str:
    """The ``dvc`` process that runs this stage; without DVC, this process itself."""
    process = psutil.Process()
    if "DVC_STAGE" in os.environ:
        for ancestor in process.parents():
            process = ancestor
            if "DVC_STAGE" not in ancestor.environ():  # it set the variable for its children
                break
    return _describe(process)


def _close_dead_runs(client: MlflowClient, experiment: str) -> None:
    """Mark as killed what says that it is running, on this machine, and isn't."""
    for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        process = run.data.tags.get("process", "")
        host, _, _ = process.partition(":")
        if host == socket.gethostname() and not _is_alive(process):
            client.set_terminated(run.info.run_id, RunStatus.to_string(RunStatus.KILLED))


def _is_alive(description: str) -> bool:
    try:
        return _describe(psutil.Process(int(description.split(":")[1]))) == description
    except (psutil.NoSuchProcess, psutil.AccessDenied, ValueError, IndexError):
        return False


def _point_to_producers(run: Run, name: str) -> None:
    """Tag the runs that earlier stages' outputs come from, where DVC restored these or left them as they were."""
    for path in sorted(RUNS.glob("*.json")):
        producer = path.read_text(encoding="utf-8").split('"')[3]
        if path.stem != name and producer != run.id and path.stem in _stages_before(name):
            run.tag(**{f"{path.stem}_from_run": producer})


def _stages_before(name: str) -> list[str]:
    order = ["prepare", "train", "evaluate", "export"]
    return order[: order.index(name)]
