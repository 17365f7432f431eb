"""Pictures of single digits, sorted into folders ``0`` to ``9``: such a folder, or an archive of one."""

import lzma
import sys
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.images.arrays import CLASSES, Split
from pipeline.images.picture_file import open_picture
from pipeline.system.errors import DataError
from pipeline.system.paths import files_of

MOST_NAMED = 10  # files in a warning


def read(path: Path) -> Split:
    """Bring each picture to MNIST's form, in the order of the digits and of the files' names.

    Args:
        path: a folder with the folders ``0`` to ``9``; or a ZIP or tar archive of it, in which these may be in one more folder.
            Pictures have any size and polarity, and any format that Pillow reads; other files are left out.

    Returns:
        Images (n, 28, 28) uint8, and their labels, (n,) uint8; n is at least 1. A picture without ink is left out, with a
        warning on standard error.

    Raises:
        DataError: there is nothing at `path`, it is no folder and no whole archive, it holds no picture, or one is broken.
    """
    if path.is_dir():
        return read_folder(path)
    if not path.exists():
        raise DataError(f"there are no pictures {path}: a folder with folders 0 to 9, or an archive of one, is expected.")
    with tempfile.TemporaryDirectory(prefix="pictures-") as name:
        _unpack(path, Path(name))
        return read_folder(_with_digits(Path(name)), called=path)


def read_folder(folder: Path, called: Path | None = None) -> Split:
    """As of `read`, of a folder, which messages name `called`."""
    from pipeline.images import blots  # takes a second to load
    from pipeline.images.photo import BlankPicture

    extensions, name = set(Image.registered_extensions()), called or folder
    images, labels, blank = [], [], []
    for label in range(CLASSES):
        for path in files_of(folder / str(label), "*"):
            if path.suffix.lower() not in extensions:
                continue
            try:
                images.append(blots.fit(open_picture(path)))
                labels.append(label)
            except BlankPicture:
                blank.append(name / path.relative_to(folder))
            except DataError as error:
                raise DataError(str(error).replace(str(folder), str(name))) from None
    digits = set(map(str, range(CLASSES)))
    others = [path.name for path in sorted(folder.glob("[!.]*")) if path.is_dir() and path.name not in digits]
    if others:
        print(f"Warning: of {name} only the folders 0 to {CLASSES - 1} are read, and not {', '.join(others)}.", file=sys.stderr)
    if blank:
        _tell_blank(blank)
    if not images:
        raise DataError(f"{name} must hold folders 0 to {CLASSES - 1} with images in them, and holds none.")
    return Split(np.stack(images), np.array(labels, np.uint8))


def _unpack(archive: Path, folder: Path) -> None:
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened_zip:
                opened_zip.extractall(folder)  # noqa: S202 - nothing outside of `folder`
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as opened_tar:
                opened_tar.extractall(folder, filter="data")  # nothing outside of `folder`, no devices
        else:
            raise DataError(f"{archive} must be a folder, or a ZIP or tar archive of one, and is something else.")
    except (OSError, EOFError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise DataError(f"{archive} is not a whole archive: {error}. Fetch it again.") from None


def _with_digits(folder: Path) -> Path:
    """The folder that holds the folders of the digits: `folder`, or the one in it that does."""
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    holds = [path for path in [folder, *inside] if any((path / str(label)).is_dir() for label in range(CLASSES))]
    return holds[0] if holds else folder


def _tell_blank(paths: list[Path]) -> None:
    named = "".join(f"\n  {path}" for path in paths[:MOST_NAMED])
    more = f"\n  and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    print(f"Warning: pictures without ink are left out, {len(paths)} in number:{named}{more}", file=sys.stderr)
