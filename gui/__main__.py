"""``python -m gui``: open the window."""

import argparse
import signal
import sys
from pathlib import Path

from pipeline.system.command_line import number_argument, run_command
from pipeline.system.errors import UserError


def main() -> None:
    """Entry point of ``python -m gui``."""
    program = "digits" if Path(sys.argv[0]).stem == "digits" else "python -m gui"
    parser = argparse.ArgumentParser(prog=program, description="Draw digits with the mouse, and see them read.")
    told = (
        "an exported .h5, a run of the MLflow store, or champion, the run that was promoted; without this option "
        "models/mnist.h5, and where there is none the model that ships with the program"
    )
    parser.add_argument("--model", metavar="PATH|RUN|champion", help=told)
    parser.add_argument("--theme", choices=("light", "dark"), help="(as the desktop has it)")
    parser.add_argument(
        "--scaling",
        type=number_argument(0.5, 8),
        metavar="N",
        help="of the display, 1 for 96 dots an inch (as the desktop has it)",
    )
    parser.add_argument("--writer", default="me", metavar="NAME", help="whose hand it is, kept with corrections (me)")
    options = parser.parse_args()
    try:
        import tkinter

        from gui.page.palette import DARK, LIGHT
        from gui.reading import model_catalog
        from gui.window.app import App
        from pipeline.inference.default_model import check_start

        if options.model is not None and model_catalog.is_path(options.model):
            check_start(Path(options.model))
        palette = {"light": LIGHT, "dark": DARK}.get(options.theme)
        window = App(options.model, scaling=options.scaling, palette=palette, writer=options.writer)
    except ImportError as error:
        if "tkinter" not in str(error):
            raise
        raise UserError("this Python has no Tk. Remedy on Debian and Ubuntu: apt-get install python3-tk") from None
    except tkinter.TclError as error:
        raise UserError(f"the window can't be opened: {error}. Is there a screen, and is DISPLAY set?") from None
    for number in (signal.SIGINT, signal.SIGTERM):  # in a callback of Tk's an exception would be printed, and no more
        signal.signal(number, lambda *_: window.after_idle(window.destroy))
    window.mainloop()


def command() -> None:
    """Entry point of ``digits``, which is installed with the package."""
    run_command(main)


if __name__ == "__main__":
    command()
