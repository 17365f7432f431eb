"""Patches of libraries: whatever is not their public interface stands here, and nowhere else.

Each has the version it was made for, what it gains, a test that fails when the library has changed (`tests/test_patches.py`),
and what happens without it.
"""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn


@contextmanager
def importing_without(*hidden: str) -> Iterator[None]:
    """A block of imports for which some libraries are not to be found, and in which no garbage is collected.

    For TensorFlow 2.21 and Keras 3.15, which load wrappers for matplotlib, pandas, scipy and scikit-learn if they find them:
    8.4 s of CPU to start become 4.4. Every stage, every worker of a sweep and the window's reading process start once. Without
    it nothing changes but that time. It must not be used where another thread imports.

    Args:
        hidden: names of libraries. One that is loaded already stays.

    """
    absent = [name for name in hidden if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
        for name in absent:
            sys.modules.pop(name, None)


def end_at_once() -> NoReturn:
    """End a process whose work is done and written, without taking its libraries apart.

    For TensorFlow 2.21 and MLflow 3.17: with this, and pandas hidden from MLflow, a stage and its recorder take 10 s of CPU and
    not 12. No `atexit` function runs, so it is for the end of a command alone; without it nothing changes but that time.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def explain_compositions(explain: Callable[[Any], str]) -> None:
    """End the process with a message of ours where Hydra refuses an override.

    For Hydra 1.3, composing for DVC 3.67 (``dvc exp run -S``), which offers no place for it: without it DVC prints Hydra's own
    words as an unexpected error, with nothing of the nearest key.

    Args:
        explain: takes the HydraException.

    """
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra.errors import HydraException

    load = ConfigLoaderImpl.load_configuration

    def load_or_explain(self: ConfigLoaderImpl, *arguments: Any, **options: Any) -> Any:
        try:
            return load(self, *arguments, **options)
        except HydraException as error:
            sys.exit(explain(error))

    ConfigLoaderImpl.load_configuration = load_or_explain
