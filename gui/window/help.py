"""The help window."""

import tkinter as tk
from tkinter import ttk

from gui.page.palette import Palette
from gui.window.commands import HELP
from gui.window.dialog import Dialog

INTRODUCTION = "Draw a digit, or several side by side. The answer follows the pen."
CORRECTING = (
    "Is the answer wrong? Press the key of the right digit: the drawing is saved in data/drawings/ with that label. "
    "After python -m pipeline.compose dataset.drawings.train=true, dvc repro trains with it. "
    "Ctrl+D asks for fifty digits in your hand, to the same end."
)


class Help(Dialog):
    """Every key, and what the mouse does."""

    def __init__(self, parent: tk.Tk, palette: Palette, px: float) -> None:
        super().__init__(parent, palette, px, "Keys and mouse")
        frame, half, wrap = self.content, -(-len(HELP) // 2), round(660 * px)
        ttk.Label(frame, text=INTRODUCTION, wraplength=wrap).grid(columnspan=4, sticky="w", pady=(0, round(10 * px)))
        for number, (what, how) in enumerate(HELP):
            row, column = number % half + 1, number // half * 2
            gap = (round(24 * px) if column else 0, round(12 * px))
            ttk.Label(frame, text=what).grid(row=row, column=column, sticky="w", padx=gap, pady=round(2 * px))
            ttk.Label(frame, text=how, style="Faint.TLabel").grid(row=row, column=column + 1, sticky="w")
        ttk.Label(frame, text=CORRECTING, wraplength=wrap).grid(columnspan=4, sticky="w", pady=round(10 * px))
        close = ttk.Button(frame, text="Close", command=self.destroy)
        close.grid(column=3, sticky="e")
        close.focus_set()
        for key in ("<Return>", "<F1>"):
            self.bind(key, lambda _: self.destroy())
