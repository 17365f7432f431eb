"""Images that are no digits, to train with: a network learns to be undecided about them (`pipeline.inference.rejection`).

Lee et al., Training Confidence-calibrated Classifiers for Detecting Out-of-Distribution Samples, 2018,
https://arxiv.org/abs/1711.09325; Hendrycks et al., Deep Anomaly Detection with Outlier Exposure, 2019,
https://arxiv.org/abs/1812.04606. The images are made up: letters, signs and shapes bent at random, scribbles, and two
digits in the place of one, which tells digits that stand close together apart.
"""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.images import strokes
from pipeline.images.arrays import SIDE, Images
from pipeline.images.preprocessing import BOX, INK, centre, ink_box

Line = NDArray[np.float64]  # (points, 2), x and y in the unit square, y downward

PENS = (1.6, 4.4)  # width of a stroke, pixels: what 98 % of MNIST's training images are drawn with

#: Strokes as "x y" in tenths, a comma between points, a semicolon between strokes. Nothing that could be a digit, also not
#: written badly: no B, C, D, G, I, J, L, O, Q, S, U, Y, Z, nor most small letters. The `sharp` ones keep their corners and
#: their sides apart: round and narrow they would be zeros. Those `held_out` are not trained on: rejection is measured by them.
SIGNS: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("signs.json").read_text(encoding="utf-8"))


def make(count: int, digits: Images, seed: int) -> Images:
    """Draw images that are no digits, to train with.

    Args:
        count: how many.
        digits: (n, 28, 28) uint8, from which two at a time are put side by side; n at least 2.
        seed: decides everything.

    Returns:
        (count, 28, 28) uint8, 0 to 255, ink bright.

    """
    random = np.random.default_rng(seed)
    ways: list[Callable[[], Images]] = [
        lambda: _draw(bend(_choose("trained", random), random), random),
        lambda: _draw(bend(_choose("trained", random), random), random),
        lambda: _draw(bend(_choose("sharp", random), random, sharp=True), random),
        lambda: _draw(bend((_scribble, _runes, _waves)[random.integers(3)](random), random), random),
        lambda: _pair(digits[random.choice(len(digits), 2, replace=False)], random),
    ]
    images = [ways[number % len(ways)]() for number in range(count)]
    return np.stack(images) if images else np.zeros((0, SIDE, SIDE), np.uint8)


def held_out(count: int, seed: int) -> Images:
    """Draw images that are no digits, of other kinds than `make` draws, to measure by. Two in three are signs."""
    random = np.random.default_rng(seed)
    drawn = [_walk(random) if number % 3 == 2 else bend(_choose("held_out", random), random) for number in range(count)]
    return np.stack([_draw(lines, random) for lines in drawn])


def _draw(lines: list[Line], random: np.random.Generator) -> Images:
    return strokes.render([list(map(tuple, line)) for line in lines], random.uniform(*PENS))


def _choose(kind: str, random: np.random.Generator) -> list[Line]:
    """The strokes of one of the signs of a kind, in the unit square."""
    sign = str(random.choice(list(SIGNS[kind].values())))
    return [np.array([point.split() for point in stroke.split(",")], np.float64) / 10 for stroke in sign.split(";")]


def bend(lines: list[Line], random: np.random.Generator, sharp: bool = False) -> list[Line]:
    """Turn, slant, squeeze and bend strokes, as another hand would draw them; less, and with corners, if `sharp`."""
    angle, slant = random.normal(0, 0.15), random.normal(0, 0.05 if sharp else 0.25)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[random.uniform(0.85 if sharp else 0.6, 1.2), slant], [0, 1]])
    waves = random.normal(0, 0.02 if sharp else 0.05, (3, 2, 2))  # (waves, along x and y, of x and y)
    phases = random.uniform(0, 2 * np.pi, (3, 2, 2))
    roundings = 0 if sharp else int(random.integers(0, 3))

    def move(line: Line) -> Line:
        for _ in range(roundings):
            line = _rounded(line)
        line = np.concatenate([np.linspace(begin, end, 4) for begin, end in pairwise(line)])  # (n, 2)
        moved = line.copy()
        for number in range(3):
            angles = np.pi * (number + 1) * line[:, :, np.newaxis] + phases[number]  # (n, along, of)
            moved += (waves[number] / (number + 1) * np.sin(angles)).sum(axis=1)
        turned: Line = moved @ matrix.T
        return turned

    return [move(line + random.normal(0, 0.03, line.shape)) for line in lines]


def _rounded(line: Line) -> Line:
    """Cut the corners (Chaikin, 1974)."""
    inner = np.stack([0.75 * line[:-1] + 0.25 * line[1:], 0.25 * line[:-1] + 0.75 * line[1:]], axis=1).reshape(-1, 2)
    return np.concatenate([line[:1], inner, line[-1:]])


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
    return [_rounded(np.cumsum(steps, axis=0))]


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
