"""Pictures that are no digits, to train with: a network learns to be undecided about them (`pipeline.inference.rejection`).

Lee et al., Training Confidence-calibrated Classifiers for Detecting Out-of-Distribution Samples, 2018,
https://arxiv.org/abs/1711.09325; Hendrycks et al., Deep Anomaly Detection with Outlier Exposure, 2019,
https://arxiv.org/abs/1812.04606. The pictures are made up: letters, signs and shapes bent at random, scribbles, and two
digits in the place of one, which tells digits that stand close together apart.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.images import strokes
from pipeline.images.arrays import SIDE, Pictures
from pipeline.images.preprocessing import BOX, centre

Line = NDArray[np.float64]  # (points, 2), x and y in the unit square, y downward

PENS = (1.6, 4.4)  # width of a stroke, pixels: what 98 % of MNIST's training pictures are drawn with

#: Strokes as "x y" in tenths, a comma between points, a semicolon between strokes. Nothing that could be a digit, also not
#: badly written: no B, C, D, G, I, J, L, O, Q, S, U, Y, Z, nor most small letters.
SIGNS = {
    "A": "0 10,5 0,10 10;2 6,8 6",
    "E": "8 0,1 0,1 10,8 10;1 5,7 5",
    "H": "1 0,1 10;9 0,9 10;1 5,9 5",
    "K": "1 0,1 10;8 0,1 6;3 4,9 10",
    "M": "0 10,1 0,5 7,9 0,10 10",
    "R": "1 10,1 0,6 0,8 2,6 5,1 5;4 5,9 10",
    "W": "0 0,3 10,5 3,7 10,10 0",
    "X": "0 0,10 10;10 0,0 10",
    "m": "0 3,0 10,0 5,2 3,4 5,4 10,4 5,6 3,8 5,8 10",
    "k": "1 0,1 10;7 4,1 7,7 10",
    "asterisk": "0 2,10 8;10 2,0 8;0 5,10 5",
    "plus": "5 0,5 10;0 5,10 5",
    "hash": "3 0,2 10;8 0,7 10;0 3,10 3;0 7,10 7",
    "equals": "0 3,10 3;0 7,10 7",
    "tick": "0 6,3 10,10 0",
    "arrow": "0 5,10 5;6 1,10 5,6 9",
    "bow": "0 0,10 10,10 0,0 10,0 0",
    "pi": "0 1,10 1;3 1,2 10;7 1,8 10",
    "ladder": "2 0,2 10;8 0,8 10;2 3,8 3;2 7,8 7",
    "wave": "0 5,2 2,4 5,6 8,8 5,10 2",
    "saw": "0 10,2 0,4 10,6 0,8 10,10 0",
    "infinity": "5 5,2 3,0 5,2 7,5 5,8 3,10 5,8 7,5 5",
    "face": "5 0,9 2,10 5,9 8,5 10,1 8,0 5,1 2,5 0;3 4,3 4.5;7 4,7 4.5;3 7,5 8,7 7",
    "dots": "1 5,1.5 5;5 5,5.5 5;9 5,9.5 5",
    "comb": "0 0,10 0;1 0,1 8;4 0,4 8;7 0,7 8;10 0,10 8",
    "lambda": "2 0,10 10;6 5,0 10",
    "mirrored N": "0 0,0 10,10 0,10 10",
    "shcha": "0 0,0 9,9 9,9 0;4.5 0,4.5 9;9 9,10 9,10 10",
    "yu": "0 0,0 10;0 5,4 5;7 0,10 3,10 7,7 10,4 7,4 3,7 0",
    "xi": "0 0,10 0;2 5,8 5;0 10,10 10;5 0,5 10",
    "crossed circle": "5 0,9 1,10 5,9 9,5 10,1 9,0 5,1 1,5 0;0 5,10 5;5 0,5 10",
    "key": "3 5,10 5,10 8;8 5,8 8;3 5,2 3,0 5,2 7,3 5",
    "double arrow": "0 5,10 5;3 2,0 5,3 8;7 2,10 5,7 8",
    "branches": "5 10,5 4,1 0;5 4,9 0;5 7,1 4;5 7,9 4",
    "curl": "0 10,1 2,3 0,4 2,1 10,4 10,5 2,7 0,8 2,5 10,9 10",
    "stairs": "0 10,0 7,3 7,3 4,6 4,6 1,10 1,10 0",
    "two dots and arc": "2 1,2 2;8 1,8 2;0 5,2 9,5 10,8 9,10 5",
    "F": "8 0,1 0,1 10;1 5,7 5",
    "N": "1 10,1 0,9 10,9 0",
    "V": "0 0,5 10,10 0",
    "w": "0 4,1 9,3 9,5 4,6 9,8 9,10 4",
    "psi": "0 0,1 4,5 6,9 4,10 0;5 0,5 10",
    "heart": "5 10,0 4,0 1,3 0,5 3,7 0,10 1,10 4,5 10",
    "tree": "5 0,0 7,10 7,5 0;5 7,5 10",
    "P": "1 10,1 0,6 0,8 2,6 5,1 5",
    "T": "0 0,10 0;5 0,5 10",
    "bars": "0 0,0 10;5 0,5 10;10 0,10 10",
    "union": "0 0,0 7,3 10,7 10,10 7,10 0;0 3,10 3",
    "flag": "1 10,1 0,10 2,1 5;1 3,6 3",
    "at": "7 4,5 3,3 5,5 7,7 5,7 3,7 7,9 6,10 3,7 0,3 0,0 4,1 8,5 10,9 9",
}

#: The same with corners that stay sharp and sides that stay apart: round and narrow they would be zeros.
SHAPES = {
    "triangle": "5 0,10 9,0 9,5 0",
    "square": "0 0,10 0,10 10,0 10,0 0",
    "star": "5 0,8 10,0 4,10 4,2 10,5 0",
    "house": "0 4,5 0,10 4,10 10,0 10,0 4",
    "window": "0 0,10 0,10 10,0 10,0 0;5 0,5 10;0 5,10 5",
    "envelope": "0 0,10 0,10 7,0 7,0 0,5 4,10 0",
}

#: Signs that are never trained on: what `evaluate` measures rejection by.
HELD_OUT = {
    "n and n": "0 4,0 10,1 5,3 4,4 6,4 10,5 5,7 4,8 6,8 10",
    "zhe": "0 0,10 10;10 0,0 10;5 0,5 10",
    "sha": "0 0,0 10,10 10,10 0;5 0,5 10",
    "sigma": "9 0,0 0,5 5,0 10,9 10",
    "omega": "0 10,3 10,1 6,1 3,5 0,9 3,9 6,7 10,10 10",
    "per cent": "9 0,1 10;1 1,3 1,3 3,1 3,1 1;7 7,9 7,9 9,7 9,7 7",
    "fish": "10 2,3 8,0 5,3 2,10 8",
    "crossed box": "0 0,10 0,10 10,0 10,0 0,10 10;10 0,0 10",
    "divided": "0 5,10 5;5 1,5 1.5;5 8.5,5 9",
    "three lines": "0 1,10 1;0 5,10 5;0 9,10 9",
    "loops": "0 5,3 8,4 3,2 3,3 8,6 8,7 3,5 3,6 8,9 8,10 3,8 3,9 8",
    "hatching": "0 10,3 0,2 10,5 0,4 10,7 0,6 10,9 0,8 10,10 4",
    "yen": "0 0,5 5,10 0;5 5,5 10;1 6,9 6;1 8,9 8",
    "euro": "10 1,6 0,3 3,3 7,6 10,10 9;0 4,8 4;0 6,8 6",
    "big": "5 0,5 4,0 10;5 4,10 10;0 4,10 4",
    "eye": "0 0,8 0,8 10,0 10,0 0;0 3.3,8 3.3;0 6.6,8 6.6",
    "boat": "0 6,10 6,8 10,2 10,0 6;5 6,5 0,9 5,5 5",
    "note": "4 9,2 8,1 9,2 10,4 9,4 0,9 2,9 4",
    "bowl": "0 5,1 8,4 10,6 10,9 8,10 5,0 5;3 3,4 1;6 3,7 1",
    "gate": "0 10,0 0,10 0,10 10;3 10,3 4,7 4,7 10",
    "anchor": "5 0,5 10;3 2,7 2;0 6,2 9,5 10,8 9,10 6",
}


def make(count: int, digits: Pictures, seed: int) -> Pictures:
    """Draw pictures that are no digits, to train with.

    Args:
        count: how many.
        digits: (n, 28, 28) uint8, from which two at a time are put side by side; n at least 2.
        seed: decides everything.

    Returns:
        (count, 28, 28) uint8, 0 to 255, ink bright.

    """
    random = np.random.default_rng(seed)
    ways: list[Callable[[], Pictures]] = [
        lambda: _draw(bend(_choose(SIGNS, random), random), random),
        lambda: _draw(bend(_choose(SIGNS, random), random), random),
        lambda: _draw(bend(_choose(SHAPES, random), random, sharp=True), random),
        lambda: _draw(bend((_scribble, _runes, _waves)[random.integers(3)](random), random), random),
        lambda: _pair(digits[random.choice(len(digits), 2, replace=False)], random),
    ]
    pictures = [ways[number % len(ways)]() for number in range(count)]
    return np.stack(pictures) if pictures else np.zeros((0, SIDE, SIDE), np.uint8)


def held_out(count: int, seed: int) -> Pictures:
    """Draw pictures that are no digits, of other kinds than `make` draws, to measure by. Two in three are signs."""
    random = np.random.default_rng(seed)
    drawn = [_walk(random) if number % 3 == 2 else bend(_choose(HELD_OUT, random), random) for number in range(count)]
    return np.stack([_draw(lines, random) for lines in drawn])


def _draw(lines: list[Line], random: np.random.Generator) -> Pictures:
    return strokes.render([list(map(tuple, line)) for line in lines], random.uniform(*PENS))


def _choose(signs: dict[str, str], random: np.random.Generator) -> list[Line]:
    """The strokes of one of the signs, in the unit square."""
    sign = str(random.choice(list(signs.values())))
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


def _pair(two: Pictures, random: np.random.Generator) -> Pictures:
    """Two digits, (2, 28, 28), side by side in the box of one."""
    boxes = []
    for picture in two:
        rows, columns = np.where(picture > 60)
        boxes.append(picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1])
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
