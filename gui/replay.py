"""``python -m gui.replay DRAWINGS``: how well the program reads what people draw, stroke by stroke as they drew it.

Each drawing is put on the canvas at a random size and place, by the same steps as a mouse: with ``--display`` through the
window's own event handlers, headless through the page and the recogniser behind them. Both give the same answers.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from gui.page.page import Page
from pipeline.data import collection
from pipeline.data.stroke_files import Point, Strokes
from pipeline.evaluation import metrics
from pipeline.images.arrays import CLASSES
from pipeline.images.strokes import LabelledDrawing
from pipeline.inference.default_model import default_model
from pipeline.inference.results import Reading
from pipeline.system.command_line import number_argument, run_command
from pipeline.system.errors import DataError, UserError
from pipeline.system.paths import replacing

if TYPE_CHECKING:
    from gui.reading.client import ReadingClient
    from pipeline.inference.recognizer import Recognizer

SIZES = (0.45, 0.8)  # longer side of a drawing, as a part of the canvas
SIDE, BRUSH = 460, 28  # of the canvas and the brush where there is no window: those of the window at 96 dots an inch, pixels
CONFIDENCE = 0.95  # of the accuracy's interval
PATIENCE_SECONDS = 10.0  # for an answer of the window
OPENING_SECONDS = 60.0  # for its first answer, which waits for the model

PixelStrokes = list[list[tuple[int, int]]]
Answer = tuple[Reading, float]  # and the seconds from the last stroke to it


def place(strokes: Strokes, side: float, random: np.random.Generator) -> PixelStrokes:
    """Put a drawing somewhere on a square canvas of that side, at a random size, in whole pixels as a mouse has them."""
    points = np.array([point for stroke in strokes for point in stroke])
    low, high = points.min(axis=0), points.max(axis=0)
    scale = random.uniform(*SIZES) * side / max(float((high - low).max()), 1e-9)
    corner = random.uniform(0, 1, 2) * (side - 1 - (high - low) * min(scale, side))
    scale = scale if (high - low).max() > 0 else 0.0  # a dot
    moved = [np.rint((np.array(stroke) - low) * scale + corner).astype(int) for stroke in strokes]
    return [[(int(x), int(y)) for x, y in stroke] for stroke in moved]


def drawn(strokes: Sequence[Sequence[Point]], side: float, brush: float) -> Page:
    """A page of that side with the strokes on it, drawn in whole pixels as a mouse does, all in pixels."""
    page = Page(side, brush)
    for (x, y), *rest in strokes:
        page.begin(round(x), round(y))
        for x, y in rest:
            page.extend(round(x), round(y))
    return page


class Headless:
    """The canvas without a window: the same page, read by the same recogniser."""

    def __init__(self, recognizer: "Recognizer") -> None:
        self.side = float(SIDE)
        self._recognizer = recognizer

    def draw(self, strokes: PixelStrokes) -> Answer:
        """Draw, and read."""
        page = drawn(strokes, SIDE, BRUSH)
        begin = time.perf_counter()
        reading = self._recognizer.read_strokes(page.strokes)
        return reading, time.perf_counter() - begin

    def close(self) -> None:
        """Nothing is open."""


class Display:
    """The window itself, drawn on by events of a mouse. `client` reads for it; None: one of its own."""

    def __init__(self, model: Path, client: "ReadingClient | None" = None) -> None:
        import tkinter

        from gui.window.app import App

        try:
            self.window = App(model, client, scaling=1.0)  # unscaled, so that its canvas is that of the headless replay
        except tkinter.TclError as error:
            raise UserError(
                f"the window can't be opened: {error}. Is there a screen, and is DISPLAY set? Or --headless"
            ) from None
        self.window.update()
        self.side = min(float(SIDE), self.window.session.page.side)  # the layout may make it a few pixels larger
        middle = round(self.side / 2)
        self.draw([[(middle, middle // 2), (middle, middle)]], OPENING_SECONDS)  # once the model is open

    def draw(self, strokes: PixelStrokes, patience: float = PATIENCE_SECONDS) -> Answer:
        """Clear the canvas, draw, and wait for the answer."""
        window, session = self.window, self.window.session
        session.clear()
        for (x, y), *rest in strokes:
            window.canvas.event_generate("<Button-1>", x=x, y=y)
            for x, y in rest:
                window.canvas.event_generate("<B1-Motion>", x=x, y=y)
                window.update()
            begin = time.perf_counter()
            window.canvas.event_generate("<ButtonRelease-1>", x=x, y=y)
        while session.pending or (reading := session.reading) is None:
            if time.perf_counter() - begin > patience:
                raise UserError(f"the window gave no answer within {patience:.0f} s. Its status: {session.status}")
            window.update()
            time.sleep(0.001)
        return reading, time.perf_counter() - begin

    def close(self) -> None:
        """Close the window."""
        self.window.destroy()


def replay(found: list[LabelledDrawing], canvas: Headless | Display, seed: int) -> Iterator[tuple[int, Answer]]:
    """Draw all, each at a size and place of its own, and give the label and the answer of each."""
    for number, drawing in enumerate(found):
        random = np.random.default_rng((seed, number))
        yield drawing.label, canvas.draw(place(drawing.strokes, canvas.side, random))


def report(labels: Sequence[int], readings: Sequence[Reading], seconds: Sequence[float]) -> dict[str, Any]:
    """Sum up.

    A drawing is read right if the whole answer is its label: as one digit, and not as none. An uncertain answer counts by the
    digit that it names first.

    Returns:
        ``drawings``, ``accuracy`` with ``accuracy_low`` and ``accuracy_high``, ``accuracy_of_guesses`` (what was taken for none
        counts by its most probable digit), ``recall`` of each digit, ``confusion`` (a row a label; the last column is what
        was read as several digits or as none), ``rejected`` (as no digit), ``uncertain``, ``split`` (read as several digits),
        and the median and 95th percentile of the milliseconds from the last stroke to the answer.
    """
    guesses = [[digit.prediction.digit for digit in reading.digits] for reading in readings]
    verdicts = [reading.digits[0].verdict if len(reading.digits) == 1 else "split" for reading in readings]
    read_as = [int(reading.text) if len(reading.digits) == 1 and reading.text else CLASSES for reading in readings]
    confusion = np.zeros((CLASSES, CLASSES + 1), int)
    np.add.at(confusion, (labels, read_as), 1)
    right, counts = np.diagonal(confusion), confusion.sum(axis=1)
    low, high = metrics.wilson_interval(int(right.sum()), len(labels), CONFIDENCE)
    return {
        "drawings": len(labels),
        "accuracy": right.sum() / len(labels),
        "accuracy_low": low,
        "accuracy_high": high,
        "accuracy_of_guesses": sum(guess == [label] for guess, label in zip(guesses, labels, strict=True)) / len(labels),
        "recall": {str(digit): right[digit] / count if count else None for digit, count in enumerate(counts.tolist())},
        "confusion": confusion.tolist(),
        "rejected": verdicts.count("none"),
        "uncertain": verdicts.count("uncertain"),
        "split": verdicts.count("split"),
        "milliseconds_median": float(np.median(seconds) * 1000),
        "milliseconds_95": float(np.percentile(seconds, 95) * 1000),
    }


def _print(values: dict[str, Any]) -> None:
    print(
        f"Accuracy {values['accuracy']:.2%} ({CONFIDENCE:.0%} interval {values['accuracy_low']:.2%} to "
        f"{values['accuracy_high']:.2%}) on {values['drawings']:,} drawings; {values['rejected']} read as no digit, "
        f"{values['split']} as several, {values['uncertain']} uncertain."
    )
    print(
        f"From the last stroke to the answer: {values['milliseconds_median']:.1f} ms at the median, "
        f"{values['milliseconds_95']:.1f} ms at the 95th percentile."
    )
    print("label  recall  read as" + "".join(f"{name:>5}" for name in [*range(CLASSES), "none"]))
    for digit, row in enumerate(values["confusion"]):
        recall = values["recall"][str(digit)]
        shown = "" if recall is None else f"{recall:.1%}"
        print(f"{digit:5}  {shown:>6}         " + "".join(f"{count or '.':>5}" for count in row))


def measure(found: list[LabelledDrawing], model: Path | None, display: bool, seed: int) -> dict[str, Any]:
    """Replay and sum up: see `report`."""
    from pipeline.inference.recognizer import Recognizer

    path = model or default_model()
    canvas: Headless | Display = Display(path) if display else Headless(Recognizer(path))
    try:
        replayed = list(tqdm(replay(found, canvas, seed), total=len(found), unit="drawing", disable=None))
    finally:
        canvas.close()
    labels, answers = zip(*replayed, strict=True)
    readings, seconds = zip(*answers, strict=True)
    return {"model": path.name, "display": display, "seed": seed, **report(labels, readings, seconds)}


def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``python -m gui.replay``."""
    parser = argparse.ArgumentParser(prog="python -m gui.replay", description="Draw recorded digits and see how they are read.")
    what = "a .json or .json.gz list, or a folder like data/drawings"
    parser.add_argument("drawings", type=Path, metavar="DRAWINGS", help=what)
    parser.add_argument("--model", type=Path, metavar="PATH", help="an exported .h5 (models/mnist.h5, or the one that ships)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--display", action="store_true", help="draw in the window, with events of a mouse")
    how.add_argument("--headless", action="store_true", help="draw without a window (the default)")
    parser.add_argument("--out", type=Path, metavar="REPORT", help="write the numbers as JSON")
    parser.add_argument("--limit", type=number_argument(1), metavar="N", help="draw N of them, chosen at random")
    parser.add_argument(
        "--seed", type=number_argument(0), default=0, metavar="N", help="decides sizes and places, and which with --limit (0)"
    )
    options = parser.parse_args(arguments)
    found = collection.read(options.drawings)
    if options.limit is not None and options.limit < len(found):
        chosen = np.random.default_rng(options.seed).choice(len(found), options.limit, replace=False)
        found = [found[number] for number in sorted(chosen)]
    if not found:
        raise DataError(f"{options.drawings} must hold a drawing at least, and holds none.")
    values = measure(found, options.model, options.display, options.seed)
    _print(values)
    if options.out:
        try:
            with replacing(options.out) as temporary:
                temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise DataError(f"{options.out} can't be written: {error.strerror}. Name another file: --out REPORT") from None


if __name__ == "__main__":
    run_command(main)
