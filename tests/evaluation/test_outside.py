"""Sets of digits from outside, and what is said of a network by them."""

import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config import check
from pipeline.config.composition import compose
from pipeline.data import collection, pictures, prepared
from pipeline.evaluation import corruptions, outside, report
from pipeline.evaluation.outside import Answers, Outside
from pipeline.images.arrays import Split
from pipeline.images.strokes import render
from pipeline.inference.rejection import Thresholds
from pipeline.system import paths
from pipeline.system.errors import ConfigurationError, DataError
from tests.data.test_datasets import configured, written
from tests.hand import DIGITS

SET = {"name": "mine", "title": "My own", "licence": "ours", "reason": "to see"}


def options(*sets: dict[str, Any], **values: Any) -> Any:
    composed = compose([])
    composed["evaluation"] |= {"outside": list(sets), **values}
    return check.check(composed).evaluation


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's folder, in which prepared data of ten drawn digits seem to be."""
    split = Split(np.stack([render(strokes) for strokes in DIGITS.values()]), np.arange(10, dtype=np.uint8))
    summary = {"class_names": [str(digit) for digit in DIGITS], "splits": {"train": {}, "test": {}}}
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    monkeypatch.setattr(prepared, "summary", lambda: summary)
    monkeypatch.setattr(prepared, "load", lambda name: split)
    return tmp_path


def folder_of_three(folder: Path) -> Path:
    for digit in (3, 7, 9):
        (folder / str(digit)).mkdir(parents=True)
        written(digit).save(folder / str(digit) / "a.png")
    (folder / "README.md").write_text("three")
    return folder


def archived(folder: Path, kind: str) -> Path:
    path = folder.parent / f"three.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in folder.rglob("*.png"):
                archive.write(file, file.relative_to(folder.parent))
    else:
        with tarfile.open(path, "w:gz") as archive:
            archive.add(folder, "." if kind == "flat.tgz" else "three")
    return path


def test_a_folder_and_its_archives_hold_the_same_images(tmp_path: Path) -> None:
    folder = folder_of_three(tmp_path / "three")
    read = pictures.read(folder)
    assert read.labels.tolist() == [3, 7, 9]
    assert read.images.shape == (3, 28, 28)
    for kind in ("zip", "tar.gz", "flat.tgz"):
        found = pictures.read(archived(folder, kind))
        assert (found.labels == read.labels).all()
        assert (found.images == read.images).all()


def test_strokes_and_pictures_are_read_as_sets(data: Path) -> None:
    folder_of_three(data / "data/outside/three")
    collection.add(data / "data/outside/drawn", 5, DIGITS[5])
    read = outside.read(
        options(
            {**SET, "kind": "pictures", "path": "data/outside/three"},
            {**SET, "name": "drawn", "kind": "strokes", "path": "data/outside/drawn"},
        )
    )
    assert [(each.name, each.title, each.split.labels.tolist()) for each in read] == [
        ("mine", "My own", [3, 7, 9]),
        ("drawn", "My own", [5]),
    ]
    assert (read[1].split.images[0] == render(DIGITS[5])).all()


@pytest.mark.parametrize(
    ("kind", "path", "says"),
    [
        ("strokes", "missing.json", r"there are no drawings .*missing\.json"),
        ("strokes", "empty", "must hold drawings"),
        ("strokes", "broken.json", "can't be read as JSON"),
        ("pictures", "missing", "there are no pictures"),
        ("pictures", "empty", "must hold folders 0 to 9"),
        ("pictures", "broken.json", "ZIP or tar archive"),
        ("pictures", "cut.zip", "is not a whole archive"),
        ("pictures", "bad.zip", r"bad\.zip/4/x\.png can't be read as a picture"),
    ],
)
def test_a_missing_or_broken_set_is_told_with_its_key_and_the_remedy(kind: str, path: str, says: str, data: Path) -> None:
    (data / "empty").mkdir()
    (data / "broken.json").write_text("{")
    whole = archived(folder_of_three(data / "three"), "zip")
    (data / "cut.zip").write_bytes(whole.read_bytes().replace(b"IDAT", b"IDIT"))
    with zipfile.ZipFile(data / "bad.zip", "w") as archive:
        archive.writestr("4/x.png", b"no picture")
    with pytest.raises(DataError, match=says) as error:
        outside.read(options({**SET, "kind": kind, "path": path}))
    assert "evaluation.outside.0, mine, can't be measured" in str(error.value)
    assert "take the set off the list" in str(error.value)


def test_a_set_must_have_a_name_of_its_own(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {**SET, "kind": "strokes", "path": "x.json"}
    for sets in ([given, given], [{**given, "name": "test"}]):
        with pytest.raises(ConfigurationError, match="must have a name of its own"):
            options(*sets)
    monkeypatch.setitem(prepared.summary()["splits"], "mine", {})
    with pytest.raises(DataError, match="was held out has that name"):
        outside.read(options(given))


def test_of_clothes_no_digits_are_read(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(prepared.summary(), "class_names", ["Shirt"] * 10)
    assert outside.read(options({**SET, "kind": "strokes", "path": "missing.json"})) == []


def test_what_was_held_out_of_the_collection_is_a_set_like_the_others(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(prepared.summary()["splits"], "drawings", {})
    (drawings,) = outside.read(options())
    given = outside.answers(of_copies(logits(drawings.split.labels)), drawings, Thresholds())
    values = outside.measure_all([drawings], {"drawings": given}, 0.95)
    assert list(values) == [
        *("drawings_accuracy", "drawings_accuracy_low", "drawings_accuracy_high", "drawings_rejected", "drawings")
    ]
    assert (values["drawings"], values["drawings_accuracy"]) == (10, 1.0)


def logits(labels: Any) -> Any:
    return np.eye(10, dtype=np.float32)[np.asarray(labels)] * 12


def of_copies(said: Any) -> Any:
    """The same of an image and of all its copies that rejection looks at."""
    return np.tile(said, (5, 1))


def test_what_is_called_no_digit_is_wrong_and_what_is_uncertain_is_not() -> None:
    split = Split(np.zeros((4, 28, 28), np.uint8), np.array([1, 2, 3, 3], np.uint8))
    said = logits([1, 2, 3, 5])
    said[1] = [0, 0, 0.1, 0, 0, 0, 0, 0, 0, 0]  # hardly anything
    said[2, 4] = 11.5  # undecided
    limits = Thresholds(none_below=4.0, uncertain_below=5.0, sure_from=0.8)
    given = outside.answers(of_copies(said), Outside("mine", "My own", split), limits)
    assert given.rejected.tolist() == [False, True, False, False]
    assert given.right.tolist() == [True, False, True, False]
    values = outside.measure("mine", given, 0.95)
    assert (values["mine_accuracy"], values["mine_rejected"], values["mine_images"]) == (0.5, 0.25, 4)
    assert values["mine_accuracy_low"] < 0.5 < values["mine_accuracy_high"]
    assert outside.recalls("mine", given, [str(digit) for digit in range(10)]) == [
        {"set": "mine", "digit": "1", "recall": 1.0, "images": 1},
        {"set": "mine", "digit": "2", "recall": 0.0, "images": 1},
        {"set": "mine", "digit": "3", "recall": 0.5, "images": 2},
    ]
    assert outside.sentence("My own", "mine", values) == "My own: 50.0 % (15.0 to 85.0 %), 25.0 % called no digit"


def test_corrupted_images_are_evenly_from_the_test_set_and_the_mean_error_is_over_the_corruptions(data: Path) -> None:
    chosen = configured("evaluation=corruptions", "evaluation.corruptions.images=4").evaluation.corruptions
    assert chosen is not None
    sets = outside.read(options(corruptions=chosen.model_dump()))
    assert [each.name for each in sets] == [f"corrupted_{name}" for name in corruptions.CORRUPTIONS]
    assert all(each.split.labels.tolist() == [0, 3, 6, 9] for each in sets)
    answered = {}
    for number, each in enumerate(sets):
        said = [0, 3, 6, 9] if number else [0, 3, 6, 8]
        answered[each.name] = outside.answers(of_copies(logits(said)), each, Thresholds())
    values = outside.measure_all(sets, answered, 0.95)
    assert values["corrupted_shot_noise_accuracy"] == 0.75
    assert values["corrupted_fog_accuracy"] == 1.0
    assert values["corrupted_error"] == pytest.approx(0.25 / 15)
    assert values["corrupted_images"] == 4
    rejecting = {name: replace(given, rejected=np.array([True, False, False, False])) for name, given in answered.items()}
    values_rejecting = outside.measure_all(sets, rejecting, 0.95)
    assert values_rejecting["corrupted_error"] == values["corrupted_error"]  # by the most probable digit, as in the paper
    assert values_rejecting["corrupted_accuracy"] == pytest.approx(values["corrupted_accuracy"] - 0.25)
    assert 0.9 < values["corrupted_accuracy_low"] < values["corrupted_accuracy"] < values["corrupted_accuracy_high"] == 1.0
    assert "corrupted_fog_accuracy_low" not in values
    assert list(outside.titles(sets, options(corruptions=chosen.model_dump()))) == ["corrupted"]


def test_the_option_with_corruptions_differs_from_the_default_by_them_alone() -> None:
    one, other = (configured(*overrides).evaluation.model_dump() for overrides in ((), ("evaluation=corruptions",)))
    assert one["corruptions"] is None
    assert other == one | {"corruptions": other["corruptions"]}
    assert [each["name"] for each in one["outside"]] == ["pen_digits_test"]


def test_predictions_of_every_set_are_kept_with_what_was_rejected() -> None:
    no, yes = np.zeros(3, np.bool_), np.ones(3, np.bool_)
    labels, probabilities = np.arange(3, dtype=np.uint8), np.eye(10, dtype=np.float32)[:3]
    kept = report.predictions({"test": Answers(labels, probabilities, no), "mine": Answers(labels, probabilities, yes)})
    assert list(kept) == ["labels", "probabilities", "mine_labels", "mine_probabilities", "mine_rejected"]


def test_the_default_set_is_there_and_is_of_other_writers_than_those_trained_on() -> None:
    (chosen,) = configured().evaluation.outside
    measured = {drawing.writer for drawing in collection.read(paths.in_project(chosen.path))}
    trained_on = {drawing.writer for drawing in collection.read(paths.in_project(configured().dataset.strokes[0].path))}
    assert len(measured) == 14
    assert len(trained_on) == 30


def test_the_headline_has_the_accuracy_of_each_set_and_neither_intervals_nor_single_corruptions() -> None:
    whole = {"mine_accuracy": 0.9, "corrupted_accuracy": 0.8}
    parts = {"mine_accuracy_low": 0.8, "mine_images": 10, "corrupted_accuracy_low": 0.7, "corrupted_fog_accuracy": 0.3}
    test = dict.fromkeys(report.HEADLINE, 0.5)
    assert report.headline(test | whole | parts | {"test_accuracy_low": 0.4, "test_images": 10}) == test | whole
