"""Probabilities that mean what they say: of the answers with 90 %, nine in ten are right."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.images.arrays import CLASSES, Labels


def cross_entropy(logits: NDArray[np.floating[Any]], labels: Labels) -> float:
    """Mean cross-entropy, nats, of the softmax of logits, (n, 10), with labels, (n,)."""
    return float((np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(labels)), labels]).mean())


def temperature(logits: NDArray[np.float32], labels: Labels) -> float:
    """What to divide logits by, (n, 10), so that their softmax is calibrated on images that have these labels, (n,).

    Label smoothing makes a network too modest, long training too sure. One number mends both and changes no answer (Guo et al.,
    2017, https://arxiv.org/abs/1706.04599). As in Platt's scaling (Platt, Probabilistic Outputs for Support Vector Machines,
    1999), each label is taken for right with a probability of (n + 1) / (n + 2) only, and else for the most probable other one:
    without that, if all n images are read right, however few, no probability would be too high.
    """
    from scipy.optimize import minimize_scalar  # takes long to import

    values = logits.astype(np.float64)
    is_label = np.arange(CLASSES) == labels[:, np.newaxis]  # (n, 10)
    other = np.where(is_label, -np.inf, values).max(axis=1)
    target = values[is_label] + (other - values[is_label]) / (len(labels) + 2)  # (n,)

    def loss(log_temperature: float) -> float:
        divisor = np.exp(log_temperature)
        return float((np.logaddexp.reduce(values / divisor, axis=1) - target / divisor).mean())

    return math.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x)
