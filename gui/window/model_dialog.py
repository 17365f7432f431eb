"""The list of models."""

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk
from typing import Literal

from gui.page.palette import Palette
from gui.reading.messages import sentence
from gui.reading.model_catalog import Catalog, Entry, ordered
from gui.window import file_dialogs
from gui.window.dialog import Dialog

COLUMNS = (("Model", 180), ("Changed", 260), ("Trained on", 110), ("Validation", 100), ("Test", 80), ("Date", 140))
LEFT = ("Model", "Changed", "Trained on")  # columns of words; widths are at 96 dots an inch
POLL = 50  # milliseconds


class Picker(Dialog):
    """Lists the models that there are: those known at once, and then those of the store, which is read in the background.

    `chosen` is called with what `gui.reading.model_catalog.resolve` takes. The model that is called `without` is not listed.
    """

    def __init__(
        self,
        parent: tk.Tk,
        palette: Palette,
        px: float,
        title: str,
        catalog: Catalog,
        chosen: Callable[[str], None],
        without: str = "",
    ) -> None:
        super().__init__(parent, palette, px, title)
        self._chosen, self._without = chosen, without
        self.entries: list[Entry] = []
        self.content.rowconfigure(0, weight=1)
        self.content.columnconfigure(0, weight=1)
        self.table = self._table(px)
        self.details, self.message = (
            ttk.Label(self.content, style="Faint.TLabel", wraplength=round(600 * px)) for _ in range(2)
        )
        for row, label in enumerate((self.details, self.message), start=1):
            label.grid(row=row, column=0, columnspan=2, sticky="w", pady=(round(8 * px), 0))
        self._buttons(round(8 * px)).grid(row=3, column=0, columnspan=2, sticky="ew", pady=(round(8 * px), 0))
        self._catalog = catalog
        self._shown = -1
        catalog.refresh()
        self._show()
        self._polling = self.after(POLL, self._poll)

    def _table(self, px: float) -> ttk.Treeview:
        names = [name for name, _ in COLUMNS]
        table = ttk.Treeview(self.content, columns=names, show="headings", height=9, selectmode="browse")
        for name, width in COLUMNS:
            anchor: Literal["w", "e"] = "w" if name in LEFT else "e"
            table.heading(name, text=name, anchor=anchor)
            table.column(name, width=round(width * px), anchor=anchor, stretch=name in LEFT[:2])
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
        self.opens = ttk.Button(buttons, text="Open", command=self.choose, style="Main.TButton")
        cancel = ttk.Button(buttons, text="Cancel", command=self.destroy)
        self.opens.pack(side="right")
        cancel.pack(side="right", padx=gap)
        self.opens.lift()  # Tab comes to it after what stands at its left
        return buttons

    def destroy(self) -> None:
        """Close the list."""
        self.after_cancel(self._polling)
        super().destroy()

    def choose(self) -> None:
        """Open the selected model."""
        if selected := self.table.selection():
            self.destroy()
            self._chosen(self.entries[int(selected[0])].model)

    def _tell_more(self) -> None:
        """Show what there is no room for in the list."""
        if selected := self.table.selection():
            self.details["text"] = self.entries[int(selected[0])].details

    def choose_file(self) -> None:
        """Ask for a file, and open it."""
        if path := file_dialogs.open_model(self):
            self.destroy()
            self._chosen(path)

    def _poll(self) -> None:
        self._polling = self.after(POLL, self._poll)
        self._catalog.look()
        self._show()

    def _show(self) -> None:
        """List the models, if others are known than are listed; what was selected stays so."""
        if self._shown == self._catalog.version:
            return
        self._shown = self._catalog.version
        selected = [self.entries[int(number)].model for number in self.table.selection()]
        self.table.delete(*self.table.get_children())
        self.entries = [entry for entry in ordered(self._catalog.entries) if entry.model != self._without]
        for number, entry in enumerate(self.entries):
            self.table.insert("", "end", iid=str(number), values=entry.cells)
        if self.entries:
            number = next((number for number, entry in enumerate(self.entries) if entry.model in selected), 0)
            self.table.selection_set(str(number))
            self.table.focus(str(number))
        self.opens.state(["!disabled" if self.entries else "disabled"])
        self.message["text"] = sentence(self._catalog.message)
