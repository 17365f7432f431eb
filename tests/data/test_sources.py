"""Finding and fetching the files of a dataset: a real server, real files, real corruption."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config import check, composition
from pipeline.data import download
from pipeline.data.datasets import IdxDataset
from pipeline.system import paths
from pipeline.system.errors import DataError, DataUnavailable
from pipeline.system.paths import CHECKOUT
from tests.conftest import idx_bytes

ROLES = ("train_images", "train_labels", "test_images", "test_labels")
CONTENT = {role: idx_bytes(np.full((4, 4), number, np.uint8)) for number, role in enumerate(ROLES)}


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; below /broken/ only errors, below /cut/ half of each file."""

    def do_GET(self) -> None:
        kind, _, name = self.path.strip("/").partition("/")
        if kind == "broken":
            self.send_error(503)
            return
        content = Path(self.directory, name).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if kind == "cut" else content[::-1] if kind == "wrong" else content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "server"
    folder.mkdir()
    for role, content in CONTENT.items():
        (folder / f"{role}.gz").write_bytes(content)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(autouse=True)
def project_in_a_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "PROJECT", tmp_path / "project")
    monkeypatch.setattr(download, "CHECKOUT", tmp_path)
    list_checksums(tmp_path, {f"{role}.gz": content for role, content in CONTENT.items()})
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr("time.sleep", lambda _: None)  # pooch waits between retries


def list_checksums(folder: Path, content: dict[str, bytes]) -> Path:
    """Write the list of checksums that `dataset` names."""
    path = folder / "checksums/tiny.sha256"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{hashlib.sha256(text).hexdigest()}  {name}\n" for name, text in content.items()))
    return path


def dataset(mirrors: list[str], folders: tuple[str, ...] = ("raw", "elsewhere")) -> IdxDataset:
    return IdxDataset.model_validate(
        {
            "name": "tiny",
            "kind": "idx",
            "class_names": list("0123456789"),
            "validation_fraction": 0.1,
            "drawings": None,
            "split_seed": 0,
            "training_limit": None,
            "folders": list(folders),
            "mirrors": [f"{mirror}/" for mirror in mirrors],
            "checksums": "checksums/tiny.sha256",
            "files": {role: f"{role}.gz" for role in ROLES},
            "archive": None,
            "licence": "none",
            "strokes": [],
        }
    )


def put(folder: Path, roles: tuple[str, ...] = ROLES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for role in roles:
        (folder / f"{role}.gz").write_bytes(CONTENT[role])


def test_files_in_a_folder_are_found_and_nothing_is_fetched(tmp_path: Path) -> None:
    put(tmp_path / "project/elsewhere")
    found = download.obtain(dataset([]))
    assert isinstance(found, dict)
    assert {path.parent.name for path in found.values()} == {"elsewhere"}


def test_missing_files_are_fetched_into_the_first_folder(tmp_path: Path, server: str) -> None:
    put(tmp_path / "project/elsewhere", ROLES[:2])
    found = download.obtain(dataset([f"{server}/good"]))
    assert isinstance(found, dict)
    assert [found[role].parent.name for role in ROLES] == ["elsewhere", "elsewhere", "raw", "raw"]
    assert all(found[role].read_bytes() == CONTENT[role] for role in ROLES)


@pytest.mark.parametrize("bad", ["broken", "cut", "wrong"])
def test_a_mirror_that_fails_or_lies_is_passed_over(tmp_path: Path, server: str, bad: str) -> None:
    found = download.obtain(dataset([f"{server}/{bad}", f"{server}/good"]))
    assert isinstance(found, dict)
    assert all(found[role].read_bytes() == CONTENT[role] for role in ROLES)


def test_a_corrupt_file_is_named_set_aside_and_fetched_again(
    tmp_path: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "project/raw")
    corrupt = tmp_path / "project/raw/train_labels.gz"
    corrupt.write_bytes(b"rubbish")
    download.obtain(dataset([f"{server}/good"]))
    assert corrupt.read_bytes() == CONTENT["train_labels"]
    assert corrupt.with_name("train_labels.gz.corrupt").read_bytes() == b"rubbish"
    assert "train_labels.gz is corrupt" in capsys.readouterr().err


def test_a_checksum_that_is_wrong_refuses_the_file_and_says_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path / "project/elsewhere")
    listed, received = "0" * 64, hashlib.sha256(CONTENT["train_images"]).hexdigest()
    path = tmp_path / "checksums/tiny.sha256"
    path.write_text(path.read_text().replace(received, listed))
    with pytest.raises(DataUnavailable, match=r"train_images\.gz was found nowhere"):
        download.obtain(dataset([]))
    assert f"its SHA-256 must be {listed}, and is {received}." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{'0' * 64}  other.gz\n", "must have the SHA-256 of train_images.gz, train_labels.gz, .*and has those of other.gz"),
        (f"{'0' * 63}  train_images.gz\n", "line 1, must be a SHA-256 of 64 hexadecimal digits, .*and is '000"),
        (f"{'0' * 64} train_images.gz\n", "line 1, must be a SHA-256"),
        (None, "can't be read: .*No such file"),
    ],
)
def test_a_bad_list_of_checksums_is_named_with_what_is_expected_and_the_remedy(
    tmp_path: Path, text: str | None, says: str
) -> None:
    path = tmp_path / "checksums/tiny.sha256"
    path.unlink()
    if text:
        path.write_text(text)
    with pytest.raises(DataError, match=f"tiny.sha256.*{says}.*dataset.checksums.*sha256sum FILE") as raised:
        download.obtain(dataset([]))
    assert not isinstance(raised.value, DataUnavailable)  # no reason to take another dataset


def test_every_list_of_checksums_has_the_files_of_its_dataset_and_is_watched_by_dvc() -> None:
    watched = check.read(CHECKOUT / "dvc.yaml")["stages"]["prepare"]["deps"]
    for name in ("mnist", "fashion_mnist"):
        composed = check.check(composition.compose([f"dataset={name}"])).dataset
        assert isinstance(composed, IdxDataset)
        names = [*dict(composed.files).values(), *([composed.archive] if composed.archive else [])]
        assert list(download.read_checksums(CHECKOUT / composed.checksums, names)) == names
        assert str(Path(composed.checksums).parent) in watched


def test_what_other_programs_keep_is_not_touched_when_it_is_corrupt(tmp_path: Path, server: str) -> None:
    put(tmp_path / "project/elsewhere")
    (tmp_path / "project/elsewhere/train_labels.gz").write_bytes(b"rubbish")
    found = download.obtain(dataset([f"{server}/good"]))
    assert isinstance(found, dict)
    assert found["train_labels"].parent.name == "raw"
    assert (tmp_path / "project/elsewhere/train_labels.gz").read_bytes() == b"rubbish"


def test_the_archive_of_keras_stands_in_for_the_four_files(tmp_path: Path) -> None:
    folder = tmp_path / "project/elsewhere"
    folder.mkdir(parents=True)
    np.savez(folder / "all.npz", x_train=np.zeros(1))
    content = {f"{role}.gz": content for role, content in CONTENT.items()}
    list_checksums(tmp_path, content | {"all.npz": (folder / "all.npz").read_bytes()})
    values = dataset([]).model_dump() | {"archive": "all.npz"}
    assert download.obtain(IdxDataset.model_validate(values)) == folder / "all.npz"


def test_when_nothing_helps_the_error_names_what_was_tried_and_both_remedies(tmp_path: Path, server: str) -> None:
    put(tmp_path / "project/raw", ROLES[1:])
    with pytest.raises(DataUnavailable) as raised:
        download.obtain(dataset([f"{server}/broken", f"{server}/cut", "http://127.0.0.1:9"]))
    for words in ("raw/train_images.gz: not there", "elsewhere/train_images.gz", "/broken/", "/cut/", "127.0.0.1:9"):
        assert words in str(raised.value)
    assert "put these files into" in str(raised.value)
    assert "dataset=digits" in str(raised.value)
    left = {path.name for path in (tmp_path / "project/raw").rglob("*") if path.is_file()}
    assert left == {f"{role}.gz" for role in ROLES[1:]}


def test_what_a_killed_download_left_is_taken_away(tmp_path: Path, server: str) -> None:
    leftover = tmp_path / "project/raw/.download/tmpabc"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half")
    download.obtain(dataset([f"{server}/good"]))
    assert not leftover.exists()


def test_a_folder_that_the_environment_names_is_searched_first_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "given")
    (tmp_path / "given/train_labels.gz").write_bytes(b"corrupt")
    put(tmp_path / "project/elsewhere")
    monkeypatch.setenv(download.FOLDER_VARIABLE, str(tmp_path / "given"))
    found = download.obtain(dataset([]))
    assert isinstance(found, dict)
    assert [found[role].parent.name for role in ROLES] == ["given", "elsewhere", "given", "given"]
    assert (tmp_path / "given/train_labels.gz").read_bytes() == b"corrupt"


def test_a_folder_that_the_environment_names_and_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(download.FOLDER_VARIABLE, str(tmp_path / "given"))
    with pytest.raises(
        DataUnavailable, match=rf"Tried:\n  {tmp_path}/given: DATASET_FOLDER names this folder, and it is not there\n"
    ):
        download.obtain(dataset([]))
