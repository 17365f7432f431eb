"""``python -m pipeline.data.pen_digits [FOLDER]``: makes the lists of pen strokes in data/strokes from UCI's own files.

The data set "Pen-Based Recognition of Handwritten Digits" (E. Alpaydin, F. Alimoglu, 1998; CC BY 4.0,
https://doi.org/10.24432/C5MG6K): 7,494 digits of 30 writers to train on and 3,498 digits of 14 other writers to test with, in
the text format of UNIPEN (Guyon et al., 1994): ``.COMMENT label writer number``, then strokes of "x y", y upward, between
``.PEN_DOWN`` and ``.PEN_UP``.
"""

import argparse
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pipeline.images.strokes import LabelledDrawing
from pipeline.system.command_line import run_command
from pipeline.system.errors import DataError, DataUnavailable
from pipeline.system.paths import CHECKOUT, replacing

FOLDER = CHECKOUT / "data" / "strokes"
ADDRESS = "https://archive.ics.uci.edu/static/public/81/pen+based+recognition+of+handwritten+digits.zip"

#: By the list that is made of it: UCI's file, without the ending of its compression, and the SHA-256 of its text.
SOURCES = {
    "pen_digits_train": ("pendigits-orig.tra", "a66225d68d7d68591e62944df1ad33b3f5aa608e2df2505844b41f5568a80da4"),
    "pen_digits_test": ("pendigits-orig.tes", "ddb1c19e277a56c7ffe682cc024d6ab73696f9adcc1643ef9ed5aa753007e081"),
}
SIDE = 250  # of the box that a digit is brought to: about the resolution of the tablet
TOLERANCE = 1.25  # in the same unit: the most by which the line is moved where points are left out


def parse(text: str) -> list[LabelledDrawing]:
    """The digits in a text of UNIPEN's format, y turned downward."""
    drawings: list[LabelledDrawing] = []
    strokes: list[list[tuple[float, float]]] = []
    for line in text.splitlines():
        match line.split():
            case [".COMMENT", label, writer, number] if (label + writer + number).isdigit():
                strokes = []
                drawings.append(LabelledDrawing(int(label), strokes, writer))
            case [".PEN_DOWN"]:
                strokes.append([])
            case [x, y] if not x.startswith(".") and strokes:
                strokes[-1].append((float(x), -float(y)))
    return drawings


def simplified(drawing: LabelledDrawing) -> dict[str, object]:
    """A drawing as it is written: in a box of `SIDE`, in whole numbers, without points that lie on the line anyway."""
    from skimage.measure import approximate_polygon  # Douglas and Peucker, 1973; takes a second to load

    strokes = [np.array(stroke) for stroke in drawing.strokes if stroke]
    low, high = np.concatenate(strokes).min(axis=0), np.concatenate(strokes).max(axis=0)
    scale = SIDE / max(float((high - low).max()), 1.0)
    lines = [approximate_polygon((stroke - low) * scale, TOLERANCE) for stroke in strokes]
    return {
        "label": drawing.label,
        "writer": drawing.writer,
        "strokes": [np.rint(line).astype(int).tolist() for line in lines],
    }


def write(text: str, path: Path) -> int:
    """Write the digits of a text as a gzipped list, a line each, the same bytes each time; return how many there are."""
    drawings = parse(text)
    found = tqdm(drawings, path.name.partition(".")[0], unit="digit", disable=None)
    lines = ",\n".join(json.dumps(simplified(drawing), separators=(",", ":")) for drawing in found)
    with replacing(path) as temporary:
        temporary.write_bytes(gzip.compress(f"[\n{lines}\n]\n".encode(), mtime=0))
    return len(drawings)


def find(folder: Path, name: str, sha256: str) -> str:
    """The text of one of UCI's files in a folder: as it is, or compressed (``.Z``, ``.gz``).

    Raises:
        DataError: it is not there, or is another text.
    """
    for ending in ("", ".Z", ".gz"):
        path = folder / (name + ending)
        if not path.is_file():
            continue
        if ending:  # gzip reads what compress wrote, and Python doesn't
            content = subprocess.run(["gzip", "-dc", path], check=False, capture_output=True).stdout
        else:
            content = path.read_bytes()
        if (received := hashlib.sha256(content).hexdigest()) != sha256:
            raise DataError(f"the SHA-256 of the text in {path} must be {sha256}, and is {received}. Fetch it again.")
        return content.decode("latin-1")
    raise DataError(f"{folder} must hold {name}, {name}.Z or {name}.gz, and holds none of them.")


def download(folder: Path) -> None:
    """Fetch UCI's archive, and put its files into a folder.

    Raises:
        DataUnavailable: it can't be had.
    """
    import pooch
    import requests

    members = [f"{name}.Z" for name, _ in SOURCES.values()]
    unpacked = pooch.Unzip(members=members, extract_dir=".")
    try:
        print(f"Fetching {ADDRESS}", file=sys.stderr)
        pooch.retrieve(ADDRESS, None, "pendigits.zip", folder, processor=unpacked, progressbar=True)
    except (requests.RequestException, ValueError, OSError) as error:
        raise DataUnavailable(
            f"{ADDRESS} can't be had: {error}\nFetch it by other means, unpack {' and '.join(members)} into a folder, and "
            "run: python -m pipeline.data.pen_digits FOLDER"
        ) from None


def main() -> None:
    """Entry point of ``python -m pipeline.data.pen_digits``."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.data.pen_digits",
        description="Make the lists of pen strokes in data/strokes from the files of the UCI data set "
        '"Pen-Based Recognition of Handwritten Digits". The project has these lists: this says where they come from.',
    )
    parser.add_argument(
        "folder", type=Path, nargs="?", metavar="FOLDER", help="with UCI's files (default: they are downloaded)"
    )
    given = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as temporary:
        folder = given or Path(temporary)
        if given is None:
            download(folder)
        texts = {name: find(folder, *source) for name, source in SOURCES.items()}
    for name, text in texts.items():
        count = write(text, FOLDER / f"{name}.json.gz")
        print(f"{count:,} digits in {(FOLDER / name).relative_to(CHECKOUT)}.json.gz")


if __name__ == "__main__":
    run_command(main)
