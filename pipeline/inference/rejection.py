"""Is it a digit at all? A score of each picture, and the threshold below which it is none.

The score is the free energy (Liu et al., Energy-based Out-of-distribution Detection, 2020, https://arxiv.org/abs/2010.03759) of
the logits above their mean, which a softmax leaves open: they are near to each other for what a network has not seen, above
all if it was trained to be undecided (`pipeline.training.negatives`).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp


def score(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """How much like a digit, (n,), any size, more for more, from logits (n, 10)."""
    energy: NDArray[np.float64] = logsumexp(logits.astype(np.float64) - logits.mean(axis=1, keepdims=True), axis=1)
    return energy


def threshold(logits: NDArray[np.float32], rejected: float) -> float:
    """The score below which a picture is no digit.

    Args:
        logits: (n, 10) of pictures that are digits, and were not trained on.
        rejected: part of them that may be taken for none, 0 to 1.

    """
    return float(np.quantile(score(logits), rejected))
