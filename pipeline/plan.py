"""``python -m pipeline.plan``: what ``dvc repro`` would do, and why. Changes nothing."""

import argparse

from pipeline.system.command_line import run_command


def main() -> None:
    """Entry point of ``python -m pipeline.plan``."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.plan",
        description="Say what `dvc repro` would run, what it would restore from DVC's cache, and why. Changes nothing.",
    )
    parser.parse_args()
    from pipeline.tracking import dvc_plan  # half a second that --help need not wait for

    steps = dvc_plan.plan()
    dvc_plan.name_producers(steps)
    print("\n".join(map(str, steps)))
    if all(step.action == "skip" for step in steps):
        print("dvc repro has nothing to do.")


if __name__ == "__main__":
    run_command(main)
