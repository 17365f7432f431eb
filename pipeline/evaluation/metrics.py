"""What predictions are measured by, besides what scikit-learn has. Nothing here knows of files, networks or images."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pipeline.images.arrays import CLASSES, Labels, Probabilities


def per_class(labels: Labels, predicted: NDArray[np.int64]) -> list[dict[str, float]]:
    """Precision, recall and F1 of each class, 0 to 1; 0 where a class was never predicted or never there."""
    from sklearn.metrics import precision_recall_fscore_support  # takes a second to load

    columns = precision_recall_fscore_support(labels, predicted, labels=np.arange(CLASSES), zero_division=0)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [dict(zip(("precision", "recall", "f1", "images"), row, strict=True)) for row in rows]


def wilson_interval(right: int, count: int, confidence: float) -> tuple[float, float]:
    """Confidence interval of a proportion (Wilson, 1927), which stays within 0 and 1 near the ends, where accuracy is.

    The proportion is `right` of `count`, which is 1 at least; `confidence` is the level, between 0 and 1.
    """
    from scipy.stats import binomtest  # takes a second to load

    interval = binomtest(right, count).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def mean_interval(values: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Confidence interval of the mean of independent values, (n,), 0 to 1 each, by the normal distribution; n at least 2."""
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * float(values.std(ddof=1)) / len(values) ** 0.5
    mean = float(values.mean())
    return max(0.0, mean - reach), min(1.0, mean + reach)


def calibration(labels: Labels, probabilities: Probabilities, bins: int) -> list[dict[str, float]]:
    """Accuracy against confidence in bins of equal width (Guo et al., 2017, https://arxiv.org/abs/1706.04599).

    Returns:
        A row for each bin that holds images: its mean ``confidence``, its ``accuracy`` and its ``images``.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    rows = []
    for number in np.unique(place):
        here = place == number
        mean, accuracy = float(confidence[here].mean()), float(right[here].mean())
        rows.append({"confidence": mean, "accuracy": accuracy, "images": int(here.sum())})
    return rows


def expected_calibration_error(rows: list[dict[str, float]]) -> float:
    """Mean distance of accuracy and confidence over all images, 0 to 1, from the rows of `calibration`."""
    count = sum(row["images"] for row in rows)
    return sum(row["images"] * abs(row["accuracy"] - row["confidence"]) for row in rows) / count


def worst_mistakes(labels: Labels, probabilities: Probabilities, count: int) -> NDArray[np.int64]:
    """Numbers of the images read wrong with the most confidence, at most `count`, the worst first."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:count]


def auroc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Area under the ROC curve: how often a positive, (n,), has a higher score than a negative, (m,); equals count half."""
    from sklearn.metrics import roc_auc_score  # takes a second to load

    return float(roc_auc_score([True] * len(positive) + [False] * len(negative), [*positive, *negative]))
