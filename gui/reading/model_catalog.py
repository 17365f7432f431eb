"""Which models there are, what they are called, and in which order they are offered. Knows nothing of a window."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gui.reading.errand import Errands
from pipeline.inference.default_model import EXPORTED, SHIPPED
from pipeline.system.errors import UserError
from pipeline.system.paths import MODEL_FILE

if TYPE_CHECKING:
    from pipeline.inference.description import Description
    from pipeline.tracking.summary import Summary

CHAMPION = "champion"
ENDINGS = (".h5", ".hdf5", ".keras")
POOR = 0.95  # accuracy below which a model is that of a trial run, or of one that went wrong, 0 to 1
KINDS = ("exported", CHAMPION, "shipped", "run")  # of models, in the order in which they are offered
SECONDS = 30.0  # that reading the store may take
READING = "Reading the runs of the MLflow store …"
LATE = f"The MLflow store gave no answer in {SECONDS:.0f} seconds. Does another program lock it? Files can still be opened."


@dataclass(frozen=True)
class Entry:
    """A model that can be chosen."""

    kind: str  # one of `KINDS`
    model: str  # what `resolve` takes
    name: str  # for the user
    dataset: str = ""  # that it was trained on, "" if unknown
    validation: float | None = None  # accuracy, 0 to 1
    test: float | None = None  # accuracy, 0 to 1
    date: datetime | None = None
    outside: dict[str, float] = field(default_factory=dict)  # accuracy on each set besides the test images, 0 to 1, by name
    changed: str = ""  # what tells a run from its configuration

    @property
    def cells(self) -> tuple[str, ...]:
        """The columns of the list: name, changes, dataset, validation and test accuracy, date in the user's time zone."""
        validation, test = ("–" if part is None else f"{part:.2%}" for part in (self.validation, self.test))
        date = f"{self.date.astimezone():%Y-%m-%d %H:%M}" if self.date else "–"
        return self.name, self.changed, self.dataset or "–", validation, test, date

    @property
    def details(self) -> str:
        """What was changed, and the accuracies on other sets, a line each; "" if nothing is known of that."""
        shown = ", ".join(f"{name.replace('_', ' ')} {accuracy:.2%}" for name, accuracy in self.outside.items())
        lines = (("Changed", self.changed), ("On other sets", shown))
        return "\n".join(f"{what}: {told}" for what, told in lines if told)


def is_path(name: str) -> bool:
    """Whether `name` means a file, and not a run or the champion."""
    return Path(name).suffix.lower() in ENDINGS or "/" in name or "\\" in name or Path(name).exists()


def resolve(name: str) -> tuple[Path, str]:
    """The file of a model, and what it is called; "" if only the file says that.

    The name is a path, or what `RunRegistry.find` finds, for which MLflow is loaded: that takes seconds.

    Raises:
        UserError: there is none of that name, or the store can't be read.
    """
    if is_path(name):
        return Path(name), ""
    from pipeline.tracking.registry import RunRegistry

    store = RunRegistry()
    run = store.find(name)
    return store.artifact(run, MODEL_FILE), _called(run.info.run_id, run.info.run_name, name == CHAMPION)


def _called(run_id: str, name: str, is_champion: bool) -> str:
    return f"{CHAMPION}: {name}" if is_champion else f"{name} ({run_id[:8]})"


def ordered(entries: Iterable[Entry]) -> list[Entry]:
    """The files and the champion first, then the runs, the best on validation images first, without a number last."""

    def rank(entry: Entry) -> tuple[int, float, float]:
        accuracy = -1.0 if entry.validation is None or entry.kind != "run" else entry.validation
        return KINDS.index(entry.kind), -accuracy, -entry.date.timestamp() if entry.date else 0.0

    return sorted(entries, key=rank)


def files() -> list[Entry]:
    """The files that there are, of which nothing is known yet."""
    named = (("exported", EXPORTED, "models/mnist.h5"), ("shipped", SHIPPED, "shipped with the program"))
    return [Entry(kind, str(path), name) for kind, path, name in named if path.is_file()]


def listing() -> tuple[list[Entry], str]:
    """All models there are; and a message if the store gives none, or can't be read. Loads MLflow: takes seconds."""
    found = [_described(entry) for entry in files()]
    from pipeline.tracking.registry import NoRuns, RunRegistry

    try:
        runs = [run for run in RunRegistry().runs("tags.role IS NULL") if run.has_model]  # of trials, which are many, none has
    except NoRuns:
        runs = []
    except UserError as error:
        return found, f"{error}\nIts runs are not listed; files can still be opened."
    if not runs:
        return found, "No run in the MLflow store holds a model yet. Make one: make run"
    found += [_entry("run", run) for run in runs]
    found += [_entry(CHAMPION, run) for run in runs if run.is_champion]
    return found, ""


def _entry(kind: str, run: "Summary") -> Entry:
    # A run is named after its configuration and what differs from it, or after its DVC experiment: then `changes` says both.
    name = run.name.partition(", ")[0]
    _, _, changed = (run.changes or run.name).partition(", ")
    return Entry(
        kind,
        CHAMPION if kind == CHAMPION else run.id,
        _called(run.id, name, kind == CHAMPION),
        run.dataset,
        run.validation_accuracy,
        run.test_accuracy,
        run.started,
        run.outside,
        changed,
    )


def _described(entry: Entry) -> Entry:
    """An entry with what its file says of itself."""
    from pipeline.inference import description

    path = Path(entry.model)
    says = description.read(path)
    date = None if path == SHIPPED else datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return replace(
        entry,
        dataset=says.dataset,
        validation=says.validation_accuracy,
        test=says.test_accuracy,
        date=date,
        outside=says.outside,
    )


def introduction(path: Path, says: "Description", note: str = "", called: str = "") -> str:
    """Which model it is, what it was trained on, and with what accuracy, by what its file says of itself.

    `note` is what `pipeline.inference.input_range.find` says of somebody else's file, `called` the name by `resolve`.
    """
    name = called or ("the shipped model" if path == SHIPPED else path.name)
    if not says.dataset:
        return f"{name}, of unknown origin" + (f": {note}" if note else "")
    accuracy = "" if says.test_accuracy is None else f", {says.test_accuracy:.2%} of its test images right"
    return f"{name}, trained on {says.dataset}{accuracy}"


def warning(says: "Description") -> str:
    """What to tell of a model that reads badly; "" of any other."""
    if says.test_accuracy is None or says.test_accuracy >= POOR:
        return ""
    right = f"{says.test_accuracy:.2%} of its test images right"
    return f"This model read only {right}. Was it a short trial, or is its dataset hard?"


class Catalog:
    """Keeps what the last look into the store found: a look takes MLflow seconds. Each change is told by calling `changed`."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self.entries = files()  # only these, before the first look has ended
        self.message = ""  # for the user: what kept others from being listed
        self.version = 0  # another number after each change
        self._errands = Errands(lambda error: self._set(files(), error))

    @property
    def has_champion(self) -> bool:
        """Whether a run is known to be the champion."""
        return any(entry.kind == CHAMPION for entry in self.entries)

    def refresh(self) -> None:
        """Look into the store, unless a look is under way."""
        if not self._errands.busy:
            self._errands.send(listing, then=lambda found: self._set(*found), seconds=SECONDS, late=LATE)
        if not self.version:
            self.message = READING

    def look(self) -> None:
        """Take in what was found. Never waits."""
        self._errands.look()

    def close(self) -> None:
        """End the look that is under way."""
        self._errands.close()

    def _set(self, entries: list[Entry], message: str) -> None:
        self.entries, self.message = entries, message
        self.version += 1
        self._changed()
