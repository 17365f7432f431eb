import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import collection
from pipeline.data.collection import LabelledDrawing
from pipeline.data.datasets import Drawings
from pipeline.images.arrays import Split
from pipeline.system import paths
from pipeline.system.errors import DataError
from tests.hand import DIGITS, moved
from tests.test_datasets import configured


def options(folder: Path, train: bool = True, by: str = "date", repeat: int = 1) -> Drawings:
    return Drawings.model_validate(
        {"folder": str(folder), "train": train, "repeat": repeat, "held_out_by": by, "held_out_fraction": 0.25}
    )


def made(count: int, writers: int = 4) -> list[LabelledDrawing]:
    return [
        LabelledDrawing(n % 10, DIGITS[n % 10], f"writer {n % writers}", f"2026-01-{n + 1:02}T12:00:00") for n in range(count)
    ]


def splits() -> dict[str, Split]:
    return {"train": Split(np.zeros((20, 28, 28), np.uint8), np.arange(20, dtype=np.uint8) % 10)}


def test_what_is_added_is_read_again_in_the_unit_square(tmp_path: Path) -> None:
    path = collection.add(tmp_path / "new" / "folder", 4, moved(DIGITS[4], 30, 50, 200), "ann")
    (drawing,) = collection.read(path)
    assert (drawing.label, drawing.writer, len(drawing.strokes)) == (4, "ann", 2)
    points = np.array([point for stroke in drawing.strokes for point in stroke])
    assert points.min(axis=0).tolist() == [0, 0]
    assert points.max() == 1
    assert drawing.date.startswith("20")
    assert collection.read(tmp_path / "new" / "folder") == [drawing]
    assert list(path.parent.iterdir()) == [path]  # nothing temporary is left


def test_a_file_of_the_collection_is_readable_and_no_two_are_one(tmp_path: Path) -> None:
    paths_of = {collection.add(tmp_path, digit, DIGITS[digit]) for digit in DIGITS}
    assert len(paths_of) == len(collection.read(tmp_path)) == 10
    text = collection.add(tmp_path, 5, DIGITS[5]).read_text(encoding="utf-8")
    assert len(text.splitlines()) == 9  # a line a stroke
    assert json.loads(text)["label"] == 5


@pytest.mark.parametrize("name", ["list.json", "list.json.gz"])
def test_lists_from_elsewhere_are_read(name: str, tmp_path: Path) -> None:
    content = json.dumps([{"label": 1, "strokes": DIGITS[1]}, {"label": 7, "writer": "b", "strokes": DIGITS[7]}]).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    (tmp_path / "README.md").write_text("not a drawing")
    assert [(drawing.label, drawing.writer) for drawing in collection.read(tmp_path / name)] == [(1, ""), (7, "b")]
    assert collection.read(tmp_path) == collection.read(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "as JSON"),
        ("", "as JSON"),
        ("7", "a list of drawings, and holds a number"),
        ("[7]", "drawing 0 must be an object"),
        ('{"label": 10, "strokes": [[[0, 0]]]}', "from 0 to 9, and is 10"),
        ('{"label": true, "strokes": [[[0, 0]]]}', "from 0 to 9, and is True"),
        ('{"strokes": [[[0, 0]]]}', "from 0 to 9, and is None"),
        ('{"label": 1}', "strokes must be"),
        ('{"label": 1, "strokes": []}', "strokes must be"),
        ('{"label": 1, "strokes": [[]]}', "strokes must be"),
        ('{"label": 1, "strokes": [[[0, 0, 0]]]}', "strokes must be"),
        ('{"label": 1, "strokes": [[[0, NaN]]]}', "strokes must be"),
        ('{"label": 1, "strokes": [[[0, 1e300]]]}', "strokes must be"),
        ('{"label": 1, "strokes": "abc"}', "strokes must be"),
    ],
)
def test_a_file_that_is_no_drawing_is_told(content: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"bad\.json") as error:
        collection.read(tmp_path)
    assert says in str(error.value)


def test_what_is_missing_broken_or_no_digit_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there are no drawings"):
        collection.read(tmp_path / "missing.json")
    (tmp_path / "cut.json.gz").write_bytes(gzip.compress(b"[]" * 100)[:-9])
    with pytest.raises(DataError, match=r"cut\.json\.gz can't be read"):
        collection.read(tmp_path / "cut.json.gz")
    with pytest.raises(DataError, match="label must be"):
        collection.add(tmp_path, 11, DIGITS[1])
    with pytest.raises(DataError, match="strokes must be"):
        collection.add(tmp_path, 1, [])


def test_the_newest_are_held_out() -> None:
    train, held_out = collection.divide(made(8)[::-1], "date", 0.25)
    assert [drawing.date[8:10] for drawing in held_out] == ["07", "08"]
    assert len(train) == 6


def test_whole_writers_are_held_out_and_stay_held_out_as_others_come() -> None:
    train, held_out = collection.divide(made(40), "writer", 0.25)
    assert {drawing.writer for drawing in train}.isdisjoint(drawing.writer for drawing in held_out)
    assert len(train) + len(held_out) == 40
    assert len(held_out) >= 10


@pytest.mark.parametrize("by", ["date", "writer"])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_drawings_are_no_trouble(by: str, count: int) -> None:
    train, held_out = collection.divide(made(count), by, 0.25)
    assert len(train) + len(held_out) == count
    assert (len(train) > 0) == (count > 0)
    assert (len(held_out) > 0) == (count > 1)


def test_one_writer_alone_is_trained_on() -> None:
    train, held_out = collection.divide(made(6, writers=1), "writer", 0.25)
    assert (len(train), len(held_out)) == (6, 0)


def test_the_collection_joins_the_training_pictures_when_the_configuration_says_so(tmp_path: Path) -> None:
    for digit in range(8):
        collection.add(tmp_path, digit, DIGITS[digit])
    found = collection.read(tmp_path)
    joined = collection.join(splits(), found, options(tmp_path, repeat=3))
    assert len(joined["train"].labels) == 20 + 6 * 3
    assert joined["train"].images[20:].any(axis=(1, 2)).all()
    assert joined["drawings"].images.shape == (2, 28, 28)
    measured = collection.join(splits(), found, options(tmp_path, train=False))
    assert len(measured["train"].labels) == 20
    assert (measured["drawings"].labels == joined["drawings"].labels).all()


def test_without_a_collection_a_dataset_stays_as_it_is(tmp_path: Path) -> None:
    for what in (None, options(tmp_path / "missing"), options(tmp_path)):
        assert set(collection.join(splits(), collection.collected(what), what)) == {"train"}


def test_datasets_of_digits_know_the_collection_and_clothes_do_not() -> None:
    for name in ("mnist", "digits", "folder"):
        collection = configured(f"dataset={name}").dataset.drawings
        assert collection is not None
        assert paths.in_project(collection.folder).is_dir()
    assert configured("dataset=fashion_mnist").dataset.drawings is None
