"""The drawing program: draw a digit with the mouse, and an exported model reads it.

From a script, without a window::

    from gui import predict_digit, read_picture
    digit, probability, probabilities = predict_digit("seven.png")
    number = read_picture("2026.png").text
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gui.window.app import App
    from pipeline.inference.predict import predict_digit, read_picture
    from pipeline.inference.recognizer import Recognizer
    from pipeline.inference.results import Box, Digit, Prediction, Reading

#: Loaded when they are asked for: the window is to be seen before numpy is there, and a recogniser works without a screen.
_MODULES = {
    "App": "gui.window.app",
    "Recognizer": "pipeline.inference.recognizer",
    **dict.fromkeys(("predict_digit", "read_picture"), "pipeline.inference.predict"),
    **dict.fromkeys(("Box", "Digit", "Prediction", "Reading"), "pipeline.inference.results"),
}

__all__ = ["App", "Box", "Digit", "Prediction", "Reading", "Recognizer", "predict_digit", "read_picture"]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
