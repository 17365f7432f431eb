"""Which models are offered, in which order, and the store that they come from."""

import shutil
import signal
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gui.reading import model_catalog as models
from gui.reading.model_catalog import Entry
from pipeline.inference import default_model
from pipeline.inference.description import Description
from pipeline.system.errors import ModelError, UserError
from pipeline.tracking import registry
from pipeline.tracking.registry import RunError
from tests.conftest import small_store
from tests.gui.test_gui_start import end, start


def test_a_path_is_a_path_and_everything_else_a_run(tmp_path: Path) -> None:
    assert models.resolve("somewhere/x.h5") == (Path("somewhere/x.h5"), "")
    assert models.is_path("x.keras")
    assert not models.is_path("champion")
    assert not models.is_path("3b9879eca842")


def test_a_file_that_begins_as_no_model_is_told_at_once(tmp_path: Path) -> None:
    default_model.check_start(default_model.SHIPPED)
    default_model.check_start(Path(shutil.copy(default_model.SHIPPED, tmp_path / "model.H5")))
    (tmp_path / "text.h5").write_text("version https://git-lfs.github.com/spec/v1\n")
    (tmp_path / "folder.keras").mkdir()
    for name, message in (("text.h5", "is neither HDF5 nor .keras"), ("folder.keras", "is a folder"), ("x.h5", "there is no")):
        with pytest.raises(ModelError, match=message):
            default_model.check_start(tmp_path / name)


def test_the_exported_model_comes_before_the_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default_model, "EXPORTED", tmp_path / "mnist.h5")
    monkeypatch.setattr(default_model, "SHIPPED", tmp_path / "shipped.h5")
    with pytest.raises(ModelError, match=r"there is no model yet.*make run"):
        default_model.default_model()
    default_model.SHIPPED.touch()
    assert default_model.default_model() == default_model.SHIPPED
    default_model.EXPORTED.touch()
    assert default_model.default_model() == default_model.EXPORTED


def test_files_and_champion_come_first_then_the_best_run() -> None:
    listed = [
        Entry("run", "a", "a", validation=0.9),
        Entry("run", "b", "b"),
        Entry("run", "c", "c", validation=0.99),
        Entry("shipped", "s", "s"),
        Entry("champion", "champion", "c"),
        Entry("exported", "e", "e", validation=0.1),
    ]
    assert [entry.model for entry in models.ordered(listed)] == ["e", "champion", "s", "c", "a", "b"]


def test_a_model_is_introduced_by_what_it_says_of_itself() -> None:
    says = Description(dataset="mnist", test_accuracy=0.9961)
    assert models.introduction(Path("m/mnist.h5"), says) == "mnist.h5, trained on mnist, 99.61% of its test images right"
    assert models.introduction(Path("x.h5"), Description()) == "x.h5, of unknown origin"
    assert models.introduction(Path("m/mnist.h5"), says, called="champion: best").startswith(
        "champion: best, trained on mnist, "
    )
    assert models.introduction(Path("x.h5"), Description(), "it reads 10%") == "x.h5, of unknown origin: it reads 10%"
    assert models.introduction(default_model.SHIPPED, Description(dataset="mnist")) == "the shipped model, trained on mnist"


def test_cells_for_people() -> None:
    entry = Entry("run", "a", "a", "mnist", 0.9966, None, datetime(2026, 11, 22, 19, 39, tzinfo=UTC))
    name, _, dataset, validation, test, date = entry.cells
    assert (name, dataset, validation, test) == ("a", "mnist", "99.66%", "–")
    assert date.startswith("2026-11-2")
    assert Entry("run", "a", "a").cells[1:] == ("", *("–",) * 4)
    assert Entry("run", "a", "a").details == ""
    measured = Entry("run", "a", "a", outside={"pen_digits_test": 0.97971, "drawings": 1.0}, changed="dropout=0.3")
    assert measured.cells[1] == "dropout=0.3"
    assert measured.details == "Changed: dropout=0.3\nOn other sets: pen digits test 97.97%, drawings 100.00%"


def test_only_a_model_that_reads_badly_is_warned_of() -> None:
    assert models.warning(Description(dataset="mnist", test_accuracy=0.83)).startswith(
        "This model read only 83.00% of its test images"
    )
    for good in (Description(dataset="mnist", test_accuracy=0.99), Description(dataset="mnist"), Description()):
        assert models.warning(good) == ""


@pytest.fixture(scope="module")
def mlflow_store(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    folder = tmp_path_factory.mktemp("store")
    opened = registry.RunRegistry(small_store(folder, empty_store))
    opened.promote(opened.find("better"))
    return folder / "mlflow.db"


@pytest.fixture
def no_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(models, "EXPORTED", tmp_path / "none.h5")
    monkeypatch.setattr(models, "SHIPPED", tmp_path / "none.h5")


def use(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")


def test_runs_with_a_model_and_the_champion_are_listed(
    mlflow_store: Path, no_files: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(mlflow_store, monkeypatch)
    found, message = models.listing()
    assert message == ""
    listed = models.ordered(found)
    assert [entry.kind for entry in listed] == ["champion", "run", "run"]
    assert [entry.name.partition(" (")[0] for entry in listed] == ["champion: better", "better", "plain"]
    assert (listed[2].dataset, listed[2].validation, listed[2].test) == ("digits", 0.97, None)
    for name, content in (("champion", b"better"), ("plain", b"plain"), (listed[2].model[:12], b"plain")):
        path, called = models.resolve(name)
        assert path.read_bytes() == content
        assert called in [entry.name for entry in listed]
    with pytest.raises(RunError, match=r"has no mnist\.h5"):
        models.resolve("a trial")
    with pytest.raises(RunError, match="no run 'nonsense'"):
        models.resolve("nonsense")


def test_a_locked_store_is_a_message(
    mlflow_store: Path, no_files: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = Path(shutil.copy(mlflow_store, tmp_path / "mlflow.db"))
    use(copied, monkeypatch)
    monkeypatch.setattr(registry, "PATIENCE", 0.1)
    lock = sqlite3.connect(copied)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        found, message = models.listing()
    finally:
        lock.close()
    assert found == []
    assert "locked" in message
    assert "files can still be opened" in message


@pytest.mark.parametrize("content", [None, b"", b"rubbish, and long enough to be looked at as a database"])
def test_an_empty_or_broken_store_is_a_message(
    content: bytes | None, no_files: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mlflow.db"
    if content is not None:
        path.write_bytes(content)
    use(path, monkeypatch)
    found, message = models.listing()
    assert found == []
    assert ("can't be used" if content and len(content) > 20 else "No run in the MLflow store") in message
    assert path.exists() == (content is not None)  # asking makes none
    with pytest.raises(UserError):
        models.resolve("champion")


@pytest.mark.slow
def test_the_window_opens_the_champion_from_the_command_line(display: str, empty_store: Path, tmp_path: Path) -> None:
    store = registry.RunRegistry(uri := small_store(tmp_path, empty_store))
    chosen = store.find("better")
    model = tmp_path / "a model" / "mnist.h5"
    model.parent.mkdir()
    shutil.copy(default_model.SHIPPED, model)
    store.client.log_artifact(chosen.info.run_id, str(model))  # in the place of a few bytes
    store.promote(chosen)
    end(start("champion", MLFLOW_TRACKING_URI=uri), signal.SIGTERM, once="champion: better")
