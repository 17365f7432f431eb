"""Python processes of the program's own: both sides send each other pickled messages through standard input and output.

Not `multiprocessing`: each of its processes begins by running the script again that opened the window.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any

SIZE_BYTES = 8  # in front of each message: how many bytes it has


class ChildProcess:
    """Runs a module in a process of its own, and exchanges messages with it.

    Args:
        module: as of ``python -m``; it makes a `ParentProcess`.

    """

    def __init__(self, module: str) -> None:
        # It imports from where this process does (PYTHONPATH), and not from the working directory (-P).
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(Path(folder).absolute()) for folder in sys.path)}
        command = [sys.executable, "-P", "-m", module]
        self._process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._received: SimpleQueue[bytes] = SimpleQueue()
        Thread(target=self._listen, daemon=True).start()

    def send(self, message: object) -> None:
        """Send a message. A process that has ended gets none, which `receive` tells."""
        with suppress(OSError, ValueError):
            _write(self._process.stdin, message)

    def receive(self) -> Iterator[Any]:
        """The messages that have come since the last call. Never waits.

        Raises:
            EOFError: the process has ended, and all its messages were received.

        """
        while not self._received.empty():
            if not (content := self._received.get()):
                raise EOFError
            yield pickle.loads(content)  # noqa: S301 - our own process wrote it

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()

    def _listen(self) -> None:
        with suppress(OSError), self._process:  # which closes its pipes, and waits for its end
            for content in _contents(self._process.stdout):
                self._received.put(content)  # unpickled by `receive`: here Tk's objects must not be collected as garbage
        self._received.put(b"")


class ParentProcess:
    """The process that started this one, which ends when the other does."""

    def __init__(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the window
        self._output = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # what a library prints is no message
        self._received: SimpleQueue[bytes] = SimpleQueue()
        Thread(target=self._listen, daemon=True).start()

    @property
    def has_sent(self) -> bool:
        """Whether a message waits to be received."""
        return not self._received.empty()

    def send(self, message: object) -> None:
        """Send a message."""
        _write(self._output, message)

    def receive(self) -> Any:
        """Wait for a message, and return it."""
        return pickle.loads(self._received.get())  # noqa: S301 - it is the process that started this one

    def _listen(self) -> None:
        for content in _contents(sys.stdin.buffer):
            self._received.put(content)
        os.kill(os.getpid(), signal.SIGTERM)  # at once, also while TensorFlow is being imported


def _write(stream: IO[bytes] | None, message: object) -> None:
    assert stream is not None
    content = pickle.dumps(message)
    stream.write(len(content).to_bytes(SIZE_BYTES) + content)
    stream.flush()


def _contents(stream: IO[bytes] | None) -> Iterator[bytes]:
    """The messages of a stream, pickled, until it ends."""
    assert stream is not None
    while start := stream.read(SIZE_BYTES):
        size = int.from_bytes(start)
        if len(content := stream.read(size)) < size:
            return  # the other process was killed as it wrote
        yield content
