"""Files that are dropped on a window, which Tk takes with its extension tkdnd alone: https://github.com/petasis/tkdnd."""

import tkinter as tk
from collections.abc import Callable
from pathlib import Path


def accept_files(window: tk.Tk, open_file: Callable[[Path], None]) -> None:
    """Let files be dropped on a window, by a file manager for example: `open_file` gets the first of them.

    There is no tkdnd for some systems and processors: there nothing can be dropped.
    """
    from tkinterdnd2 import COPY, DND_FILES, TkinterDnD

    try:
        TkinterDnD.require(window)
    except RuntimeError:
        return

    def dropped(paths: str) -> str:
        for path in window.tk.splitlist(paths)[:1]:
            open_file(Path(path))
        return str(COPY)

    # The package's own methods are of widgets, and a window is none: these are tkdnd's commands.
    window.tk.call("tkdnd::drop_target", "register", window, DND_FILES)
    window.tk.call("bind", window, "<<Drop>>", f"{window.register(dropped)} %D")
