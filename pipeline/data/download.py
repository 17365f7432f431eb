"""Finding the files of a dataset, or fetching them. A file counts only once its SHA-256 is right."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from pipeline.system.errors import DataUnavailable
from pipeline.system.paths import in_project, sha256

if TYPE_CHECKING:
    from pipeline.data.datasets import IdxDataset, SourceFile

#: Names a folder that has the files already: where it is decides nothing, for a file counts by its hash.
FOLDER_VARIABLE = "DATASET_FOLDER"
RETRIES = 2  # of one mirror, before the next is tried
TIMEOUT_SECONDS = 30  # without a byte


def obtain(dataset: "IdxDataset") -> dict[str, Path] | Path:
    """The whole, checked files of `dataset`: found in ``$DATASET_FOLDER`` or one of its folders, or downloaded into the first.

    Returns:
        A path for each of ``train_images``, ``train_labels``, ``test_images``, ``test_labels``; or the one path of the
        archive that holds all four.

    Raises:
        DataUnavailable: a file is in no folder and no mirror gave it.

    """
    tried: list[str] = []
    elsewhere = os.environ.get(FOLDER_VARIABLE)
    folders = ([elsewhere] if elsewhere else []) + dataset.folders
    files: dict[str, SourceFile] = dict(dataset.files)
    found = {role: _find(file, folders, dataset.folders[0], tried) for role, file in files.items()}
    if missing := [files[role] for role, path in found.items() if path is None]:
        if dataset.archive and (archive := _find(dataset.archive, folders, dataset.folders[0], tried)):
            return archive
        folder = in_project(dataset.folders[0])
        for file in missing:
            _download(file, folder, dataset, tried)
        found = {role: path or folder / files[role].name for role, path in found.items()}
    return {role: path for role, path in found.items() if path is not None}


def _find(file: "SourceFile", folders: list[str], own: str, tried: list[str]) -> Path | None:
    for folder in folders:
        path = in_project(folder) / file.name
        if not path.is_file():
            tried.append(f"{path}: not there")
        elif (received := sha256(path)) == file.sha256:
            return path
        else:
            tried.append(f"{path}: corrupt")
            print(f"{path} is corrupt: its SHA-256 must be {file.sha256}, and is {received}.", file=sys.stderr)
            if folder == own:  # what other programs keep is left alone
                aside = path.with_name(f"{path.name}.corrupt")
                path.replace(aside)
                print(f"It was set aside as {aside}.", file=sys.stderr)
    return None


def _download(file: "SourceFile", folder: Path, dataset: "IdxDataset", tried: list[str]) -> None:
    import pooch  # takes half a second, and most runs find the files
    import requests

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".download.lock"):
        if (folder / file.name).is_file():  # another process was faster
            return
        for leftover in (folder / ".download").glob("*"):  # of a download that was killed
            leftover.unlink()
        for mirror in dataset.mirrors:
            print(f"Fetching {mirror}{file.name}", file=sys.stderr)
            fetcher = pooch.create(
                folder / ".download", mirror, registry={file.name: f"sha256:{file.sha256}"}, retry_if_failed=RETRIES
            )
            downloader = pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT_SECONDS)
            try:
                Path(fetcher.fetch(file.name, downloader=downloader)).replace(folder / file.name)
                return
            except (requests.RequestException, ValueError, OSError) as error:
                tried.append(f"{mirror}{file.name}: {_reason(error)}")
    (folder / ".download.lock").unlink(missing_ok=True)
    raise DataUnavailable(
        f"{dataset.name} can't be had: {file.name} was found nowhere.\n"
        "Tried:\n" + "".join(f"  {line}\n" for line in tried) + "Either\n"
        f"  put these files into {folder}: {', '.join(part.name for _, part in dataset.files)}\n"
        "  or use the digits that come with the program: python -m pipeline.compose dataset=digits && dvc repro"
    )


def _reason(error: Exception) -> str:
    innermost: BaseException = error
    while innermost.__context__ is not None or innermost.__cause__ is not None:
        innermost = innermost.__cause__ or innermost.__context__ or innermost
    text = str(innermost).strip().splitlines() or [type(innermost).__name__]
    return text[0][:200]
