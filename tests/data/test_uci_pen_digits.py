"""The lists of pen strokes that the project ships, and the command that makes them."""

import base64
import gzip
import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.data import collection, pen_digits
from pipeline.images.strokes import LabelledDrawing, render
from pipeline.system.errors import DataError, DataUnavailable

#: Two digits as UCI's files have them, of another writer each.
TEXT = """.INCLUDE dene.doc
.SEGMENT DIGIT    0 ? "7"
.COMMENT 7 12  224
.PEN_DOWN
 100  300
 150  300
 200  300
 120  100
.PEN_UP
.DT 100
.PEN_DOWN
 110  200
 190  200
.PEN_UP
.SEGMENT DIGIT    1 ? "1"
.COMMENT 1 3  225
.PEN_DOWN
 10  90
 10  10
.PEN_UP
"""

#: What the program `compress` makes of `TEXT`: UCI's own files are such.
COMPRESSED = base64.b85decode(
    "ADxgck~kT{qzaKDAjp()Q^p0EH)9mIm{R0OlOj&2fFP3OND_@8Lc##?1B8ehA|wuZ(&S=B5H~=?kP%Xb3>p%lVEjVl$rUFGWWpE;V#d&*F=`Ms3L~hDp&^+f"
    "eHt>xQ5QO$e5nFOA`y*Nn_}JB^CwcPHIK^7LG-EEtXsQItmslBM~@(@k~A43rHhp<F@h~xQ$~%PWPJh^8j>wiqE-=W<*EP"
)


def test_a_text_of_unipen_becomes_drawings_with_y_downward() -> None:
    seven, one = pen_digits.parse(TEXT)
    assert (seven.label, seven.writer, [len(stroke) for stroke in seven.strokes]) == (7, "12", [4, 2])
    assert one == LabelledDrawing(1, [[(10.0, -90.0), (10.0, -10.0)]], "3")


def test_a_list_is_small_readable_and_the_same_each_time(tmp_path: Path) -> None:
    assert pen_digits.write(TEXT, tmp_path / "list.json.gz") == 2
    first = (tmp_path / "list.json.gz").read_bytes()
    pen_digits.write(TEXT, tmp_path / "list.json.gz")
    assert (tmp_path / "list.json.gz").read_bytes() == first
    assert len(gzip.decompress(first).splitlines()) == 4  # a line a digit, and the brackets
    seven, one = collection.read(tmp_path / "list.json.gz")
    assert seven.strokes == [[(0, 0), (125, 0), (25, 250)], [(12, 125), (112, 125)]]  # the point on the line is left out
    difference = render(seven.strokes).astype(int) - render(pen_digits.parse(TEXT)[0].strokes)
    assert np.abs(difference).max() < 30
    assert one.strokes == [[(0, 0), (0, 250)]]


@pytest.mark.parametrize(
    ("ending", "content"), [("", TEXT.encode()), (".gz", gzip.compress(TEXT.encode())), (".Z", COMPRESSED)]
)
def test_uci_files_are_found_compressed_or_not_and_checked(ending: str, content: bytes, tmp_path: Path) -> None:
    digest = hashlib.sha256(TEXT.encode()).hexdigest()
    (tmp_path / f"digits{ending}").write_bytes(content)
    assert pen_digits.find(tmp_path, "digits", digest) == TEXT
    with pytest.raises(DataError, match=r"the SHA-256 of the text in .*digits.* must be 0000, and is"):
        pen_digits.find(tmp_path, "digits", "0000")
    with pytest.raises(DataError, match=r"must hold other, other\.Z or other\.gz"):
        pen_digits.find(tmp_path, "other", digest)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where a server has an archive with two files, as UCI's has them."""
    served = tmp_path / "served"
    served.mkdir()
    with zipfile.ZipFile(served / "digits.zip", "w") as archive:
        for name in ("README", "train.Z", "test.Z"):
            archive.writestr(name, COMPRESSED)

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(served))

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_command_downloads_the_archive_and_makes_both_lists(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = hashlib.sha256(TEXT.encode()).hexdigest()
    monkeypatch.setattr(pen_digits, "SOURCES", {"first": ("train", digest), "second": ("test", digest)})
    monkeypatch.setattr(pen_digits, "FOLDER", tmp_path)
    monkeypatch.setattr(pen_digits, "CHECKOUT", tmp_path)
    monkeypatch.setattr(pen_digits, "ADDRESS", f"{address}/digits.zip")
    monkeypatch.setattr("sys.argv", ["pen_digits"])
    pen_digits.main()
    assert capsys.readouterr().out == "2 digits in first.json.gz\n2 digits in second.json.gz\n"
    assert [drawing.label for drawing in collection.read(tmp_path / "second.json.gz")] == [7, 1]
    monkeypatch.setattr(pen_digits, "ADDRESS", f"{address}/nothing.zip")
    with pytest.raises(DataUnavailable, match=r"nothing\.zip can't be had: 404[^\n]*\nFetch it by other means, unpack train"):
        pen_digits.main()


def test_the_lists_have_all_digits_of_all_writers_and_are_small() -> None:
    train, test = (pen_digits.FOLDER / f"{name}.json.gz" for name in pen_digits.SOURCES)
    assert train.stat().st_size + test.stat().st_size <= 1.5 * 2**20
    found = [json.loads(gzip.decompress(path.read_bytes())) for path in (train, test)]
    assert [len(drawings) for drawings in found] == [7494, 3498]
    assert [len({drawing["writer"] for drawing in drawings}) for drawings in found] == [30, 14]
