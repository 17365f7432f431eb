"""Importing large libraries in less time."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lightly(*hidden: str) -> Iterator[None]:
    """A block that takes seconds, most of them for imports.

    Args:
        hidden: libraries that would be loaded, if they are found, for what nothing here uses.

    """
    absent = [name for name in hidden if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    # An import makes a million objects that stay; looking for garbage among them is a fifth of the time that it takes.
    is_outermost = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_outermost:
            gc.freeze()
            gc.enable()
        for name in absent:
            sys.modules.pop(name, None)
