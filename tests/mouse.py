"""A hand for the tests of the window: draws on its canvas with the mouse, presses keys, waits for what is to come."""

import time
import tkinter as tk
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from gui import App

Point = tuple[float, float]

#: Digits as they are drawn on the canvas, parts of its side.
STROKES: dict[int, list[list[Point]]] = {
    0: [[(0.5, 0.2), (0.3, 0.35), (0.28, 0.6), (0.5, 0.8), (0.7, 0.6), (0.68, 0.35), (0.5, 0.2)]],
    1: [[(0.5, 0.2), (0.5, 0.8)]],
    4: [[(0.4, 0.2), (0.3, 0.55), (0.7, 0.55)], [(0.6, 0.35), (0.58, 0.8)]],
    7: [[(0.3, 0.22), (0.7, 0.22), (0.45, 0.8)]],
}
STEPS = 8  # of the mouse between two points
LATE = 2**30  # time of an event that is later than those of the screen itself, milliseconds


def wait(window: App, until: Callable[[], Any], seconds: float = 60) -> None:
    """Let the window work until something is so."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"the window did not get there in time; it says: {window.session.status}"
        window.update()
        time.sleep(0.001)


def answered(window: App, answer: str) -> None:
    session = window.session
    wait(window, lambda: not session.pending and session.seen and session.seen[0].answer == answer)


def _way(points: list[Point]) -> Iterator[Point]:
    yield points[0]
    for (x0, y0), (x1, y1) in pairwise(points):
        for step in range(1, STEPS + 1):
            yield x0 + (x1 - x0) * step / STEPS, y0 + (y1 - y0) * step / STEPS


def draw(window: App, digit: int, left: float = 0.0, size: float = 1.0) -> None:
    """Draw a digit; `left` and `size` are parts of the canvas."""
    before = len(window.session.page.strokes)
    for stroke in STROKES[digit]:
        drag(window, [(left + x * size, 0.5 + (y - 0.5) * size) for x, y in _way(stroke)])
    assert len(window.session.page.strokes) == before + len(STROKES[digit])


def drag(window: App, way: list[Point], button: int = 1) -> None:
    """Press a button, move the mouse along parts of the canvas' side, release the button."""
    side = window.session.page.side
    pixels = [(round(x * side), round(y * side)) for x, y in way]
    window.canvas.event_generate(f"<Button-{button}>", x=pixels[0][0], y=pixels[0][1])
    for x, y in pixels[1:]:
        window.canvas.event_generate(f"<B{button}-Motion>", x=x, y=y)
        window.update()
    window.canvas.event_generate(f"<ButtonRelease-{button}>", x=pixels[-1][0], y=pixels[-1][1])
    window.update()


def drop(window: App, path: Path) -> None:
    """Drag a file from another window, as from a file manager, and drop it on the canvas."""
    from tkinterdnd2 import COPY

    files = tk.Toplevel(window)
    files.geometry("100x100+900+600")
    source = tk.Label(files, text="files")
    source.pack(fill="both", expand=True)
    source.drag_source_register(1)  # type: ignore[attr-defined]
    source.dnd_bind("<<DragInitCmd>>", lambda _: (COPY, "text/uri-list", path.as_uri()))  # type: ignore[attr-defined]
    window.update()
    # tkdnd, which waits in a loop of its own until the button is released, ignores events without a time.
    x, y = window.canvas.winfo_rootx() + 50, window.canvas.winfo_rooty() + 50
    way = [(files.winfo_rootx() + 60, files.winfo_rooty() + 60), (x, y), (x + 1, y)]

    def move(number: int) -> None:
        if number == len(way):
            source.event_generate("<ButtonRelease-1>", time=LATE + number)
            return
        source.event_generate("<B1-Motion>", rootx=way[number][0], rooty=way[number][1], time=LATE + number)
        window.after(20, move, number + 1)

    window.after(20, move, 1)
    source.event_generate("<Button-1>", rootx=files.winfo_rootx() + 10, rooty=files.winfo_rooty() + 10, time=LATE)
    source.event_generate("<B1-Motion>", rootx=way[0][0], rooty=way[0][1], time=LATE)
    files.destroy()


def middle_of_label(window: App, number: int) -> Point:
    """Where the label of a digit is, parts of the canvas' side."""
    x0, y0, x1, y1 = window.canvas.bbox(f"chip{number}")
    side = window.session.page.side
    return (x0 + x1) / 2 / side, (y0 + y1) / 2 / side


def press(window: App, key: str) -> None:
    window.event_generate(key)
    window.update()


def explain(window: App) -> None:
    """Have the answers explained, and wait until the window has grown: a stroke is not to be drawn meanwhile."""
    press(window, "<F2>")
    widest = window.maxsize()[0]
    wait(window, lambda: window.panel.winfo_ismapped() and window.winfo_width() >= min(window.winfo_reqwidth(), widest))


def row(window: App, y: int) -> list[tuple[int, ...]]:
    """The pixels of a row of the canvas without boxes and labels, RGB."""
    image = window.tk.call(str(window.canvas), "itemcget", "image", "-image")
    width = window.tk.getint(window.tk.call("image", "width", image))
    (colours,) = window.tk.splitlist(window.tk.call(image, "data", "-from", 0, y, width, y + 1))
    return [tuple(bytes.fromhex(colour[1:])) for colour in str(colours).split()]


def image_of(digit: int, side: int = 300, brush: int = 24) -> Image.Image:
    """A digit, black on white."""
    image = Image.new("L", (side, side), 255)
    for stroke in STROKES[digit]:
        points = [(x * side, y * side) for x, y in stroke]
        ImageDraw.Draw(image).line(points, fill=0, width=brush, joint="curve")
    return image
