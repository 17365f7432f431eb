"""Reading datasets into arrays, and splitting them."""

import gzip
import math
import struct
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.config.schema import AnyDataset, FolderDataset, IdxDataset
from pipeline.data.download import obtain
from pipeline.images import blots, preprocessing
from pipeline.images.arrays import CLASSES, SIDE, Split
from pipeline.images.photo import BlankPicture
from pipeline.images.picture_file import open_picture
from pipeline.system.errors import DataError
from pipeline.system.paths import files_of, in_project

MOST_NAMED = 10  # files in a warning


def read(dataset: AnyDataset, test: bool = True) -> dict[str, Split]:
    """Read a dataset and cut the validation split from its training pictures.

    Args:
        dataset: its configuration.
        test: whether the test split is wanted. Who chooses doesn't look at it.

    Returns:
        The splits ``train``, ``validation`` and, if it is wanted, ``test``.

    Raises:
        DataUnavailable: its files can't be had.
        DataError: they are not what the format says.

    """
    if isinstance(dataset, IdxDataset):
        splits = _read_idx_dataset(dataset, ["train", "test"] if test else ["train"])
    else:
        everything = _read_folder(dataset) if isinstance(dataset, FolderDataset) else _read_digits()
        parts = _divide(everything, dataset.test_fraction, dataset.split_seed, "test_fraction")
        splits = dict(zip(["train", "test"] if test else ["train"], parts, strict=False))
    rest = {name: split for name, split in splits.items() if name != "train"}
    train, validation = _divide(splits["train"], dataset.validation_fraction, dataset.split_seed, "validation_fraction")
    if dataset.training_limit and dataset.training_limit < len(train.labels):
        train, _ = _divide(train, len(train.labels) - dataset.training_limit, dataset.split_seed, "training_limit")
    return {"train": train, "validation": validation} | rest


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read a gzipped file of unsigned bytes in the IDX format (http://yann.lecun.com/exdb/mnist/).

    The header is big endian: two zero bytes, the type (8 is unsigned byte), the number of dimensions, and the size of each
    as 32 bits.

    Raises:
        DataError: the file is not such a file, or its length is not what its header says.

    """
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (OSError, EOFError) as error:
        raise DataError(f"{path} is not a whole gzip file: {error}. Fetch it again.") from None
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise DataError(f"{path} must begin with the bytes 00 00 08 of IDX, and begins with {content[:3].hex(' ')}.")
    dimensions = content[3]
    header = 4 + 4 * dimensions
    shape = struct.unpack(f">{dimensions}I", content[4:header]) if len(content) >= header else ()
    expected = int(np.prod(shape, dtype=np.int64))
    if len(shape) != dimensions or len(content) - header != expected:
        raise DataError(f"{path} must hold {expected} bytes of shape {shape}, and holds {len(content) - header}.")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _read_idx_dataset(dataset: IdxDataset, names: list[str]) -> dict[str, Split]:
    source = obtain(dataset)
    if isinstance(source, Path):  # the archive that Keras keeps
        with np.load(source, allow_pickle=False) as arrays:
            splits = {name: Split(arrays[f"x_{name}"], arrays[f"y_{name}"].astype(np.uint8)) for name in names}
    else:
        files = {name: (source[f"{name}_pictures"], source[f"{name}_labels"]) for name in names}
        splits = {name: Split(read_idx(pictures), read_idx(labels)) for name, (pictures, labels) in files.items()}
    for name, split in splits.items():
        _check(split, f"the {name} files of {dataset.name}")
    return splits


def _check(split: Split, what: str) -> None:
    count = len(split.labels)
    if split.pictures.shape != (count, SIDE, SIDE) or split.labels.ndim != 1:
        shapes = f"{split.pictures.shape} and {split.labels.shape}"
        raise DataError(f"{what} must hold pictures (n, {SIDE}, {SIDE}) and as many labels, and hold {shapes}.")
    if count == 0 or split.labels.max() >= CLASSES:
        raise DataError(f"{what} must hold labels from 0 to {CLASSES - 1}, and hold {np.unique(split.labels).tolist()}.")


def _read_digits() -> Split:
    from sklearn.datasets import load_digits  # takes a second to load

    data = load_digits()
    pictures = np.stack([preprocessing.fit_ink((image / image.max()).astype(np.float32)) for image in data.images])
    return Split(pictures, data.target.astype(np.uint8))


def _read_folder(dataset: FolderDataset) -> Split:
    folder = in_project(dataset.folder)
    extensions = set(Image.registered_extensions())
    pictures, labels, blank = [], [], []
    for label in range(CLASSES):
        for path in files_of(folder / str(label), "*"):
            if path.suffix.lower() not in extensions:
                continue
            try:
                pictures.append(blots.fit(open_picture(path)))
                labels.append(label)
            except BlankPicture:
                blank.append(path)
    if blank:
        _tell_blank(blank)
    if not pictures:
        raise DataError(f"{folder} must hold folders 0 to 9 with pictures in them, and holds none.")
    return Split(np.stack(pictures), np.array(labels, np.uint8))


def _tell_blank(paths: list[Path]) -> None:
    named = "".join(f"\n  {path}" for path in paths[:MOST_NAMED])
    more = f"\n  and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    print(f"Warning: no ink was found in {len(paths)} pictures, which are left out:{named}{more}", file=sys.stderr)


def _divide(split: Split, part: float, seed: int, key: str) -> tuple[Split, Split]:
    """Cut `part` of the pictures off, a fraction or a count, with the classes in the same proportions on both sides."""
    from sklearn.model_selection import train_test_split  # takes a second to load

    labels, whole = split.labels, len(split.labels)
    cut = math.ceil(part * whole) if part < 1 else int(part)
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2 or not len(classes) <= cut <= whole - len(classes):
        raise DataError(
            f"{whole} pictures of {len(classes)} classes can't be divided by dataset.{key} into {whole - cut} and {cut}: the "
            f"rarest class has {counts.min()}, and needs 2; each side needs {len(classes)}. Add pictures, or change the value."
        )
    sides = train_test_split(np.arange(whole), test_size=cut, random_state=seed, stratify=labels)
    stays, goes = (np.sort(side) for side in sides)
    return Split(split.pictures[stays], labels[stays]), Split(split.pictures[goes], labels[goes])
