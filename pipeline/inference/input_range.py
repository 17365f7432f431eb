"""In which range of values somebody else's model takes pictures: as few files say it, it is tried on twenty digits.

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


def find(read: Callable[[Any], Any]) -> tuple[str | None, dict[str, Any]]:
    """Find the range in which a network takes pictures.

    Args:
        read: from (n, 28, 28, 1) float32, in any range, to ten numbers each.

    Returns:
        One of `RANGES`, None for 0 to 1; and what is to be said of it: nothing if the digits are read so, else a `note`.

    """
    given, labels = network_input(samples().pictures), samples().labels

    def right(scale: float, offset: float) -> float:
        found = np.asarray(read((given * scale + offset).astype(np.float32)))
        return float(np.mean(found.argmax(axis=1) == labels))

    plain = right(1, 0)
    if plain >= ENOUGH:
        return None, {}
    parts = {name: right(*values) for name, values in RANGES.items()}
    best = max(parts, key=lambda name: parts[name])
    if parts[best] < max(ENOUGH, plain + BETTER):
        note = f"it reads {plain:.0%} of {len(given)} sample digits: was it trained on digits, bright ink on dark, 0 to 1?"
        return None, {"note": note}
    note = f"its pictures are brought into the range {best}, in which it reads {parts[best]:.0%} of {len(given)} sample digits"
    return best, {"note": f"{note}, and {plain:.0%} without"}


def rescaled(network: "keras.Model", name: str) -> "keras.Model":
    """A network that takes pictures from 0 to 1 and brings them into the range of `network`, one of `RANGES`."""
    import keras

    scale, offset = RANGES[name]
    definition = definitions.preceded(
        json.loads(network.to_json()), [definitions.layer("Rescaling", scale=scale, offset=offset)]
    )
    made = keras.models.model_from_json(json.dumps(definition))
    made.set_weights(network.get_weights())
    return made
