"""Finding the files of a dataset, or fetching them. A file counts only once its SHA-256 is right."""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from pipeline.system.errors import DataError, DataUnavailable
from pipeline.system.paths import CHECKOUT, in_project, sha256

if TYPE_CHECKING:
    from pipeline.data.datasets import IdxDataset

#: Names a folder that has the files already: where it is decides nothing, for a file counts by its hash.
FOLDER_VARIABLE = "DATASET_FOLDER"
RETRIES = 2  # of one mirror, before the next is tried
TIMEOUT_SECONDS = 30  # without a byte
CHECKSUMS_REMEDY = "The list that dataset.checksums names is made by: sha256sum FILE ... > LIST"


def obtain(dataset: "IdxDataset") -> dict[str, Path] | Path:
    """The whole, checked files of `dataset`: found in ``$DATASET_FOLDER`` or one of its folders, or downloaded into the first.

    Returns:
        A path for each of ``train_images``, ``train_labels``, ``test_images``, ``test_labels``; or the one path of the
        archive that holds all four.

    Raises:
        DataUnavailable: a file is in no folder and no mirror gave it.
        DataError: the list of checksums is missing, is no such list, or lacks a file.
    """
    tried: list[str] = []
    elsewhere = os.environ.get(FOLDER_VARIABLE)
    folders = list(dataset.folders)
    if elsewhere and in_project(elsewhere).is_dir():
        folders.insert(0, elsewhere)
    elif elsewhere:
        tried.append(f"{elsewhere}: {FOLDER_VARIABLE} names this folder, and it is not there")
    files: dict[str, str] = dict(dataset.files)
    expected = read_checksums(CHECKOUT / dataset.checksums, [*files.values(), *([dataset.archive] if dataset.archive else [])])
    found = {role: _find(name, expected[name], folders, dataset.folders[0], tried) for role, name in files.items()}
    if missing := [files[role] for role, path in found.items() if path is None]:
        if (name := dataset.archive) and (archive := _find(name, expected[name], folders, dataset.folders[0], tried)):
            return archive
        folder = in_project(dataset.folders[0])
        for name in missing:
            _download(name, expected[name], folder, dataset, tried)
        found = {role: path or folder / files[role] for role, path in found.items()}
    return {role: path for role, path in found.items() if path is not None}


def read_checksums(path: Path, names: list[str]) -> dict[str, str]:
    """The SHA-256 of each of the files `names`, in hexadecimal, from a list as ``sha256sum`` prints it.

    Raises:
        DataError: the list is missing, is no such list, or lacks a file.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(f"the list of checksums {path} can't be read: {why}. {CHECKSUMS_REMEDY}") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not (parts := re.fullmatch(r"([0-9a-fA-F]{64}) [ *](.+)", line)):
            raise DataError(
                f"{path}, line {number}, must be a SHA-256 of 64 hexadecimal digits, two spaces and a file's name, and is "
                f"{line!r:.100}. {CHECKSUMS_REMEDY}"
            )
        found[parts[2]] = parts[1].lower()
    if lacking := [name for name in names if name not in found]:
        raise DataError(
            f"{path} must have the SHA-256 of {', '.join(lacking)}, and has those of {', '.join(found) or 'no file'}. "
            f"{CHECKSUMS_REMEDY}"
        )
    return found


def _find(name: str, expected: str, folders: list[str], own: str, tried: list[str]) -> Path | None:
    for folder in folders:
        path = in_project(folder) / name
        if not path.is_file():
            tried.append(f"{path}: not there")
        elif (received := sha256(path)) == expected:
            return path
        else:
            tried.append(f"{path}: corrupt")
            print(f"{path} is corrupt: its SHA-256 must be {expected}, and is {received}.", file=sys.stderr)
            if folder == own:  # what other programs keep is left alone
                aside = path.with_name(f"{path.name}.corrupt")
                path.replace(aside)
                print(f"It was set aside as {aside}.", file=sys.stderr)
    return None


def _download(name: str, expected: str, folder: Path, dataset: "IdxDataset", tried: list[str]) -> None:
    import pooch  # takes half a second, and most runs find the files
    import requests

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".download.lock"):
        if (folder / name).is_file():  # another process was faster
            return
        for leftover in (folder / ".download").glob("*"):  # of a download that was killed
            leftover.unlink()
        for mirror in dataset.mirrors:
            print(f"Fetching {mirror}{name}", file=sys.stderr)
            registry = {name: f"sha256:{expected}"}
            fetcher = pooch.create(folder / ".download", mirror, registry=registry, retry_if_failed=RETRIES)
            downloader = pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT_SECONDS)
            try:
                Path(fetcher.fetch(name, downloader=downloader)).replace(folder / name)
                return
            except (requests.RequestException, ValueError, OSError) as error:
                tried.append(f"{mirror}{name}: {_reason(error)}")
    (folder / ".download.lock").unlink(missing_ok=True)
    raise DataUnavailable(
        f"{dataset.name} can't be had: {name} was found nowhere.\n"
        "Tried:\n" + "".join(f"  {line}\n" for line in tried) + "Either\n"
        f"  put these files into {folder}: {', '.join(file for _, file in dataset.files)}\n"
        "  or use the digits that come with the program: python -m pipeline.compose dataset=digits && dvc repro"
    )


def _reason(error: Exception) -> str:
    innermost: BaseException = error
    while innermost.__context__ is not None or innermost.__cause__ is not None:
        innermost = innermost.__cause__ or innermost.__context__ or innermost
    text = str(innermost).strip().splitlines() or [type(innermost).__name__]
    return text[0][:200]
