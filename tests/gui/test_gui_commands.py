"""Menus, keys, help and dialogs of the window: they know commands, so there is no model behind them here."""

import re
import tkinter as tk
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from gui.page.palette import LIGHT
from gui.page.wording import with_article
from gui.reading import model_catalog
from gui.reading.model_catalog import Catalog, Entry
from gui.window import theme
from gui.window.commands import COMMANDS, CORRECT, CORRECT_WHOLE, CORRECTION_KEYS, WHOLE_KEYS
from gui.window.dialog import Help
from gui.window.menu import MenuBar
from gui.window.model_dialog import Picker
from gui.window.toolbar import Toolbar

NAMES = [*(command.name for command in COMMANDS), CORRECT, CORRECT_WHOLE]


class Recording:
    """Actions that write down what is done."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.actions = {name: partial(self._do, name) for name in NAMES}

    def _do(self, name: str, *arguments: object) -> None:
        self.done.append((name, *arguments))


@pytest.fixture
def recording() -> Recording:
    return Recording()


@pytest.fixture
def root(display: str) -> Iterator[tk.Tk]:
    window = tk.Tk()
    theme.apply(window, LIGHT, 1.0)
    window.geometry("300x200+10+10")
    window.update()
    window.focus_force()
    window.update()
    yield window
    window.destroy()


def press(window: tk.Misc, key: str) -> None:
    window.event_generate(key)
    window.update()


def test_every_command_stands_in_a_menu_and_does_what_it_says(root: tk.Tk, recording: Recording) -> None:
    bar = MenuBar(root, recording.actions)
    expected: dict[str, tuple[Any, ...]] = {command.label: (command.name,) for command in COMMANDS}
    expected |= {f"It is {with_article(digit)}": (CORRECT, digit) for digit in range(10)}
    found = {}
    for menu in bar.winfo_children():
        assert isinstance(menu, tk.Menu)
        for number in range((menu.index("end") or 0) + 1):
            menu.invoke(number)
            found[menu.entrycget(number, "label")] = recording.done.pop()
    assert found == expected


def test_every_key_does_what_it_is_said_to_do(root: tk.Tk, recording: Recording) -> None:
    MenuBar(root, recording.actions)
    expected: dict[str, tuple[Any, ...]] = {key: (command.name,) for command in COMMANDS for key in command.keys}
    expected |= {key: (CORRECT, digit) for digit, keys in CORRECTION_KEYS.items() for key in keys}
    expected |= {key: (CORRECT_WHOLE, digit) for digit, keys in WHOLE_KEYS.items() for key in keys}
    for key, what in expected.items():
        assert root.bind(key), key
        if re.fullmatch(r"<Control-[A-Z]>|<KP_\d>", key):  # of Caps Lock and Num Lock, which Tk doesn't generate
            continue
        recording.done.clear()
        press(root, key)
        assert recording.done == [what], key


def test_keys_with_a_modifier_that_they_do_not_have_do_nothing(root: tk.Tk, recording: Recording) -> None:
    MenuBar(root, recording.actions)
    press(root, "7")
    for key in ("<Control-Key-7>", "<Control-BackSpace>", "<Control-Alt-Key-7>", "<Alt-e>"):
        press(root, key)
    assert recording.done == [(CORRECT, 7)]


def test_menus_and_buttons_show_what_is_on_and_what_can_not_be_done(root: tk.Tk, recording: Recording) -> None:
    bar, toolbar = MenuBar(root, recording.actions), Toolbar(root, 1.0, recording.actions, lambda _: None)
    edit, view = bar.winfo_children()[1], bar.winfo_children()[2]
    assert isinstance(edit, tk.Menu)
    assert isinstance(view, tk.Menu)
    for on, unavailable in (({"explain", "eraser"}, {"undo"}), ({"pen"}, {"clear"})):
        bar.show(on, unavailable)
        toolbar.show(on, unavailable, 0.05, LIGHT)
        assert bool(int(root.getvar(str(view.entrycget("Explain the answer", "variable"))))) == ("explain" in on)
        for name, label in (("undo", "Undo"), ("clear", "Clear")):
            assert (edit.entrycget(label, "state") == "disabled") == (name in unavailable)
            assert toolbar.buttons[name].instate(["disabled"]) == (name in unavailable)
        for name in ("pen", "eraser"):
            assert toolbar.buttons[name].instate(["selected"]) == (name in on)
        assert toolbar.brush.get() == pytest.approx(0.05)


def test_help_lists_every_key(root: tk.Tk) -> None:
    window = Help(root, LIGHT, 1.0)
    window.update()
    frames = [child for child in window.content.winfo_children() if child.winfo_children()]
    texts = {str(label["text"]) for frame in frames for label in frame.winfo_children()}
    assert {command.shown for command in COMMANDS} <= texts
    window.focus_force()
    window.update()
    press(window, "<Escape>")
    assert not window.winfo_exists()


def test_a_dialog_is_wholly_on_the_screen(root: tk.Tk) -> None:
    root.geometry(f"+{root.winfo_screenwidth() - 100}+{root.winfo_screenheight() - 100}")
    root.update()
    window = Help(root, LIGHT, 1.0)
    root.update()
    assert window.winfo_rootx() + window.winfo_width() <= root.winfo_screenwidth()
    assert window.winfo_rooty() + window.winfo_height() <= root.winfo_screenheight()
    window.destroy()


def listing() -> tuple[list[Entry], str]:
    """Stand in for the store, which takes seconds to be read."""
    measured = Entry("run", "a", "a", validation=0.9, outside={"pen_digits_test": 0.98}, changed="dropout=0.3")
    return [Entry("run", "b", "b", validation=0.5), measured], "there are two"


def test_the_list_of_models_is_filled_in_the_background_and_chosen_from_by_keys(
    root: tk.Tk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_catalog, "listing", listing)
    chosen: list[str] = []
    catalog = Catalog()
    picker = Picker(root, LIGHT, 1.0, "Choose a model", catalog, chosen.append)
    assert {entry.kind for entry in picker.entries} - {"exported"} == {"shipped"}  # files are there at once
    assert "Reading the runs" in picker.message["text"]
    while not catalog.version:
        root.update()
    picker.destroy()
    picker = Picker(root, LIGHT, 1.0, "Choose a model", catalog, chosen.append)
    assert [entry.model for entry in picker.entries] == ["a", "b"]  # at once, now that they are known
    assert picker.message["text"] == "There are two"
    picker.table.focus_force()
    root.update()
    assert picker.details["text"] == "Changed: dropout=0.3\nOn other sets: pen digits test 98.00%"
    press(picker.table, "<Down>")
    root.update()
    assert picker.details["text"] == ""
    while catalog.version < 2:
        root.update()
    assert picker.table.selection() == ("1",)  # which another look leaves as it is
    press(picker.table, "<Return>")
    assert chosen == ["b"]
    assert not picker.winfo_exists()
    compared = Picker(root, LIGHT, 1.0, "Compare with another model", catalog, chosen.append, without="a")
    assert [entry.model for entry in compared.entries] == ["b"]  # with itself none is compared
    compared.destroy()
