"""The window's side of the process that reads.

A process and not a thread: importing TensorFlow holds Python's lock for more than a second at a time, and nobody could draw
meanwhile. The window never waits: at most one job is under way, and of the drawings that wait only the newest is read. An
image may take seconds to read: a newer drawing is sent meanwhile, and the reading of the image ends.
"""

from collections import deque
from pathlib import Path

from gui.reading.channel import ChildProcess
from gui.reading.messages import Close, Done, Failed, Job, Message, Open, Read

ENDED = "The process that reads the drawings has ended unexpectedly. Choose the model again to start another."


class ReadingClient:
    """Takes jobs, starts the process with the first of them, and hands out what comes back."""

    def __init__(self) -> None:
        self._process: ChildProcess | None = None
        self._models: deque[Open | Close] = deque()
        self._newest: Read | None = None
        self._under_way: deque[Job] = deque()  # two, while the first is an image whose reading is to end

    @property
    def busy(self) -> bool:
        """Whether a job is under way or waits."""
        return bool(self._under_way or self._models or self._newest)

    @property
    def is_opening(self) -> bool:
        """Whether a model is being opened, or waits."""
        return any(isinstance(job, Open) for job in (*self._under_way, *self._models))

    @property
    def reading(self) -> bool:
        """Whether an answer to a drawing is due."""
        return any(isinstance(job, Read) for job in self._under_way)

    def open(self, slot: int, path: Path, called: str = "") -> None:
        """Open a model: see `gui.reading.messages.Open`."""
        self._models.append(Open(slot, path, called))
        self._send()

    def close_model(self, slot: int) -> None:
        """Forget a model."""
        self._models.append(Close(slot))
        self._send()

    def read(self, job: Read) -> None:
        """Read a drawing, in the place of one that still waits."""
        self._newest = job
        self._send()

    def forget(self) -> None:
        """Forget the drawing that still waits."""
        self._newest = None

    def receive(self) -> list[Message]:
        """What has come back since the last call. Never waits."""
        messages: list[Message] = []
        try:
            for message in self._process.receive() if self._process else ():
                if isinstance(message, Done):
                    self._under_way.popleft()
                    self._send()
                else:
                    messages.append(message)
        except EOFError:
            messages.append(self._ended())
        return messages

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _send(self) -> None:
        job: Job | None = None
        if self._models and not self._under_way:
            job = self._models.popleft()
            self._process = self._process or ChildProcess("gui.reading")
        elif self._process and (not self._under_way or self._is_image_outdated()):
            job, self._newest = self._newest, None
        if job and self._process:
            self._under_way.append(job)
            self._process.send(job)

    def _is_image_outdated(self) -> bool:
        """Whether an image is being read though there is a newer drawing."""
        last = self._under_way[-1]
        return self._newest is not None and isinstance(last, Read) and last.picture is not None

    def _ended(self) -> Failed:
        """The process was killed, perhaps since memory ran out."""
        version = next((job.version for job in reversed(self._under_way) if isinstance(job, Read)), None)
        self._under_way.clear()
        self.close()
        return Failed(ENDED, version, has_ended=True)
