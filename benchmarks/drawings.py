"""Measures the reading of real pen digits: ``python benchmarks/drawings.py DRAWINGS [--model PATH] [--limit N]``.

DRAWINGS is a list as `gui.replay` takes it. It prints how many digits are read right, how often one digit at 9 places, 4 sizes
and 4 brush widths has the same answer, how many numbers of 2 to 6 digits of one writer set side by side are read right as a
whole, and how well what is no digit (signs and scribbles that were not trained on) is told from the digits.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np

from gui.replay import BRUSH, SIDE, Headless, drawn, place, replay, report
from pipeline.config.check import load
from pipeline.data import collection
from pipeline.data.stroke_files import Strokes
from pipeline.evaluation import metrics
from pipeline.images.strokes import LabelledDrawing
from pipeline.inference import exported, rejection
from pipeline.inference.default_model import default_model
from pipeline.inference.recognizer import Recognizer
from pipeline.training import negatives

MARGIN = 30  # of the canvas, that positions keep to, pixels
GAPS = (0.15, 0.5)  # between neighbours of a number, as a part of the height of its digits
HEIGHT = (80, 130)  # of those digits, pixels


def single(found: list[LabelledDrawing], model: Recognizer) -> float:
    """How many digits are read right, as `gui.replay` draws them."""
    answers = list(replay(found, Headless(model), seed=0))
    values = report(
        [label for label, _ in answers], [reading for _, (reading, _) in answers], [took for _, (_, took) in answers]
    )
    print(
        f"single: {values['accuracy']:.2%} of {len(found)} read right ({values['accuracy_low']:.2%} to "
        f"{values['accuracy_high']:.2%}), {values['rejected']} of them as none"
    )
    return float(values["accuracy"])


def invariance(found: list[LabelledDrawing], model: Recognizer, digits: int) -> float:
    """How often a digit that is moved, scaled and drawn with another brush has the answer that it has most often."""
    same = cases = 0
    for drawing in found[:: max(len(found) // digits, 1)]:
        answers = []
        for across, down, size, brush in product((0, 0.5, 1), (0, 0.5, 1), (0.3, 0.45, 0.6, 0.8), (10, 18, 28, 40)):
            free = (SIDE - 2 * MARGIN) * (1 - size)
            corner = (MARGIN + across * free, MARGIN + down * free)
            answers.append(
                model.read_strokes(
                    drawn(_scaled(drawing.strokes, size * (SIDE - 2 * MARGIN), corner), SIDE, brush).strokes
                ).answer
            )
        same += max(map(answers.count, answers))
        cases += len(answers)
    print(f"invariance: the same answer in {same / cases:.2%} of {cases} cases")
    return same / cases


def numbers(found: list[LabelledDrawing], model: Recognizer, count: int) -> float:
    """How many numbers of 2 to 6 digits, side by side and on one line, are read right as a whole."""
    right = {length: [0, 0] for length in range(2, 7)}
    writers = sorted({str(drawing.writer) for drawing in found})
    own = {writer: [drawing for drawing in found if str(drawing.writer) == writer] for writer in writers}
    for number in range(count):
        random = np.random.default_rng((1, number))
        length = 2 + number % 5
        one = own[writers[random.integers(len(writers))]]
        chosen = [one[index] for index in random.integers(len(one), size=length)]
        height, x, strokes = random.uniform(*HEIGHT), 20.0, []
        for drawing in chosen:
            digit = _scaled(drawing.strokes, height, (x, 60 + random.uniform(-0.1, 0.1) * height))
            strokes += digit
            x = max(point[0] for stroke in digit for point in stroke) + random.uniform(*GAPS) * height
        answer = model.read_strokes(drawn(strokes, round(x) + 20, 14).strokes).answer
        right[length][0] += answer == "".join(str(drawing.label) for drawing in chosen)
        right[length][1] += 1
    share = sum(good for good, _ in right.values()) / count
    each = ", ".join(f"{length} digits {good / max(all_, 1):.0%}" for length, (good, all_) in right.items())
    print(f"numbers: {share:.2%} of {count} read right as a whole ({each})")
    return share


def others(found: list[LabelledDrawing], model: Recognizer, count: int) -> tuple[float, float]:
    """How well what is no digit is told from the digits: AUROC, and what is rejected where 1 % of the digits are."""
    images = [_picture(drawing, model, number) for number, drawing in enumerate(found)]
    digits, strange = (
        rejection.score(np.log(exported.predict(model.network, rejection.copies(given)) + 1e-12))
        for given in (np.stack(images), negatives.held_out(count, load().rejection.hands, seed=1))
    )
    auroc, rejected = metrics.auroc(digits, strange), float((strange < np.quantile(digits, 0.01)).mean())
    says = model.description.thresholds.none_below
    print(
        f"others: AUROC {auroc:.4f} of {count} against the digits; {rejected:.1%} rejected where 1 % of the digits are. By the "
        f"model's own threshold {(strange < says).mean():.1%} of them and {(digits < says).mean():.1%} of the digits"
    )
    return auroc, rejected


def _picture(drawing: LabelledDrawing, model: Recognizer, number: int) -> np.ndarray:
    """What the network is given of a drawing, as a whole."""
    placed = place(drawing.strokes, SIDE, np.random.default_rng((0, number)))
    digits = model.read_strokes(drawn(placed, SIDE, BRUSH).strokes).digits
    return max(digits, key=lambda digit: len(digit.strokes)).picture


def _scaled(strokes: Strokes, size: float, corner: tuple[float, float]) -> Strokes:
    """A drawing with its longer side of that many pixels, at that place."""
    points = np.array([point for stroke in strokes for point in stroke])
    low = points.min(axis=0)
    scale = size / max(float((points.max(axis=0) - low).max()), 1e-9)
    return [[(corner[0] + (x - low[0]) * scale, corner[1] + (y - low[1]) * scale) for x, y in stroke] for stroke in strokes]


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(prog="python benchmarks/drawings.py", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("drawings", type=Path, metavar="DRAWINGS", help="a .json or .json.gz list, or a folder")
    parser.add_argument("--model", type=Path, metavar="PATH", help="an exported .h5 (models/mnist.h5, or the one that ships)")
    parser.add_argument("--limit", type=int, default=1000, metavar="N", help="numbers and non-digits that are drawn (1000)")
    options = parser.parse_args()
    if options.limit < 1:
        parser.error("--limit must be at least 1")
    found, model = collection.read(options.drawings), Recognizer(options.model or default_model())
    print(f"{model.path.name}, {len(found)} drawings of {len({drawing.writer for drawing in found})} writers")
    single(found, model)
    invariance(found, model, min(100, options.limit))
    numbers(found, model, options.limit)
    others(found, model, options.limit)


if __name__ == "__main__":
    main()
