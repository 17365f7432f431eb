"""The drawing program: draw a digit with the mouse, and an exported model reads it.

From a script, without a window::

    from gui import predict_digit
    digit, probability, probabilities = predict_digit(Image.open("seven.png"))
"""

from typing import TYPE_CHECKING

from gui.recognizer import Box, Digit, Prediction, Reading, Recognizer, predict_digit

if TYPE_CHECKING:
    from gui.app import App

__all__ = ["App", "Box", "Digit", "Prediction", "Reading", "Recognizer", "predict_digit"]


def __getattr__(name: str) -> object:
    if name == "App":  # needs Tk, which a machine without a screen may lack
        from gui.app import App

        return App
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
