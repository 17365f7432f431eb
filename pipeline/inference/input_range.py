"""In which range of values somebody else's model takes pictures: as few files say it, it is tried on twenty digits.

They are two of each digit, by twenty people, of the UCI data set "Pen-Based Recognition of Handwritten Digits" (E. Alpaydin,
F. Alimoglu, 1998, CC BY 4.0, https://doi.org/10.24432/C5MG6K), legible ones, with fewer points.
"""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.images import strokes
from pipeline.images.arrays import Split, network_input
from pipeline.inference import definitions

if TYPE_CHECKING:
    import keras

SAMPLES = Path(__file__).resolve().with_name("sample_digits.json")

#: Ranges of tutorials, by what becomes of a value from 0, paper, to 1, ink: times the first number, plus the second.
RANGES = {
    "0 to 255": (255.0, 0.0),
    "-0.5 to 0.5": (1.0, -0.5),
    "-1 to 1": (2.0, -1.0),
    "mean 0 and standard deviation 1": (1 / 0.3081, -0.1307 / 0.3081),  # of MNIST's pixels
    "1, paper, to 0, ink": (-1.0, 1.0),
    "255, paper, to 0, ink": (-255.0, 255.0),
}
ENOUGH = 0.7  # of the samples that a model reads, if it is one of digits and they are in its range
BETTER = 0.3  # of the samples, that it must read more of in another range, before that is taken for its own


@cache
def samples() -> Split:
    """The twenty digits, as MNIST would have them."""
    drawn = json.loads(SAMPLES.read_text(encoding="utf-8"))
    pictures = np.stack([strokes.render(one["strokes"]) for one in drawn])
    return Split(pictures, np.array([one["label"] for one in drawn], np.uint8))


def fitted(network: "keras.Model") -> tuple["keras.Model", dict[str, Any]]:
    """Bring pictures into the range of a model that doesn't say which one that is.

    Args:
        network: from (n, 28, 28, 1), in some range, to ten numbers.

    Returns:
        The network, from 0 to 1; and a description of it: empty if it was so, else with a `note` for people, of what was done,
        or that no range helps.

    """
    given = network_input(samples().pictures)
    plain = _right(network, given)
    if plain >= ENOUGH:
        return network, {}
    right = {name: _right(network, given * scale + offset) for name, (scale, offset) in RANGES.items()}
    best = max(right, key=lambda name: right[name])
    if right[best] < max(ENOUGH, plain + BETTER):
        note = f"it reads {plain:.0%} of {len(given)} sample digits: was it trained on digits, bright ink on dark, 0 to 1?"
        return network, {"note": note}
    note = f"its pictures are brought into the range {best}, in which it reads {right[best]:.0%} of {len(given)} sample digits"
    return _rescaled(network, *RANGES[best]), {"note": f"{note}, and {plain:.0%} without"}


def _right(network: "keras.Model", given: Any) -> float:
    """The part of the samples that a network reads."""
    return float(np.mean(np.asarray(network(given, training=False)).argmax(axis=1) == samples().labels))


def _rescaled(network: "keras.Model", scale: float, offset: float) -> "keras.Model":
    import keras

    way = [definitions.layer("Rescaling", scale=scale, offset=offset)]
    definition = definitions.preceded(json.loads(network.to_json()), way)
    rescaled = keras.models.model_from_json(json.dumps(definition))
    rescaled.set_weights(network.get_weights())
    return rescaled
