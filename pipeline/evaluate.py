"""The stage ``evaluate``: reads the whole test set once, and says how good the trained network is."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from pipeline.config.check import load
from pipeline.config.schema import Evaluation
from pipeline.data import prepared
from pipeline.evaluation import metrics
from pipeline.images.arrays import Probabilities, Split
from pipeline.inference import exported, rejection
from pipeline.system import tensorflow_setup
from pipeline.system.command_line import parse_stage, run_command
from pipeline.system.errors import ModelError
from pipeline.system.paths import MODELS, REPORTS, TRAINED, replacing
from pipeline.tracking import stage_run
from pipeline.training import negatives

if TYPE_CHECKING:
    import keras


def measure(test: Split, probabilities: Probabilities, options: Evaluation) -> dict[str, Any]:
    """The single values of a report: accuracy with its interval, loss, calibration error, mistakes."""
    right = int((probabilities.argmax(axis=1) == test.labels).sum())
    low, high = metrics.wilson_interval(right, len(test.labels), options.confidence)
    rows = metrics.calibration(test.labels, probabilities, options.calibration_bins)
    return {
        "test_accuracy": right / len(test.labels),
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_loss": metrics.cross_entropy(test.labels, probabilities),
        "test_calibration_error": metrics.expected_calibration_error(rows),
        "test_mistakes": len(test.labels) - right,
        "test_pictures": len(test.labels),
    }


def measure_drawings(network: "keras.Model", options: Evaluation) -> dict[str, Any]:
    """Accuracy on the part of the collection that was kept apart, with its interval; nothing if there is none."""
    if "drawings" not in prepared.summary()["splits"]:
        return {}
    drawings = prepared.load("drawings")
    right = int((exported.predict(network, drawings.pictures).argmax(axis=1) == drawings.labels).sum())
    low, high = metrics.wilson_interval(right, len(drawings.labels), options.confidence)
    return {
        "drawings_accuracy": right / len(drawings.labels),
        "drawings_accuracy_low": low,
        "drawings_accuracy_high": high,
        "drawings": len(drawings.labels),
    }


def drawings_before(options: Evaluation) -> float | None:
    """What the model that was exported last, and is to be replaced, reads of the same drawings; None if there is none.

    For a person to see, and not among the metrics: it hangs on more than the stage's dependencies.
    """
    try:
        accuracy: float = measure_drawings(exported.open_model(MODELS / "mnist.h5"), options)["drawings_accuracy"]
    except ModelError:
        return None
    return accuracy


def measure_rejection(network: "keras.Model", digits: NDArray[np.float32], options: Evaluation) -> dict[str, Any]:
    """The thresholds of `pipeline.inference.rejection`, from the validation split, and how well they tell digits from others.

    Args:
        network: from network input to logits.
        digits: its logits of the test pictures, (n, 10).
        options: of the configuration.

    """
    validation = exported.predict(network, prepared.load("validation").pictures, options.batch_size)
    others = exported.predict(network, negatives.held_out(options.negatives, seed=0), options.batch_size)
    none_below = rejection.threshold(validation, options.rejected_digits)
    unsure_below = rejection.threshold(validation, options.doubted_digits)
    digit_scores, other_scores = rejection.score(digits), rejection.score(others)
    return {
        "none_below": none_below,
        "unsure_below": unsure_below,
        "test_rejected": float((digit_scores < none_below).mean()),
        "test_doubted": float((digit_scores < unsure_below).mean()),
        "negatives_rejected": float((other_scores < none_below).mean()),
        "negatives_doubted": float((other_scores < unsure_below).mean()),
        "negatives_auroc": metrics.auroc(digit_scores, other_scores),
    }


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows of the same keys as CSV."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_report(
    test: Split, probabilities: Probabilities, values: dict[str, Any], names: list[str], options: Evaluation
) -> None:
    """Write metrics, tables, predictions and pictures to ``reports/``."""
    from pipeline.evaluation import figures  # matplotlib takes a second

    predicted = probabilities.argmax(axis=1)
    matrix = metrics.confusion(test.labels, predicted)
    by_class = metrics.per_class(matrix)
    bins = metrics.calibration(test.labels, probabilities, options.calibration_bins)
    with (TRAINED / "history.csv").open(newline="") as file:
        history = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    with replacing(REPORTS / "metrics.json") as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    write_table(REPORTS / "classes.csv", [{"class": name} | row for name, row in zip(names, by_class, strict=True)])
    write_table(REPORTS / "calibration.csv", bins)
    pairs = zip(test.labels, predicted, strict=True)
    write_table(REPORTS / "confusion.csv", [{"actual": names[a], "predicted": names[p]} for a, p in pairs])
    with replacing(REPORTS / "predictions.npz") as temporary:
        np.savez_compressed(temporary, labels=test.labels, probabilities=probabilities)
    worst = metrics.worst_mistakes(test.labels, probabilities, options.worst_mistakes)
    drawn = {
        "confusion": figures.confusion_matrix(matrix, names),
        "history": figures.history(history),
        "calibration": figures.calibration(bins, values["test_calibration_error"]),
        "mistakes": figures.mistakes(test, probabilities, worst, names),
    }
    for name, figure in drawn.items():
        with replacing(REPORTS / f"{name}.png") as temporary:
            figure.savefig(temporary, dpi=110)


def main() -> None:
    """Entry point of ``python -m pipeline.evaluate``."""
    parse_stage("evaluate", __doc__)
    configuration = load()
    with stage_run.stage("evaluate", configuration) as run:
        tensorflow_setup.start()
        run.wait_for_store()
        summary, test = prepared.summary(), prepared.load("test")
        network = exported.open_model(TRAINED / "network.keras")
        from pipeline.training.network import logits_of  # needs TensorFlow to be set up

        before_softmax = logits_of(network)
        logits = exported.predict(before_softmax, test.pictures, configuration.evaluation.batch_size)
        probabilities: Probabilities = softmax(logits, axis=1)
        training = json.loads((TRAINED / "training.json").read_text(encoding="utf-8"))
        values = measure(test, probabilities, configuration.evaluation) | training
        values |= measure_rejection(before_softmax, logits, configuration.evaluation)
        values |= measure_drawings(network, configuration.evaluation)
        report = {"dataset": summary["dataset"], **values}
        write_report(test, probabilities, report, summary["class_names"], configuration.evaluation)
        run.metrics(**values)
        run.artifacts("evaluation", *sorted(REPORTS.glob("*.*")))
    confidence, mistakes = configuration.evaluation.confidence, values["test_mistakes"]
    print(
        f"Test accuracy {values['test_accuracy']:.2%} ({confidence:.0%} interval {values['test_accuracy_low']:.2%} to "
        f"{values['test_accuracy_high']:.2%}), {mistakes} mistakes in {values['test_pictures']:,} pictures."
    )
    if "drawings" in values:
        before = drawings_before(configuration.evaluation)
        print(
            f"Accuracy on the collection's {values['drawings']} drawings kept apart: {values['drawings_accuracy']:.2%}"
            + (f", before this training {before:.2%}." if before is not None else ".")
        )


if __name__ == "__main__":
    run_command(main)
    tensorflow_setup.leave()
