"""Functions that run in other processes, and what is done with what they return."""

from collections.abc import Callable
from typing import Any

from gui.page.wording import sentence
from gui.reading.errand import Errand


class Errands:
    """The errands under way. When one fails, `tell` is called with a message for the user."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._under_way: list[tuple[Errand, Callable[[Any], None]]] = []

    @property
    def busy(self) -> bool:
        """Whether there is one under way."""
        return bool(self._under_way)

    def send(self, function: Callable[..., Any], *arguments: object, then: Callable[[Any], None], **limits: Any) -> None:
        """Call a function in another process, and later `then` with what it returned; `limits` are those of `Errand`."""
        self._under_way.append((Errand(function, *arguments, **limits), then))

    def look(self) -> None:
        """Do what is to be done with what has been returned. Never waits."""
        for errand, then in list(self._under_way):
            if (result := errand.result()) is not None:
                self._under_way.remove((errand, then))
                value, error = result
                if error:
                    self._tell(sentence(error))
                else:
                    then(value)

    def close(self) -> None:
        """End all of them."""
        for errand, _ in self._under_way:
            errand.close()
        self._under_way.clear()
