"""Is it a digit at all? A score of each picture, and the threshold below which it is none.

The score is the free energy of the logits (Liu et al., Energy-based Out-of-distribution Detection, 2020,
https://arxiv.org/abs/2010.03759): a network answers with small logits to what it has not seen, above all one that was trained
to (`pipeline.negatives`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp


def score(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """How much like a digit, (n,), any size, more for more, from logits (n, 10)."""
    energy: NDArray[np.float64] = logsumexp(logits.astype(np.float64) - logits.mean(axis=1, keepdims=True), axis=1)
    return energy


def calibrate(logits: NDArray[np.float32], rejected: float, sure: float) -> dict[str, Any]:
    """What an exported file says of rejection.

    Args:
        logits: (n, 10) of pictures that are digits, which were not trained on.
        rejected: part of them that may be taken for none, 0 to 1.
        sure: probability from which on an answer is sure, 0 to 1.

    """
    return {"none_below": float(np.quantile(score(logits), rejected)), "rejected_digits": rejected, "sure_from": sure}
