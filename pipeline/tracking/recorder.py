"""``python -m pipeline.tracking.recorder``: the process beside a stage that writes its MLflow run.

MLflow takes seconds to load and to open its store. The stage works meanwhile, and sends messages to this process: a line of
JSON each, the last one with ``end``. If the stage is killed, its messages break off, and the run is marked as killed.

This process answers on its standard output, likewise with a line of JSON each. What libraries print goes to standard error.
"""

import json
import logging
import os
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TextIO

from filelock import FileLock

from pipeline.system import patches
from pipeline.system.errors import UserError
from pipeline.system.paths import MLFLOW_ARTIFACTS, MLFLOW_LOCK, replacing
from pipeline.system.processes import has_died

if __name__ == "__main__":  # before MLflow is loaded, which may print
    ANSWERS = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    sys.stdout = sys.stderr

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, LoggedModelOutput, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from pipeline.tracking.moved import bring_artifacts
from pipeline.tracking.problems import first_contact, must_be_writable, must_not_be_deleted, sqlite_file, telling

Message = dict[str, Any]

SYSTEM_SECONDS = 5  # between two measurements of processor and memory, unless MLflow's own variable is set
logging.getLogger("mlflow.system_metrics").setLevel(logging.CRITICAL)  # it would say that it starts and ends


def open_store(uri: str, experiment: str, project: Path) -> tuple[MlflowClient, str]:
    """Open the store, and create it and the experiment if they don't exist.

    Returns:
        A client of the store, and the id of the experiment.

    Raises:
        UserError: the store can't be used. This is found out within a few seconds.
    """
    # Two processes must not create the database or the experiment at the same time.
    with first_contact(uri), FileLock(project / MLFLOW_LOCK):
        must_be_writable(uri)
        artifacts = (project / MLFLOW_ARTIFACTS).as_uri()  # MLflow would take the working directory's
        if file := sqlite_file(uri):
            _create(file, artifacts)
        client = MlflowClient(uri)
        bring_artifacts(uri, project)
        if found := client.get_experiment_by_name(experiment):
            must_not_be_deleted(found, uri)
            return client, found.experiment_id
        # Without this tag the UI shows the columns of language models.
        tags = {"mlflow.experimentKind": "custom_model_development"}
        return client, client.create_experiment(experiment, artifacts if file else None, tags)


def _create(path: Path, artifacts: str) -> None:
    """Create a missing database, whole or not at all: MLflow can't use one whose creation was killed.

    MLflow's default experiment puts artifacts into the folder at the address `artifacts`.
    """
    if path.exists():
        return
    # The client keeps its file open, and Windows can neither rename nor delete an open file: so the file is copied.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, replacing(path) as temporary:
        made = Path(folder, path.name)
        MlflowClient(f"sqlite:///{made}").search_experiments()
        shutil.copyfile(made, temporary)
        with closing(sqlite3.connect(temporary)) as connection, connection:
            connection.execute("update experiments set artifact_location = ?", [artifacts])


def close_dead_runs(client: MlflowClient, experiment: str) -> None:
    """Mark runs as killed whose process ran on this machine and has died."""
    for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        if has_died(run.data.tags.get("process", "")):
            client.set_terminated(run.info.run_id, "KILLED")


def begin(message: Message) -> tuple[MlflowClient, str]:
    """Find or create the run of this execution, and mark it as running."""
    client, experiment = open_store(message["uri"], message["experiment"], Path(message["project"]))
    close_dead_runs(client, experiment)
    found = client.search_runs([experiment], f"tags.execution = '{message['tags']['execution']}'", max_results=1)
    if found and "restored" in found[0].data.tags:  # and yet a stage runs, as with `dvc exp run --force`
        client.delete_run(found.pop().info.run_id)
    if found:
        run = found[0].info.run_id
    else:
        noted = message["tags"] | {"mlflow.note.content": message["description"]}
        run = client.create_run(experiment, tags=noted, run_name=message["name"]).info.run_id
        client.log_batch(run, params=[Param(key, str(value)) for key, value in message["parameters"].items()])
        client.log_artifact(run, message["configuration"])
    record(client, run, {"tags": message["tags"]})
    for stage, md5 in message["made"].items():
        take_over(client, run, stage, md5)
    client.update_run(run, "RUNNING")
    return client, run


def take_over(client: MlflowClient, run: str, stage: str, md5: str) -> None:
    """Copy the results of a stage that didn't run from the run that made its output, whose hash is `md5`."""
    before = client.get_run(run)
    same, newest = f"tags.{stage}_md5 = '{md5}'", ["attributes.start_time DESC"]
    found = client.search_runs([before.info.experiment_id], same, order_by=newest)
    known = {run, before.data.tags.get(f"{stage}_from_run")}
    if not found or known & {one.info.run_id for one in found}:
        return
    producer, result = found[0], json.loads(found[0].data.tags[f"{stage}_result"])
    client.set_tag(run, f"{stage}_from_run", producer.info.run_id)
    record(client, run, {"metrics": {key: value for key, value in result["metrics"].items() if key not in before.data.metrics}})
    if "dataset" in result and not before.inputs.dataset_inputs:
        record(client, run, {"dataset": result["dataset"]})
    if stage == "export" and not before.outputs.model_outputs:
        client.log_outputs(run, producer.outputs.model_outputs)


def record(client: MlflowClient, run: str, message: Message) -> None:
    """Write one message to the run."""
    now, step, tags = int(time.time() * 1000), message.get("step", 0), message.get("tags", {})
    if "dataset" in message:
        name, sha256 = message["dataset"]["name"], message["dataset"]["sha256"]
        inputs = [DatasetInput(Dataset(name, sha256[:12], "local", "data/prepared"))]
        try:
            client.log_inputs(run, inputs)
        except MlflowException as error:
            if error.error_code != "BAD_REQUEST":
                raise
            # The other of two runs that log a new dataset at once was first: now the store has it.
            client.log_inputs(run, inputs)
        tags = {"dataset": name, "dataset_sha256": sha256}
    metrics = [Metric(key, float(value), now, step) for key, value in message.get("metrics", {}).items()]
    if metrics or tags:
        client.log_batch(run, metrics, tags=[RunTag(key, str(value)) for key, value in tags.items()])
    for path in message.get("artifacts", []):
        client.log_artifact(run, path, message["folder"] or None)
    if "model" in message:
        log_model(client, run, Path(message["model"]))


def log_model(client: MlflowClient, run: str, folder: Path) -> None:
    """Log what ``mlflow.keras.save_model`` wrote. ``mlflow.keras.log_model`` would need TensorFlow in this process."""
    info = client.get_run(run).info
    name = re.sub(r"[/:.%\"']", "_", info.run_name)  # characters that MLflow allows in the name of a run alone
    logged = client.create_logged_model(info.experiment_id, name, run, model_type="keras")
    client.log_outputs(run, [LoggedModelOutput(logged.model_id, 0)])
    model = Model.load(folder)
    model.artifact_path, model.run_id = logged.artifact_location, run
    model.model_id = model.model_uuid = logged.model_id
    model.save(str(folder / "MLmodel"))
    client.log_model_artifacts(logged.model_id, str(folder))
    client.finalize_logged_model(logged.model_id, "READY")


def follow(client: MlflowClient, run: str, messages: TextIO) -> str:
    """Write messages until ``end``, or until the stage is gone; return the status of the run."""
    status = "KILLED"
    for line in messages:
        message = json.loads(line)
        record(client, run, message)
        for stage, md5 in message.get("made", {}).items():
            take_over(client, run, stage, md5)
        status = message.get("end", status)
    client.set_terminated(run, status)
    return status


@contextmanager
def measuring(uri: str, run: str) -> Iterator[None]:
    """A block in which MLflow logs what the processor and the memory do, as ``system/...``."""
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    monitor = SystemMetricsMonitor(run, SYSTEM_SECONDS, tracking_uri=uri)
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()


def serve(messages: TextIO, answers: TextIO) -> None:
    """Write the run of a stage from its messages; answer when the run exists and when all is written."""

    def say(**answer: str) -> None:
        with suppress(BrokenPipeError):  # the stage was killed
            print(json.dumps(answer), file=answers, flush=True)

    beginning = json.loads(messages.readline())
    try:
        with telling(beginning["uri"]):
            client, run = begin(beginning)
            say(run=run)
            is_long = beginning["stage"] == "train"  # the others end before there is much to measure
            with measuring(beginning["uri"], run) if is_long else nullcontext():
                ended = follow(client, run, messages)
            say(ended=ended)
    except UserError as error:
        say(error=str(error))


def main() -> None:
    """Serve the stage that started this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the stage, which then sends the status
    serve(sys.stdin, ANSWERS)


if __name__ == "__main__":
    main()
    patches.end_at_once()
