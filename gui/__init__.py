"""The drawing program: draw a digit with the mouse, and an exported model reads it.

From a script, without a window::

    from gui import predict_digit
    digit, probability, probabilities = predict_digit(Image.open("seven.png"))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gui.app import App
    from gui.reading import Box, Digit, Prediction, Reading
    from gui.recognizer import Recognizer, predict_digit

#: Loaded when they are asked for: the window is to be seen before numpy is there, and a recogniser works without a screen.
_MODULES = {"App": "app", "Recognizer": "recognizer", "predict_digit": "recognizer"}
_MODULES |= dict.fromkeys(("Box", "Digit", "Prediction", "Reading"), "reading")

__all__ = ["App", "Box", "Digit", "Prediction", "Reading", "Recognizer", "predict_digit"]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"gui.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
