"""``python -m gui``: open the window on an exported model."""

import argparse
from pathlib import Path

from gui.recognizer import DEFAULT_MODEL
from pipeline import exported
from pipeline.errors import ModelError, UserError


def main() -> None:
    """Entry point of ``python -m gui``."""
    parser = argparse.ArgumentParser(prog="python -m gui", description="Draw a digit with the mouse, and see it read.")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, metavar="PATH", help="an exported .h5 (models/mnist.h5)")
    path: Path = parser.parse_args().model
    if not path.is_file() and path == DEFAULT_MODEL:
        raise ModelError("there is no model yet: models/mnist.h5 is missing. Make it: make run (or dvc repro)")
    exported.check(path)  # the rest, which needs TensorFlow, is said in the window
    try:
        import tkinter

        from gui.app import App

        window = App(path)
    except ImportError:
        raise UserError("this Python has no Tk. Remedy on Debian and Ubuntu: apt-get install python3-tk") from None
    except tkinter.TclError as error:
        raise UserError(f"the window can't be opened: {error}. Is there a screen, and is DISPLAY set?") from None
    window.mainloop()


if __name__ == "__main__":
    main()
