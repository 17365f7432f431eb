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
from typing import IO, Any, cast

SIZE_BYTES = 8  # in front of each message: how many bytes it has


class _Channel:
    """Sends messages through one stream, and receives those of another, which a thread reads."""

    def __init__(self, output: IO[bytes], received: IO[bytes]) -> None:
        self._output, self._stream = output, received
        self._received: SimpleQueue[bytes] = SimpleQueue()  # pickled: objects of Tk must not be collected in the thread
        Thread(target=self._listen, daemon=True).start()

    def send(self, message: object) -> None:
        """Send a message."""
        content = pickle.dumps(message)
        self._output.write(len(content).to_bytes(SIZE_BYTES) + content)
        self._output.flush()

    def _listen(self) -> None:
        while start := self._stream.read(SIZE_BYTES):
            size = int.from_bytes(start)
            if len(content := self._stream.read(size)) < size:
                break  # the other process was killed as it wrote
            self._received.put(content)
        self._ended()

    def _ended(self) -> None:
        """Called in the thread when the other process has closed its side."""


class ChildProcess(_Channel):
    """Runs a module, which makes a `ParentProcess`, in a process of its own, and exchanges messages with it."""

    def __init__(self, module: str) -> None:
        # It imports from where this process does (PYTHONPATH), and not from the working directory (-P).
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(Path(folder).absolute()) for folder in sys.path)}
        command = [sys.executable, "-P", "-m", module]
        self._process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        super().__init__(cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout))

    def send(self, message: object) -> None:
        """Send a message. A process that has ended gets none, which `receive` tells."""
        with suppress(OSError, ValueError):
            super().send(message)

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

    def _ended(self) -> None:
        with suppress(OSError), self._process:  # closes its pipes, and waits for its end
            self._received.put(b"")


class ParentProcess(_Channel):
    """The process that started this one, which ends when the other does."""

    def __init__(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the window
        received, output = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")  # sys.stdin would be locked at the end
        os.dup2(2, 1)  # what a library prints is no message
        super().__init__(output, received)

    @property
    def has_sent(self) -> bool:
        """Whether a message waits to be received."""
        return not self._received.empty()

    def receive(self) -> Any:
        """Wait for a message, and return it."""
        return pickle.loads(self._received.get())  # noqa: S301 - it is the process that started this one

    def _ended(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)  # at once, also while TensorFlow is being imported
