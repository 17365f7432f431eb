"""Model files, read as data: what a file is, what it asks for, and whether that is harmless. Keras is not started.

``keras.models.load_model`` on a stranger's file has run code (CVE-2024-3660, CVE-2025-9905) and read other files through HDF5's
external links (CVE-2026-1669). So a file is copied to a private folder; the first bytes of the copy say what it is; its
definition is read as JSON and compared with `harmless`, and its weights are looked at. What was checked, and nothing
else of the file, is handed on: its name, a change of the file in the meantime and anything behind its end make no difference.
"""

import json
import math
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from pipeline.inference import description
from pipeline.inference.default_model import remedy
from pipeline.inference.harmless import ACTIVATIONS, is_harmless
from pipeline.system.errors import ModelError

DEFINITION = "model_config"  # attribute of an .h5 file

HDF5_BEGIN = b"\x89HDF\r\n\x1a\n"
ZIP_BEGIN = b"PK\x03\x04"
MOST_BYTES = 500 * 2**20  # of a model file, and of what is unpacked from it
MOST_TEXT = 8 * 2**20  # of a definition, bytes; that of a network of 400 layers has 300,000
MOST_DEPTH = 60  # of brackets within brackets in a definition
MOST_PIECES = 20_000  # groups and datasets of weights; a network of 400 layers has 3,000


@dataclass(frozen=True)
class ModelFile:
    """What was read of a model file.

    Attributes:
        definition: the model that Keras is asked to make, of nothing but harmless classes.
        weights: a private copy of them, by its ending in the format of Keras 3, ``.weights.h5``, or an older one, ``.h5``.
        description: what the file says of itself, as JSON; None if it says nothing.

    """

    definition: dict[str, Any]
    weights: Path
    description: str | bytes | None


def must_begin_like_a_model(path: Path) -> None:
    """Make sure, in no time, that there is a file that begins as one of HDF5 or a ZIP archive, of which every model is one.

    Raises:
        ModelError: there is none, it is a folder, or it begins otherwise.

    """
    if path.is_dir():
        raise ModelError(f"{path} is a folder, and a model is one file, .h5 or .keras. Save it with model.save('name.keras').")
    if not path.is_file():
        raise ModelError(f"there is no model {path}. {remedy(path, 'Check its path.')}")
    try:
        with path.open("rb") as file:
            begin = file.read(len(HDF5_BEGIN))
    except OSError as error:
        raise ModelError(f"{path} can't be read: {error.strerror}.") from None
    if begin != HDF5_BEGIN and not begin.startswith(ZIP_BEGIN):
        raise ModelError(f"{path} is not a whole Keras model: it is neither HDF5 nor .keras. {remedy(path)}")


@contextmanager
def read(path: Path) -> Iterator[ModelFile]:
    """Read a model file and make sure that it is whole and harmless. The weights are there until the block ends.

    Raises:
        ModelError: the file is missing, broken or too large, holds weights without a definition, or asks for more than
            harmless classes.

    """
    must_begin_like_a_model(path)
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        try:
            found = _read(path, Path(folder))
        except ModelError:
            raise
        except Exception as error:  # h5py, zipfile and json raise whatever on nonsense
            raise ModelError(f"{path} is not a whole Keras model: {first_line(error)}. {remedy(path)}") from None
        yield found


def first_line(error: BaseException) -> str:
    """What a library says of an error, for a message of ours; of Keras, which tells around it where it was, the innermost."""
    innermost = str(error).rpartition("Exception encountered: ")[2].strip()
    return innermost.partition("\n")[0][:300] or type(error).__name__


def _read(path: Path, folder: Path) -> ModelFile:
    copy = folder / "file"
    with path.open("rb") as source:
        _copy(source, copy, path)
    says = None
    with copy.open("rb") as file:
        begin = file.read(8)
    if begin == HDF5_BEGIN:
        weights = copy.rename(folder / "copy.h5")
        with h5py.File(weights, "r") as opened:
            _check_pieces(opened, path)
            text, says = _text(opened, DEFINITION), _text(opened, description.ATTRIBUTE)
        if text is None:
            raise ModelError(
                f"{path} holds weights without the definition of the model that they belong to. Save the whole model: "
                "model.save, not save_weights."
            )
    elif begin.startswith(ZIP_BEGIN):
        weights = folder / "copy.weights.h5"
        text = _unpack(copy, weights, path)
        with h5py.File(weights, "r") as opened:
            _check_pieces(opened, path)
    else:
        raise ValueError("it has changed while it was read")
    definition = _parse(text)
    if strange := sorted(_strange(definition)):
        raise ModelError(f"{path} holds what is not known to be harmless: {', '.join(strange)}. It was not opened.")
    return ModelFile(definition, weights, says)


def _copy(source: Any, target: Path, path: Path) -> None:
    """Copy an open file, but not more than `MOST_BYTES`, whatever it says of its size."""
    size = 0
    with target.open("xb") as file:
        while block := source.read(2**20):
            size += len(block)
            if size > MOST_BYTES:
                raise ModelError(
                    f"{path} must have at most {MOST_BYTES:,} bytes, unpacked too, and has more. It was not opened."
                )
            file.write(block)


def _unpack(archive: Path, weights: Path, path: Path) -> str | bytes:
    """Write the weights of a ``.keras`` archive to `weights`, and return its definition."""
    with zipfile.ZipFile(archive) as opened:
        names = set(opened.namelist())
        if "config.json" not in names:
            raise ModelError(f"{path} is a ZIP archive without a config.json, so no model of Keras 3. {remedy(path)}")
        if "model.weights.h5" not in names:
            raise ModelError(f"{path} holds a definition without its weights, model.weights.h5. Save it again, in one file.")
        with opened.open("config.json") as file:
            text = file.read(MOST_TEXT + 1)
        with opened.open("model.weights.h5") as file:
            _copy(file, weights, path)
    return text


def _text(file: h5py.File, name: str) -> str | bytes | None:
    """An attribute that is one text; None if there is none of that name."""
    if name not in file.attrs:
        return None
    text = file.attrs[name]
    if not isinstance(text, str | bytes):
        raise ValueError(f"its {name} must be text, and is {text!r:.100}")
    return text


def _check_pieces(file: h5py.File, path: Path) -> None:
    """Refuse what leads out of an HDF5 file, what is there under two names, as a group within itself, and what is too large."""
    seen, waiting, size = {file.id}, [file["/"]], 0
    while waiting:
        item = waiting.pop()
        size += sum(_bytes(item.attrs.get_id(name), file, path) for name in item.attrs)
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise ModelError(f"{path} keeps {item.name} in another file. It was not opened.")
            size += _bytes(item.id, file, path)
        for name in item if isinstance(item, h5py.Group) else ():
            if not isinstance(item.get(name, getlink=True), h5py.HardLink):
                raise ModelError(f"{path} holds a link to something outside of it: {name}. It was not opened.")
            inside = item[name]
            if inside.id in seen or len(seen) == MOST_PIECES:
                raise ModelError(
                    f"{path} holds a piece under two names, {name}, or more than {MOST_PIECES:,}, which no model does. It was "
                    "not opened."
                )
            seen.add(inside.id)
            waiting.append(inside)
        if size > MOST_BYTES:
            raise ModelError(f"{path} must have at most {MOST_BYTES:,} bytes, unpacked, and has more. It was not opened.")


def _bytes(stored: Any, file: h5py.File, path: Path) -> int:
    """How many bytes a dataset or an attribute takes in memory at most, by its low-level identifier."""
    kind, length = stored.dtype, math.prod(stored.shape or ())
    if not kind.hasobject:
        return length * int(kind.itemsize)
    if h5py.check_string_dtype(kind) is None:
        raise ModelError(f"{path} holds references or lists, which no weights are. It was not opened.")
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


def _strange(definition: Any, depth: int = 0) -> set[str]:
    """All that a definition asks Keras to make and that isn't known to be harmless, by name, with a foreign module.

    What it says of training is taken out of it.
    """
    if depth > MOST_DEPTH:
        raise ValueError(f"its definition must have at most {MOST_DEPTH} brackets within brackets, and has more")
    if isinstance(definition, list):
        return set().union(*(_strange(value, depth + 1) for value in definition))
    if not isinstance(definition, dict):
        return set()
    # How a model was trained is of no use to one that only reads, and names losses and optimizers of anybody's making.
    definition.pop("compile_config", None)
    found = set().union(*(_strange(value, depth + 1) for value in definition.values()))
    if "class_name" in definition:
        name, module, registered = (definition.get(key) for key in ("class_name", "module", "registered_name"))
        if not isinstance(name, str) or not isinstance(module, str | None) or not isinstance(registered, str | None):
            raise ValueError(f"a class in its definition must be named by text, and is named {name!r:.50}")
        if name == "function" and definition.get("config") in ACTIVATIONS:  # tf.nn.softmax, as tf.keras wrote it
            return found
        own = registered in (None, name)
        if not (own and is_harmless(name, module or "keras")):
            found.add(
                registered if not own and registered else f"{module}.{name}" if module and "keras" not in module else name
            )
    return found
