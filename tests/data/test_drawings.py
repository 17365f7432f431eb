import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.data import collection, prepared, stroke_sources
from pipeline.data.stroke_sources import StrokeSource
from pipeline.images.arrays import Split
from pipeline.images.strokes import LabelledDrawing
from pipeline.system import paths
from pipeline.system.errors import DataError
from tests.data.test_datasets import configured
from tests.hand import DIGITS, moved


def source(path: Path, held_out_for: str = "evaluation", **values: Any) -> StrokeSource:
    defaults = {
        "name": "taught",
        "licence": "ours",
        "train": True,
        "repeat": 1,
        "held_out_by": "date",
        "held_out_fraction": 0.25,
    }
    return StrokeSource.model_validate(defaults | {"path": str(path), "held_out_for": held_out_for} | values)


def made(count: int, writers: int = 4) -> list[LabelledDrawing]:
    return [
        LabelledDrawing(n % 10, DIGITS[n % 10], f"writer {n % writers}", f"2026-01-{n + 1:02}T12:00:00") for n in range(count)
    ]


def splits() -> dict[str, Split]:
    split = Split(np.zeros((20, 28, 28), np.uint8), np.arange(20, dtype=np.uint8) % 10)
    return {"train": split, "validation": split}


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
    train, held_out = stroke_sources.divide(made(8)[::-1], "date", 0.25)
    assert [drawing.date[8:10] for drawing in held_out] == ["07", "08"]
    assert len(train) == 6


def test_whole_writers_are_held_out_and_stay_held_out_as_others_come() -> None:
    train, held_out = stroke_sources.divide(made(40), "writer", 0.25)
    assert {drawing.writer for drawing in train}.isdisjoint(drawing.writer for drawing in held_out)
    assert len(train) + len(held_out) == 40
    assert len(held_out) >= 10


@pytest.mark.parametrize("by", ["date", "writer"])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_drawings_are_no_trouble(by: str, count: int) -> None:
    train, held_out = stroke_sources.divide(made(count), by, 0.25)
    assert len(train) + len(held_out) == count
    assert (len(train) > 0) == (count > 0)
    assert (len(held_out) > 0) == (count > 1)


def test_one_writer_alone_is_trained_on() -> None:
    train, held_out = stroke_sources.divide(made(6, writers=1), "writer", 0.25)
    assert (len(train), len(held_out)) == (6, 0)


def test_drawings_to_train_on_stay_strokes_and_what_is_held_out_becomes_images(tmp_path: Path) -> None:
    for digit in range(8):
        collection.add(tmp_path, digit, DIGITS[digit])
    recorded = stroke_sources.read([source(tmp_path, repeat=3), source(tmp_path, name="looked_at", train=False)], None)
    assert len(stroke_sources.to_train_on(recorded)) == 6 * 3
    joined = stroke_sources.join(splits(), recorded)
    assert {name: len(split.labels) for name, split in joined.items()} == {
        **{"train": 20, "validation": 20, "taught": 2, "looked_at": 2}
    }
    assert joined["taught"].images.any(axis=(1, 2)).all()
    assert sorted(joined["taught"].labels) == sorted(drawing.label for drawing in recorded[0].held_out)


def test_drawings_held_out_for_validation_are_part_of_it(tmp_path: Path) -> None:
    for digit in range(8):
        collection.add(tmp_path, digit, DIGITS[digit])
    joined = stroke_sources.join(splits(), stroke_sources.read([source(tmp_path, "validation")], None))
    assert {name: len(split.labels) for name, split in joined.items()} == {"train": 20, "validation": 22}


def test_drawings_come_back_from_the_prepared_data_as_often_as_they_are_trained_on(tmp_path: Path) -> None:
    for digit in range(8):
        collection.add(tmp_path / "taught", digit, DIGITS[digit])
    dataset = configured("dataset=digits").dataset
    recorded = stroke_sources.read([source(tmp_path / "taught", repeat=2)], None)
    summary = prepared.write(dataset, stroke_sources.join(splits(), recorded), recorded, tmp_path / "prepared")
    assert prepared.drawings(tmp_path / "prepared") == stroke_sources.to_train_on(recorded)
    assert collection.read(tmp_path / "prepared/strokes/taught.json") == collection.read(tmp_path / "taught")
    others = stroke_sources.read([source(tmp_path / "taught", train=False)], None)
    changed = prepared.write(dataset, stroke_sources.join(splits(), others), others, tmp_path / "prepared")
    assert prepared.drawings(tmp_path / "prepared") == []
    assert changed["sha256"] != summary["sha256"]


def test_fewer_drawings_are_trained_on_where_a_limit_is_set(tmp_path: Path) -> None:
    for digit in range(8):
        collection.add(tmp_path, digit, DIGITS[digit])
    (limited,) = stroke_sources.read([source(tmp_path)], 4)
    assert (len(limited.train), len(limited.held_out)) == (4, 2)


def test_without_drawings_a_dataset_stays_as_it_is(tmp_path: Path) -> None:
    for sources in ([], [source(tmp_path / "missing")], [source(tmp_path)]):
        recorded = stroke_sources.read(sources, None)
        assert set(stroke_sources.join(splits(), recorded)) == {"train", "validation"}
        assert stroke_sources.to_train_on(recorded) == []
    with pytest.raises(DataError, match=r"there are no drawings .*missing\.json"):
        stroke_sources.read([source(tmp_path / "missing.json")], None)


def test_datasets_of_digits_know_the_collection_and_clothes_do_not() -> None:
    for name in ("mnist", "digits", "folder"):
        collection = configured(f"dataset={name}").dataset.drawings
        assert collection is not None
        assert paths.in_project(collection.path).is_dir()
    assert configured("dataset=fashion_mnist").dataset.drawings is None
