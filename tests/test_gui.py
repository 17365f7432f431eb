"""The window and the recogniser, for real: a Tk window on a screen, mouse events, an exported model."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageOps

from gui import App, Prediction, predict_digit
from gui.drawing import Drawing
from pipeline.errors import ModelError
from tests import models
from tests.conftest import ROOT

pytestmark = pytest.mark.xdist_group("gui")

STROKES = {
    0: [[(0.5, 0.2), (0.3, 0.35), (0.28, 0.6), (0.5, 0.8), (0.7, 0.6), (0.68, 0.35), (0.5, 0.2)]],
    1: [[(0.5, 0.2), (0.5, 0.8)]],
    4: [[(0.4, 0.2), (0.3, 0.55), (0.7, 0.55)], [(0.6, 0.35), (0.58, 0.8)]],
    7: [[(0.3, 0.22), (0.7, 0.22), (0.45, 0.8)]],
}


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.make(tmp_path_factory.mktemp("model") / "mnist.h5")


#: Windows that were opened. One that the worker thread of the next garbage collects makes Tcl abort the process.
OPENED: list[App] = []


def open_window(model: Path) -> App:
    OPENED.append(App(model))
    OPENED[-1].update()
    return OPENED[-1]


def picture(digit: int, side: int = 300, brush: int = 24) -> Image.Image:
    image = Image.new("L", (side, side), 255)
    for stroke in STROKES[digit]:
        points = [(x * side, y * side) for x, y in stroke]
        ImageDraw.Draw(image).line(points, fill=0, width=brush, joint="curve")
    return image


def wait(window: App, until: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "the window did not get there in time"
        window.update()
        time.sleep(0.005)


def draw(window: App, digit: int, steps: int = 12) -> None:
    """Draw with the mouse: press, drag, release."""
    side = window.drawing.side
    for stroke in STROKES[digit]:
        corners = [(x * side, y * side) for x, y in stroke]
        window.canvas.event_generate("<Button-1>", x=corners[0][0], y=corners[0][1])
        for (x0, y0), (x1, y1) in pairwise(corners):
            for step in range(1, steps + 1):
                x, y = x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps
                window.canvas.event_generate("<B1-Motion>", x=round(x), y=round(y))
                window.update()
        window.canvas.event_generate("<ButtonRelease-1>", x=corners[-1][0], y=corners[-1][1])
    window.update()


@pytest.fixture
def window(display: str, model: Path) -> Iterator[App]:
    opened = open_window(model)
    yield opened
    opened.destroy()


def test_a_picture_is_read_without_a_window(model: Path) -> None:
    for digit in STROKES:
        prediction = predict_digit(picture(digit), model)
        assert prediction.digit == digit
        assert prediction.probability == max(prediction.probabilities) > 0.3
        assert sum(prediction.probabilities) == pytest.approx(1, abs=1e-4)


def test_polarity_and_mode_of_a_picture_do_not_change_the_answer(model: Path) -> None:
    expected = predict_digit(picture(7), model)
    for image in (ImageOps.invert(picture(7)), picture(7).convert("RGBA"), picture(7).convert("1")):
        assert predict_digit(image, model).digit == expected.digit == 7


def test_a_blank_picture_has_no_answer(model: Path) -> None:
    assert predict_digit(Image.new("L", (50, 50), 255), model) == Prediction(None, 0.0, (0.0,) * 10)


def test_the_digit_is_unpacked_in_one_line(model: Path) -> None:
    digit, probability, probabilities = predict_digit(picture(1), str(model))
    assert (digit, len(probabilities)) == (1, 10)
    assert probability > 0.3


def test_a_missing_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model"):
        predict_digit(picture(1), tmp_path / "missing.h5")


def test_what_is_drawn_with_the_mouse_is_read_at_once_and_cleared(window: App) -> None:
    draw(window, 7)
    wait(window, lambda: window.prediction is not None and window.prediction.digit == 7)
    assert window.answer["text"] == "7"
    x0, _, x1, _ = window.bars.coords("bar7")
    assert x1 - x0 > 0.3 * 180
    assert "trained on digits" in window.title()
    window.focus_force()  # no window manager gives it the keyboard here
    window.event_generate("<Delete>")
    wait(window, lambda: window.prediction is not None and window.prediction.digit is None)
    assert window.answer["text"] == " "
    assert window.canvas.find_all() == ()
    draw(window, 0)
    wait(window, lambda: window.prediction is not None and window.prediction.digit == 0)


def test_one_can_draw_while_the_model_is_still_being_opened(display: str, model: Path) -> None:
    window = open_window(model)
    try:
        draw(window, 1)
        assert window.prediction is None
        wait(window, lambda: window.prediction is not None and window.prediction.digit == 1)
    finally:
        window.destroy()


def test_a_model_of_another_shape_is_told_in_the_window(display: str, tmp_path: Path, model: Path) -> None:
    import keras

    path = tmp_path / "other.h5"
    keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]).save(path)
    window = open_window(path)
    try:
        wait(window, lambda: "must go from" in window.status["text"])
        draw(window, 1)  # still works
    finally:
        window.destroy()


def test_the_window_opens_from_the_command_line_and_draws_the_digit(display: str, model: Path) -> None:
    process = subprocess.Popen([sys.executable, "-m", "gui", "--model", str(model)], cwd=ROOT, stderr=subprocess.PIPE)
    try:
        time.sleep(4)
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.communicate()[1].decode() == ""


@pytest.mark.parametrize("content", [None, b"rubbish"])
def test_a_missing_or_broken_model_is_a_message_and_not_a_traceback(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    if content is not None:
        path.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-m", "gui", "--model", str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "dvc repro" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_screen_a_message_says_so(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform not in ("win32", "darwin"):
        monkeypatch.delenv("DISPLAY", raising=False)
        command = [sys.executable, "-m", "gui", "--model", str(model)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert "Is there a screen" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_drawing_is_rendered_round_dark_on_light_and_as_thick_as_the_brush() -> None:
    drawing = Drawing(100, 10)
    drawing.begin(50, 50)
    image = drawing.render()
    assert image.mode == "L"
    assert image.getpixel((100, 100)) == 0
    assert image.getpixel((0, 0)) == 255
    box = ImageOps.invert(image).getbbox()
    assert box is not None
    assert abs((box[2] - box[0]) - 20) <= 2
    assert drawing.extend(80, 50) == (50, 50)
    drawing.clear()
    assert ImageOps.invert(drawing.render()).getbbox() is None
