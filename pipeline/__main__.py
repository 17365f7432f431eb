"""``python -m pipeline``: the whole pipeline in one command, and what to do next. ``make run`` calls it."""

import argparse
import json
import subprocess
import sys

from pipeline.system.command_line import run_command
from pipeline.system.errors import DataUnavailable
from pipeline.system.paths import CHECKOUT, MODEL_FILE, MODELS, PARAMETERS, REPORTS


def make_sure_of_data() -> None:
    """Find or download the dataset that is configured; if that fails, say so and choose the bundled digits."""
    from pipeline.config import parameters_file
    from pipeline.config.check import load
    from pipeline.config.composition import compose
    from pipeline.data.datasets import IdxDataset
    from pipeline.data.download import obtain

    dataset = load().dataset
    if not isinstance(dataset, IdxDataset):
        return
    try:
        obtain(dataset)
    except DataUnavailable as error:
        print(f"Error: {error}", file=sys.stderr)
        print(f"\n{dataset.name} could not be had: running with dataset=digits instead.", flush=True)
        print(
            "That stays so, without other overrides, until you compose again: python -m pipeline.compose [KEY=VALUE ...]\n",
            flush=True,
        )
        parameters_file.write(compose(["dataset=digits"]), PARAMETERS)


def report() -> str:
    """The result, and the next commands."""
    metrics = json.loads((REPORTS / "all_metrics.json").read_text(encoding="utf-8"))
    model = MODELS / MODEL_FILE
    return (
        f"\nTest accuracy on {metrics['dataset']}: {metrics['test_accuracy']:.2%} "
        f"({metrics['test_accuracy_low']:.2%} to {metrics['test_accuracy_high']:.2%})\n"
        f"The model: {model.relative_to(CHECKOUT)}\n\n"
        "Draw a digit and see it read:   make gui   (python -m gui)\n"
        "Compare runs in the MLflow UI:  make ui    (python -m pipeline.ui)"
    )


def main() -> int:
    """Entry point of ``python -m pipeline``."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline",
        description="Run what has changed of the pipeline (dvc repro) and print the result. If the dataset can't be "
        "downloaded, the bundled digits are used instead.",
    )
    parser.parse_args()
    from pipeline.config import parameters_file  # half a second that --help need not wait for

    parameters_file.keep()
    make_sure_of_data()
    code = subprocess.run([sys.executable, "-m", "dvc", "repro"], cwd=CHECKOUT, check=False).returncode
    if code == 0:
        print(report())
    return code


if __name__ == "__main__":
    run_command(main)
