"""What can be done in the window, by which keys, in which menu: one table for menus, keys and the help window."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """Something that the window does.

    Attributes:
        menu: that it stands in.
        label: in the menu.
        method: of the window.
        keys: Tk's names of the keys; the first one is shown.
        shown: that key, for people.
        toggles: name of the Tcl variable that says whether it is on, for what is on or off.

    """

    menu: str
    label: str
    method: str
    keys: tuple[str, ...]
    shown: str
    toggles: str = ""


COMMANDS = (
    Command("File", "Open a picture or drawing …", "open_file", ("<Control-o>", "<Control-O>"), "Ctrl+O"),
    Command("File", "Save the drawing …", "save_file", ("<Control-s>", "<Control-S>"), "Ctrl+S"),
    Command("File", "Quit", "destroy", ("<Control-q>", "<Control-Q>"), "Ctrl+Q"),
    Command("Edit", "Undo", "undo", ("<Control-z>", "<Control-Z>"), "Ctrl+Z"),
    Command("Edit", "Redo", "redo", ("<Control-y>", "<Control-Y>", "<Control-Shift-Z>", "<Control-Shift-z>"), "Ctrl+Y"),
    Command("Edit", "Clear", "clear", ("<Delete>", "<KP_Delete>"), "Delete"),
    Command("Edit", "Recognise", "recognize", ("<Return>", "<KP_Enter>"), "Return"),
    Command("Edit", "Pen", "use_pen", ("<p>", "<P>"), "P"),
    Command("Edit", "Eraser", "use_eraser", ("<e>", "<E>"), "E"),
    Command("Edit", "Thinner brush", "thinner", ("<bracketleft>", "<minus>"), "["),
    Command("Edit", "Thicker brush", "thicker", ("<bracketright>", "<plus>"), "]"),
    Command("View", "Why it says so", "toggle_explanation", ("<F2>",), "F2", "digits_explained"),
    Command("View", "Dark colours", "toggle_theme", ("<F3>",), "F3", "digits_dark"),
    Command("View", "Digit to the left", "previous_digit", ("<Alt-Left>",), "Alt+Left"),
    Command("View", "Digit to the right", "next_digit", ("<Alt-Right>",), "Alt+Right"),
    Command("Model", "Choose a model …", "choose_model", ("<Control-m>", "<Control-M>"), "Ctrl+M"),
    Command("Model", "Compare with another …", "choose_second", ("<Control-k>", "<Control-K>"), "Ctrl+K"),
    Command("Model", "Compare no more", "close_second", ("<Control-Shift-K>", "<Control-Shift-k>"), "Ctrl+Shift+K"),
    Command("Teach", "Take the last correction back", "take_back", ("<BackSpace>",), "Backspace"),
    Command("Help", "Keys and mouse", "help", ("<F1>",), "F1"),
)
MENUS = ("File", "Edit", "View", "Model", "Teach", "Help")

#: For each digit the keys that say that the digit that is spoken of is that one, and those that say it of the whole drawing.
TEACHING = {digit: (f"<Key-{digit}>", f"<KP_{digit}>") for digit in range(10)}
TEACHING_WHOLE = {digit: (f"<Alt-Key-{digit}>",) for digit in range(10)}

MOUSE = (
    ("Draw", "left button, pen or finger"),
    ("Erase a stroke", "right button"),
    ("Speak of another digit", "click its label"),
    ("Wrong? Say which digit it is", "0 … 9"),
    ("Wrongly cut? All is one digit", "Alt+0 … Alt+9"),
    ("Next control, press it", "Tab, Space"),
)


def help_rows() -> list[tuple[str, str]]:
    """What the help window lists: what it does, and how."""
    return [*MOUSE, *((command.label.rstrip(" …"), command.shown) for command in COMMANDS)]
