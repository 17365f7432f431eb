"""What the process that reads does: it opens models, reads drawings with them, and explains."""

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gui.page import wording
from gui.reading.messages import Answer, Close, Explanation, Failed, Job, Mark, Message, Open, Opened, Read, Seen, message_of
from gui.reading.model_catalog import introduction
from pipeline.images.picture_file import open_picture
from pipeline.inference.predict import opened
from pipeline.inference.recognizer import Recognizer
from pipeline.inference.results import Digit, Reading

LOOK_SECONDS = 0.02  # between two looks for a newer drawing while a picture is opened
SHEET_COLUMNS = 16  # of the picture of all feature maps of a layer


class _Abandoned(Exception):
    """Nobody waits any more for the picture that is being read."""


class ReadingService:
    """Does the jobs of `gui.reading.messages`. An explanation takes long: it is made in steps, with other jobs in between.

    Args:
        abandoned: whether a picture that is being read is to be read no more, since there is a newer drawing.

    """

    def __init__(self, abandoned: Callable[[], bool] = lambda: False) -> None:
        self._abandoned = abandoned
        self._opening = ThreadPoolExecutor(1)  # decoding can't be ended, and the next drawing is not to wait for it
        self._open: dict[int, Recognizer] = {}
        self._picture: tuple[tuple[Path, float], Future[Image.Image]] | None = None
        self._explanation: Iterator[Explanation | None] | None = None

    def do(self, job: Job) -> Iterator[Message]:
        """The answers to one job. A user's mistake is a `Failed`."""
        slot, version = (job.slot, None) if isinstance(job, Open) else (None, job.version if isinstance(job, Read) else None)
        return _told(self._do(job), slot, version)

    @property
    def explains(self) -> bool:
        """Whether there is an explanation to be made."""
        return self._explanation is not None

    def go_on(self) -> Iterator[Message]:
        """Make a step of the explanation; the last step gives it."""
        return _told(self._go_on())

    def _go_on(self) -> Iterator[Message]:
        explanation, self._explanation = self._explanation, None  # if a step fails, there is none to be made
        if explanation is None:
            return
        if (found := next(explanation)) is None:
            self._explanation = explanation
        else:
            yield found

    def _do(self, job: Job) -> Iterator[Message]:
        if isinstance(job, Open):
            recognizer = self._open[job.slot] = opened(job.path)
            if job.slot == 0:
                self._explanation = None  # which was the other model's
            yield Opened(job.slot, introduction(job.path, recognizer.description, recognizer.note, job.called))
        elif isinstance(job, Close):
            self._open.pop(job.slot, None)
        else:
            yield from self._read(job)

    def _read(self, job: Read) -> Iterator[Message]:
        if not self._open:
            return
        readings = {slot: self._reading(recognizer, job) for slot, recognizer in self._open.items()}
        answer = Answer(job.version, {slot: seen(reading) for slot, reading in readings.items()})
        yield answer
        if job.explain is not None and 0 in readings and readings[0].digits:
            number = wording.selected(answer.seen[0].marks, job.explain, len(job.strokes) - 1)
            self._explanation = explain(self._open[0], readings[0].digits[number], job.version, number)

    def _reading(self, recognizer: Recognizer, job: Read) -> Reading:
        if job.picture is None:
            return recognizer.read_strokes(job.strokes)
        version = (job.picture, _changed(job.picture))
        if self._picture is None or self._picture[0] != version:
            self._picture = (version, self._opening.submit(open_picture, job.picture))
        picture = self._picture[1]
        while not wait([picture], LOOK_SECONDS).done:
            self._go_on_unless_abandoned()
        return recognizer.read_picture(picture.result(), self._go_on_unless_abandoned)

    def _go_on_unless_abandoned(self) -> None:
        if self._abandoned():
            raise _Abandoned


def _told(messages: Iterator[Message], slot: int | None = None, version: int | None = None) -> Iterator[Message]:
    """The same messages, and what goes wrong as a `Failed`."""
    try:
        yield from messages
    except _Abandoned:
        return
    except Exception as error:  # a user's mistake, or whatever Keras raises on a strange model: this process lives on
        yield Failed(slot, message_of(error), version)


def _changed(path: Path) -> float:
    """When the file was changed, seconds; 0 if there is none."""
    return path.stat().st_mtime if path.is_file() else 0.0


def seen(reading: Reading) -> Seen:
    """A reading, as the window shows it."""
    return Seen(reading.answer, tuple(map(_mark, reading.digits)), pickle.dumps(reading), reading.blank)


def _mark(digit: Digit) -> Mark:
    number, probability, probabilities = digit.prediction
    box = (float(digit.box.left), float(digit.box.top), float(digit.box.right), float(digit.box.bottom))
    plain = tuple(map(float, probabilities))
    return Mark(digit.answer, digit.verdict, number, float(probability), plain, box, tuple(map(int, digit.strokes)))


def explain(recognizer: Recognizer, digit: Digit, version: int, number: int) -> Iterator[Explanation | None]:
    """Why `recognizer` read `digit` so: for its answer and the runner-up. Gives None after each step but the last."""
    reasons = []
    for one in np.argsort(digit.prediction.probabilities)[:-3:-1].tolist():
        reasons.append((one, _grey(recognizer.explainer.saliency(digit.picture, one))))
        yield None
    maps = tuple((name, array.shape[2], *_sheet(array)) for name, array in recognizer.explainer.feature_maps(digit.picture))
    yield Explanation(version, number, digit.picture.astype(np.uint8).tobytes(), tuple(reasons), maps)


def _grey(saliency: NDArray[np.float32]) -> bytes:
    """-1 to 1 as 1 to 255."""
    return np.clip(np.round(saliency * 127 + 128), 0, 255).astype(np.uint8).tobytes()


def _sheet(maps: NDArray[Any]) -> tuple[int, int, bytes]:
    """All maps of a layer, (height, width, channels), side by side in one picture: its width, height and bytes.

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
    picture = sheet.reshape(rows * (height + 1), columns * (width + 1))
    return picture.shape[1], picture.shape[0], picture.tobytes()
