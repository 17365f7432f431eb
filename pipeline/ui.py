"""``python -m pipeline.ui``: the MLflow UI on the project's store, from any folder, in the browser if there is a screen."""

import argparse
import json
import os
import sys
import webbrowser

from pipeline.system import browser
from pipeline.system.command_line import number_argument, run_command
from pipeline.system.errors import UserError
from pipeline.system.masking import holds_password, masked
from pipeline.system.paths import PROJECT

HOST = "127.0.0.1"  # this machine alone

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
    parser.add_argument(
        "--port", type=number_argument(1, 2**16 - 1), default=5000, help="the port of the page on this machine (5000)"
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address, and open it in no browser")
    options = parser.parse_args()
    shows = browser.has_screen() and not options.no_browser
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
        page = runs_page(store.rstrip("/"), experiment)
        print(f"The runs are on a server: open {masked(page)}")
        if shows and not holds_password(page):  # which all users of this machine could see in its list of processes
            webbrowser.open(page)
        return
    if browser.answers(HOST, options.port):  # MLflow's server would say nothing, and start over and over
        raise UserError(
            f"the port {options.port} is taken: by this page, if it is served already, or by another program.\n"
            f"Choose another: python -m pipeline.ui --port {options.port % 65535 + 1}"
        )
    page = runs_page(f"http://{HOST}:{options.port}", experiment)
    print(f"Runs of {masked(store)}, when the server has started (Ctrl-C to stop):", flush=True)
    print(page, flush=True)
    if shows:
        browser.open_later(page)
    server = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store, "--host", HOST]
    # Or uvicorn would log a traceback at Ctrl-C. Its other errors are not logged either.
    quiet = ["--workers", "1", "--uvicorn-opts", "--log-level critical"]
    # Becomes the server, so that Ctrl-C ends it; without the jobs of language models, which would start processes of their own.
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")  # of its libraries
    os.execv(sys.executable, [*server, "--port", str(options.port), *quiet])  # noqa: S606


if __name__ == "__main__":
    run_command(main)
