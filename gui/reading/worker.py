"""Slow work away from the window: a process that opens models and reads drawings.

A process and not a thread: importing TensorFlow holds Python's lock for more than a second at a time, and no thread could draw
meanwhile. The window never waits: at most one job is under way, and of the drawings that wait only the newest is read. But a
picture may take seconds: a newer drawing is sent meanwhile, and the picture is read no more.
"""

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gui.reading.messages import Close, Failed, Job, Message, Open, Read

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ENDED = "The process that reads the drawings has ended unexpectedly. Choose the model again to start another."


class Worker:
    """The window's side: takes jobs, starts the process with the first of them, and hands out what comes back."""

    def __init__(self) -> None:
        self._connection: Connection[Any, Any] | None = None
        self._models: deque[Open | Close] = deque()
        self._newest: Read | None = None
        self._under_way: Job | None = None
        self._abandoned = 0  # pictures that are read no more, before the job that is under way

    @property
    def busy(self) -> bool:
        """Whether a job is under way or waits."""
        return bool(self._under_way or self._models or self._newest)

    @property
    def reading(self) -> bool:
        """Whether an answer to a drawing is due."""
        return isinstance(self._under_way, Read) or bool(self._newest and self._connection and not self._under_way)

    def open(self, slot: int, path: Path, called: str = "") -> None:
        """Open a model: see `gui.reading.messages.Open`."""
        self._models.append(Open(slot, path, called))
        self._send()

    def close_model(self, slot: int) -> None:
        """Forget a model."""
        self._models.append(Close(slot))
        self._send()

    def read(self, job: Read) -> None:
        """Read a drawing. A drawing that still waits is read no more."""
        self._newest = job
        self._send()

    def forget(self) -> None:
        """Read the drawing no more that still waits."""
        self._newest = None

    def receive(self) -> list[Message]:
        """What has come back since the last call. Never waits."""
        messages: list[Message] = []
        try:
            while self._connection is not None and self._connection.poll():
                message = self._connection.recv()
                if message is not None:
                    messages.append(message)
                elif self._abandoned:
                    self._abandoned -= 1
                else:  # the job is done
                    self._under_way = None
                    self._send()
        except (EOFError, OSError):
            messages.append(self._ended())
        return messages

    def close(self) -> None:
        """End the process."""
        if self._connection is not None:
            self._connection.close()
            self._process.terminate()
            self._connection = None

    def _send(self) -> None:
        abandons = self._newest is not None and isinstance(self._under_way, Read) and self._under_way.picture is not None
        if (self._under_way is not None and not abandons) or not (self._models or self._newest):
            return
        if self._connection is None:
            if not self._models:
                return  # there is nothing to read with
            self._connection, self._process = start(serve)
        self._abandoned += abandons
        if self._models and not abandons:
            self._under_way = self._models.popleft()
        else:
            self._under_way, self._newest = self._newest, None
        with suppress(OSError):  # it has ended, which `receive` tells
            self._connection.send(self._under_way)

    def _ended(self) -> Failed:
        slot = self._under_way.slot if isinstance(self._under_way, Open) else None
        self.close()
        self._under_way, self._abandoned = None, 0
        return Failed(slot, ENDED)


def start(function: Callable[..., None], *arguments: object) -> tuple["Connection[Any, Any]", Any]:
    """Start ``function(connection, *arguments)`` in a fresh process; return this side of the connection, and the process."""
    from multiprocessing import get_context  # once the window is seen

    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=function, args=(theirs, *arguments), daemon=True)
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")  # or the process would begin by running somebody's script once more
    try:
        process.start()
    finally:
        sys.modules["__main__"] = script
    theirs.close()
    return ours, process


def serve(connection: "Connection[Any, Any]") -> None:
    """The process's side: do jobs until the window closes the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the window
    threading.Thread(target=_end_with_the_window, daemon=True).start()
    for threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(threads, "1")  # a drawing is little work, and the other cores are the window's
    from gui.reading.reader import Reader

    reader = Reader(connection.poll)
    try:
        while True:
            while reader.explains and not connection.poll():  # answers come first, and explanations in the time between
                for message in reader.go_on():
                    connection.send(message)
            for message in reader.do(connection.recv()):
                connection.send(message)
            connection.send(None)
    except (EOFError, OSError):
        pass  # the window is gone


def _end_with_the_window() -> None:
    """End at once if the window was killed, also while TensorFlow is being imported."""
    from multiprocessing import parent_process

    if (window := parent_process()) is not None:
        window.join()
        os.kill(os.getpid(), signal.SIGTERM)
