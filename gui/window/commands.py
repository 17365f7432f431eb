"""What can be done in the window, by which keys, in which menu: one table for menus, keys, toolbar and the help window."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: What each command does, by its name; `CORRECT` and `CORRECT_WHOLE` take a digit.
Actions = Mapping[str, Callable[..., None]]


@dataclass(frozen=True)
class Command:
    """Something that the window does."""

    menu: str  # that it stands in
    label: str  # in the menu
    name: str  # of the action
    keys: tuple[str, ...]  # Tk's names of them
    shown: str  # the first of them, for people
    is_toggle: bool = False  # whether it is on or off

    @property
    def variable(self) -> str:
        """The Tcl variable of a toggle: "1" while it is on."""
        return f"digits_{self.name}"


COMMANDS = (
    Command("File", "Open a picture or a drawing …", "open", ("<Control-o>", "<Control-O>"), "Ctrl+O"),
    Command("File", "Close the picture", "leave", ("<Escape>",), "Esc"),
    Command("File", "Save the drawing …", "save", ("<Control-s>", "<Control-S>"), "Ctrl+S"),
    Command("File", "Quit", "quit", ("<Control-q>", "<Control-Q>"), "Ctrl+Q"),
    Command("Edit", "Undo", "undo", ("<Control-z>", "<Control-Z>"), "Ctrl+Z"),
    Command("Edit", "Redo", "redo", ("<Control-y>", "<Control-Y>", "<Control-Shift-Z>", "<Control-Shift-z>"), "Ctrl+Y"),
    Command("Edit", "Paste a picture", "paste", ("<Control-v>", "<Control-V>"), "Ctrl+V"),
    Command("Edit", "Clear", "clear", ("<Delete>", "<KP_Delete>"), "Delete"),
    Command("Edit", "Recognise", "recognise", ("<Return>", "<KP_Enter>"), "Return"),
    Command("Edit", "Pen", "pen", ("<p>", "<P>"), "P"),
    Command("Edit", "Eraser", "eraser", ("<e>", "<E>"), "E"),
    Command("Edit", "Thinner brush", "thinner", ("<bracketleft>", "<minus>"), "["),
    Command("Edit", "Thicker brush", "thicker", ("<bracketright>", "<plus>"), "]"),
    Command("View", "Explain the answer", "explain", ("<F2>",), "F2", is_toggle=True),
    Command("View", "Dark colours", "dark", ("<F3>",), "F3", is_toggle=True),
    Command("View", "Select the digit to the left", "previous", ("<Alt-Left>",), "Alt+Left"),
    Command("View", "Select the digit to the right", "next", ("<Alt-Right>",), "Alt+Right"),
    Command("Model", "Choose a model …", "choose", ("<Control-m>", "<Control-M>"), "Ctrl+M"),
    Command("Model", "Use the champion", "champion", ("<Control-Key-1>",), "Ctrl+1"),
    Command("Model", "Use the shipped model", "shipped", ("<Control-Key-2>",), "Ctrl+2"),
    Command("Model", "Compare with another model …", "compare", ("<Control-k>", "<Control-K>"), "Ctrl+K"),
    Command("Model", "Stop comparing", "stop_comparing", ("<Control-Shift-K>", "<Control-Shift-k>"), "Ctrl+Shift+K"),
    Command("Correct", "Delete the last correction", "delete_correction", ("<BackSpace>",), "Backspace"),
    Command("Correct", "Write digits for the collection …", "collect", ("<Control-d>", "<Control-D>"), "Ctrl+D"),
    Command("Help", "Keys and mouse", "help", ("<F1>",), "F1"),
)
MENUS = ("File", "Edit", "View", "Model", "Correct", "Help")

#: For each digit the keys that label the selected digit with it, and those that label the whole drawing.
CORRECT, CORRECT_WHOLE = "correct", "correct_whole"
CORRECTION_KEYS = {digit: (f"<Key-{digit}>", f"<KP_{digit}>") for digit in range(10)}
WHOLE_KEYS = {digit: (f"<Alt-Key-{digit}>",) for digit in range(10)}

HELP = (
    ("Draw", "left button, pen or finger"),
    ("Erase a stroke", "right button"),
    ("Select another digit", "click its label"),
    ("Open a picture, a drawing or a model", "drop its file"),
    ("Correct the selected digit", "0 … 9"),
    ("Correct all as one digit", "Alt+0 … Alt+9"),
    ("Go to the next control; press it", "Tab; Space"),
    *((command.label.rstrip(" …"), command.shown) for command in COMMANDS),
)
