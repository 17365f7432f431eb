"""``python -m pipeline.tracking.recorder``: the process beside a stage that writes its MLflow run.

Loading MLflow and opening its store takes seconds, which a stage spends on its own work meanwhile. The stage sends messages, a
line of JSON each, and closes with ``end``. A stage that is killed closes nothing: then the run is marked as killed at once.

The answers, likewise a line of JSON each, go to the standard output that this process was started with. Nothing else does:
whatever a library prints goes to standard error.
"""

import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipeline.system import patches
from pipeline.system.errors import UserError
from pipeline.system.paths import MLFLOW_ARTIFACTS, MLFLOW_LOCK, replacing
from pipeline.system.processes import has_died
from pipeline.tracking.moved import bring_artifacts

if __name__ == "__main__":  # before anything is loaded that may print
    ANSWERS = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    sys.stdout = sys.stderr

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, LoggedModelOutput, Metric, Param, RunTag
from mlflow.models import Model

from pipeline.tracking.problems import first_contact, must_be_writable, must_not_be_deleted, sqlite_file, telling

Message = dict[str, Any]


def open_store(uri: str, experiment: str, project: Path) -> tuple[MlflowClient, str]:
    """A client of the store, and the id of the experiment in it. Both are made if they are not there.

    Raises:
        UserError: the store can't be used, which takes a few seconds to find out at most.

    """
    # It says at length that it creates tables, and prints a traceback of every error that it raises.
    logging.getLogger("mlflow.store").setLevel(logging.CRITICAL)
    # Creating the database, which making a client does, is a long series of steps that two processes must not begin at once.
    with first_contact(uri), FileLock(project / MLFLOW_LOCK):
        must_be_writable(uri)
        if file := sqlite_file(uri):
            _create(file)
            bring_artifacts(uri, project)
        client = MlflowClient(uri)
        if found := client.get_experiment_by_name(experiment):
            must_not_be_deleted(found, uri)
            return client, found.experiment_id
        # MLflow's default is relative to the folder that a process happens to be in.
        artifacts = (project / MLFLOW_ARTIFACTS).as_uri() if file else None
        # Or the UI takes it for an experiment with language models, and shows their columns.
        return client, client.create_experiment(experiment, artifacts, {"mlflow.experimentKind": "custom_model_development"})


def _create(path: Path) -> None:
    """Make a database where there is none, whole or not at all: MLflow can't go on with one whose making was killed."""
    if path.exists():
        return
    # MLflow keeps the file open, which Windows can neither rename nor delete then.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, replacing(path) as temporary:
        made = Path(folder, path.name)
        MlflowClient(f"sqlite:///{made}").search_experiments()
        shutil.copyfile(made, temporary)


def close_dead_runs(client: MlflowClient, experiment: str) -> None:
    """Mark as killed what says that it is running, on this machine, and isn't."""
    for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        if has_died(run.data.tags.get("process", "")):
            client.set_terminated(run.info.run_id, "KILLED")


def begin(message: Message) -> tuple[MlflowClient, str]:
    """Find the run of this execution, or create it, and mark it as running."""
    client, experiment = open_store(message["uri"], message["experiment"], Path(message["project"]))
    close_dead_runs(client, experiment)
    found = client.search_runs([experiment], f"tags.execution = '{message['tags']['execution']}'", max_results=1)
    if found and "restored" in found[0].data.tags:  # a stage runs all the same, as with `dvc exp run --force`
        client.delete_run(found.pop().info.run_id)
    if found:
        run = found[0].info.run_id
    else:
        run = client.create_run(experiment, run_name=message["name"]).info.run_id
        client.log_batch(run, params=[Param(key, str(value)) for key, value in message["parameters"].items()])
        client.log_artifact(run, message["configuration"])
    client.log_batch(run, tags=[RunTag(key, str(value)) for key, value in message["tags"].items()])
    for stage, md5 in message["made"].items():
        take_over(client, experiment, run, stage, md5)
    client.update_run(run, "RUNNING")
    return client, run


def take_over(client: MlflowClient, experiment: str, run: str, stage: str, md5: str) -> None:
    """Write what the run told that made what a stage left, if it was another: DVC left the stage as it was, or restored it."""
    found = client.search_runs([experiment], f"tags.{stage}_md5 = '{md5}'", order_by=["attributes.start_time DESC"])
    before = client.get_run(run)
    known = {run, before.data.tags.get(f"{stage}_from_run")}
    if not found or known & {one.info.run_id for one in found}:
        return
    producer, result = found[0], json.loads(found[0].data.tags[f"{stage}_result"])
    client.set_tag(run, f"{stage}_from_run", producer.info.run_id)
    new = {key: value for key, value in result["metrics"].items() if key not in before.data.metrics}
    record(client, run, {"metrics": new, "step": 0})
    if "dataset" in result and not before.inputs.dataset_inputs:
        record(client, run, {"dataset": result["dataset"]})
    if stage == "export" and not before.outputs.model_outputs:
        client.log_outputs(run, producer.outputs.model_outputs)


def record(client: MlflowClient, run: str, message: Message) -> None:
    """Write what one message says."""
    if "metrics" in message:
        now, step = int(time.time() * 1000), message["step"]
        client.log_batch(run, [Metric(key, float(value), now, step) for key, value in message["metrics"].items()])
    if "tags" in message:
        client.log_batch(run, tags=[RunTag(key, value) for key, value in message["tags"].items()])
    if "dataset" in message:
        name, sha256 = message["dataset"]["name"], message["dataset"]["sha256"]
        client.log_inputs(run, [DatasetInput(Dataset(name, sha256[:12], "local", "data/prepared"))])
        client.log_batch(run, tags=[RunTag("dataset", name), RunTag("dataset_sha256", sha256)])
    for path in message.get("artifacts", []):
        client.log_artifact(run, path, message["folder"] or None)
    if "model" in message:
        log_model(client, run, Path(message["model"]))


def log_model(client: MlflowClient, run: str, folder: Path) -> None:
    """Log what ``mlflow.keras.save_model`` wrote. ``mlflow.keras.log_model`` would need TensorFlow in this process."""
    logged = client.create_logged_model(client.get_run(run).info.experiment_id, "model", run, model_type="keras")
    client.log_outputs(run, [LoggedModelOutput(logged.model_id, 0)])
    model = Model.load(folder)
    model.artifact_path, model.run_id = logged.artifact_location, run
    model.model_id = model.model_uuid = logged.model_id
    model.save(str(folder / "MLmodel"))
    client.log_model_artifacts(logged.model_id, str(folder))
    client.finalize_logged_model(logged.model_id, "READY")


def follow(client: MlflowClient, run: str) -> str:
    """Read messages until ``end``, or until the stage is gone; return how the run has ended."""
    status = "KILLED"
    for line in sys.stdin:
        message = json.loads(line)
        record(client, run, message)
        status = message.get("end", status)
    client.set_terminated(run, status)
    return status


def main() -> None:
    """Write the run of the stage that started this process, and tell it when the run is there and when all is written."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the stage, which then says how it ended

    def say(**answer: str) -> None:
        with suppress(BrokenPipeError):  # the stage was killed, and nobody listens
            print(json.dumps(answer), file=ANSWERS, flush=True)

    beginning = json.loads(sys.stdin.readline())
    try:
        with telling(beginning["uri"]):
            client, run = begin(beginning)
            say(run=run)
            say(ended=follow(client, run))
    except UserError as error:
        say(error=str(error))


if __name__ == "__main__":
    main()
    patches.end_at_once()
