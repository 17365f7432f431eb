"""The list of models."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk
from typing import Literal

from gui.page.errands import Errands
from gui.page.palette import Palette
from gui.page.wording import sentence
from gui.reading import model_catalog
from gui.window import file_dialogs
from gui.window.dialog import Dialog

COLUMNS = (("Model", 220), ("Trained on", 110), ("Validation", 100), ("Test", 80), ("Date", 130))  # widths at 96 dots an inch
SECONDS = 30.0  # that reading the store may take
POLL = 50  # milliseconds
LATE = f"The MLflow store gave no answer in {SECONDS:.0f} seconds. Does another program lock it? Files can still be opened."


class Picker(Dialog):
    """Lists the models that there are; the store is read in the background.

    `chosen` is called with what `gui.reading.model_catalog.resolve` takes.
    """

    def __init__(self, parent: tk.Tk, palette: Palette, px: float, title: str, chosen: Callable[[str], None]) -> None:
        super().__init__(parent, palette, px, title)
        self._chosen = chosen
        self.entries: list[model_catalog.Entry] = []
        self.content.rowconfigure(0, weight=1)
        self.content.columnconfigure(0, weight=1)
        self.table = self._table(px)
        self.elsewhere, self.message = (
            ttk.Label(self.content, style="Faint.TLabel", wraplength=round(600 * px)) for _ in range(2)
        )
        self.message["text"] = "Reading the runs of the MLflow store …"
        for row, label in enumerate((self.elsewhere, self.message), start=1):
            label.grid(row=row, column=0, columnspan=2, sticky="w", pady=(round(8 * px), 0))
        self._buttons(round(8 * px)).grid(row=3, column=0, columnspan=2, sticky="ew", pady=(round(8 * px), 0))
        self._errands = Errands(lambda error: self.show(model_catalog.files(), error))
        self._errands.send(model_catalog.listing, then=lambda found: self.show(*found), seconds=SECONDS, late=LATE)
        self._polling = self.after(POLL, self._poll)

    def _table(self, px: float) -> ttk.Treeview:
        names = [name for name, _ in COLUMNS]
        table = ttk.Treeview(self.content, columns=names, show="headings", height=9, selectmode="browse")
        for name, width in COLUMNS:
            anchor: Literal["w", "e"] = "w" if name in names[:2] else "e"
            table.heading(name, text=name, anchor=anchor)
            table.column(name, width=round(width * px), anchor=anchor, stretch=name == "Model")
        bar = ttk.Scrollbar(self.content, command=table.yview)
        table.configure(yscrollcommand=bar.set)
        table.grid(row=0, column=0, sticky="nsew")
        bar.grid(row=0, column=1, sticky="ns")
        for key in ("<Return>", "<Double-1>"):
            table.bind(key, lambda _: self.choose())
        table.bind("<<TreeviewSelect>>", lambda _: self._tell_more())
        table.focus_set()
        return table

    def _buttons(self, gap: int) -> ttk.Frame:
        buttons = ttk.Frame(self.content)
        ttk.Button(buttons, text="Open a file …", command=self.choose_file).pack(side="left")
        ttk.Button(buttons, text="Open", command=self.choose, style="Main.TButton").pack(side="right")
        ttk.Button(buttons, text="Cancel", command=self.destroy).pack(side="right", padx=gap)
        return buttons

    def destroy(self) -> None:
        """Close the list."""
        self.after_cancel(self._polling)
        self._errands.close()
        super().destroy()

    def choose(self) -> None:
        """Open the selected model."""
        if selected := self.table.selection():
            self.destroy()
            self._chosen(self.entries[int(selected[0])].model)

    def _tell_more(self) -> None:
        """Show how the selected model reads other sets than its test images."""
        if selected := self.table.selection():
            self.elsewhere["text"] = self.entries[int(selected[0])].elsewhere

    def choose_file(self) -> None:
        """Ask for a file, and open it."""
        if path := file_dialogs.open_model(self):
            self.destroy()
            self._chosen(path)

    def _poll(self) -> None:
        self._polling = self.after(POLL, self._poll)
        self._errands.look()

    def show(self, entries: list[model_catalog.Entry], message: str) -> None:
        """List models; `message` says what kept others from being listed."""
        self.entries = model_catalog.ordered(entries)
        for number, entry in enumerate(self.entries):
            self.table.insert("", "end", iid=str(number), values=entry.cells)
        if self.entries:
            self.table.selection_set("0")
            self.table.focus("0")
        self.message["text"] = sentence(message)
