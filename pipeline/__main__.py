"""``python -m pipeline``: the whole pipeline in one command, and what to do next. This is what ``make run`` calls."""

import argparse
import json
import subprocess
import sys

from pipeline import compose
from pipeline.config.check import load
from pipeline.config.composition import compose as composed
from pipeline.data.datasets import IdxDataset
from pipeline.system.command_line import run_command
from pipeline.system.errors import DataUnavailable
from pipeline.system.paths import CHECKOUT, MODELS, PARAMETERS, REPORTS


def make_sure_of_data() -> None:
    """Find or fetch the dataset that is configured; if it can't be had, say so and choose the one that is always there."""
    dataset = load().dataset
    if not isinstance(dataset, IdxDataset):
        return
    from pipeline.data.download import obtain

    try:
        obtain(dataset)
    except DataUnavailable as error:
        print(f"Error: {error}", file=sys.stderr)
        print(f"\n{dataset.name} could not be had: running with dataset=digits instead.\n", flush=True)
        compose.write(composed(["dataset=digits"]), PARAMETERS)


def report() -> str:
    """The result and the two next commands."""
    metrics = json.loads((REPORTS / "metrics.json").read_text(encoding="utf-8"))
    model = MODELS / "mnist.h5"
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
        description="Run what has changed of the pipeline (dvc repro) and print the result. If the dataset's files can't "
        "be had, the bundled digits are used instead.",
    )
    parser.parse_args()
    compose.main(["--keep"])
    make_sure_of_data()
    code = subprocess.run([sys.executable, "-m", "dvc", "repro"], cwd=CHECKOUT, check=False).returncode
    if code == 0:
        print(report())
    return code


if __name__ == "__main__":
    run_command(main)
