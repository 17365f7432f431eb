"""Is it a digit at all, which, and is that sure? A score of each image, and the thresholds that an answer must reach.

The score is the free energy (Liu et al., Energy-based Out-of-distribution Detection, 2020, https://arxiv.org/abs/2010.03759) of
the logits above their mean, which a softmax leaves open: they are near to each other for what a network has not seen, above
all if it was trained to be undecided (`pipeline.training.negatives`). The logits are the mean of those of an image and of its
copies moved by a little: a network is as sure of a digit wherever it stands, and of what is no digit in some places only.
That mean also answers better than the image alone, above all for noisy and coarse images, if the network was trained on moved
digits, and worse if it was not: the validation split decides.
"""

from math import inf

import numpy as np
from numpy.typing import NDArray
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from pipeline.images.arrays import CLASSES, SIDE, Images
from pipeline.images.hands import Hands
from pipeline.inference.results import Verdict
from pipeline.system.section import Count, Factor, Fraction, Section, Seed

MOVE = 2  # pixels. A part of what the score is: the thresholds in a model file go by it
PLACES = ((0, 0), (-MOVE, 0), (MOVE, 0), (0, -MOVE), (0, MOVE))  # of the copies, rows and columns; first the image as it is


class Rejection(Section):
    """Which answers are rejected or uncertain, and what that is measured by."""

    rejected_digits: Fraction
    uncertain_digits: Fraction
    sure_from: Factor
    negatives: Count
    negatives_seed: Seed
    hands: Hands


class Thresholds(BaseModel):
    """What an answer must reach, and what it goes by.

    An exported model carries its own; without any, as of somebody else's, all is a sure digit.
    """

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)

    none_below: float = -inf  # score below which an image is no digit
    #: Score below which a digit is uncertain. Files of earlier versions have the second name.
    uncertain_below: float = Field(default=-inf, validation_alias=AliasChoices("uncertain_below", "unsure_below"))
    sure_from: float = 0.0  # probability below which a digit is uncertain
    answers_by_mean: bool = False  # whether an answer goes by the mean of the logits of the copies

    def verdict(self, score: float, probability: float) -> Verdict:
        """Whether an image is a digit, and whether that is sure."""
        if score < self.none_below:
            return "none"
        return "digit" if score >= self.uncertain_below and probability >= self.sure_from else "uncertain"

    def logits_of_answers(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """The logits, (n, 10), by which n images are answered, from those of their `copies`, (5 n, 10)."""
        return mean(logits) if self.answers_by_mean else logits[: len(logits) // len(PLACES)]


def copies(images: Images) -> Images:
    """What `score` wants the logits of, (5 n, 28, 28): n images as they are, then all of them up, down, left and right."""
    wide = np.pad(images, ((0, 0), (MOVE, MOVE), (MOVE, MOVE)))
    return np.concatenate([wide[:, MOVE - down :, MOVE - right :][:, :SIDE, :SIDE] for down, right in PLACES])


def mean(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the logits of the `copies` of n images, (5 n, 10), for each image, (n, 10)."""
    of_images: NDArray[np.float32] = logits.reshape(len(PLACES), -1, CLASSES).mean(axis=0)
    return of_images


def score(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """How much like a digit n images are, (n,), any size, more for more, from the logits of their `copies`, (5 n, 10)."""
    of_images = mean(logits).astype(np.float64)
    energy: NDArray[np.float64] = np.logaddexp.reduce(of_images - of_images.mean(axis=1, keepdims=True), axis=1)
    return energy


def thresholds(options: Rejection, logits: NDArray[np.float32], answers_by_mean: bool) -> Thresholds:
    """The thresholds of a network, from its logits, (5 n, 10), of the `copies` of digits that it was not trained on."""
    none_below, uncertain_below = np.quantile(score(logits), [options.rejected_digits, options.uncertain_digits]).tolist()
    return Thresholds(
        none_below=none_below, uncertain_below=uncertain_below, sure_from=options.sure_from, answers_by_mean=answers_by_mean
    )
