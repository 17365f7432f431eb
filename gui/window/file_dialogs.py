"""Dialogs that ask which file to open, and under which name to save."""

import tkinter as tk
from collections.abc import Iterable
from pathlib import Path
from tkinter import filedialog, messagebox

from gui.page import files
from gui.page.session import Session
from gui.reading import model_catalog
from pipeline.system.patches import hide_dot_files

KIND = "digits_kind"  # the Tcl variable of the kind of file that was chosen


def _patterns(endings: Iterable[str]) -> str:
    """What names end in, in small letters or, as cameras name their files, in capitals."""
    return " ".join(f"*{each}" for ending in endings for each in (ending, ending.upper()))


def open_model(parent: tk.Misc) -> str:
    """Ask for the file of a model, and return its path; "" if none was chosen."""
    hide_dot_files(parent)
    kinds = [("Models", _patterns(model_catalog.ENDINGS)), ("All files", "*")]
    return str(filedialog.askopenfilename(parent=parent, title="Open a model", filetypes=kinds) or "")


def open_drawing(parent: tk.Tk, session: Session) -> None:
    """Ask for a picture or a drawing, and show it."""
    hide_dot_files(parent)
    kinds = [("Pictures and drawings", _patterns((*files.IMAGES, *files.STROKES))), ("All files", "*")]
    if path := filedialog.askopenfilename(parent=parent, title="Open a picture or a drawing", filetypes=kinds):
        session.open(Path(path))


def save_drawing(parent: tk.Tk, session: Session) -> None:
    """Ask for a name, and save the drawing as an image or as strokes."""
    files.must_have_strokes(session.page)
    hide_dot_files(parent)
    parent.setvar(KIND, "")
    chosen = filedialog.asksaveasfilename(
        parent=parent, title="Save the drawing", filetypes=[("Image", "*.png"), ("Strokes", "*.json")], typevariable=KIND
    )
    if not chosen:
        return
    # Not the dialog's own default ending: on X11 a name gets that whatever kind was chosen.
    path = files.with_ending(Path(chosen), str(parent.getvar(KIND)))
    question = f"The file {path.name} exists already. Replace it?"
    if str(path) == chosen or not path.exists() or messagebox.askokcancel("Save", question, parent=parent):
        session.save_drawing(path)
