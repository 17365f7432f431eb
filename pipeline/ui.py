"""``python -m pipeline.ui``: the MLflow UI on the project's store, from any folder."""

import argparse
import json
import os
import sys

from pipeline.system.command_line import run_command
from pipeline.system.masking import masked
from pipeline.system.paths import PROJECT

#: What MLflow's UI calls a shared view: a tag of the experiment, which an address names.
VIEW_NAME = "runs"
VIEW_TAG = f"mlflow.sharedViewState.{VIEW_NAME}"

#: The table of runs: its order and its columns, beside the name, the time and the duration.
VIEW = {
    "orderByKey": "metrics.`validation_accuracy`",
    "orderByAsc": False,
    "selectedColumns": [
        "metrics.`validation_accuracy`",
        "metrics.`test_accuracy`",
        "params.`model`",
        "params.`optimizer`",
        "params.`optimizer.learning_rate`",
        "params.`model.dropout`",
        "params.`training.epochs`",
        "tags.`dataset`",
        "tags.`mlflow.user`",
    ],
}


def runs_page(server: str, experiment: str) -> str:
    """The address of the table of runs.

    Args:
        server: the address of the UI.
        experiment: the id of the experiment.

    """
    return f"{server}/#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={VIEW_NAME}"


def main() -> None:
    """Entry point of ``python -m pipeline.ui``."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.ui", description="Open the MLflow UI on the project's runs.")
    parser.add_argument("--port", type=int, default=5000, help="the port of the page on this machine (5000)")
    port = str(parser.parse_args().port)
    from pipeline.config.check import load  # seconds, with MLflow, that --help need not wait for
    from pipeline.tracking import stage_run
    from pipeline.tracking.problems import telling
    from pipeline.tracking.recorder import open_store

    configured = load().tracking
    store = stage_run.uri(configured)
    client, experiment = open_store(store, configured.experiment, PROJECT)  # the UI would create it without the experiment
    with telling(store):
        if client.get_experiment(experiment).tags.get(VIEW_TAG) != json.dumps(VIEW):
            client.set_experiment_tag(experiment, VIEW_TAG, json.dumps(VIEW))
    if store.startswith("http"):
        print(f"The runs are on a server: open {masked(runs_page(store.rstrip('/'), experiment))}")
        return
    print(f"Runs of {masked(store)}, when the server has started (Ctrl-C to stop):", flush=True)
    print(runs_page(f"http://127.0.0.1:{port}", experiment), flush=True)
    server = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store, "--host", "127.0.0.1", "--port", port]
    quiet = ["--workers", "1", "--uvicorn-opts", "--log-level warning"]
    # Becomes the server, so that Ctrl-C ends it; without the jobs of language models, which would start processes of their own.
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    os.execv(sys.executable, [*server, *quiet])  # noqa: S606


if __name__ == "__main__":
    run_command(main)
