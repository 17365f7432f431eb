"""Model files, read as data: what a file is, its definition and its weights. Keras is not started.

``keras.models.load_model`` on a stranger's file has run code (CVE-2024-3660, CVE-2025-9905) and read other files through HDF5's
external links (CVE-2026-1669). So a file is copied to a private folder, and the first bytes of the copy decide what it is. Its
definition is read as JSON, and its weights are checked. Only these are handed on, so that the file's name, a change of it in
the meantime and anything behind its end make no difference.
"""

import json
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import h5py

from pipeline.inference import description
from pipeline.inference.default_model import check_start, remedy
from pipeline.inference.harmless import Refused
from pipeline.system.errors import ModelError

DEFINITION = "model_config"  # attribute of an .h5 file

MOST_BYTES = 500 * 2**20  # of a model file, and of what is unpacked from it
MOST_TEXT = 8 * 2**20  # of a definition, bytes; that of a network of 400 layers has 300,000
MOST_PIECES = 20_000  # groups and datasets of weights; a network of 400 layers has 3,000


@dataclass(frozen=True)
class ModelFile:
    """What was read of a model file."""

    definition: dict[str, Any]  # as JSON: `definitions.modern` makes one of it that Keras may see
    weights: Path  # a private copy, whose ending names its format: ``.weights.h5`` of Keras 3, ``.h5`` of older ones
    description: str | bytes | None  # what the file says of itself, as JSON


def read(path: Path, folder: Path) -> ModelFile:
    """Read a model file and make sure that it is whole. Its private copy is in `folder`.

    Raises:
        ModelError: the file is missing or broken.
        Refused: it is too large, leads to other files, or holds weights without a definition.
    """
    check_start(path)
    try:
        return _read(path, folder)
    except Refused:
        raise
    except Exception as error:  # h5py, zipfile and json raise whatever on nonsense
        raise ModelError(f"{path} is not a whole Keras model: {first_line(error)}. {remedy(path)}") from None


def first_line(error: BaseException) -> str:
    """The first line of a library's message, without what Keras tells around it: where the error happened."""
    innermost = str(error).rpartition("Exception encountered: ")[2].strip()
    return innermost.partition("\n")[0][:300] or type(error).__name__


def _read(path: Path, folder: Path) -> ModelFile:
    copy, says = folder / "file", None
    with path.open("rb") as source:
        _copy(source, copy)
    if h5py.is_hdf5(copy):
        weights = copy.rename(folder / "copy.h5")
        with h5py.File(weights, "r") as opened:
            _check_pieces(opened)
            text, says = _text(opened, DEFINITION), _text(opened, description.ATTRIBUTE)
        if text is None:
            raise Refused(
                "holds weights without the definition of their model. Save the whole model: model.save, not save_weights"
            )
    else:
        weights = folder / "copy.weights.h5"
        text = _unpack(copy, weights)
        with h5py.File(weights, "r") as opened:
            _check_pieces(opened)
    return ModelFile(_parse(text), weights, says)


def _copy(source: IO[bytes], target: Path) -> None:
    """Copy an open file, but not more than `MOST_BYTES`, whatever it says of its size."""
    size = 0
    with target.open("xb") as file:
        while block := source.read(2**20):
            size += len(block)
            _check_size(size)
            file.write(block)


def _check_size(size: int) -> None:
    if size > MOST_BYTES:
        raise Refused(f"must have at most {MOST_BYTES:,} bytes, unpacked too, and has more")


def _unpack(archive: Path, weights: Path) -> bytes:
    """Write the weights of a ``.keras`` archive to `weights`, and return its definition."""
    with zipfile.ZipFile(archive) as opened:
        for name in ("config.json", "model.weights.h5"):
            if name not in opened.namelist():
                raise ValueError(f"it is a ZIP archive without {name}")
        with opened.open("config.json") as file:
            text = file.read(MOST_TEXT + 1)
        with opened.open("model.weights.h5") as file:
            _copy(file, weights)
    return text


def _text(file: h5py.File, name: str) -> str | bytes | None:
    """An attribute that is one text; None if there is none of that name."""
    text = file.attrs.get(name)
    if not isinstance(text, str | bytes | None):
        raise ValueError(f"its {name} must be text, and is {text!r:.100}")
    return text


def _check_pieces(file: h5py.File) -> None:
    """Refuse what leads out of an HDF5 file, what has two names (as a group within itself has), and what is too large."""
    seen, waiting, size = {file.id}, [file["/"]], 0
    while waiting:
        item = waiting.pop()
        size += sum(_bytes(item.attrs.get_id(name), file) for name in item.attrs)
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise Refused(f"keeps {item.name} in another file")
            size += _bytes(item.id, file)
        for name in item if isinstance(item, h5py.Group) else ():
            if not isinstance(item.get(name, getlink=True), h5py.HardLink):
                raise Refused(f"holds a link to something outside of it: {name}")
            inside = item[name]
            if inside.id in seen or len(seen) == MOST_PIECES:
                raise Refused(f"holds a piece under two names, {name}, or more than {MOST_PIECES:,}, which no model does")
            seen.add(inside.id)
            waiting.append(inside)
        _check_size(size)


def _bytes(stored: Any, file: h5py.File) -> int:
    """How many bytes a dataset or an attribute takes in memory at most, by its low-level identifier."""
    kind, length = stored.dtype, math.prod(stored.shape or ())
    if not kind.hasobject:
        return length * int(kind.itemsize)
    if h5py.check_string_dtype(kind) is None:
        raise Refused("holds references or lists, which no weights are")
    # Each of many texts may be the same one, as long as the file.
    return length * int(file.id.get_filesize()) if length > 1 else 0


def _parse(text: str | bytes) -> dict[str, Any]:
    """The definition as JSON."""
    if len(text) > MOST_TEXT:
        raise ValueError(f"its definition must be at most {MOST_TEXT:,} bytes, and is longer")
    definition = json.loads(text)
    if not isinstance(definition, dict) or not isinstance(definition.get("config"), dict | list):
        raise ValueError(f"its definition must be a class_name with a config, and is {definition!r:.100}")
    return definition
