"""What the windows beside the main one have in common."""

import tkinter as tk
from tkinter import ttk

from gui.page.palette import Palette


class Dialog(tk.Toplevel):
    """A window beside the main one, which Escape closes; what it shows goes into `content`."""

    def __init__(self, parent: tk.Tk, palette: Palette, px: float, title: str) -> None:
        super().__init__(parent, background=palette.window)
        self.title(title)
        self.transient(parent)
        self.geometry(f"+{parent.winfo_rootx() + round(40 * px)}+{parent.winfo_rooty() + round(60 * px)}")
        self.bind("<Escape>", lambda _: self.destroy())
        self.content = ttk.Frame(self, padding=round(16 * px))
        self.content.pack(fill="both", expand=True)
