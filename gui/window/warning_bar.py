"""The row that warns of a model that reads badly, and offers others."""

import tkinter as tk
from tkinter import ttk

from gui.window.commands import Actions


class WarningBar(ttk.Frame):
    """A warning, and buttons that open other models."""

    def __init__(self, parent: tk.Misc, px: float, actions: Actions) -> None:
        super().__init__(parent)
        self.warning = ttk.Label(self, style="Warning.TLabel")
        self.warning.pack(side="left")
        self.shipped = ttk.Button(self, text="Use the shipped model", command=actions["shipped"])
        self.champion = ttk.Button(self, text="Use the champion", command=actions["champion"])
        self._gap = round(6 * px)
        self.shipped.pack(side="right", padx=(self._gap, 0))

    def show(self, warning: str, has_champion: bool) -> None:
        """Show a warning, if there is any."""
        self.warning["text"] = warning
        if has_champion and not self.champion.winfo_manager():
            self.champion.pack(side="right", padx=(self._gap, 0))
        self.grid() if warning else self.grid_remove()
