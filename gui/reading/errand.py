"""A function run once, in a process of its own, while the window goes on."""

import signal
import time
from collections.abc import Callable
from typing import Any

from gui.reading.worker import start
from pipeline.system.errors import UserError


class Errand:
    """Call ``function(*arguments)`` in a fresh process.

    Args:
        function: of a module, so that the process finds it by name.
        arguments: and what it returns must be picklable.
        seconds: that it may take.
        late: what is said to the user if it takes longer.

    """

    def __init__(self, function: Callable[..., Any], *arguments: object, seconds: float, late: str) -> None:
        self._connection, self._process = start(_run, function, arguments)
        self._end = time.monotonic() + seconds
        self._late = late

    def result(self) -> tuple[Any, str] | None:
        """What the function returned and ``""``, or None and a message for the user; None while it is under way."""
        try:
            if self._connection.poll():
                value, message = self._connection.recv()
                self.close()
                return value, message
        except (EOFError, OSError):
            self.close()
            return None, "The process that was to do this has ended unexpectedly. Try again."
        if time.monotonic() > self._end:
            self.close()
            return None, self._late
        return None

    def close(self) -> None:
        """End the process, whether it is done or not."""
        self._connection.close()
        self._process.terminate()


def _run(connection: Any, function: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the window, which waits for what must not be lost
    try:
        answer = (function(*arguments), "")
    except UserError as error:
        answer = (None, str(error))
    except Exception as error:  # of a library, on a file that nobody has thought of
        answer = (None, f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
    connection.send(answer)
