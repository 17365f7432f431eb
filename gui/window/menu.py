"""The menus and keys of the window, from the table of commands."""

import sys
import tkinter as tk
from collections.abc import Callable, Collection
from functools import partial

from gui.page.wording import with_article
from gui.window.commands import COMMANDS, CORRECT, CORRECT_WHOLE, CORRECTION_KEYS, MENUS, WHOLE_KEYS, Actions

CONTROL = 0x4  # bits of the state of an event
ALT = 0x20000 if sys.platform == "win32" else 0x20008  # the keyboard's is Mod1 elsewhere, where Windows has Num Lock


class MenuBar(tk.Menu):
    """The menus of a window, whose keys are bound to the same actions.

    No `tk.Variable` is used: a window must not depend on when and where Python collects its garbage.
    """

    def __init__(self, window: tk.Tk, actions: Actions) -> None:
        super().__init__(window)
        self._menus = {name: tk.Menu(self, tearoff=False) for name in MENUS}
        for name in MENUS:
            self.add_cascade(label=name, menu=self._menus[name], underline=0)
        for digit, keys in CORRECTION_KEYS.items():
            correct = partial(actions[CORRECT], digit)
            self._menus["Correct"].add_command(label=f"It is {with_article(digit)}", accelerator=str(digit), command=correct)
            _bind(window, keys, correct)
            _bind(window, WHOLE_KEYS[digit], partial(actions[CORRECT_WHOLE], digit))
        for command in COMMANDS:
            act, menu = actions[command.name], self._menus[command.menu]
            if command.is_toggle:
                menu.add_checkbutton(command=act, variable=command.variable)  # type: ignore[arg-type]
            else:
                menu.add_command(command=act)
            menu.entryconfigure("end", label=command.label, accelerator=command.shown)
            _bind(window, command.keys, act)
        window["menu"] = self

    def show(self, on: Collection[str], unavailable: Collection[str]) -> None:
        """Set each entry, given the names of the commands that are on, and of those that can't be done now."""
        for command in COMMANDS:
            if command.is_toggle:
                self.setvar(command.variable, str(int(command.name in on)))
            state = "disabled" if command.name in unavailable else "normal"
            self._menus[command.menu].entryconfigure(command.label, state=state)


def _bind(window: tk.Tk, keys: tuple[str, ...], act: Callable[[], None]) -> None:
    for key in keys:
        window.bind(key, _pressed(key, act))


def _pressed(key: str, act: Callable[[], None]) -> "Callable[[tk.Event[tk.Misc]], str | None]":
    """Call `act` for that key. Tk would for Ctrl and Alt with it as well, which mean something else."""

    def pressed(event: "tk.Event[tk.Misc]") -> str | None:
        state = int(event.state)
        if sys.platform == "win32" and state & CONTROL and state & ALT:
            state = 0  # AltGr, which brackets are made with on many keyboards
        if bool(state & CONTROL) != ("Control" in key) or bool(state & ALT) != ("Alt" in key):
            return None
        act()
        return "break"

    return pressed
