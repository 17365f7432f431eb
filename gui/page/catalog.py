"""The models that can be chosen, as far as they are known. Knows nothing of a window."""

from collections.abc import Callable

from gui.reading import model_catalog
from gui.reading.errand import Errands

SECONDS = 30.0  # that reading the store may take
READING = "Reading the runs of the MLflow store …"
LATE = f"The MLflow store gave no answer in {SECONDS:.0f} seconds. Does another program lock it? Files can still be opened."


class Catalog:
    """Keeps what the last look into the store found: a look takes MLflow seconds. Each change is told by calling `changed`."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self.entries = model_catalog.files()  # only these, before the first look has ended
        self.message = ""  # for the user: what kept others from being listed
        self.version = 0  # another number after each change
        self._errands = Errands(lambda error: self._set(model_catalog.files(), error))

    @property
    def has_champion(self) -> bool:
        """Whether a run is known to be the champion."""
        return any(entry.kind == model_catalog.CHAMPION for entry in self.entries)

    def refresh(self) -> None:
        """Look into the store, unless a look is under way."""
        if not self._errands.busy:
            self._errands.send(model_catalog.listing, then=lambda found: self._set(*found), seconds=SECONDS, late=LATE)
        if not self.version:
            self.message = READING

    def look(self) -> None:
        """Take in what was found. Never waits."""
        self._errands.look()

    def close(self) -> None:
        """End the look that is under way."""
        self._errands.close()

    def _set(self, entries: list[model_catalog.Entry], message: str) -> None:
        self.entries, self.message = entries, message
        self.version += 1
        self._changed()
