"""The report on a trained network: metrics, tables, predictions and figures of all that was held out, and the model card."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from pipeline.data import prepared
from pipeline.evaluation import card, metrics, outside, page
from pipeline.evaluation.card import Facts
from pipeline.evaluation.options import EvaluateOptions, Evaluation
from pipeline.evaluation.outside import Answers, Outside
from pipeline.images.arrays import CLASSES, Images, Labels, Probabilities, Split
from pipeline.inference import exported, rejection
from pipeline.inference.description import outside_accuracies
from pipeline.inference.rejection import Rejection, Thresholds
from pipeline.system.errors import ModelError
from pipeline.system.paths import MODEL_FILE, MODELS, REPORTS, TRAINED, replacing
from pipeline.training import negatives, trained
from pipeline.training.calibration import cross_entropy

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

#: The metrics that `headline` keeps, and by which one model is told from another at a glance.
HEADLINE = ("validation_accuracy", "test_accuracy")

FIGURES = {
    "confusion": "What is read as what",
    "mistakes": "The worst mistakes of the test images",
    "calibration": "What its probabilities mean",
    "history": "How it was trained",
}


def make(options: EvaluateOptions, sets: Sequence[Outside]) -> tuple[dict[str, Any], float]:
    """Read the test set and the other sets once with the trained network, and write the report to ``reports/``.

    Args:
        options: of the configuration.
        sets: by `outside.read`.

    Returns:
        The single values of the report; and how long the network takes for one image here, milliseconds.
    """
    from pipeline.training.network import logits_of  # needs TensorFlow to be set up

    summary, test = prepared.summary(), prepared.load("test")
    network = exported.open_model(TRAINED / trained.NETWORK)
    before_softmax = logits_of(network)
    logits = logits_of_copies(before_softmax, test.images)
    probabilities: Probabilities = softmax(logits[: len(test.labels)], axis=1)
    values = measure(test, probabilities, options.evaluation) | trained.result()
    values |= measure_rejection(before_softmax, logits, options.rejection)
    limits = Thresholds(**{name: values[name] for name in Thresholds.model_fields})
    # Of test images the network's most probable answer counts, rejected or not: it is to be compared with that of others.
    answers = {card.TEST: Answers(test.labels, probabilities, np.zeros(len(test.labels), np.bool_))}
    for each in sets:
        answers[each.name] = outside.answers(logits_of_copies(before_softmax, each.split.images), each, limits)
    values |= outside.measure_all(sets, answers, options.evaluation.confidence)
    size = (TRAINED / trained.NETWORK).stat().st_size
    facts = Facts(options.evaluation, summary, values, sets, answers, card.layers(network), size)
    write(test, facts)
    latency = page.latency_milliseconds(network, test.images[0])
    pictures: dict[str, bytes | Figure] = {title: (REPORTS / f"{name}.png").read_bytes() for name, title in FIGURES.items()}
    page.write(REPORTS / "model_card.html", card.markdown(card.sections(facts)), pictures | page.mistakes(facts), latency)
    return values, latency


def logits_of_copies(network: "keras.Model", images: Images) -> NDArray[np.float32]:
    """What `network` says of the `rejection.copies` of images, (5 n, 10)."""
    return exported.predict(network, rejection.copies(images))


def measure(test: Split, probabilities: Probabilities, options: Evaluation) -> dict[str, Any]:
    """The single values of a report: accuracy with its interval, loss, calibration error, mistakes."""
    from sklearn.metrics import log_loss  # takes a second to load

    rows = metrics.calibration(test.labels, probabilities, options.calibration_bins)
    right, count = int((probabilities.argmax(axis=1) == test.labels).sum()), len(test.labels)
    low, high = metrics.wilson_interval(right, count, options.confidence)
    return {
        **{"test_accuracy": right / count, "test_accuracy_low": low, "test_accuracy_high": high},
        "test_loss": float(log_loss(test.labels, probabilities, labels=np.arange(CLASSES))),
        "test_calibration_error": metrics.expected_calibration_error(rows),
        "test_mistakes": count - right,
        "test_images": count,
    }


def headline(values: dict[str, Any]) -> dict[str, float]:
    """What DVC shows of the single values of a report, in the width of a terminal: `HEADLINE`, and each set's accuracy."""
    sets = {f"{name}_accuracy": accuracy for name, accuracy in outside_accuracies(values).items()}
    return {name: values[name] for name in HEADLINE} | sets


def drawings_before(sets: Sequence[Outside], options: Evaluation) -> float | None:
    """What the model that was exported last, and is to be replaced, reads of the same drawings; None if there is none.

    For a person to see, and not among the metrics: it hangs on more than the stage's dependencies.
    """
    (drawings,) = (each for each in sets if each.name == outside.DRAWINGS)
    try:
        before, says = exported.open_described(MODELS / MODEL_FILE)
    except ModelError:
        return None
    logarithms = np.log(logits_of_copies(before, drawings.split.images) + np.float32(1e-12))  # logits, but for a number
    answers = outside.answers(logarithms, drawings, says.thresholds if says else Thresholds())
    return float(outside.measure(drawings.name, answers, options.confidence)[f"{drawings.name}_accuracy"])


def mean_is_better(logits: NDArray[np.float32], labels: Labels) -> bool:
    """Whether the mean of the logits of the `rejection.copies` of images, (5 n, 10), has a lower cross-entropy than theirs."""
    return cross_entropy(rejection.mean(logits), labels) < cross_entropy(logits[: len(labels)], labels)


def measure_rejection(network: "keras.Model", digits: NDArray[np.float32], options: Rejection) -> dict[str, Any]:
    """The thresholds of `pipeline.inference.rejection`, from the validation split, and how well they tell digits from others.

    Args:
        network: from network input to logits.
        digits: its logits of the `rejection.copies` of the test images, (5 n, 10).
        options: of the configuration.
    """
    validation = prepared.load("validation")
    known = logits_of_copies(network, validation.images)
    limits = rejection.thresholds(options, known, mean_is_better(known, validation.labels))
    others = logits_of_copies(network, negatives.held_out(options.negatives, options.hands, options.negatives_seed))
    digit_scores, other_scores = rejection.score(digits), rejection.score(others)
    return {
        **limits.model_dump(),
        "test_rejected": float((digit_scores < limits.none_below).mean()),
        "test_uncertain": float((digit_scores < limits.uncertain_below).mean()),
        "negatives_rejected": float((other_scores < limits.none_below).mean()),
        "negatives_uncertain": float((other_scores < limits.uncertain_below).mean()),
        "negatives_auroc": metrics.auroc(digit_scores, other_scores),
    }


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows of the same keys as CSV."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write(test: Split, facts: Facts) -> None:
    """Write metrics, tables, predictions, images and the model card to ``reports/``."""
    from sklearn.metrics import confusion_matrix

    from pipeline.evaluation import figures  # matplotlib takes a second

    names, values, probabilities = facts.summary["class_names"], facts.values, facts.answers[card.TEST].probabilities
    predicted = probabilities.argmax(axis=1)
    by_class = metrics.per_class(test.labels, predicted)
    bins = metrics.calibration(test.labels, probabilities, facts.options.calibration_bins)
    told = {"dataset": facts.summary["dataset"], **values}
    for name, kept in {"metrics": headline(values), "all_metrics": told}.items():
        with replacing(REPORTS / f"{name}.json") as temporary:
            temporary.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    write_table(REPORTS / "classes.csv", [{"class": name} | row for name, row in zip(names, by_class, strict=True)])
    write_table(REPORTS / "calibration.csv", bins)
    pairs = zip(test.labels, predicted, strict=True)
    write_table(REPORTS / "confusion.csv", [{"actual": names[a], "predicted": names[p]} for a, p in pairs])
    recalls = [row for name, answers in facts.answers.items() for row in outside.recalls(name, answers, names)]
    write_table(REPORTS / "outside.csv", recalls)
    with replacing(REPORTS / "predictions.npz") as temporary:
        np.savez_compressed(temporary, **predictions(facts.answers))  # type: ignore[arg-type]
    with replacing(REPORTS / "model_card.md") as temporary:
        temporary.write_text(card.markdown(card.sections(facts)), encoding="utf-8")
    worst = metrics.worst_mistakes(test.labels, probabilities, facts.options.worst_mistakes)
    drawn = {
        "confusion": figures.confusion_matrix(confusion_matrix(test.labels, predicted, labels=np.arange(CLASSES)), names),
        "history": figures.history(trained.history()),
        "calibration": figures.calibration(bins, values["test_calibration_error"]),
        "mistakes": figures.mistakes(test, probabilities, worst, names),
    }
    for name, figure in drawn.items():
        with replacing(REPORTS / f"{name}.png") as temporary:
            figure.savefig(temporary, dpi=page.DOTS)


def predictions(answers: dict[str, Answers]) -> dict[str, NDArray[Any]]:
    """What is kept of all answers, to compare runs image by image: ``labels`` and ``probabilities`` of the test images; of
    each other set these with its name before them, and ``<name>_rejected``.
    """
    kept: dict[str, NDArray[Any]] = {}
    for name, given in answers.items():
        prefix = "" if name == card.TEST else f"{name}_"
        kept |= {f"{prefix}labels": given.labels, f"{prefix}probabilities": given.probabilities}
        kept |= {f"{prefix}rejected": given.rejected} if prefix else {}
    return kept
