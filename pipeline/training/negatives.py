"""Images that are no digits, to train with: a network learns to be undecided about them (`pipeline.inference.rejection`).

Lee et al., Training Confidence-calibrated Classifiers for Detecting Out-of-Distribution Samples, 2018,
https://arxiv.org/abs/1711.09325; Hendrycks et al., Deep Anomaly Detection with Outlier Exposure, 2019,
https://arxiv.org/abs/1812.04606. The images are made up: letters, signs and shapes bent at random, scribbles, and two
digits in the place of one, which tells digits that stand close together apart.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
from PIL import Image
from pydantic import Field

from pipeline.images import hands
from pipeline.images.arrays import SIDE, Images
from pipeline.images.hands import Hands, Line
from pipeline.images.preprocessing import BOX, INK, centre, ink_box
from pipeline.system.section import Count, Section

#: Characters of the Hershey fonts (A. V. Hershey, Calligraphy for Computers, 1967; free to use), by font. As of `SIGNS`, none
#: could be a digit, also not written badly.
TRAINED_LETTERS = {
    "futural": "AEFHKMNPRTVWX#@%*+=<^dhkmnptwx-~",
    "scripts": "AHKMNPRTWXdhkmnpwx",
    "japanese": "#$%&()*+,-./0123457ABDEGHIJMNPUVWXZ",
    "cyrilc_1": "GIJKLMNPV",
    "symbolic": "CFGIJQRSTUVWX",
    "mathlow": "!\"#&'?",
    "cyrillic": "$%ADFQTUW]^",
    "markers": "EF",
    "mathupp": ":;@bcdfhiklnwxy|~",
    "scriptc": "AHKMNRWX#&dhkmpwx",
}
HELD_OUT_LETTERS = {
    "greek": "DPSXYahklmpwy",
    "gothitt": "AEHKMRTWXhkmnwx",
    "astrology": "!$%&'/^_`}",
}

#: Strokes as "x y" in tenths, a comma between points, a semicolon between strokes. Nothing that could be a digit, also not
#: written badly: no B, C, D, G, I, J, L, O, Q, S, U, Y, Z, nor most small letters. The `sharp` ones keep their corners and
#: their sides apart: round and narrow they would be zeros. Those `held_out` are not trained on: rejection is measured by them.
SIGNS: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("signs.json").read_text(encoding="utf-8"))

Part = Annotated[int, Field(ge=0)]


class NegativeKinds(Section):
    """How many of each kind there are, in proportion to the others."""

    letters: Count
    signs: Part
    sharp_signs: Part
    scribbles: Part
    pairs: Part


def make(numbers: Iterable[int], digits: Images, options: Hands, kinds: NegativeKinds, seed: int) -> Images:
    """Draw images that are no digits, to train with.

    Args:
        numbers: one for each image: 0, 1, 2, ...
        digits: (n, 28, 28) uint8, from which two at a time are put side by side; n at least 2.
        options: the hands that write the letters and signs; they are those that write the digits.
        kinds: how many of each there are.
        seed: decides everything.

    Returns:
        (len(numbers), 28, 28) uint8, 0 to 255, ink bright.
    """
    random = np.random.default_rng(seed)
    letters, steady = _letters(TRAINED_LETTERS), options.model_copy(update={"rounding": 0.0, "slant": options.slant / 4})

    def draw(lines: list[Line], hand: Hands = options) -> Images:
        return hands.render(lines, hand, random)

    ways: dict[str, Callable[[], Images]] = {
        "letters": lambda: draw(letters[random.integers(len(letters))]),
        "signs": lambda: draw(_choose("trained", random)),
        "sharp_signs": lambda: draw(_choose("sharp", random), steady),
        "scribbles": lambda: draw((_scribble, _runes, _waves, _piece)[random.integers(4)](random)),
        "pairs": lambda: _pair(digits[random.choice(len(digits), 2, replace=False)], random),
    }
    turns = [ways[kind] for kind, part in kinds for _ in range(part)]
    images = [turns[number % len(turns)]() for number in numbers]
    return np.stack(images) if images else np.zeros((0, SIDE, SIDE), np.uint8)


def held_out(count: int, options: Hands, seed: int) -> Images:
    """Draw images that are no digits, of other kinds than `make` draws, to measure by: letters, signs and scribbles."""
    random = np.random.default_rng(seed)
    letters = _letters(HELD_OUT_LETTERS)
    kinds = [lambda: letters[random.integers(len(letters))], lambda: _choose("held_out", random), lambda: _walk(random)]
    return np.stack([hands.render(kinds[number % 3](), options, random) for number in range(count)])


def _letters(chosen: dict[str, str]) -> list[list[Line]]:
    """The strokes of characters of the Hershey fonts, each in the unit square."""
    from HersheyFonts import HersheyFonts  # only a training needs it

    fonts, found = HersheyFonts(), []
    for font, characters in chosen.items():
        fonts.load_default_font(font)
        for character in characters:
            found.append(hands.in_unit_square(map(list, fonts.strokes_for_text(character))))
    return found


def _choose(kind: str, random: np.random.Generator) -> list[Line]:
    """The strokes of one of the signs of a kind, in the unit square."""
    sign = str(random.choice(list(SIGNS[kind].values())))
    lines = [np.array([point.split() for point in stroke.split(",")], np.float64) / 10 for stroke in sign.split(";")]
    return [line + random.normal(0, 0.03, line.shape) for line in lines]


def _piece(random: np.random.Generator) -> list[Line]:
    """A piece of a digit: the bar of a 7 or a 5, a dot, or the first stroke of an open 4."""
    kind = random.integers(3)
    if kind == 0:
        return [np.array([[0.0, 0.5], [1.0, 0.5 + random.normal(0, 0.12)]])]
    if kind == 1:
        return [random.uniform(0, 0.12, (2, 2))]
    elbow, begin, end = random.uniform(0.7, 1), random.uniform(0.05, 0.35), random.uniform(0.5, 0.9)
    return [np.array([[begin, 0.0], [0.0, elbow], [end, elbow + random.normal(0, 0.05)]])]


def _scribble(random: np.random.Generator) -> list[Line]:
    """One to three strokes to anywhere, long enough not to be a digit by chance."""
    count = int(random.integers(1, 4))
    return [random.uniform(0, 1, (int(random.integers(8, 20)) // count + 2, 2)) for _ in range(count)]


def _runes(random: np.random.Generator) -> list[Line]:
    """Four to seven straight strokes between the points of a grid."""
    return [random.integers(0, 4, (2, 2)) / 3 + random.normal(0, 0.02, (2, 2)) for _ in range(int(random.integers(4, 8)))]


def _waves(random: np.random.Generator) -> list[Line]:
    """A curve of several oscillations in both directions, like a flower, a knot or a spring."""
    time = np.linspace(0, 2 * np.pi, 60)
    frequencies = random.choice(np.arange(2, 7), 2, replace=False)
    line = np.stack([np.sin(frequencies[axis] * time + random.uniform(0, 6)) for axis in (0, 1)], axis=1)
    return [line / 2 + np.outer(time, random.normal(0, 0.15, 2))]


def _walk(random: np.random.Generator) -> list[Line]:
    """A scribble of another kind: a pen that turns ever again, at random, and never lifts."""
    turns = np.cumsum(random.normal(0, 0.9, 60)) + np.linspace(0, random.normal(0, 20), 60)
    steps = np.stack([np.cos(turns), np.sin(turns)], axis=1) * random.uniform(0.5, 1.5, (60, 1))
    return [np.cumsum(steps, axis=0) / 10]


def _pair(two: Images, random: np.random.Generator) -> Images:
    """Two digits, (2, 28, 28), side by side in the box of one."""
    boxes = [picture[ink_box(picture > INK)] for picture in two]
    height = max(box.shape[0] for box in boxes)
    gap = int(random.integers(-1, 5))
    width = boxes[0].shape[1] + boxes[1].shape[1] + max(gap, 0)
    paper = np.zeros((height, width), np.uint8)
    for box, left in zip(boxes, (0, width - boxes[1].shape[1]), strict=True):
        top = int(random.integers(0, height - box.shape[0] + 1))
        part = paper[top : top + box.shape[0], left : left + box.shape[1]]
        np.maximum(part, box, out=part)
    scale = BOX / max(paper.shape)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(Image.fromarray(paper).resize(size, Image.Resampling.LANCZOS), np.float32)
    return centre(small / max(float(small.max()), 1.0))
