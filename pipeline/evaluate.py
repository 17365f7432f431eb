"""The stage ``evaluate``: reads the test set and sets from outside once, and says how good the trained network is."""

from pipeline.system import tensorflow_setup
from pipeline.system.command_line import parse_stage, run_command
from pipeline.system.patches import end_at_once
from pipeline.system.paths import REPORTS


def main() -> None:
    """Entry point of ``python -m pipeline.evaluate``."""
    parse_stage("evaluate", __doc__)
    from pipeline.config.check import load  # a second, with the others, that --help need not wait for
    from pipeline.evaluation import outside, report
    from pipeline.tracking import stage_run

    configuration = load()
    with stage_run.stage("evaluate", configuration) as run:
        sets = outside.read(configuration.evaluation)  # first: a missing file is reported within a second or two
        tensorflow_setup.start()
        run.wait_for_store()
        values, latency = report.make(configuration, sets)
        run.metrics(**values, latency_milliseconds=latency)
        run.artifacts("evaluation", *sorted(REPORTS.glob("*.*")))
    print(
        f"Test accuracy {values['test_accuracy']:.2%} ({configuration.evaluation.confidence:.0%} interval "
        f"{values['test_accuracy_low']:.2%} to {values['test_accuracy_high']:.2%}), {values['test_mistakes']} mistakes in "
        f"{values['test_images']:,} images."
    )
    for name, title in outside.titles(sets, configuration.evaluation).items():
        if name != outside.DRAWINGS:
            print(f"{outside.sentence(title, name, values)}.")
    if outside.DRAWINGS in values:
        before = report.drawings_before(sets, configuration.evaluation)
        print(
            f"Accuracy on the collection's {values['drawings']} held-out drawings: {values['drawings_accuracy']:.2%}"
            + (f", before this training {before:.2%}." if before is not None else ".")
        )


if __name__ == "__main__":
    run_command(main)
    end_at_once()
