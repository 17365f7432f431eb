"""What predictions are measured by. Nothing here knows of files, networks or pictures."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.images.arrays import CLASSES, Labels, Probabilities


def confusion(labels: Labels, predicted: NDArray[np.int64]) -> NDArray[np.int64]:
    """(10, 10) int64: how often a class, the row, was taken for a class, the column."""
    matrix = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix


def per_class(matrix: NDArray[np.int64]) -> list[dict[str, float]]:
    """Precision, recall and F1 of each class, 0 to 1; 0 where a class was never predicted or never there."""
    right = np.diag(matrix).astype(np.float64)

    def divide(counts: NDArray[np.float64], whole: NDArray[Any]) -> NDArray[np.float64]:
        parts: NDArray[np.float64] = np.divide(counts, whole, out=np.zeros(CLASSES), where=whole > 0)
        return parts

    precision, recall = divide(right, matrix.sum(axis=0)), divide(right, matrix.sum(axis=1))
    f1 = divide(2 * precision * recall, precision + recall)
    return [
        {"precision": float(p), "recall": float(r), "f1": float(f), "pictures": int(count)}
        for p, r, f, count in zip(precision, recall, f1, matrix.sum(axis=1), strict=True)
    ]


def wilson_interval(right: int, count: int, confidence: float) -> tuple[float, float]:
    """Confidence interval of a proportion (Wilson, 1927), which stays within 0 and 1 near the ends, where accuracy is.

    Args:
        right: successes, at most `count`.
        count: trials, at least 1.
        confidence: level, between 0 and 1.

    """
    from statistics import NormalDist

    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p, spread = right / count, z * z / count
    middle = (p + spread / 2) / (1 + spread)
    half = z / (1 + spread) * (p * (1 - p) / count + spread / (4 * count)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def calibration(labels: Labels, probabilities: Probabilities, bins: int) -> list[dict[str, float]]:
    """Accuracy against confidence in bins of equal width (Guo et al., 2017, https://arxiv.org/abs/1706.04599).

    Args:
        labels: (n,) uint8.
        probabilities: (n, 10) float32.
        bins: how many.

    Returns:
        A row for each bin that holds pictures: its mean ``confidence``, its ``accuracy`` and its ``pictures``.

    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    rows = []
    for number in np.unique(place):
        here = place == number
        mean, accuracy = float(confidence[here].mean()), float(right[here].mean())
        rows.append({"confidence": mean, "accuracy": accuracy, "pictures": int(here.sum())})
    return rows


def expected_calibration_error(rows: list[dict[str, float]]) -> float:
    """Mean distance of accuracy and confidence over all pictures, 0 to 1, from the rows of `calibration`."""
    count = sum(row["pictures"] for row in rows)
    return sum(row["pictures"] * abs(row["accuracy"] - row["confidence"]) for row in rows) / count


def cross_entropy(labels: Labels, probabilities: Probabilities) -> float:
    """Mean cross-entropy in nats."""
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(given, np.finfo(np.float32).tiny)).mean())


def worst_mistakes(labels: Labels, probabilities: Probabilities, count: int) -> NDArray[np.int64]:
    """Numbers of the pictures read wrong with the most confidence, at most `count`, the worst first."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:count]


def auroc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Area under the ROC curve: how often a positive, (n,), has a higher score than a negative, (m,); equals count half."""
    ordered = np.sort(negative)
    below, until = np.searchsorted(ordered, positive, "left"), np.searchsorted(ordered, positive, "right")
    return float((below + until).mean() / 2 / len(negative))
