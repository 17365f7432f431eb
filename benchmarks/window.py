"""Measures the window: ``python benchmarks/window.py [times]``, with a screen (``xvfb-run -a`` gives one).

Each time a fresh process opens the shipped model and draws on the canvas, as a mouse would, from the first moment on. It prints
when the window was on the screen, after the first import; the first answer, after TensorFlow was there; the times from the
last point of a stroke to the answer; and for how long the window did nothing else at most, while it opened and later.
A time takes about 25 seconds, 10 of them for the strokes; all times are measured without and then with the explanation.
"""

import time

BEGIN = time.perf_counter()

import json  # noqa: E402
import math  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
STROKES, POINTS, PAUSE = 40, 30, 0.008  # drawn after the first answer; points of each; between two of them, seconds
LONGEST = 120  # that one time may take, seconds


def one(explain: bool) -> dict[str, float]:
    """Open the window, draw, and return seconds."""
    from gui.window.app import App
    from pipeline.inference.default_model import SHIPPED

    window = App(SHIPPED)
    session = window.session
    window.wait_visibility(window.canvas)
    window.update()
    found = {"on the screen": time.perf_counter() - BEGIN}
    gaps, last = [0.0], time.perf_counter()

    def beat() -> None:
        nonlocal last
        now = time.perf_counter()
        gaps.append(now - last)
        last = now
        window.after(1, beat)

    def draw(number: int) -> float:
        """A ring, near to a zero, somewhere. Returns the time of its last point, at which the pen is lifted."""
        session.clear()
        side = session.page.side
        middle, radius = side * (0.4 + 0.02 * (number % 10)), side * 0.25
        for point in range(POINTS + 1):
            angle = 2 * math.pi * point / POINTS
            x, y = round(middle + 0.7 * radius * math.sin(angle)), round(side / 2 - radius * math.cos(angle))
            begin = time.perf_counter()
            window.canvas.event_generate("<Button-1>" if point == 0 else "<B1-Motion>", x=x, y=y)
            while point < POINTS and time.perf_counter() < begin + PAUSE:
                window.update()
                time.sleep(0.001)
        window.canvas.event_generate("<ButtonRelease-1>", x=x, y=y)
        return begin

    beat()
    opened, number = 0.0, 0
    while not session.seen:
        if number < 3 or not opened:
            draw(number)
            number += 1
        window.update()
        if not opened and "trained on" in session.status:
            opened = time.perf_counter()
        time.sleep(0.001)
    found["first answer after the model was open"] = max(time.perf_counter() - opened, 0.0) if opened else 0.0
    found["longest stop while opening"] = max(gaps)
    if explain:
        session.toggle_explanation()
        window.update()
    gaps.clear()
    answers = []
    for number in range(STROKES):
        begin = draw(number)
        while session.pending:
            window.update()
            time.sleep(0.0005)
        answers.append(time.perf_counter() - begin)
    found["answer, median"] = statistics.median(answers)
    found["answer, 95th percentile"] = statistics.quantiles(answers, n=20)[18]
    found["longest stop while drawing"] = max(gaps)
    window.destroy()
    return found


def main() -> None:
    """Measure in fresh processes, and print medians and the worst."""
    from tqdm import tqdm  # not where the window is measured

    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for explain in (False, True):
        results = []
        for _ in tqdm(range(times), unit="time", leave=False, disable=None):
            command = [sys.executable, __file__, "--one", str(int(explain))]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=LONGEST)
            results.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"{'with' if explain else 'without'} the panel that explains the answer, {times} times:")
        for what in results[0]:
            values = [result[what] * 1000 for result in results]
            print(f"  {what}: median {statistics.median(values):.0f} ms, worst {max(values):.0f} ms")


if __name__ == "__main__":
    if "--one" in sys.argv:
        print(json.dumps(one(sys.argv[-1] == "1")))
    else:
        main()
