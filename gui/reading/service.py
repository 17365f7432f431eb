"""What the process that reads does: it opens models, reads drawings with them, and explains."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gui.reading import messages
from gui.reading.messages import Explanation, FeatureMaps, Job, Message, Open, Read
from gui.reading.model_catalog import introduction, warning
from pipeline.images.picture_file import open_picture
from pipeline.inference.explanation import Explainer
from pipeline.inference.predict import opened
from pipeline.inference.recognizer import Recognizer
from pipeline.inference.results import Digit, Reading
from pipeline.system import tensorflow_setup

LOOK_SECONDS = 0.02  # between two looks for a newer drawing while an image is opened
SHEET_COLUMNS = 16  # of the image of all feature maps of a layer


class _Outdated(Exception):
    """Nobody waits any more for the image that is being read."""


class ReadingService:
    """Does the jobs of `gui.reading.messages`. An explanation takes long: it is made in steps, with other jobs in between.

    `is_outdated` tells whether there is a newer drawing than the image that is being read.
    """

    def __init__(self, is_outdated: Callable[[], bool] = lambda: False) -> None:
        self._is_outdated = is_outdated
        self._opening = ThreadPoolExecutor(1)  # decoding can't be ended, and the next drawing is not to wait for it
        self._models: dict[int, Recognizer] = {}
        self._image: tuple[Path, float | None, Future[Image.Image]] | None = None
        self._explanation: Iterator[Explanation | None] | None = None

    def do(self, job: Job) -> Iterator[Message]:
        """The answers to one job. What goes wrong is a `Failed`."""
        match job:
            case Open():
                return _told(self._open(job))
            case Read():
                return _told(self._read(job), version=job.version)
            case messages.Close():
                self._models.pop(job.slot, None)
                return iter(())

    @property
    def explains(self) -> bool:
        """Whether there is an explanation to be made."""
        return self._explanation is not None

    def go_on(self) -> Iterator[Message]:
        """Make a step of the explanation. The last step gives it."""
        return _told(self._go_on())

    def _go_on(self) -> Iterator[Message]:
        explanation, self._explanation = self._explanation, None  # if a step fails, there is none to be made
        if explanation is None:
            return
        if (found := next(explanation)) is None:
            self._explanation = explanation
        else:
            yield found

    def _open(self, job: Open) -> Iterator[Message]:
        tensorflow_setup.start()
        model = self._models[job.slot] = opened(job.path)
        if job.slot == 0:
            self._explanation = None  # which was the other model's
        says = model.description
        yield messages.Opened(job.slot, introduction(job.path, says, model.note, job.called), warning(says))

    def _read(self, job: Read) -> Iterator[Message]:
        if not self._models:
            return
        readings = {slot: self._reading(model, job) for slot, model in self._models.items()}
        yield messages.Answer(job.version, readings)
        if job.explain is not None and 0 in readings and (digits := readings[0].digits):
            number = messages.selected(digits, job.explain, len(job.strokes) - 1)
            self._explanation = _explain(self._models[0].explainer, digits[number], job.version, number)

    def _reading(self, model: Recognizer, job: Read) -> Reading:
        if job.picture is None:
            return model.read_strokes(job.strokes)
        changed = job.picture.stat().st_mtime if job.picture.is_file() else None  # None: it is gone, but may be shown still
        if self._image is None or self._image[0] != job.picture or changed not in (None, self._image[1]):
            self._image = (job.picture, changed, self._opening.submit(open_picture, job.picture))
        image = self._image[2]
        while not wait([image], LOOK_SECONDS).done:
            self._go_on_unless_outdated()
        return model.read_picture(image.result(), self._go_on_unless_outdated)

    def _go_on_unless_outdated(self) -> None:
        if self._is_outdated():
            raise _Outdated


def _told(answers: Iterator[Message], version: int | None = None) -> Iterator[Message]:
    """The same messages, and what goes wrong as a `Failed`."""
    try:
        yield from answers
    except _Outdated:
        return
    except Exception as error:  # a user's mistake, or whatever Keras raises on a strange model: this process lives on
        yield messages.Failed(messages.message_of(error), version)


def _explain(explainer: Explainer, digit: Digit, version: int, number: int) -> Iterator[Explanation | None]:
    """Why a digit was read so: for its answer and the runner-up. Gives None after each step but the last."""
    reasons = []
    for each in np.argsort(digit.prediction.probabilities)[:-3:-1].tolist():
        grey = np.round(explainer.saliency(digit.picture, each) * 127 + 128)  # -1 to 1 as 1 to 255
        reasons.append(messages.Reason(each, grey.astype(np.uint8).tobytes()))
        yield None
    maps = tuple(_sheet(name, array) for name, array in explainer.feature_maps(digit.picture))
    yield Explanation(version, number, digit.pixels, tuple(reasons), maps)


def _sheet(name: str, maps: NDArray[Any]) -> FeatureMaps:
    """All maps of a layer, (height, width, channels), side by side in one image.

    Each map is as bright as it can be, black where it is lowest.
    """
    height, width, channels = maps.shape
    columns = min(SHEET_COLUMNS, channels)
    rows = -(-channels // columns)
    low, high = maps.min(axis=(0, 1)), maps.max(axis=(0, 1))
    scaled = (maps - low) / np.maximum(high - low, 1e-6) * 255
    sheet = np.zeros((rows, height + 1, columns, width + 1), np.uint8)
    for channel in range(channels):
        sheet[channel // columns, :height, channel % columns, :width] = scaled[..., channel]
    return FeatureMaps(name, channels, columns * (width + 1), rows * (height + 1), sheet.tobytes())
