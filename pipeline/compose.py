"""The stage ``compose``: ``conf/`` becomes ``params.yaml``."""

import argparse
import os

from pipeline.system.command_line import run_command


def log_restored() -> None:
    """Log the MLflow run of the DVC experiment that is running, if all that it makes is in DVC's cache and no stage runs.

    Raises:
        UserError: the store can't be used.
    """
    from pipeline.config.check import load
    from pipeline.config.stages import STAGES
    from pipeline.tracking import dvc_plan, stage_run

    made = {step.stage: step.made for step in dvc_plan.plan() if step.stage in STAGES}
    if all(made.values()):
        stage_run.restored(made, load())


def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``python -m pipeline.compose``."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.compose",
        description="Compose params.yaml from conf/. Then `dvc repro` runs with it.",
        epilog="Example: python -m pipeline.compose experiment=textbook model.dropout=0.4",
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="in Hydra's override grammar")
    parser.add_argument("--print", action="store_true", help="print the composition, and leave params.yaml as it is")
    parser.add_argument("--keep", action="store_true", help="leave params.yaml as it is if conf/ composes to the same still")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        parser.error(
            f"unrecognized arguments: {' '.join(unknown)}\nTo see the composition:    python -m pipeline.compose --print\n"
            "To try several values:     python -m pipeline.sweep"
        )
    if options.keep and (options.overrides or options.print):
        parser.error("--keep goes alone: it composes with the overrides that params.yaml was composed with.")
    from pipeline.config import composition, parameters_file  # half a second that --help need not wait for

    if options.keep:
        if not parameters_file.keep() and "DVC_EXP_NAME" in os.environ:
            log_restored()
    elif options.print:
        print(parameters_file.text(options.overrides), end="")
    else:
        parameters_file.write_and_tell(composition.compose(options.overrides), "params.yaml was composed from conf/.")


if __name__ == "__main__":
    run_command(main)
