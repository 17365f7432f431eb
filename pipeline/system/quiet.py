"""What libraries warn of, kept from the user."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_LOCK = RLock()


@contextmanager
def without_warnings() -> Iterator[None]:
    """A block in which no warning is shown, one thread at a time.

    Python restores the filters that it found when a block began: of two that overlap, the later would restore those of the
    earlier, and the program would warn of nothing any more.
    """
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
