"""The list of models."""

import tkinter as tk
from collections.abc import Callable
from tkinter import filedialog, ttk
from typing import Literal

from gui.page.palette import Palette
from gui.reading import model_catalog
from gui.reading.errand import Errand

COLUMNS = (("Model", 220), ("Trained on", 110), ("Validation", 100), ("Test", 80), ("Date", 130))  # widths at 96 dots an inch
SECONDS = 30.0  # that reading the store may take
POLL = 50  # milliseconds
LATE = f"The MLflow store gave no answer in {SECONDS:.0f} seconds. Does another program lock it? Files can still be opened."


class Picker(tk.Toplevel):
    """Lists the models that there are; the store is read in the background.

    Args:
        parent: the main window.
        palette: of the theme.
        px: display scaling.
        title: of the window.
        chosen: called with what `models.resolve` takes.

    """

    def __init__(self, parent: tk.Tk, palette: Palette, px: float, title: str, chosen: Callable[[str], None]) -> None:
        super().__init__(parent, background=palette.window)
        self.title(title)
        self.transient(parent)
        self._chosen = chosen
        self.entries: list[model_catalog.Entry] = []
        frame = ttk.Frame(self, padding=round(14 * px))
        frame.pack(fill="both", expand=True)
        names = [name for name, _ in COLUMNS]
        self.table = ttk.Treeview(frame, columns=names, show="headings", height=9, selectmode="browse")
        for name, width in COLUMNS:
            anchor: Literal["w", "e"] = "w" if name in names[:2] else "e"
            self.table.heading(name, text=name, anchor=anchor)
            self.table.column(name, width=round(width * px), anchor=anchor, stretch=name == "Model")
        bar = ttk.Scrollbar(frame, command=self.table.yview)
        self.table.configure(yscrollcommand=bar.set)
        self.message = ttk.Label(frame, text="Reading the runs of the MLflow store …", style="Faint.TLabel")
        self.message.configure(wraplength=round(600 * px))
        buttons = ttk.Frame(frame)
        self.table.grid(row=0, column=0, sticky="nsew")
        bar.grid(row=0, column=1, sticky="ns")
        self.message.grid(row=1, column=0, columnspan=2, sticky="w", pady=round(8 * px))
        buttons.grid(row=2, column=0, columnspan=2, sticky="ew")
        frame.rowconfigure(0, weight=1)
        frame.columnconfigure(0, weight=1)
        ttk.Button(buttons, text="A file …", command=self.choose_file).pack(side="left")
        ttk.Button(buttons, text="Open", command=self.choose, style="Main.TButton").pack(side="right")
        ttk.Button(buttons, text="Cancel", command=self.destroy).pack(side="right", padx=round(8 * px))
        self.bind("<Escape>", lambda _: self.destroy())
        self.table.bind("<Return>", lambda _: self.choose())
        self.table.bind("<Double-1>", lambda _: self.choose())
        self.geometry(f"+{parent.winfo_rootx() + round(40 * px)}+{parent.winfo_rooty() + round(60 * px)}")
        self.table.focus_set()
        self._errand: Errand | None = Errand(model_catalog.listing, seconds=SECONDS, late=LATE)
        self._polling = self.after(POLL, self._poll)

    def destroy(self) -> None:
        """Close the list."""
        self.after_cancel(self._polling)
        if self._errand is not None:
            self._errand.close()
        super().destroy()

    def choose(self) -> None:
        """Open the selected model."""
        if selected := self.table.selection():
            model = self.entries[int(selected[0])].model
            self.destroy()
            self._chosen(model)

    def choose_file(self) -> None:
        """Ask for a file, and open it."""
        kinds = [
            ("Models", " ".join(f"*{each}" for ending in model_catalog.ENDINGS for each in (ending, ending.upper()))),
            ("All files", "*"),
        ]
        if path := filedialog.askopenfilename(parent=self, title="Open a model", filetypes=kinds):
            self.destroy()
            self._chosen(path)

    def _poll(self) -> None:
        result = self._errand.result() if self._errand else None
        if result is None:
            self._polling = self.after(POLL, self._poll)
            return
        self._errand = None
        found, message = result
        entries, told = found or (model_catalog.files(), message)
        self.show(entries, told)

    def show(self, entries: list[model_catalog.Entry], message: str) -> None:
        """List models; `message` says what kept others from being listed."""
        self.entries = model_catalog.ordered(entries)
        for number, entry in enumerate(self.entries):
            self.table.insert("", "end", iid=str(number), values=entry.cells)
        if self.entries:
            self.table.selection_set("0")
            self.table.focus("0")
        self.message["text"] = message[:1].upper() + message[1:]
