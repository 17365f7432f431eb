import gzip
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gui.replay import drawn
from pipeline.config import check
from pipeline.config.composition import compose
from pipeline.config.schema import Configuration
from pipeline.data import datasets, pictures, prepared
from pipeline.data.datasets import FolderDataset
from pipeline.data.prepared import summarize
from pipeline.images.arrays import Split
from pipeline.system import paths
from pipeline.system.errors import DataError
from tests.conftest import idx_bytes
from tests.hand import DIGITS, moved
from tests.images.test_photo import difference

WriteIdx = Callable[[str, NDArray[np.uint8]], Path]


@cache
def configured(*overrides: str) -> Configuration:
    """The configuration of the checkout with overrides. It can't be changed, so one is enough for all tests of a process."""
    return check.check(compose(list(overrides)))


def test_idx_files_are_read_as_they_were_written(write_idx: WriteIdx) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    assert (datasets.read_idx(write_idx("images.gz", images)) == images).all()
    assert datasets.read_idx(write_idx("labels.gz", images[:, 0, 0])).shape == (5,)


@pytest.mark.parametrize(
    "content",  # without the time in their headers, which would name the tests otherwise every second
    [
        b"not gzip",
        *(
            gzip.compress(inside, mtime=0)
            for inside in (
                b"",
                b"\0\0\x09\x01\0\0\0\x01\0",
                b"\0\0\x08\x03\0\0",
                b"\0\0\x08\x01\0\0\0\x05\1\2",
                b"\0\0\x08\x01\xff\xff\xff\xff\1",
            )
        ),
        idx_bytes(np.zeros((9, 9), np.uint8))[:-9],
    ],
    ids=["not gzip", "nothing", "other numbers", "half a header", "too few values", "too many promised", "cut off"],
)
def test_a_file_that_is_not_whole_idx_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"broken\.gz"):
        datasets.read_idx(path)


def test_the_bundled_digits_follow_the_array_contract() -> None:
    splits = datasets.read(configured("dataset=digits").dataset)
    assert sum(len(split.labels) for split in splits.values()) == 1797
    for split in splits.values():
        assert split.images.shape == (len(split.labels), 28, 28)
        assert split.images.dtype == split.labels.dtype == np.uint8
        assert split.images.max() == 255
        assert np.median(split.images) == 0  # ink is bright, paper is dark
        assert set(split.labels) == set(range(10))


def test_splits_are_stratified_disjoint_and_the_same_for_the_same_seed() -> None:
    dataset = configured("dataset=digits").dataset
    first, again = datasets.read(dataset), datasets.read(dataset)
    other = datasets.read(configured("dataset=digits", "dataset.split_seed=1").dataset)
    assert all((first[name].images == again[name].images).all() for name in first)
    assert (first["test"].labels != other["test"].labels).any()
    counts = np.bincount(first["validation"].labels)
    assert counts.max() - counts.min() <= 2
    seen = [{picture.tobytes() for picture in split.images} for split in first.values()]
    assert not seen[0] & seen[2]


@pytest.mark.parametrize("part", [1 / 12, 0.5, 40])
def test_pictures_are_divided_with_the_classes_in_the_same_proportions(part: float) -> None:
    counts = np.array([2, 30, 60, 60, 60, 60, 60, 60, 60, 148])
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10, dtype=np.uint8), counts))
    images = np.arange(len(labels), dtype=np.uint32).view(np.uint8).reshape(-1, 2, 2)  # each is another one
    stays, goes = datasets._divide(Split(images, labels), part, 0, "")
    assert len(goes.labels) == (part if part > 1 else np.ceil(part * 600))
    np.testing.assert_allclose(np.bincount(goes.labels, minlength=10), counts * len(goes.labels) / 600, atol=1)
    both = np.concatenate([stays.images, goes.images]).reshape(-1, 4).view(np.uint32).ravel()
    assert sorted(both) == list(range(600))
    assert (np.concatenate([stays.labels, goes.labels]) == labels[both]).all()
    again, _ = datasets._divide(Split(images, labels), part, 0, "")
    np.testing.assert_array_equal(again.images, stays.images)


def test_a_training_limit_keeps_the_other_splits_as_they_are() -> None:
    whole = datasets.read(configured("dataset=digits").dataset)
    limited = datasets.read(configured("dataset=digits", "dataset.training_limit=200").dataset)
    assert len(limited["train"].labels) == 200
    assert np.bincount(limited["train"].labels).min() >= 18
    assert (limited["validation"].images == whole["validation"].images).all()
    assert (limited["test"].images == whole["test"].images).all()


def test_a_folder_of_pictures_of_any_kind_is_a_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    for label in range(10):
        folder = tmp_path / "data/pictures" / str(label)
        folder.mkdir(parents=True)
        (folder / "notes.txt").write_text("not a picture")
        for number in range(15):
            image = Image.new("RGB", (60, 80), "white" if number % 2 else "black")
            image.paste("navy" if number % 2 else "yellow", (20, 10, 30 + label, 70))
            image.save(folder / f"{number}.{'png' if number % 2 else 'jpg'}")
    splits = datasets.read(configured("dataset=folder").dataset)
    assert {name: len(split.labels) for name, split in splits.items()} == {"train": 108, "validation": 12, "test": 30}
    (tmp_path / "data/pictures/0/0 broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"0 broken\.png can't be read as a picture"):
        datasets.read(configured("dataset=folder").dataset)


def written(digit: int) -> Image.Image:
    return drawn(moved(DIGITS[digit], 20, 20, 60), 100, 8).render()


def test_shaded_paper_is_no_ink_and_blank_pictures_are_named_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    shade = np.linspace(90, 250, 200) / 255
    for label in range(10):
        folder = tmp_path / "data/pictures" / str(label)
        folder.mkdir(parents=True)
        shaded = Image.fromarray((np.asarray(written(label)) * shade).astype(np.uint8))
        for name, picture in (("plain", written(label)), ("shaded", shaded), ("blank", Image.new("L", (50, 50), 200))):
            picture.save(folder / f"{name}.png")
    Image.new("L", (50, 50), 0).save(tmp_path / "data/pictures/0/blank too.png")
    for name in ("x", "letters", ".thumbnails"):
        (tmp_path / "data/pictures" / name).mkdir()
    dataset = configured("dataset=folder").dataset
    assert isinstance(dataset, FolderDataset)
    split = dataset.images()
    assert split.labels.tolist() == [label for label in range(10) for _ in range(2)]
    for plain, with_shade in zip(split.images[::2], split.images[1::2], strict=True):
        assert difference(plain, with_shade) < 8
    warning = capsys.readouterr().err
    others, warning = warning.split("\n", 1)
    assert others.endswith("only the folders 0 to 9 are read, and not letters, x.")
    assert warning.startswith("Warning: pictures without ink are left out, 11 in number:")
    assert warning.count("blank") == pictures.MOST_NAMED == 10
    assert "and 1 more" in warning


def test_an_empty_folder_is_told_what_it_must_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    with pytest.raises(DataError, match="must hold folders 0 to 9"):
        datasets.read(configured("dataset=folder").dataset)


def test_too_few_pictures_to_divide_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    for label in range(2):
        folder = tmp_path / "data/pictures" / str(label)
        folder.mkdir(parents=True)
        written(label).save(folder / "a.png")
    with pytest.raises(DataError, match=r"by dataset\.test_fraction into 1 and 1: the rarest class has 1, and needs 2"):
        datasets.read(configured("dataset=folder").dataset)


def test_prepared_data_comes_back_as_it_was_written(tmp_path: Path) -> None:
    dataset = configured("dataset=digits").dataset
    splits = datasets.read(dataset)
    summary = summarize(dataset, splits, [])
    folder = tmp_path / "prepared"
    for _ in range(2):  # the second time over what is there
        assert prepared.write(dataset, splits, [], folder) == summary
    for name, split in splits.items():
        loaded = prepared.load(name, folder)
        assert (loaded.images == split.images).all()
        assert (loaded.labels == split.labels).all()
    assert prepared.summary(folder) == summary
    with Image.open(folder / "samples.png") as sheet:
        assert sheet.size == (20 * 28, 10 * 28)


def test_the_summary_counts_hashes_and_measures() -> None:
    dataset = configured("dataset=digits").dataset
    images = np.zeros((10, 28, 28), np.uint8)
    images[:, :14] = 255
    split = Split(images, np.arange(10, dtype=np.uint8))
    summary = summarize(dataset, {"train": split}, [])
    assert summary["splits"]["train"]["of_each_class"] == [1] * 10
    assert (summary["mean"], summary["standard_deviation"]) == (0.5, 0.5)
    assert summary["licences"] == {"digits": dataset.licence}
    changed = summarize(dataset, {"train": Split(images, np.zeros(10, np.uint8))}, [])
    assert changed["sha256"] != summary["sha256"]


def test_prepared_data_that_is_missing_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="dvc repro prepare"):
        prepared.summary(tmp_path)
