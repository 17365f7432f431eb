"""The menus and keys of the window, from the table of commands."""

import sys
import tkinter as tk
from collections.abc import Callable
from typing import TYPE_CHECKING

from gui.window.commands import COMMANDS, MENUS, TEACHING, TEACHING_WHOLE
from pipeline.system.errors import UserError

if TYPE_CHECKING:
    from gui.window.app import App

CONTROL = 0x4  # bits of the state of an event
ALT = 0x20000 if sys.platform == "win32" else 0x20008  # the keyboard's is Mod1 elsewhere, where Windows has Num Lock


def build(app: "App") -> tk.Menu:
    """Give the window its menus, bind its keys, and return the menu bar.

    No tk.Variable anywhere: a window must not depend on when and where Python collects its garbage.
    """
    bar = tk.Menu(app)
    menus = {name: tk.Menu(bar, tearoff=False) for name in MENUS}
    for name in MENUS:
        bar.add_cascade(label=name, menu=menus[name], underline=0)
    for digit, keys in TEACHING.items():
        act = _told(app, app.teach, digit)
        menus["Teach"].add_command(label=f"It is a {digit}", accelerator=str(digit), command=act)
        _bind(app, keys, act)
        _bind(app, TEACHING_WHOLE[digit], _told(app, app.teach, digit, True))
    for command in COMMANDS:
        act = _told(app, getattr(app, command.method))
        if command.toggles:
            menus[command.menu].add_checkbutton(
                label=command.label,
                accelerator=command.shown,
                command=act,
                variable=command.toggles,  # type: ignore[arg-type]
            )
        else:
            menus[command.menu].add_command(label=command.label, accelerator=command.shown, command=act)
        _bind(app, command.keys, act)
    app["menu"] = bar
    return bar


def _told(app: "App", method: Callable[..., None], *arguments: object) -> Callable[[], None]:
    """`method`, with a user's mistake told in the status line."""

    def act() -> None:
        try:
            method(*arguments)
        except UserError as error:
            app.complain(error)

    return act


def _bind(app: "App", keys: tuple[str, ...], act: Callable[[], None]) -> None:
    for key in keys:
        app.bind(key, _pressed(key, act))


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
