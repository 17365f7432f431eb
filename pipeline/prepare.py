"""The stage ``prepare``: a dataset becomes arrays of one form, with a summary and a sheet of samples."""

import sys

from pipeline.system.command_line import parse_stage, run_command
from pipeline.system.paths import PREPARED


def main() -> None:
    """Entry point of ``python -m pipeline.prepare``."""
    parse_stage("prepare", __doc__)
    from pipeline.config.check import load  # half a second, with the others, that --help need not wait for
    from pipeline.data import datasets, prepared, stroke_sources
    from pipeline.tracking import stage_run

    configuration = load()
    with stage_run.stage("prepare", configuration) as run:
        dataset = configuration.dataset
        recorded = stroke_sources.read(dataset.stroke_sources, dataset.training_limit)
        splits = stroke_sources.join(datasets.read(dataset), recorded)
        run.wait_for_store()
        summary = prepared.write(dataset, splits, recorded)
        run.dataset(summary["dataset"], summary["sha256"])
        run.artifacts("data", PREPARED / "summary.json", PREPARED / "samples.png")
    counts = ", ".join(f"{part['images']:,} {name}" for name, part in summary["splits"].items())
    print(f"{summary['dataset']}: {counts} images")
    counted = zip(summary["class_names"], summary["splits"]["train"]["of_each_class"], strict=True)
    if absent := [name for name, count in counted if not count]:
        print(f"Warning: there is no image of {', '.join(absent)} to train on, which will not be read.", file=sys.stderr)
    for name, part in summary["strokes"].items():
        if part["trained_on"] or part["held_out"]:
            print(f"{name}: {part['trained_on']:,} drawings to train on, {part['held_out']:,} held out")
    for source, *parts in recorded:
        if source.train and not any(parts):
            told = f"Warning: {source.path} holds no drawing to train on. Correct some in the window."
            print(told, file=sys.stderr)


if __name__ == "__main__":
    run_command(main)
