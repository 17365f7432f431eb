"""The theme of the window: how its controls look, in which sizes."""

import os
import shutil
import subprocess
import sys
import tkinter as tk
from tkinter import font, ttk

from gui.page.palette import DARK, LIGHT, Palette

POINTS_PER_INCH = 72
USUAL_DPI = 96  # at which a size in this program is that many pixels


def preferred() -> Palette:
    """The theme that the environment asks for, as far as it can be known; light else."""
    return DARK if _prefers_dark() else LIGHT


def _prefers_dark() -> bool:
    if "GTK_THEME" in os.environ:
        return "dark" in os.environ["GTK_THEME"].lower()
    if sys.platform == "win32":
        import winreg

        try:
            key = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
                return not winreg.QueryValueEx(opened, "AppsUseLightTheme")[0]
        except OSError:
            return False
    if sys.platform == "darwin":
        return "Dark" in _said("defaults", "read", "-g", "AppleInterfaceStyle")
    return "dark" in _said("gsettings", "get", "org.gnome.desktop.interface", "color-scheme")


def _said(*command: str) -> str:
    """What a command of the desktop prints; nothing if it isn't there, or is slow."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=0.15, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def sharpen() -> None:
    """Have Windows give this program the screen's own pixels. To be called before there is a window."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.shcore.SetProcessDpiAwareness(1)


def scale(window: tk.Tk, scaling: float | None = None) -> float:
    """Set the display scaling of a window with nothing in it yet, and with it the sizes of the fonts; return the scaling.

    If `scaling` is None, the environment says it.
    """
    if scaling is None:
        scaling = max(float(window.tk.call("tk", "scaling")) * POINTS_PER_INCH / USUAL_DPI, _desktop_scaling(), 0.75)
    window.tk.call("tk", "scaling", scaling * USUAL_DPI / POINTS_PER_INCH)
    for name in ("TkDefaultFont", "TkTextFont", "TkMenuFont", "TkHeadingFont"):
        font.nametofont(name, window).configure(size=10)  # anew, so that it is measured with the new scaling
    return scaling


def _desktop_scaling() -> float:
    """What X desktops say of the scaling, of which Tk doesn't know."""
    if sys.platform in ("win32", "darwin"):
        return 0.0
    dpi = [line.partition(":")[2] for line in _said("xrdb", "-query").splitlines() if line.startswith("Xft.dpi:")]
    try:
        return float(dpi[0]) / USUAL_DPI if dpi else float(os.environ.get("GDK_SCALE", 0))
    except ValueError:
        return 0.0


def apply(window: tk.Misc, palette: Palette, px: float) -> None:
    """Give the ttk widgets the colours of a theme."""
    style = ttk.Style(window)
    style.theme_use("clam")
    p = palette
    style.configure(".", background=p.window, foreground=p.text, bordercolor=p.line, focuscolor=p.right)
    style.configure(".", troughcolor=p.track, lightcolor=p.card, darkcolor=p.card, fieldbackground=p.card)
    style.configure("Faint.TLabel", foreground=p.faint)
    style.configure("Warning.TLabel", foreground=p.uncertain)
    style.configure("Card.TFrame", background=p.card)
    style.configure("Card.TLabel", background=p.card)
    style.configure("CardFaint.TLabel", background=p.card, foreground=p.faint)
    pad = (round(10 * px), round(5 * px))
    for name in ("TButton", "Toolbutton"):
        style.configure(name, background=p.card, padding=pad, relief="flat", borderwidth=1, anchor="center", width=-1)
        style.map(
            name,
            background=[("pressed", p.track), ("selected", p.right), ("active", p.hover), ("disabled", p.window)],
            foreground=[("disabled", p.faint), ("selected", p.on_right)],
            bordercolor=[("focus", p.right), ("!focus", p.line)],
            lightcolor=[("selected", p.right), ("active", p.hover), ("disabled", p.window)],
            darkcolor=[("selected", p.right), ("active", p.hover), ("disabled", p.window)],
        )
    for name in ("TMenubutton", "TCheckbutton"):  # in Tk's own dialogs
        style.configure(name, arrowcolor=p.text, indicatorbackground=p.card, indicatorforeground=p.text)
        style.map(name, background=[("active", p.hover)], indicatorbackground=[("active", p.hover)])
    style.configure("Main.TButton", background=p.right, foreground=p.on_right, lightcolor=p.right, darkcolor=p.right)
    style.map(
        "Main.TButton",
        background=[("pressed", p.ink), ("active", p.right)],
        lightcolor=[("active", p.right)],
        darkcolor=[("active", p.right)],
        bordercolor=[("focus", p.text), ("!focus", p.right)],
        foreground=[("pressed", p.card)],
        focuscolor=[("focus", p.on_right)],
    )
    style.configure("Horizontal.TScale", background=p.faint, sliderlength=round(18 * px), gripcount=0, borderwidth=1)
    style.map("Horizontal.TScale", bordercolor=[("focus", p.right)], background=[("focus", p.right), ("active", p.right)])
    style.map("Horizontal.TScale", lightcolor=[("focus", p.right)], darkcolor=[("focus", p.right)])
    style.configure("Treeview", background=p.card, fieldbackground=p.card, rowheight=round(26 * px), borderwidth=0)
    style.map("Treeview", background=[("selected", p.right)], foreground=[("selected", p.on_right)])
    style.configure("Treeview.Heading", background=p.window, foreground=p.faint, relief="flat", padding=pad)
    style.map("Treeview.Heading", background=[("active", p.window)])
    style.configure("TScrollbar", arrowsize=round(14 * px), background=p.card, troughcolor=p.window, arrowcolor=p.text)
    style.map("TScrollbar", background=[("active", p.hover), ("disabled", p.window)])


def colour_menu(menu: tk.Menu, palette: Palette) -> None:
    """Give a menu, and those in it, the colours of a theme."""
    menu.configure(
        background=palette.window,
        foreground=palette.text,
        activebackground=palette.right,
        activeforeground=palette.on_right,
        selectcolor=palette.text,
        disabledforeground=palette.faint,
        relief="flat",
        borderwidth=0,
        activeborderwidth=0,
    )
    for child in menu.winfo_children():
        if isinstance(child, tk.Menu):
            colour_menu(child, palette)
