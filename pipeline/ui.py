"""``python -m pipeline.ui``: the MLflow UI on the project's store, from any folder."""

import argparse
import os
import sys

from pipeline.config.check import load
from pipeline.system.command_line import run_command
from pipeline.system.masking import masked
from pipeline.system.paths import PROJECT
from pipeline.tracking import stage_run


def main() -> None:
    """Entry point of ``python -m pipeline.ui``."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.ui", description="Open the MLflow UI on the project's runs.")
    parser.add_argument("--port", type=int, default=5000, help="the port of the page on this machine (5000)")
    port = str(parser.parse_args().port)
    configured = load().tracking
    store = stage_run.uri(configured)
    from pipeline.tracking.recorder import open_store  # loads MLflow, which --help need not wait for

    open_store(store, configured.experiment, PROJECT)  # the UI would create it without the experiment
    if store.startswith("http"):
        print(f"The runs are on a server: open {masked(store)}")
        return
    print(f"Runs of {masked(store)}: http://127.0.0.1:{port} (Ctrl-C to stop)", flush=True)
    server = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store, "--host", "127.0.0.1", "--port", port]
    os.execv(sys.executable, [*server, "--workers", "1"])  # noqa: S606 - becomes the server, so that Ctrl-C ends it


if __name__ == "__main__":
    run_command(main)
