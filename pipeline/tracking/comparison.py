"""Whether two networks that read the same images differ by more than chance."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Predictions = dict[str, NDArray[Any]]  # as `pipeline.evaluation.report.predictions` has them
SIGNIFICANT = 0.05  # p-values below are called a real difference


def load(path: Path) -> Predictions:
    """Read the predictions that ``evaluate`` kept of a run."""
    with np.load(path) as kept:
        return dict(kept)


def mcnemar(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]) -> tuple[int, int, float]:
    """McNemar's exact test on two classifiers of the same images.

    https://doi.org/10.1007/BF02295996 (McNemar, 1947); the exact form is a binomial test on the images that only one of the
    two reads right. Of each classifier it is given which images it reads right, (n,) bool.

    Returns:
        How many images only the first reads right, how many only the second, and the two-sided p-value.
    """
    from scipy.stats import binomtest

    first, second = int((first_right & ~second_right).sum()), int((second_right & ~first_right).sum())
    p = float(binomtest(first, first + second, 0.5).pvalue) if first + second else 1.0
    return first, second, p


def verdicts(names: tuple[str, str], first: Predictions, second: Predictions) -> str:
    """McNemar's test on the test images, and on each other set that both were measured by, in words."""
    prefixes = [key.removesuffix("labels") for key in first if key.endswith("labels") and key in second]
    return "\n".join([f"{names[0]} against {names[1]}:", *(_compared(prefix, first, second) for prefix in prefixes)])


def _right(prefix: str, kept: Predictions) -> NDArray[np.bool_]:
    """(n,): whether each image of a set was read as what it is, and not rejected."""
    right: NDArray[np.bool_] = kept[f"{prefix}probabilities"].argmax(axis=1) == kept[f"{prefix}labels"]
    return right & ~kept[f"{prefix}rejected"] if f"{prefix}rejected" in kept else right


def _compared(prefix: str, first: Predictions, second: Predictions) -> str:
    """The test on one of the sets, in a line."""
    title = prefix.removesuffix("_") or "test images"
    if not np.array_equal(first[f"{prefix}labels"], second[f"{prefix}labels"]):
        return f"  {title}: of different images, and can't be compared."
    right = _right(prefix, first), _right(prefix, second)
    only_first, only_second, p = mcnemar(*right)
    verdict = "a real difference" if p < SIGNIFICANT else "no difference that it can show"
    return (
        f"  {title}: {right[0].mean():.2%} against {right[1].mean():.2%}, {verdict} "
        f"({only_first} and {only_second} that only one reads right; McNemar's exact test, p = {_p(p)})."
    )


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else f"{10 ** math.ceil(math.log10(value)):.0e} or less" if value else "0"
