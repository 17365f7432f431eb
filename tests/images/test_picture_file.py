"""Picture files of every kind, and what no picture can be made of."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from pipeline.images import picture_file
from pipeline.images.picture_file import open_picture
from pipeline.system.errors import DataError


def test_a_large_picture_is_made_smaller_and_a_huge_one_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.png"
    Image.new("L", (4000, 1000)).save(path)
    assert open_picture(path).size == (1600, 400)
    monkeypatch.setattr(picture_file, "MOST_VALUES", 1000)
    with pytest.raises(DataError, match=r"large\.png must have at most 1,000 pixels, and has 4000 x 1000\. Make it smaller"):
        open_picture(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DataError, match=r"large\.png must have at most 1,000 pixels"):
        open_picture(path)


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    Image.new("L", (40, 20)).save(tmp_path / "photo.jpg", exif=exif)
    assert open_picture(tmp_path / "photo.jpg").size == (20, 40)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_an_uncompressed_scan_that_was_turned_is_read_as_it_is_seen(orientation: int, tmp_path: Path) -> None:
    scan = np.random.default_rng(0).integers(0, 255, (30, 50), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(scan).save(tmp_path / "scan.tif", exif=exif)
    upright = {5: scan.T, 6: np.rot90(scan, -1), 7: scan[::-1, ::-1].T, 8: np.rot90(scan)}[orientation]
    np.testing.assert_array_equal(np.asarray(open_picture(tmp_path / "scan.tif")), upright)


def _with_a_long_profile() -> bytes:
    file = io.BytesIO()
    Image.new("L", (9, 9)).save(file, "PNG", icc_profile=bytes(PngImagePlugin.MAX_TEXT_CHUNK + 1))
    return file.getvalue()


def _cut_off(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 40), np.uint8)).save(file, kind)
    return file.getvalue()[:-400]


BROKEN = {
    "nothing": b"",
    "rubbish": b"rubbish",
    "a long profile": _with_a_long_profile(),
    "half a PNG": _cut_off("PNG"),
    "half a TIFF": _cut_off("TIFF"),
    "half an icon": b"\0\0\1\0\1\0" + struct.pack("<8H", *[9] * 8),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_is_no_picture_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(content)
    with pytest.raises(DataError, match=r"broken\.png can't be read as a picture: .+ Mend it or take it away"):
        open_picture(tmp_path / "broken.png")


def test_a_picture_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no picture .*missing\.png"):
        open_picture(tmp_path / "missing.png")
