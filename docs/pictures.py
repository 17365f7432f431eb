"""Makes ``docs/window.png`` from the program as it is: ``python docs/pictures.py``, on a screen or under Xvfb."""

import sys
import time
from pathlib import Path

from PIL import ImageGrab

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))  # a script beside the project, not a part of it

from gui import App  # noqa: E402

SEVEN = [(0.24, 0.24), (0.45, 0.22), (0.72, 0.23), (0.62, 0.45), (0.5, 0.64), (0.44, 0.84)]


def main() -> None:
    """Open the window, draw, wait for the answer, take the picture."""
    window = App()
    window.geometry("+40+40")
    window.update()
    for number, (x, y) in enumerate(SEVEN):
        side = window.drawing.side
        event = "<B1-Motion>" if number else "<Button-1>"
        window.canvas.event_generate(event, x=round(x * side), y=round(y * side))
    window.canvas.event_generate("<ButtonRelease-1>", x=1, y=1)
    end = time.monotonic() + 60
    while (window.prediction is None or window.prediction.digit is None) and time.monotonic() < end:
        window.update()
        time.sleep(0.02)
    window.update()
    left, top = window.winfo_rootx(), window.winfo_rooty()
    box = (left, top, left + window.winfo_width(), top + window.winfo_height())
    ImageGrab.grab(box).save(DOCS / "window.png")


if __name__ == "__main__":
    main()
