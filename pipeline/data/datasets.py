"""The datasets: the options of each kind, how it is read into arrays, and how these are split.

To add a kind: a class with `kind` and `splits`, or, without test images of its own, `images`; its place in `AnyDataset`, and
``conf/dataset/<name>.yaml``.
"""

import gzip
import math
import struct
from abc import abstractmethod
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.data import pictures
from pipeline.data.download import obtain
from pipeline.data.stroke_sources import StrokeSource
from pipeline.images import preprocessing
from pipeline.images.arrays import CLASSES, SIDE, Split
from pipeline.system.errors import DataError
from pipeline.system.paths import in_project
from pipeline.system.section import Fraction, Name, Section, Seed


class Dataset(Section):
    """What every dataset has."""

    name: Name
    licence: Name
    class_names: Annotated[list[str], Field(min_length=CLASSES, max_length=CLASSES)]
    validation_fraction: Fraction
    split_seed: Seed
    training_limit: Annotated[int, Field(ge=CLASSES)] | None
    strokes: list[StrokeSource]
    drawings: StrokeSource | None

    @property
    def stroke_sources(self) -> list[StrokeSource]:
        """What was recorded by others, and what people taught."""
        return [*self.strokes, *([self.drawings] if self.drawings else [])]

    @abstractmethod
    def splits(self, test: bool) -> dict[str, Split]:
        """Read the split ``train``, not yet parted from ``validation``, and, if it is wanted, ``test``."""


FileName = Annotated[str, Field(pattern=r"^[^/\\]+$")]


class IdxFiles(Section):
    """The names of the four files of a set in MNIST's format, as distributed."""

    train_images: FileName
    train_labels: FileName
    test_images: FileName
    test_labels: FileName


class IdxDataset(Dataset):
    """Four gzipped files in the IDX format, found in a folder or downloaded."""

    kind: Literal["idx"]
    folders: Annotated[list[Name], Field(min_length=1)]
    mirrors: list[Annotated[str, Field(pattern=r"^https?://.*/$")]]
    checksums: Name
    files: IdxFiles
    archive: FileName | None

    def splits(self, test: bool) -> dict[str, Split]:
        """As of `Dataset.splits`."""
        source, names = obtain(self), ["train", "test"] if test else ["train"]
        if isinstance(source, Path):  # the archive that Keras keeps
            with np.load(source, allow_pickle=False) as arrays:
                found = {name: Split(arrays[f"x_{name}"], arrays[f"y_{name}"].astype(np.uint8)) for name in names}
        else:
            found = {name: Split(read_idx(source[f"{name}_images"]), read_idx(source[f"{name}_labels"])) for name in names}
        for name, split in found.items():
            _check(split, f"the {name} files of {self.name}")
        return found


class UndividedDataset(Dataset):
    """A dataset without test images of its own."""

    test_fraction: Fraction

    @abstractmethod
    def images(self) -> Split:
        """Read all images and their labels."""

    def splits(self, test: bool) -> dict[str, Split]:
        """As of `Dataset.splits`."""
        rest, held_out = _divide(self.images(), self.test_fraction, self.split_seed, "test_fraction")
        return {"train": rest} | ({"test": held_out} if test else {})


class DigitsDataset(UndividedDataset):
    """The UCI digits that scikit-learn ships."""

    kind: Literal["digits"]

    def images(self) -> Split:
        """Bring them from 8 x 8 to MNIST's form."""
        from sklearn.datasets import load_digits  # takes a second to load

        data = load_digits()
        images = [preprocessing.fit_ink((image / image.max()).astype(np.float32)) for image in data.images]
        return Split(np.stack(images), data.target.astype(np.uint8))


class FolderDataset(UndividedDataset):
    """Picture files sorted into folders ``0`` to ``9``."""

    kind: Literal["folder"]
    folder: Name

    def images(self) -> Split:
        """As of `pictures.read`."""
        return pictures.read_folder(in_project(self.folder))


AnyDataset = Annotated[IdxDataset | DigitsDataset | FolderDataset, Field(discriminator="kind")]


class PrepareOptions(Section):
    """The groups of the configuration that decide what is prepared."""

    dataset: AnyDataset


def read(dataset: Dataset, test: bool = True) -> dict[str, Split]:
    """Read the splits ``train``, ``validation``, which is cut from the training images, and, if `test`, ``test``.

    Who chooses doesn't look at the test split.

    Raises:
        DataUnavailable: its files can't be had.
        DataError: they are not what the format says.
    """
    splits, seed = dataset.splits(test), dataset.split_seed
    train, validation = _divide(splits.pop("train"), dataset.validation_fraction, seed, "validation_fraction")
    if dataset.training_limit and dataset.training_limit < len(train.labels):
        train, _ = _divide(train, len(train.labels) - dataset.training_limit, seed, "training_limit")
    return {"train": train, "validation": validation} | splits


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read a gzipped file of unsigned bytes in the IDX format (http://yann.lecun.com/exdb/mnist/).

    The header is big endian: two zero bytes, the type (8 is unsigned byte), the number of dimensions, and the size of each
    as 32 bits.

    Raises:
        DataError: the file is not such a file, or its length is not what its header says.
    """
    try:
        content = gzip.decompress(path.read_bytes())
        if content[:3] != b"\0\0\x08":
            raise ValueError(f"it begins with {content[:3].hex(' ')}")
        shape = struct.unpack_from(f">{content[3]}I", content, 4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)
    except (OSError, EOFError, LookupError, ValueError, struct.error) as error:
        raise DataError(f"{path} is not a whole gzipped file of bytes in the IDX format: {error}. Fetch it again.") from None


def _check(split: Split, what: str) -> None:
    count = len(split.labels)
    if split.images.shape != (count, SIDE, SIDE) or split.labels.ndim != 1:
        shapes = f"{split.images.shape} and {split.labels.shape}"
        raise DataError(f"{what} must hold images (n, {SIDE}, {SIDE}) and as many labels, and hold {shapes}.")
    if count == 0 or split.labels.max() >= CLASSES:
        raise DataError(f"{what} must hold labels from 0 to {CLASSES - 1}, and hold {np.unique(split.labels).tolist()}.")


def _divide(split: Split, part: float, seed: int, key: str) -> tuple[Split, Split]:
    """Cut `part` of the images off, a fraction or a count, with the classes in the same proportions on both sides."""
    from sklearn.model_selection import train_test_split  # takes a second to load

    labels, whole = split.labels, len(split.labels)
    cut = math.ceil(part * whole) if part < 1 else int(part)
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2 or not len(classes) <= cut <= whole - len(classes):
        raise DataError(
            f"{whole} images of {len(classes)} classes can't be divided by dataset.{key} into {whole - cut} and {cut}: the "
            f"rarest class has {counts.min()}, and needs 2; each side needs {len(classes)}. Add images, or change the value."
        )
    sides = train_test_split(np.arange(whole), test_size=cut, random_state=seed, stratify=labels)
    stays, goes = (np.sort(side) for side in sides)
    return Split(split.images[stays], labels[stays]), Split(split.images[goes], labels[goes])
