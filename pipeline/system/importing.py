"""Importing large libraries in less time."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Result = TypeVar("Result")
LARGE = 2**16  # words of a frame that is given a piece of memory as large again for the frames above it


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


def in_one_piece(function: Callable[[], Result]) -> Result:
    """Call a function that takes seconds, most of them for imports, all of whose frames are then in one piece of memory.

    CPython keeps frames in pieces of 16 KiB. It asks the system for the next piece, and gives it back, at every call across the
    end of one: if an import happens to stand there, tens of thousands of times, which is a fifth of the time that it takes.
    https://github.com/python/cpython/blob/3.13/Python/pystate.c (push_chunk)
    """

    def call() -> Result:
        return function()

    call.__code__ = call.__code__.replace(co_stacksize=LARGE)
    return call()
