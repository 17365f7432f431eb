"""Patches of libraries: what isn't their public interface is here, and nowhere else.

Each says for which version it was made, what it gains and what happens without it, and has a test that fails when the library
has changed (`tests/system/test_patches.py`).
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from threading import get_ident
from typing import Any, NoReturn


class _Hidden(MetaPathFinder):
    """Says of some libraries that they are not installed, to the imports of one thread."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names, self._thread = names, get_ident()

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        if name in self._names and get_ident() == self._thread:
            raise ModuleNotFoundError(f"{name} is hidden from this import", name=name)


@contextmanager
def importing_without(*hidden: str) -> Iterator[None]:
    """A block whose imports find some libraries not installed. Other threads import them meanwhile as ever.

    For TensorFlow 2.21 and Keras 3.15, which load wrappers for matplotlib, pandas, scipy and scikit-learn if they find them:
    3.8 s of CPU to start become 2.3, in each stage, each worker of a sweep and the window's reading process. Without it
    nothing changes but that time. A library that is loaded already stays.
    """
    finder = _Hidden(hidden)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def end_at_once() -> NoReturn:
    """End a process whose work is done and written, without the clean-up of its libraries.

    For TensorFlow 2.21 and MLflow 3.17: the end of a stage takes 0.8 s of CPU less, that of its recorder 0.7; a small
    `dvc repro`, of 26 s, 5 less. No `atexit` function runs, so it is for the end of a command alone; without it nothing changes
    but that time.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def surround_compositions(surround: Callable[[list[str], Callable[[list[str]], Any]], Any]) -> None:
    """Let a function of ours do what Hydra does to compose, given the overrides, and the function that composes with overrides.

    For Hydra 1.3, when DVC 3.67 composes (``dvc exp run -S``). Without it DVC prints Hydra's message of a bad override as an
    unexpected error, without the nearest key, and ``params.yaml`` doesn't tell its overrides, so that the first ``dvc repro``
    after ``dvc exp apply`` composes without them.
    """
    from hydra._internal.config_loader_impl import ConfigLoaderImpl

    load = ConfigLoaderImpl.load_configuration

    def load_within(self: ConfigLoaderImpl, *arguments: Any, overrides: list[str], **options: Any) -> Any:
        return surround(overrides, lambda those: load(self, *arguments, overrides=those, **options))

    ConfigLoaderImpl.load_configuration = load_within


def error_of_trial(error: Exception) -> Exception | None:
    """The error that ended Optuna's `optimize`; None if that was of a trial which had become stale, and is requeued.

    For Optuna 5.0, which raises an error of its own while it handles one of its store, or of a stale trial. Without it a sweep
    whose store is gone ends with an UnboundLocalError, and one whose machine slept with an AssertionError.
    """
    from optuna.exceptions import UpdateFinishedTrialError

    hides = isinstance(error, UnboundLocalError | AssertionError) and isinstance(error.__context__, Exception)
    cause = error.__context__ if hides else error
    is_stale = isinstance(cause, UpdateFinishedTrialError) or "Cannot tell a FAIL trial" in str(cause)
    return None if is_stale else cause  # type: ignore[return-value]


def hide_dot_files(window: Any) -> None:
    """Have Tk's own dialogs for files, which X11 has, list none whose name begins with a dot, unless one asks for them.

    For Tk 8.6, which keeps that in two variables of its own. Without it the dialogs list them. `window` is a widget of
    tkinter, which nothing below the window imports.
    """
    if window.tk.call("tk", "windowingsystem") == "x11":
        window.tk.call("auto_load", "::tk::dialog::file::")  # which sets these variables
        window.setvar("::tk::dialog::file::showHiddenBtn", "1")
        window.setvar("::tk::dialog::file::showHiddenVar", "0")
