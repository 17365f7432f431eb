"""Makes the README's pictures from the program as it is: ``python docs/pictures.py`` (or under Xvfb).

``python docs/pictures.py mlflow`` makes that of the MLflow UI alone, of the project's runs. It wants Chromium.
"""

import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from PIL import Image, ImageGrab

from gui import App
from gui.page.palette import DARK, LIGHT, Palette
from gui.reading.client import ReadingClient

DOCS = Path(__file__).resolve().parent

#: Strokes of a 2, a 0, a 2 and a 6 by hand, in the unit square.
TWO = [[(0.1, 0.25), (0.2, 0.08), (0.45, 0.0), (0.7, 0.08), (0.78, 0.28), (0.65, 0.5), (0.38, 0.75), (0.08, 1.0), (0.85, 0.97)]]
ZERO = [
    [
        (0.5, 0.0),
        (0.25, 0.1),
        (0.1, 0.4),
        (0.14, 0.75),
        (0.4, 0.99),
        (0.7, 0.88),
        (0.86, 0.55),
        (0.8, 0.2),
        (0.6, 0.03),
        (0.47, 0.0),
    ]
]
SIX = [
    [
        (0.72, 0.0),
        (0.42, 0.18),
        (0.2, 0.5),
        (0.16, 0.8),
        (0.35, 1.0),
        (0.65, 0.97),
        (0.8, 0.78),
        (0.66, 0.58),
        (0.4, 0.58),
        (0.2, 0.78),
    ]
]
SEVEN = [[(0.08, 0.02), (0.45, 0.0), (0.85, 0.02), (0.68, 0.34), (0.5, 0.68), (0.42, 1.0)]]
STEPS = 6  # of the mouse between two points


def curve(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points between the points, as a hand would go (Catmull-Rom)."""
    padded = [points[0], *points, points[-1]]
    made = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for step in range(STEPS):
            t = step / STEPS
            weights = (
                (-t + 2 * t**2 - t**3) / 2,
                (2 - 5 * t**2 + 3 * t**3) / 2,
                (t + 4 * t**2 - 3 * t**3) / 2,
                (t**3 - t**2) / 2,
            )
            made.append(tuple(sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True)) for axis in (0, 1)))
    return [*made, points[-1]]  # type: ignore[list-item]


def draw(window: App, strokes: list[list[tuple[float, float]]], left: float, top: float, size: float) -> None:
    """Draw with the mouse; `left`, `top` and `size` are parts of the canvas."""
    side = window.session.page.side
    for stroke in strokes:
        for number, (x, y) in enumerate(curve(stroke)):
            event = "<B1-Motion>" if number else "<Button-1>"
            window.canvas.event_generate(event, x=round((left + x * size * 0.8) * side), y=round((top + y * size) * side))
            window.update()
        window.canvas.event_generate("<ButtonRelease-1>", x=1, y=1)


def wait(window: App, until: Callable[[], object]) -> None:
    """Let the window work until something is so.

    Raises:
        TimeoutError: it did not come to that in a minute.
    """
    end = time.monotonic() + 60
    while not until():
        if time.monotonic() > end:
            raise TimeoutError(f"the window says: {window.session.status}")
        window.update()
        time.sleep(0.02)


def picture(name: str, client: ReadingClient, palette: Palette, explain: bool, draw_all: Callable[[App], None]) -> None:
    """Open a window, draw, wait for the answer, take the picture ``docs/<name>``."""
    window = App(client=client, scaling=1.0, palette=palette)
    window.geometry("+40+40")
    window.update()
    wait(window, lambda: "trained on" in window.title())
    if explain:
        window.session.toggle_explanation()
        window.session.step_brush(-1)
    window.update()
    draw_all(window)
    page, panel = window.session.page, window.panel
    wait(window, lambda: not window.session.pending)
    if explain:
        wait(window, lambda: panel.shown and panel.shown.version == page.version and panel.complete)
    window.update()
    left, top = window.winfo_rootx(), window.winfo_rooty()
    is_x11 = window.tk.call("tk", "windowingsystem") == "x11"
    menu = int(window.tk.call("winfo", "height", f".#{window.menu.winfo_name()}")) if is_x11 else 0
    box = (left, top - menu, left + window.winfo_width(), top + window.winfo_height())
    ImageGrab.grab(box).save(DOCS / name, optimize=True)
    window.destroy()


def page(name: str) -> None:
    """Take the picture ``docs/<name>`` of the page that ``python -m pipeline.ui`` names."""
    width, height, assistant = 1800, 760, 460  # pixels; MLflow opens its assistant on the right when a browser is new to it
    command = [sys.executable, "-m", "pipeline.ui", "--port", "5099"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, tempfile.TemporaryDirectory() as folder:
        assert server.stdout
        address = next(line.strip() for line in server.stdout if line.startswith("http"))
        is_up = False
        while not is_up and server.poll() is None:
            with suppress(OSError), urllib.request.urlopen(address, timeout=5):  # noqa: S310
                is_up = True
            time.sleep(0.3)
        shot = Path(folder) / name
        browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
        taken = [f"--window-size={width},{height}", "--virtual-time-budget=30000", f"--screenshot={shot}"]
        subprocess.run([*browser, *taken, address], check=True, capture_output=True)
        Image.open(shot).crop((0, 0, width - assistant, height)).quantize(256).save(DOCS / name, optimize=True)
        server.terminate()


def main() -> None:
    """Take all pictures."""
    page("mlflow.png")
    if sys.argv[1:] == ["mlflow"]:
        return
    client = ReadingClient()

    def year(window: App) -> None:
        for number, strokes in enumerate((TWO, ZERO, TWO, SIX)):
            draw(window, strokes, 0.06 + number * 0.235, 0.36, 0.22)

    picture("window.png", client, LIGHT, False, lambda window: draw(window, SEVEN, 0.24, 0.2, 0.6))
    picture("explained.png", client, DARK, True, year)
    client.close()


if __name__ == "__main__":
    main()
