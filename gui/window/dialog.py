"""What the windows beside the main one have in common, and the help, which is the simplest of them."""

import tkinter as tk
from tkinter import ttk

from gui.page.corrections import COLLECTION, TRAINING, shown
from gui.page.palette import Palette
from gui.window.commands import HELP

BAR = 40  # height of the bar that the desktop gives a dialog, at 96 dots an inch, pixels
INTRODUCTION = "Draw a digit, or several side by side. The answer follows the pen."
CORRECTING = (
    f"Is the answer wrong? Press the key of the right digit: the drawing is saved in {shown(COLLECTION)} with that label. "
    f"To train with it: {TRAINING} Ctrl+D asks for fifty digits in your hand, to the same end."
)


def raised(parent: tk.Tk, title: str) -> bool:
    """Bring the dialog of that title to the front. Returns whether there is one."""
    for child in parent.winfo_children():
        if isinstance(child, Dialog) and child.title() == title:
            child.lift()
            child.focus_set()
            return True
    return False


class Dialog(tk.Toplevel):
    """A window beside the main one, which Escape closes; what it shows goes into `content`."""

    def __init__(self, parent: tk.Tk, palette: Palette, px: float, title: str) -> None:
        super().__init__(parent, background=palette.window)
        self.title(title)
        self.transient(parent)
        self.maxsize(self.winfo_screenwidth(), self.winfo_screenheight() - round(BAR * px))
        self._corner = (parent.winfo_rootx() + round(40 * px), parent.winfo_rooty() + round(60 * px))
        placing = self.after_idle(self._place)  # once what it shows is there
        self.bind("<Destroy>", lambda _: self.after_cancel(placing))
        self.bind("<Escape>", lambda _: self.destroy())
        self.content = ttk.Frame(self, padding=round(16 * px))
        self.content.pack(fill="both", expand=True)

    def colour(self, palette: Palette) -> None:
        """Show everything in the colours of a theme; `gui.window.theme` sets those of most widgets."""
        self.configure(background=palette.window)

    def _place(self) -> None:
        """Put the dialog over the window, and wholly on the screen if it fits there."""
        self.update_idletasks()  # or it would have no size yet
        room = (self.winfo_screenwidth() - self.winfo_reqwidth(), self.winfo_screenheight() - self.winfo_reqheight())
        left, top = (max(min(corner, free), 0) for corner, free in zip(self._corner, room, strict=True))
        self.geometry(f"+{left}+{top}")


class Help(Dialog):
    """Every key, and what the mouse does."""

    TITLE = "Keys and mouse"

    def __init__(self, parent: tk.Tk, palette: Palette, px: float) -> None:
        super().__init__(parent, palette, px, self.TITLE)
        close = ttk.Button(self.content, text="Close", command=self.destroy)
        close.pack(side="bottom", anchor="e")  # first: on a small screen it is not what is cut
        frame, half, wrap = ttk.Frame(self.content), -(-len(HELP) // 2), round(660 * px)
        frame.pack(fill="both", expand=True)
        ttk.Label(frame, text=INTRODUCTION, wraplength=wrap).grid(columnspan=4, sticky="w", pady=(0, round(10 * px)))
        for number, (what, how) in enumerate(HELP):
            row, column = number % half + 1, number // half * 2
            gap = (round(24 * px) if column else 0, round(12 * px))
            ttk.Label(frame, text=what).grid(row=row, column=column, sticky="w", padx=gap, pady=round(2 * px))
            ttk.Label(frame, text=how, style="Faint.TLabel").grid(row=row, column=column + 1, sticky="w")
        ttk.Label(frame, text=CORRECTING, wraplength=wrap).grid(columnspan=4, sticky="w", pady=round(10 * px))
        close.focus_set()
        for key in ("<Return>", "<F1>"):
            self.bind(key, lambda _: self.destroy())
