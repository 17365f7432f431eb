"""The models that read the page: one, and a second one to compare it with."""

from collections.abc import Callable
from pathlib import Path

from gui.reading import model_catalog
from gui.reading.client import ReadingClient
from gui.reading.errand import Errands
from gui.reading.messages import Opened

SECONDS = 300.0  # that finding a run may take, whose model may be on a server
MAIN, SECOND = 0, 1  # slots


class Models:
    """Which models are open, and which are being opened. Messages for the user go to `tell`."""

    def __init__(self, client: ReadingClient, errands: Errands, tell: Callable[[str], None]) -> None:
        self.introductions: dict[int, str] = {}  # what is said of each open model, by slot
        self.names: dict[int, str] = {}  # by which the latest was chosen, by slot
        self.warning = ""  # about the model that reads, if it reads badly
        self._client, self._errands, self._tell = client, errands, tell
        self._chosen: dict[int, int] = {}  # number of the latest choice, by slot; a closed slot has none
        self._count = 0

    def open(self, slot: int, name: str) -> None:
        """Read with another model from now on: a path, a run or ``champion``."""
        number = self._chosen[slot] = self._count = self._count + 1
        self.names[slot] = name
        self._tell(f"Opening {Path(name).name} … You can draw meanwhile.")

        def found(what: tuple[Path, str]) -> None:
            if self._chosen.get(slot) == number:  # and no other was chosen since
                self._client.open(slot, *what)

        if model_catalog.is_path(name):
            found((Path(name), ""))
        else:  # MLflow takes seconds to look, and drawings are read meanwhile
            late = f"The MLflow store took too long to find {name}. Try again."
            self._errands.send(model_catalog.resolve, name, then=found, seconds=SECONDS, late=late)

    def opened(self, message: Opened) -> bool:
        """Introduce a model that is open now. Returns whether it is still wanted."""
        if not self.is_chosen(message.slot):
            return False
        self.introductions[message.slot] = message.introduction
        if message.slot == MAIN:
            self.warning = message.warning
        told = f"{'Comparing' if message.slot == SECOND else 'Reading'} with {message.introduction}"
        self._tell(told if told.endswith("?") else f"{told}.")
        return True

    @property
    def is_there(self) -> bool:
        """Whether there is a model that reads, or one is being opened."""
        return MAIN in self.introductions or self._errands.busy or self._client.is_opening

    def is_chosen(self, slot: int) -> bool:
        """Whether a model was chosen for that slot; it may still be being opened."""
        return slot in self._chosen

    def close_second(self) -> None:
        """Read with one model only."""
        self.introductions.pop(SECOND, None)
        if self._chosen.pop(SECOND, None) is not None:
            self._client.close_model(SECOND)

    def forget(self) -> None:
        """Take all models for closed, as they are after the process that reads has ended. Who chooses one gets that alone."""
        self.introductions.clear()
        self._chosen.pop(SECOND, None)
