"""Strokes or an image in, digits out."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from pipeline.data.stroke_files import LARGEST
from pipeline.images import blots, photo, strokes
from pipeline.images.arrays import CLASSES, SIDE, Images, Ink, network_input
from pipeline.images.picture_file import Picture, picture_of
from pipeline.inference import exported, input_range, rejection, rows, segmentation, touching
from pipeline.inference.description import Description
from pipeline.inference.explanation import Explainer
from pipeline.inference.model_file import first_line
from pipeline.inference.results import Box, Digit, Prediction, Reading
from pipeline.system import tensorflow_setup
from pipeline.system.errors import DataError, ModelError

BATCH = 16  # images that are read at once: a reading can end between two

Group = segmentation.Group


class Recognizer:
    """An opened model.

    Args:
        path: of the file, ``.h5`` or ``.keras``.

    Attributes:
        network: the `keras.Model` that reads.
        description: what the file says of itself.
        note: what the user should know of somebody else's model.
        explainer: of the network's answers.

    Raises:
        ModelError: the file is missing, broken, or no model of digits.
    """

    def __init__(self, path: str | Path) -> None:
        tensorflow_setup.start(is_own_process=False)
        self.path = Path(path)
        network, description = exported.open_described(path)
        self.description = description or Description()
        self.note = ""
        self._use(network)
        if description is None:
            own_range, self.note = input_range.find(lambda images: self._infer(images)[0])
            if own_range:
                self._use(input_range.rescaled(network, own_range))

    def _use(self, network: Any) -> None:
        """Read with `network`, a `keras.Model`, from now on.

        Raises:
            ModelError: it can't be computed, or ends in something else than probabilities.
        """
        import keras
        import tensorflow as tf

        # Without a layer of logits, as ours have it, the logarithms of the probabilities differ from them by the same number.
        logits = keras.ops.log(network.outputs[0] + 1e-12)
        for layer in network.layers:
            if layer.name == "logits" and layer.output.shape == (None, CLASSES):
                logits = layer.output
        both = keras.Model(network.inputs, [network.outputs[0], logits])
        self.network, self.explainer = network, Explainer(network, keras.Model(network.inputs, logits))
        # A traced function answers in a millisecond, where calling the model takes nine. AutoGraph would leave files in the
        # temporary folder, and there is no `if` for it to convert.
        signature = [tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32)]
        self._infer = tf.function(partial(both, training=False), input_signature=signature, autograph=False)
        try:
            for count in (1, 3):
                probabilities, _ = self._infer(tf.zeros((count, SIDE, SIDE, 1)))
        except Exception as error:  # TensorFlow raises whatever it can't compute
            raise ModelError(f"{self.path} can't be computed here: {first_line(error)}. Choose another model.") from None
        if not np.allclose(np.sum(probabilities, axis=1), 1, atol=0.01) or np.min(probabilities) < 0:
            raise ModelError(
                f"{self.path} must end in probabilities, which sum to 1, and what it ends in sums to "
                f"{np.sum(probabilities[0]):.3g}. Put a Softmax layer at its end: "
                "keras.Sequential([model, keras.layers.Softmax()]).save('name.keras')"
            )

    def predict(self, picture: Picture) -> Prediction:
        """Read the one digit in an image: see `pipeline.inference.predict.predict_digit`."""
        image = picture_of(picture)
        try:
            pieces = blots.Blots(photo.ink_of(image))
        except photo.BlankPicture as error:
            return Prediction(None, 0.0, (0.0,) * CLASSES, str(error))
        if len(pieces) > blots.MOST_BLOTS:
            told = f"the picture has {len(pieces)} pieces of ink, more than a digit has: cut it, and read the parts"
            warnings.warn(told, stacklevel=3)  # the caller of predict_digit
        elif len(pieces) > 1:
            reading = self._read_pieces(pieces, 1.0)
            if sum(digit.verdict == "digit" for digit in reading.digits) > 1:
                told = f"the picture has several digits, {reading.text!r}: read_picture reads them all, predict_digit one"
                warnings.warn(told, stacklevel=3)
        return self._predict(blots.fit_ink(pieces.all_ink())[np.newaxis])[0][0]

    def read_strokes(self, drawn: Sequence[strokes.Stroke]) -> Reading:
        """Read the digits that strokes draw.

        Args:
            drawn: lists of (x, y), in any unit, y downward.

        Returns:
            The digits, row after row and each from left to right, their boxes in the unit of the strokes; none for no strokes.

        Raises:
            DataError: it is something else, or has a coordinate that is not a number or far too large.
        """
        drawn = _lines(drawn)
        numbers = [number for number, stroke in enumerate(drawn) if len(stroke)]
        parts = [strokes.resample(drawn[number]) for number in numbers]

        def draw(group: Group) -> Images:
            return strokes.render([drawn[numbers[part]] for part in group])

        def locate(group: Group) -> tuple[Box, tuple[int, ...]]:
            own = tuple(numbers[part] for part in group)
            points = np.concatenate([drawn[number] for number in own])
            return Box(*map(float, (*points.min(axis=0), *points.max(axis=0)))), own

        return self._read(parts, draw, locate)

    def read_picture(self, picture: Picture, on_progress: Callable[[], None] = lambda: None) -> Reading:
        """Read the digits in an image: see `pipeline.inference.predict.read_picture`.

        Args:
            picture: as `picture_of` takes it.
            on_progress: called many times meanwhile. An exception that it raises ends the reading.
        """
        image = picture_of(picture)
        try:
            ink = photo.ink_of(image)
        except photo.BlankPicture as error:
            return Reading((), str(error))
        on_progress()
        pieces = blots.Blots(ink)
        pieces.check()
        return self._read_pieces(pieces, max(image.size) / max(ink.shape), on_progress)

    def _read_pieces(self, pieces: blots.Blots, scale: float, on_progress: Callable[[], None] = lambda: None) -> Reading:
        """Read the digits that the pieces of ink of an image are; `scale` is pixels of the image to one of the ink."""
        parts = [pieces.points(blot) for blot in range(len(pieces))]

        def fit(ink: Ink) -> Images:
            on_progress()
            return blots.fit_ink(ink)

        def locate(group: Group) -> tuple[Box, tuple[int, ...]]:
            points = np.concatenate([parts[part] for part in group])
            return Box(*(float(edge) * scale for edge in (*points.min(axis=0), *(points.max(axis=0) + 1)))), ()

        def read_slices(slices: list[touching.Slice], box: Box) -> list[Digit]:
            corner = np.array([box.left, box.top, box.left, box.top])
            places = [(Box(*(corner + np.array(each.box) * scale).tolist()), ()) for each in slices]
            return self._digits((fit(each.ink) for each in slices), places)

        def separate(group: Group, digit: Digit) -> list[Digit]:
            if len(pieces) > touching.MOST_PIECES:
                return []
            return touching.separated(pieces.ink(group), lambda slices: read_slices(slices, digit.box))

        return self._read(parts, lambda group: fit(pieces.ink(group)), locate, separate)

    def _predict(self, images: Images) -> list[tuple[Prediction, float]]:
        """The prediction of each of (n, 28, 28) uint8, and how much like a digit it is."""
        tensorflow_setup.must_not_be_forked()
        logits = np.asarray(self._infer(network_input(rejection.copies(images)))[1])
        each = [tuple(map(float, row)) for row in softmax(self.description.thresholds.logits_of_answers(logits), axis=1)]
        predictions = [Prediction(row.index(max(row)), max(row), row) for row in each]
        return list(zip(predictions, rejection.score(logits).tolist(), strict=True))

    def _digits(self, images: Iterable[Images], places: Sequence[tuple[Box, tuple[int, ...]]]) -> list[Digit]:
        """What images show, (28, 28) uint8 each; a place is a box and the numbers of its strokes."""
        found: list[Digit] = []
        waiting = iter(images)
        while some := list(islice(waiting, BATCH)):
            own = places[len(found) : len(found) + len(some)]
            for image, (box, numbers), (prediction, likeness) in zip(some, own, self._predict(np.stack(some)), strict=True):
                verdict = self.description.thresholds.verdict(likeness, prediction.probability)
                found.append(Digit(prediction, verdict, box, image.tobytes(), numbers, likeness))
        return found

    def _read(
        self,
        parts: Sequence[segmentation.Part],
        draw: Callable[[Group], Images],
        locate: Callable[[Group], tuple[Box, tuple[int, ...]]],
        separate: Callable[[Group, Digit], list[Digit]] = lambda *_: [],
    ) -> Reading:
        """Find the digits among `parts`.

        Args:
            parts: strokes or blots.
            draw: returns the image of a group of them, (28, 28) uint8.
            locate: returns the box of a group and the numbers of its strokes.
            separate: returns the digits that a group is which is not surely one, if it is several.
        """
        read: dict[Group, Digit] = {}

        def worth(groups: list[Group]) -> NDArray[np.float64]:
            new = [group for group in groups if group not in read]
            read.update(zip(new, self._digits(map(draw, new), list(map(locate, new))), strict=True))
            return np.array([self._worth(read[group]) for group in groups])

        def digits(group: Group) -> list[Digit]:
            return (read[group].verdict != "digit" and separate(group, read[group])) or [read[group]]

        lines = enumerate(rows.segment(parts, worth))
        return Reading(tuple(replace(digit, row=row) for row, line in lines for group in line for digit in digits(group)))

    def _worth(self, digit: Digit) -> float:
        """How well a group reads as one digit, nats, at most 0."""
        doubt = min(0.0, digit.likeness - self.description.thresholds.uncertain_below)
        return float(np.log(digit.prediction.probability)) + max(doubt, -5.0)


def _lines(drawn: Sequence[strokes.Stroke]) -> list[NDArray[np.float64]]:
    """Strokes as arrays of points, (n, 2) float64."""
    try:
        lines = [np.asarray(stroke, np.float64) for stroke in drawn]
        if all(not line.size or (line.ndim == 2 and line.shape[1] == 2 and (np.abs(line) <= LARGEST).all()) for line in lines):
            return lines
    except (TypeError, ValueError):
        pass
    raise DataError(f"strokes must be lists of points (x, y), of finite numbers, and are {drawn!r:.60}.")
