"""Slow work away from the window: a thread that opens models and reads pictures, and answers through a queue."""

import queue
import threading
from pathlib import Path

from PIL import Image

from gui.recognizer import Prediction, Recognizer
from pipeline.errors import ModelError

Answer = Recognizer | ModelError | Prediction


class Worker:
    """Takes jobs, and puts their answers into `answers`, in order. Of the pictures that wait, only the newest is read."""

    def __init__(self) -> None:
        self.answers: queue.Queue[Answer] = queue.Queue()
        self._jobs: queue.Queue[Path | Image.Image | None] = queue.Queue()
        threading.Thread(target=self._run, daemon=True, name="recognition").start()

    def open(self, path: Path) -> None:
        """Open a model. The answer is a `Recognizer`, or a `ModelError`."""
        self._jobs.put(path)

    def read(self, image: Image.Image) -> None:
        """Read a picture with the model opened last. The answer is a `Prediction`, once there is a model."""
        self._jobs.put(image)

    def close(self) -> None:
        """End the thread after the job that it is at."""
        self._jobs.put(None)

    def _run(self) -> None:
        recognizer: Recognizer | None = None
        waiting: Image.Image | None = None
        while (job := self._jobs.get()) is not None:
            if isinstance(job, Path):
                try:
                    recognizer = Recognizer(job)
                    self.answers.put(recognizer)
                except ModelError as error:
                    self.answers.put(error)
            else:
                waiting = job
            if waiting is not None and recognizer is not None and self._jobs.empty():
                self.answers.put(recognizer.predict(waiting))
                waiting = None
