"""Strokes or a picture in, digits out: the recogniser behind the window, which needs no window."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.images import blots, photo, strokes
from pipeline.images.arrays import CLASSES, SIDE, Pictures, network_input
from pipeline.images.picture_file import Picture, picture_of
from pipeline.inference import exported, input_range, rejection, segmentation
from pipeline.inference.model_file import AGAIN, first_line
from pipeline.inference.results import Box, Digit, Prediction, Reading, Verdict, blank_prediction
from pipeline.system import tensorflow_setup
from pipeline.system.errors import ModelError

DIGITS = [str(digit) for digit in range(CLASSES)]
BATCH = 16  # groups that are read at once: a reading can end between two
SALIENCY_STEPS = 16  # of the integral along the way from blank paper to the picture

Group = segmentation.Group


class Recognizer:
    """An opened model.

    Args:
        path: an exported ``.h5`` or ``.keras``.

    Raises:
        ModelError: the file is missing, broken, or not a digit model.

    """

    def __init__(self, path: str | Path) -> None:
        tensorflow_setup.start()
        self.path = path = Path(path)
        network, self.description = exported.open_described(path)
        names = self.description.get("class_names", DIGITS)
        if names != DIGITS:
            told = ", ".join(map(str, names)) if isinstance(names, list) else repr(names)
            raise ModelError(f"{path} tells {told:.200} apart, and digits are read here. Choose another model.")
        self._none_below = self._threshold("none_below", -np.inf)  # somebody else's model rejects nothing
        self._unsure_below = self._threshold("unsure_below", -np.inf)
        self._sure_from = self._threshold("sure_from", 0.0)
        self._use(network)
        if not self.description:
            own, self.description = input_range.find(lambda given: self._infer(given)[0])
            if own:
                self._use(input_range.rescaled(network, own))

    def _use(self, network: Any) -> None:
        """Read with `network`, a `keras.Model`, from now on.

        Raises:
            ModelError: it can't be computed, or ends in something else than probabilities.

        """
        import keras
        import tensorflow as tf

        self.network = network
        logits = keras.ops.log(network.outputs[0] + 1e-12)
        for layer in network.layers if self.description else ():
            if layer.name == "logits" and layer.output.shape == (None, CLASSES):
                logits = layer.output
        # Of a Sequential, which the tutorials save, `outputs` is there, and `output` isn't.
        self._logits = keras.Model(network.inputs, logits)
        # A traced function answers in a millisecond, where calling the model takes nine.
        signature = [tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32)]
        both = keras.Model(network.inputs, [network.outputs[0], logits])
        # AutoGraph would leave files in the temporary folder, and there is no `if` for it to convert.
        self._infer = tf.function(partial(both, training=False), input_signature=signature, autograph=False)
        digit = tf.TensorSpec((), tf.int32)
        self._saliency = tf.function(self._gradients, input_signature=[*signature, digit], autograph=False)
        self._maps: Callable[[Any], Any] | None = None
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

    def _threshold(self, name: str, otherwise: float) -> float:
        """A number that the description says, by which pictures are rejected; `otherwise` if it says none, or a ModelError."""
        says = self.description.get("rejection", {})
        value = says.get(name, otherwise) if isinstance(says, dict) else says
        if isinstance(value, bool) or not isinstance(value, int | float) or np.isnan(value):
            raise ModelError(f"{self.path} must give a number for {name} of its rejection, and gives {value!r:.100}. {AGAIN}")
        return float(value)

    def predict(self, picture: Picture) -> Prediction:
        """Read the one digit in `picture`; `BLANK`, which says why, if there is no ink."""
        try:
            fitted = blots.fit(picture_of(picture))
        except photo.BlankPicture as error:
            return blank_prediction(error.why)
        return self._predict(fitted[np.newaxis])[0][0]

    def read_strokes(self, drawn: Sequence[strokes.Stroke]) -> Reading:
        """Read the digits that strokes draw.

        Args:
            drawn: lists of (x, y), in any unit, y downward.

        Returns:
            The digits from left to right, their boxes in the unit of the strokes; none for no strokes.

        """
        numbers = [number for number, stroke in enumerate(drawn) if len(stroke)]
        parts = [segmentation.Part(strokes.resample(drawn[number])) for number in numbers]

        def draw(group: Group) -> Pictures:
            return strokes.render([drawn[numbers[part]] for part in group])

        def digit(group: Group, picture: Pictures, prediction: Prediction) -> Digit:
            own = tuple(numbers[part] for part in group)
            box = Box(*strokes.bounds([drawn[number] for number in own]))
            return Digit(prediction, "digit", box, picture, own)

        return self._read(parts, draw, digit)

    def read_picture(self, picture: Picture, going_on: Callable[[], None] = lambda: None) -> Reading:
        """Read the digits in a picture: ink on paper, either the brighter, one digit or several in a row.

        Args:
            picture: as `picture_of` takes it.
            going_on: called many times meanwhile. What it raises ends the reading.

        Returns:
            The digits from left to right, their boxes in pixels of the picture, upright, of a file with at most `LARGEST`
            pixels a side; none, and why, for blank paper.

        Raises:
            DataError: there are more pieces of ink than a few numbers have.

        """
        image = picture_of(picture)
        try:
            ink = photo.ink_of(image)
        except photo.BlankPicture as error:
            return Reading((), error.why)
        going_on()
        scale = max(image.size) / max(ink.shape)
        pieces = blots.Blots(ink)
        pieces.check()
        parts = [segmentation.Part(pieces.points(blot)) for blot in range(len(pieces))]

        def draw(group: Group) -> Pictures:
            going_on()
            return blots.fit_ink(pieces.ink(group))

        def digit(group: Group, picture: Pictures, prediction: Prediction) -> Digit:
            points = np.concatenate([parts[part].points for part in group])
            box = Box(*(float(edge) * scale for edge in (*points.min(axis=0), *(points.max(axis=0) + 1))))
            return Digit(prediction, "digit", box, picture, ())

        return self._read(parts, draw, digit)

    def saliency(self, picture: Pictures, digit: int) -> NDArray[np.float32]:
        """Which ink spoke for a digit, and which against it.

        Integrated gradients (Sundararajan et al., 2017, https://arxiv.org/abs/1703.01365) from blank paper to the picture, of
        the digit's logit above the mean of all.

        Args:
            picture: (28, 28) uint8, 0 to 255, ink bright.
            digit: 0 to 9.

        Returns:
            (28, 28) float32, -1, against it, to 1, for it; 0 on paper. The strongest is 1 or -1.

        """
        import tensorflow as tf

        parts = (np.arange(SALIENCY_STEPS, dtype=np.float32) + 0.5) / SALIENCY_STEPS
        given = network_input(picture[np.newaxis])  # (1, 28, 28, 1)
        gradients = self._saliency(tf.constant(parts[:, None, None, None] * given), tf.constant(digit))
        shares: NDArray[np.float32] = (np.asarray(gradients).mean(axis=0) * given[0])[..., 0]
        return shares / max(float(np.abs(shares).max()), 1e-12)

    def feature_maps(self, picture: Pictures) -> list[tuple[str, NDArray[np.float32]]]:
        """What each convolution layer makes of a picture, after its activation.

        Args:
            picture: (28, 28) uint8, 0 to 255, ink bright.

        Returns:
            The layers' names, and their maps, (height, width, channels) float32. None for a network without convolutions.

        """
        names = self._convolutions()
        if self._maps is None:
            import keras
            import tensorflow as tf

            outputs = [self.network.get_layer(last).output for _, last in names]
            maps = keras.Model(self.network.inputs, outputs) if outputs else None
            self._maps = tf.function(partial(maps, training=False), autograph=False) if maps else lambda _: []
        found = self._maps(network_input(picture[np.newaxis]))
        found = found if isinstance(found, list) else [found]
        return [(name, np.asarray(values)[0]) for (name, _), values in zip(names, found, strict=True)]

    def _convolutions(self) -> list[tuple[str, str]]:
        """Of each convolution its name, and the name of the activation that follows it, or its own."""
        found: list[tuple[str, str]] = []
        for layer in self.network.layers:
            kind = type(layer).__name__
            if kind.endswith("Conv2D"):
                found.append((layer.name, layer.name))
            elif found and found[-1][0] == found[-1][1] and kind in ("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU"):
                found[-1] = (found[-1][0], layer.name)
            elif kind == "Flatten":
                break
        return found

    def _gradients(self, pictures: Any, digit: Any) -> Any:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(pictures)
            logits = self._logits(pictures, training=False)  # (n, 10)
            above = logits[:, digit] - tf.reduce_mean(logits, axis=1)
        return tape.gradient(above, pictures)

    def _predict(self, pictures: Pictures) -> tuple[list[Prediction], NDArray[np.float64]]:
        """The predictions of (n, 28, 28) uint8 and how much like a digit each is, (n,)."""
        probabilities, logits = (np.asarray(values) for values in self._infer(network_input(pictures)))
        digits = probabilities.argmax(axis=1)
        predictions = [
            Prediction(int(digit), float(row[digit]), tuple(map(float, row)))
            for digit, row in zip(digits, probabilities, strict=True)
        ]
        return predictions, rejection.score(logits)

    def _read(
        self,
        parts: Sequence[segmentation.Part],
        draw: Callable[[Group], Pictures],
        digit: Callable[[Group, Pictures, Prediction], Digit],
    ) -> Reading:
        """Find the digits among `parts`. A group is drawn and read once."""
        read: dict[Group, tuple[Pictures, Prediction, float]] = {}

        def look(groups: list[Group]) -> NDArray[np.float64]:
            unread = [group for group in groups if group not in read]
            for first in range(0, len(unread), BATCH):
                new = unread[first : first + BATCH]
                pictures = np.stack([draw(group) for group in new])
                predictions, scores = self._predict(pictures)
                read.update(zip(new, zip(pictures, predictions, scores.tolist(), strict=True), strict=True))
            return np.array([self._worth(*read[group][1:]) for group in groups])

        groups = segmentation.segment(parts, look)
        if groups:
            look(groups)
        seen = [read[group] for group in groups]
        verdicts = [self._verdict(prediction, likeness) for _, prediction, likeness in seen]
        found = [digit(group, picture, prediction) for group, (picture, prediction, _) in zip(groups, seen, strict=True)]
        likenesses = [likeness for *_, likeness in seen]
        return Reading(
            tuple(
                replace(one, verdict=verdict, likeness=likeness)
                for one, verdict, likeness in zip(found, verdicts, likenesses, strict=True)
            )
        )

    def _worth(self, prediction: Prediction, score: float) -> float:
        """How well it reads as one digit, nats, at most 0."""
        doubt = min(0.0, score - self._unsure_below) if np.isfinite(self._unsure_below) else 0.0
        return float(np.log(prediction.probability)) + max(doubt, -5.0)

    def _verdict(self, prediction: Prediction, score: float) -> Verdict:
        if score < self._none_below:
            return "none"
        return "digit" if score >= self._unsure_below and prediction.probability >= self._sure_from else "unsure"
