"""Functions that are called once, each in a process of its own, while the window stays responsive."""

import time
from collections.abc import Callable
from typing import Any

from gui.reading.channel import ChildProcess, ParentProcess
from gui.reading.messages import Result, message_of, sentence


class Errand:
    """Call ``function(*arguments)``, of a module, in a fresh process. If it takes longer than `seconds`, `late` tells the user.

    Function, arguments and result are pickled.
    """

    def __init__(self, function: Callable[..., Any], *arguments: object, seconds: float, late: str) -> None:
        self._process = ChildProcess("gui.reading.errand")
        self._process.send((function, arguments))
        self._end = time.monotonic() + seconds
        self._late = late

    def result(self) -> Result | None:
        """The result, if it is there; None while the function is under way. Never waits."""
        try:
            result: Result | None = next(self._process.receive(), None)
        except EOFError:
            result = Result(None, "The process that was to do this has ended unexpectedly. Try again.")
        if result is None and time.monotonic() > self._end:
            result = Result(None, self._late)
        if result is not None:
            self.close()
        return result

    def close(self) -> None:
        """End the process, whether it is done or not."""
        self._process.close()


class Errands:
    """The errands under way. When one fails, `tell` is called with a message for the user, unless it says what else is."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._under_way: list[tuple[Errand, Callable[[Any], None], Callable[[str], None]]] = []

    @property
    def busy(self) -> bool:
        """Whether there is one under way."""
        return bool(self._under_way)

    def send(
        self,
        function: Callable[..., Any],
        *arguments: object,
        then: Callable[[Any], None],
        otherwise: Callable[[str], None] | None = None,
        **limits: Any,
    ) -> None:
        """Call a function in another process, and later `then` with what it returned; `limits` are those of `Errand`."""
        self._under_way.append((Errand(function, *arguments, **limits), then, otherwise or self._tell))

    def look(self) -> None:
        """Do what is to be done with what has been returned. Never waits."""
        for sent in list(self._under_way):
            errand, then, otherwise = sent
            if (result := errand.result()) is not None:
                self._under_way.remove(sent)
                value, error = result
                if error:
                    otherwise(sentence(error))
                else:
                    then(value)

    def close(self) -> None:
        """End all of them."""
        for errand, _, _ in self._under_way:
            errand.close()
        self._under_way.clear()


def main() -> None:
    """Call the function that the window sends, and send the result back."""
    window = ParentProcess()
    function, arguments = window.receive()
    try:
        result = Result(function(*arguments))
    except Exception as error:  # a user's mistake, or whatever a library raises on a file that nobody has thought of
        result = Result(None, message_of(error))
    window.send(result)


if __name__ == "__main__":
    main()
