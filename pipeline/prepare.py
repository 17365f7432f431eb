"""The stage ``prepare``: a dataset becomes arrays of one form, with a summary and a sheet of samples."""

import sys

from pipeline.config.check import load
from pipeline.data import collection, datasets, prepared
from pipeline.system.command_line import parse_stage, run_command
from pipeline.system.paths import PREPARED
from pipeline.tracking import stage_run


def main() -> None:
    """Entry point of ``python -m pipeline.prepare``."""
    parse_stage("prepare", __doc__)
    configuration = load()
    with stage_run.stage("prepare", configuration) as run:
        options = configuration.dataset.drawings
        found = collection.collected(options)
        splits = collection.join(datasets.read(configuration.dataset), found, options)
        run.wait_for_store()
        summary = prepared.write(configuration.dataset, splits, collection.text_of(found))
        run.dataset(summary["dataset"], summary["sha256"])
        run.artifacts("data", PREPARED / "summary.json", PREPARED / "samples.png")
    counts = ", ".join(f"{part['images']:,} {name}" for name, part in summary["splits"].items())
    print(f"{summary['dataset']}: {counts} images")
    if options and options.train and not found:
        told = f"Warning: dataset.drawings.train is true, and {options.folder} holds no drawing. Correct some in the window."
        print(told, file=sys.stderr)


if __name__ == "__main__":
    run_command(main)
