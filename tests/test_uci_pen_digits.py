"""The lists of pen strokes that the project ships, and the command that makes them."""

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import collection, pen_digits
from pipeline.images.strokes import LabelledDrawing, render
from pipeline.system.errors import DataError

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


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_uci_files_are_found_compressed_or_not_and_checked(ending: str, tmp_path: Path) -> None:
    content = TEXT.encode()
    digest = hashlib.sha256(content).hexdigest()
    (tmp_path / f"digits{ending}").write_bytes(gzip.compress(content) if ending else content)
    assert pen_digits.find(tmp_path, "digits", digest) == TEXT
    with pytest.raises(DataError, match=r"the SHA-256 of the text in .*digits.* must be 0000, and is"):
        pen_digits.find(tmp_path, "digits", "0000")
    with pytest.raises(DataError, match=r"must hold other, other\.Z or other\.gz"):
        pen_digits.find(tmp_path, "other", digest)


def test_the_lists_have_all_digits_of_all_writers_and_are_small() -> None:
    train, test = (pen_digits.FOLDER / f"{name}.json.gz" for name in pen_digits.SOURCES)
    assert train.stat().st_size + test.stat().st_size <= 1.5 * 2**20
    found = [json.loads(gzip.decompress(path.read_bytes())) for path in (train, test)]
    assert [len(drawings) for drawings in found] == [7494, 3498]
    assert [len({drawing["writer"] for drawing in drawings}) for drawings in found] == [30, 14]
