"""The report on a trained network: metrics, tables, predictions and figures of the test set."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from pipeline.data import prepared
from pipeline.evaluation import metrics
from pipeline.evaluation.options import EvaluateOptions, Evaluation
from pipeline.images.arrays import CLASSES, Probabilities, Split
from pipeline.inference import exported, rejection
from pipeline.inference.rejection import Rejection
from pipeline.system.errors import ModelError
from pipeline.system.paths import MODEL_FILE, MODELS, REPORTS, TRAINED, replacing
from pipeline.training import negatives, trained

if TYPE_CHECKING:
    import keras


def make(options: EvaluateOptions) -> dict[str, Any]:
    """Read the test set once with the trained network, write the report to ``reports/``, and return its single values."""
    from pipeline.training.network import logits_of  # needs TensorFlow to be set up

    summary, test = prepared.summary(), prepared.load("test")
    network = exported.open_model(TRAINED / trained.NETWORK)
    before_softmax = logits_of(network)
    logits = exported.predict(before_softmax, test.images)
    probabilities: Probabilities = softmax(logits, axis=1)
    values = measure(test, probabilities, options.evaluation) | trained.result()
    values |= measure_rejection(before_softmax, logits, options.rejection) | measure_drawings(network, options.evaluation)
    write(test, probabilities, {"dataset": summary["dataset"], **values}, summary["class_names"], options.evaluation)
    return values


def measure(test: Split, probabilities: Probabilities, options: Evaluation) -> dict[str, Any]:
    """The single values of a report: accuracy with its interval, loss, calibration error, mistakes."""
    from sklearn.metrics import log_loss  # takes a second to load

    rows = metrics.calibration(test.labels, probabilities, options.calibration_bins)
    return {
        **accuracy("test", test, probabilities, options),
        "test_loss": float(log_loss(test.labels, probabilities, labels=np.arange(CLASSES))),
        "test_calibration_error": metrics.expected_calibration_error(rows),
        "test_mistakes": int((probabilities.argmax(axis=1) != test.labels).sum()),
        "test_images": len(test.labels),
    }


def accuracy(name: str, split: Split, probabilities: Probabilities, options: Evaluation) -> dict[str, float]:
    """The accuracy on a split, with its interval, as ``<name>_accuracy``, and the same with ``_low`` and ``_high``."""
    right, count = int((probabilities.argmax(axis=1) == split.labels).sum()), len(split.labels)
    low, high = metrics.wilson_interval(right, count, options.confidence)
    return {f"{name}_accuracy": right / count, f"{name}_accuracy_low": low, f"{name}_accuracy_high": high}


def measure_drawings(network: "keras.Model", options: Evaluation) -> dict[str, Any]:
    """Accuracy on the part of the collection that was held out, with its interval; nothing if there is none."""
    if "drawings" not in prepared.summary()["splits"]:
        return {}
    drawings = prepared.load("drawings")
    values = accuracy("drawings", drawings, exported.predict(network, drawings.images), options)
    return values | {"drawings": len(drawings.labels)}


def drawings_before(options: Evaluation) -> float | None:
    """What the model that was exported last, and is to be replaced, reads of the same drawings; None if there is none.

    For a person to see, and not among the metrics: it hangs on more than the stage's dependencies.
    """
    try:
        before = exported.open_model(MODELS / MODEL_FILE)
    except ModelError:
        return None
    return float(measure_drawings(before, options)["drawings_accuracy"])


def measure_rejection(network: "keras.Model", digits: NDArray[np.float32], options: Rejection) -> dict[str, Any]:
    """The thresholds of `pipeline.inference.rejection`, from the validation split, and how well they tell digits from others.

    Args:
        network: from network input to logits.
        digits: its logits of the test images, (n, 10).
        options: of the configuration.

    """
    limits = rejection.thresholds(options, exported.predict(network, prepared.load("validation").images))
    others = exported.predict(network, negatives.held_out(options.negatives, options.hands, options.negatives_seed))
    digit_scores, other_scores = rejection.score(digits), rejection.score(others)
    return {
        **limits.model_dump(),
        "test_rejected": float((digit_scores < limits.none_below).mean()),
        "test_uncertain": float((digit_scores < limits.unsure_below).mean()),
        "negatives_rejected": float((other_scores < limits.none_below).mean()),
        "negatives_uncertain": float((other_scores < limits.unsure_below).mean()),
        "negatives_auroc": metrics.auroc(digit_scores, other_scores),
    }


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows of the same keys as CSV."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write(test: Split, probabilities: Probabilities, values: dict[str, Any], names: list[str], options: Evaluation) -> None:
    """Write metrics, tables, predictions and images to ``reports/``."""
    from sklearn.metrics import confusion_matrix

    from pipeline.evaluation import figures  # matplotlib takes a second

    predicted = probabilities.argmax(axis=1)
    by_class = metrics.per_class(test.labels, predicted)
    bins = metrics.calibration(test.labels, probabilities, options.calibration_bins)
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
        "confusion": figures.confusion_matrix(confusion_matrix(test.labels, predicted, labels=np.arange(CLASSES)), names),
        "history": figures.history(trained.history()),
        "calibration": figures.calibration(bins, values["test_calibration_error"]),
        "mistakes": figures.mistakes(test, probabilities, worst, names),
    }
    for name, figure in drawn.items():
        with replacing(REPORTS / f"{name}.png") as temporary:
            figure.savefig(temporary, dpi=110)
