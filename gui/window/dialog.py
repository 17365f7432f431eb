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
        self._corner = (parent.winfo_rootx() + round(40 * px), parent.winfo_rooty() + round(60 * px))
        placing = self.after_idle(self._place)  # once what it shows is there
        self.bind("<Destroy>", lambda _: self.after_cancel(placing))
        self.bind("<Escape>", lambda _: self.destroy())
        self.content = ttk.Frame(self, padding=round(16 * px))
        self.content.pack(fill="both", expand=True)

    def _place(self) -> None:
        """Put the dialog over the window, and wholly on the screen if it fits there."""
        self.update_idletasks()  # or it would have no size yet
        room = (self.winfo_screenwidth() - self.winfo_reqwidth(), self.winfo_screenheight() - self.winfo_reqheight())
        left, top = (max(min(corner, free), 0) for corner, free in zip(self._corner, room, strict=True))
        self.geometry(f"+{left}+{top}")
