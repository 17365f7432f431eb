"""In which range of values somebody else's model takes images. Few files say it, so each range is tried on twenty digits.

They are two of each digit, by twenty people, of the UCI data set "Pen-Based Recognition of Handwritten Digits" (E. Alpaydin,
F. Alimoglu, 1998, CC BY 4.0, https://doi.org/10.24432/C5MG6K), legible ones, with fewer points.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.images import strokes
from pipeline.images.arrays import Split, network_input
from pipeline.inference import fitting

if TYPE_CHECKING:
    import keras

SAMPLES = Path(__file__).resolve().with_name("sample_digits.json")

#: Ranges of tutorials. A value from 0, paper, to 1, ink, is multiplied by the first number, and the second is added.
RANGES = {
    "0 to 255": (255.0, 0.0),
    "-0.5 to 0.5": (1.0, -0.5),
    "-1 to 1": (2.0, -1.0),
    "mean 0 and standard deviation 1": (1 / 0.3081, -0.1307 / 0.3081),  # of MNIST's pixels
    "1, paper, to 0, ink": (-1.0, 1.0),
    "255, paper, to 0, ink": (-255.0, 255.0),
}
ENOUGH = 0.7  # accuracy from which a model reads digits, and takes them in that range
BETTER = 0.3  # by which the accuracy in another range must be higher, before that is taken for the model's own


@cache
def samples() -> Split:
    """The twenty digits, as MNIST would have them."""
    drawn = json.loads(SAMPLES.read_text(encoding="utf-8"))
    images = np.stack([strokes.render(one["strokes"]) for one in drawn])
    return Split(images, np.array([one["label"] for one in drawn], np.uint8))


def find(read: Callable[[Any], Any]) -> tuple[str | None, str]:
    """Find the range in which a network takes images.

    Args:
        read: from (n, 28, 28, 1) float32, in any range, to ten numbers each.

    Returns:
        One of `RANGES`, None for 0 to 1; and a note for the user, "" if the network reads the digits as they are.
    """
    images, labels = network_input(samples().images), samples().labels

    def accuracy(scale: float, offset: float) -> float:
        found = np.asarray(read((images * scale + offset).astype(np.float32)))
        return float(np.mean(found.argmax(axis=1) == labels))

    plain = accuracy(1, 0)
    if plain >= ENOUGH:
        return None, ""
    accuracies = {name: accuracy(*values) for name, values in RANGES.items()}
    best = max(accuracies, key=lambda name: accuracies[name])
    count = len(labels)
    if accuracies[best] < max(ENOUGH, plain + BETTER):
        return None, f"it reads {plain:.0%} of {count} sample digits: was it trained on digits, bright ink on dark, 0 to 1?"
    reads = f"it reads {accuracies[best]:.0%} of {count} sample digits, and {plain:.0%} without"
    return best, f"its images are brought into the range {best}, in which {reads}"


def rescaled(network: "keras.Model", name: str) -> "keras.Model":
    """A network that takes images from 0 to 1 and brings them into the range of `network`, one of `RANGES`."""
    import keras

    scale, offset = RANGES[name]
    made = fitting.preceded(network, keras.layers.Rescaling(scale, offset, name="given_range"))
    made.set_weights(network.get_weights())
    return made
