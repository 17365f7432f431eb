"""The bar that shows on a terminal how far a command is."""

import shutil
from typing import Any

from tqdm import tqdm

CTRL_C = 3  # columns: a terminal writes ^C behind the bar, and a line that breaks there could not be cleared


def progress_bar(total: int, done: int, form: str, shown: bool = True) -> "tqdm[Any]":
    """A bar in the last line of a terminal, which goes when it is closed; where there is no terminal, none.

    Lines above it are written by ``tqdm.write``; `form` is tqdm's ``bar_format``.
    """
    width = shutil.get_terminal_size().columns - CTRL_C
    return tqdm(total=total, initial=done, bar_format=form, ncols=width, leave=False, disable=None if shown else True)
