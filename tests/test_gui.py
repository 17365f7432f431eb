"""The window and the recogniser, for real: a Tk window on a screen, events of mouse and keys, an exported model."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tkinter as tk
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from tkinter import filedialog, messagebox
from typing import Any

import h5py
import psutil
import pytest
from PIL import Image, ImageDraw, ImageOps, ImageTk

from gui import App, Prediction, predict_digit
from gui.page.palette import DARK, LIGHT
from gui.reading.client import ENDED, ReadingClient
from gui.reading.messages import Answer, Opened, Read
from gui.reading.model_catalog import Entry
from gui.window.commands import COMMANDS, TEACHING, TEACHING_WHOLE
from gui.window.help import Help
from gui.window.model_dialog import Picker
from pipeline.inference import exported
from pipeline.inference.default_model import SHIPPED
from pipeline.system.errors import ModelError
from pipeline.tracking import recorder
from tests.conftest import ROOT, small_store

STROKES = {
    0: [[(0.5, 0.2), (0.3, 0.35), (0.28, 0.6), (0.5, 0.8), (0.7, 0.6), (0.68, 0.35), (0.5, 0.2)]],
    1: [[(0.5, 0.2), (0.5, 0.8)]],
    4: [[(0.4, 0.2), (0.3, 0.55), (0.7, 0.55)], [(0.6, 0.35), (0.58, 0.8)]],
    7: [[(0.3, 0.22), (0.7, 0.22), (0.45, 0.8)]],
}


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copy(SHIPPED, tmp_path_factory.mktemp("model") / "mnist.h5"))


@pytest.fixture(scope="module")
def worker() -> Iterator[ReadingClient]:
    """One reading process for all windows: starting TensorFlow takes longer than all that they do."""
    shared = ReadingClient()
    yield shared
    shared.close()


#: Windows that were opened. One that the garbage collector of another thread takes away makes Tcl abort the process.
OPENED: list[App] = []


def open_window(model: Path | str | None, worker: ReadingClient | None = None, **options: Any) -> App:
    OPENED.append(App(model, worker, **options))
    OPENED[-1].geometry("+10+10")
    OPENED[-1].update()
    return OPENED[-1]


def close(window: App, worker: ReadingClient) -> None:
    window.destroy()
    end = time.monotonic() + 60
    while worker.busy and time.monotonic() < end:  # what it was asked for must not reach the next window
        worker.receive()
        time.sleep(0.005)


@pytest.fixture
def window(display: str, model: Path, worker: ReadingClient, tmp_path: Path) -> Iterator[App]:
    opened = open_window(model, worker, collection=tmp_path / "data" / "drawings", palette=LIGHT)
    wait(opened, lambda: "trained on" in opened.status["text"])
    opened.focus_force()  # no window manager gives it the keyboard here
    opened.update()
    yield opened
    close(opened, worker)


def wait(window: App, until: Callable[[], Any], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"the window did not get there in time; it says: {window.status['text']}"
        window.update()
        time.sleep(0.005)


def draw(window: App, digit: int, steps: int = 8, left: float = 0.0, size: float = 1.0) -> None:
    """Draw with the mouse: press, drag, release. `left` and `size` are parts of the canvas."""
    side = window.drawing.side
    for stroke in STROKES[digit]:
        corners = [(round((left + x * size) * side), round((0.5 + (y - 0.5) * size) * side)) for x, y in stroke]
        window.canvas.event_generate("<Button-1>", x=corners[0][0], y=corners[0][1])
        for (x0, y0), (x1, y1) in pairwise(corners):
            for step in range(1, steps + 1):
                x, y = x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps
                window.canvas.event_generate("<B1-Motion>", x=round(x), y=round(y))
                window.update()
        window.canvas.event_generate("<ButtonRelease-1>", x=corners[-1][0], y=corners[-1][1])
    window.update()


def click_label(window: App, number: int) -> None:
    """Click the label of a digit."""
    x0, y0, x1, y1 = window.canvas.bbox(f"chip{number}")
    for event in ("<Motion>", "<Button-1>", "<ButtonRelease-1>"):
        window.canvas.event_generate(event, x=(x0 + x1) // 2, y=(y0 + y1) // 2)
    window.update()


def answered(window: App, answer: str) -> None:
    wait(window, lambda: not window.pending and window.seen and window.seen[0].answer == answer)


def press(window: App, key: str) -> None:
    window.event_generate(key)
    window.update()


def picture(digit: int, side: int = 300, brush: int = 24) -> Image.Image:
    image = Image.new("L", (side, side), 255)
    for stroke in STROKES[digit]:
        points = [(x * side, y * side) for x, y in stroke]
        ImageDraw.Draw(image).line(points, fill=0, width=brush, joint="curve")
    return image


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


def test_ink_that_is_as_bright_as_the_paper_is_seen_by_its_colour(model: Path) -> None:
    ink, paper = (255, 0, 0), (0, 130, 0)
    assert Image.new("RGB", (1, 1), ink).convert("L").getpixel((0, 0)) == Image.new("RGB", (1, 1), paper).convert("L").getpixel(
        (0, 0)
    )
    coloured = ImageOps.colorize(picture(7), ink, paper)
    assert predict_digit(coloured, model).digit == 7
    assert predict_digit(Image.new("RGB", (300, 300), paper), model).digit is None


def test_a_blank_picture_has_no_answer(model: Path) -> None:
    assert predict_digit(Image.new("L", (50, 50), 255), model) == Prediction(None, 0.0, (0.0,) * 10)


def test_the_digit_is_unpacked_in_one_line(model: Path) -> None:
    digit, probability, probabilities = predict_digit(picture(1), str(model))
    assert (digit, len(probabilities)) == (1, 10)
    assert probability > 0.3


def test_a_missing_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model"):
        predict_digit(picture(1), tmp_path / "missing.h5")


def test_the_answer_follows_the_pen_and_stands_large_with_ten_bars(window: App) -> None:
    draw(window, 7)
    answered(window, "7")
    column = window.columns[0]
    assert column.answer["text"] == "7"
    assert column.values[7] == max(column.values) > 0.3
    x0, _, x1, _ = column.bars.coords("bar7")
    assert x1 - x0 > 40
    assert "trained on mnist" in window.title()
    reading: Any = window.reading
    assert reading.text == "7"
    assert len(window.canvas.find_withtag("mark")) == 3  # box, label and its ground


def test_a_blank_canvas_has_no_answer(window: App) -> None:
    window.toolbar.recognise.invoke()
    press(window, "<Return>")
    assert window.reading is None
    assert window.columns[0].answer["text"] == ""
    assert not window.pending
    draw(window, 1)
    answered(window, "1")
    press(window, "<Delete>")
    assert window.reading is None
    assert window.columns[0].answer["text"] == ""
    assert not window.canvas.find_withtag("mark")


def test_several_digits_are_boxed_each_and_can_be_spoken_of(window: App) -> None:
    draw(window, 1, left=0.0, size=0.45)
    draw(window, 7, left=0.5, size=0.45)
    answered(window, "17")
    assert window.columns[0].answer["text"] == "17"
    assert window.selected == 1  # which was drawn last
    assert window.columns[0].sure["text"].startswith("digit 2 of 2: 7")
    press(window, "<Alt-Left>")
    assert window.selected == 0
    assert window.columns[0].sure["text"].startswith("digit 1 of 2: 1")
    press(window, "<Alt-Right>")
    assert window.selected == 1
    click_label(window, 0)
    assert window.selected == 0
    assert len(window.drawing.strokes) == 2  # a click on a label draws nothing


def test_strokes_are_undone_redone_cleared_by_their_keys(window: App) -> None:
    draw(window, 4)
    assert len(window.drawing.strokes) == 2
    press(window, "<Control-z>")
    assert len(window.drawing.strokes) == 1
    press(window, "<Control-y>")
    assert len(window.drawing.strokes) == 2
    press(window, "<Delete>")
    assert window.drawing.blank
    press(window, "<Control-z>")
    answered(window, "4")
    press(window, "<Control-z>")
    press(window, "<Control-Shift-Z>")
    assert len(window.drawing.strokes) == 2
    window.toolbar.undo.invoke()
    window.toolbar.clear.invoke()
    assert window.drawing.blank
    assert window.toolbar.clear.instate(["disabled"])


def test_the_eraser_takes_strokes_away_with_its_key_and_with_the_right_button(window: App) -> None:
    draw(window, 4)
    press(window, "e")
    side = window.drawing.side
    window.canvas.event_generate("<Button-1>", x=round(0.5 * side), y=round(0.45 * side))
    window.canvas.event_generate("<B1-Motion>", x=round(0.65 * side), y=round(0.45 * side))
    window.canvas.event_generate("<ButtonRelease-1>", x=1, y=1)
    window.update()
    assert len(window.drawing.strokes) == 1
    press(window, "p")
    window.canvas.event_generate("<Button-3>", x=round(0.5 * side), y=round(0.55 * side))
    window.canvas.event_generate("<ButtonRelease-3>", x=1, y=1)
    window.update()
    assert window.drawing.blank
    press(window, "<Control-z>")
    press(window, "<Control-z>")
    assert len(window.drawing.strokes) == 2


def test_the_brush_changes_by_keys_and_slider_and_not_the_answer(window: App) -> None:
    before = window.drawing.brush
    press(window, "<bracketright>")
    assert window.drawing.brush > before
    press(window, "<bracketleft>")
    assert window.drawing.brush == pytest.approx(before)
    for share in (0.015, 0.16):
        window.toolbar.brush.set(share)
        window.update()
        assert window.drawing.brush == pytest.approx(share * window.drawing.side)
        window.clear()
        draw(window, 7)
        answered(window, "7")


def test_the_drawing_grows_with_the_window_and_keeps_its_answer(window: App) -> None:
    draw(window, 7)
    answered(window, "7")
    strokes = [list(stroke) for stroke in window.drawing.strokes]
    box = window.canvas.coords(window.canvas.find_withtag("mark")[0])
    window.geometry("1150x900+10+10")
    wait(window, lambda: window.canvas.winfo_height() > 700)
    window.update()
    larger = window.canvas.coords(window.canvas.find_withtag("mark")[0])
    assert larger[3] - larger[1] > 1.4 * (box[3] - box[1])
    assert window.drawing.strokes == strokes
    draw(window, 1)
    assert len(window.drawing.strokes) == 2
    window.clear()
    assert window.drawing.side > 700  # a blank page is as large as the canvas


def test_both_themes_and_two_scalings_draw_ink_on_paper(display: str, model: Path, worker: ReadingClient) -> None:
    for scaling, palette in ((1.0, LIGHT), (2.0, DARK)):
        window = open_window(model, worker, scaling=scaling, palette=palette)
        try:
            window.minsize(1, 1)
            draw(window, 1)
            assert window.drawing.brush == pytest.approx(0.06 * window.drawing.side, rel=0.05)
            assert window.drawing.side >= (400 if scaling == 1.0 else 600)  # no larger than the screen
            image = window.tk.call(str(window.canvas), "itemcget", "image", "-image")
            middle = round(window.drawing.side / 2)
            assert "#{:02x}{:02x}{:02x}".format(*window.tk.call(image, "get", middle, middle)) == palette.ink
            assert "#{:02x}{:02x}{:02x}".format(*window.tk.call(image, "get", 5, 5)) == palette.paper
            press(window, "<F3>")
            assert window.palette is not palette
            assert window.canvas["background"] == window.palette.paper
        finally:
            close(window, worker)


def test_why_it_says_so_is_shown_on_a_key_and_follows_the_pen(window: App) -> None:
    assert not window.explaining
    window.focus_force()
    press(window, "<F2>")
    draw(window, 7)
    answered(window, "7")
    wait(window, lambda: window.panel.shown is not None and window.panel.shown.version == window.drawing.version)
    why = window.panel.shown
    assert why is not None
    assert why.reasons[0][0] == 7 != why.reasons[1][0]
    assert len(why.picture) == 28 * 28 == len(why.reasons[0][1])
    assert why.maps
    wait(window, lambda: window.panel.complete)
    assert sum(bool(str(label.cget("image"))) for label in window.panel.maps.winfo_children()) == len(why.maps)
    window.clear()
    assert window.panel.shown is None
    draw(window, 1)
    wait(window, lambda: window.panel.shown is not None and window.panel.shown.reasons[0][0] == 1)
    press(window, "<F2>")
    assert not window.explaining
    window.clear()
    press(window, "<F2>")
    assert window.panel.shown is None  # and not what was there when it was put away


def test_ink_is_coloured_by_its_reasons_once_the_pen_is_lifted_and_so_is_a_picture(window: App, tmp_path: Path) -> None:
    def colours() -> int:
        assert window.canvas._photo is not None
        shown = ImageTk.getimage(window.canvas._photo).convert("HSV")
        return sum(shown.getchannel("S").histogram()[100:])

    press(window, "<F2>")
    window.canvas.event_generate("<Button-1>", x=200, y=80)
    window.canvas.event_generate("<B1-Motion>", x=200, y=300)
    wait(window, lambda: window.panel.shown is not None)  # while the pen is down
    window.canvas.event_generate("<ButtonRelease-1>", x=200, y=300)
    wait(window, lambda: colours() > 100)
    window.clear()
    assert colours() == 0
    picture(7).save(tmp_path / "seven.png")
    window.open_drawing(tmp_path / "seven.png")
    wait(window, lambda: colours() > 100)
    window.canvas.event_generate("<Button-1>", x=30, y=30)  # a fresh page begins
    assert colours() == 0
    window.canvas.event_generate("<ButtonRelease-1>", x=30, y=30)


def test_one_key_corrects_the_answer_and_another_takes_that_back(window: App, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "drawings"
    press(window, "7")
    assert "only what is drawn" in window.status["text"].lower()
    draw(window, 1)
    answered(window, "1")
    for key, label in (("7", 7), ("<Alt-Key-9>", 9)):  # the second mends the first
        press(window, key)
        wait(window, lambda label=label: f"Kept as a {label}: data/drawings/" in window.status["text"])  # type: ignore[misc]
        assert "dvc repro" in window.status["text"]
        files = list(folder.glob("*.json"))
        assert [json.loads(file.read_text())["label"] for file in files] == [label]
    press(window, "<BackSpace>")
    assert not list(folder.glob("*.json"))
    press(window, "<BackSpace>")
    assert "no correction" in window.status["text"]


def test_corrections_come_one_after_another_however_quick_the_keys(
    window: App, model: Path, worker: ReadingClient, tmp_path: Path
) -> None:
    def labels() -> list[int]:
        return [json.loads(file.read_text())["label"] for file in (tmp_path / "data" / "drawings").glob("*.json")]

    draw(window, 1)
    answered(window, "1")
    for key in ("7", "<BackSpace>", "4", "8"):
        press(window, key)
    wait(window, lambda: "Kept as a 8" in window.status["text"])
    assert labels() == [8]
    another = open_window(model, worker, collection=tmp_path / "data" / "drawings")
    draw(another, 1)
    another.teach(2)
    close(another, worker)  # at once: what was taught is kept nevertheless
    assert sorted(labels()) == [2, 8]


def test_a_part_of_the_drawing_or_the_whole_is_corrected(window: App, tmp_path: Path) -> None:
    draw(window, 1, left=0.0, size=0.45)
    draw(window, 1, left=0.5, size=0.45)
    answered(window, "11")
    for key, label, told, strokes in (("4", 4, "The chosen digit was kept", 1), ("<Alt-Key-5>", 5, "Kept as a 5", 2)):
        press(window, key)
        wait(window, lambda told=told: told in window.status["text"])  # type: ignore[misc]
        kept = [json.loads(file.read_text()) for file in (tmp_path / "data" / "drawings").glob("*.json")]
        assert [len(one["strokes"]) for one in kept if one["label"] == label] == [strokes]


def test_a_drawing_is_saved_and_opened_again(window: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    press(window, "<Control-s>")
    assert "no strokes to save" in window.status["text"]
    draw(window, 7)
    for name in ("seven.png", "seven.json"):
        monkeypatch.setattr(filedialog, "asksaveasfilename", lambda name=name, **_: str(tmp_path / name))
        press(window, "<Control-s>")
        assert "Saved" in window.status["text"]
        window.clear()
        monkeypatch.setattr(filedialog, "askopenfilename", lambda name=name, **_: str(tmp_path / name))
        press(window, "<Control-o>")
        wait(window, lambda: not window.drawing.blank)
        answered(window, "7")
        if name.endswith(".png"):
            assert window.drawing.picture == tmp_path / name
            draw(window, 1)  # puts the picture away, undoably
            assert window.drawing.picture is None
            press(window, "<Control-z>")
            answered(window, "7")
            assert window.drawing.picture == tmp_path / name
            click_label(window, 0)
            assert window.drawing.picture == tmp_path / name
            window.clear()
            draw(window, 7)


def test_a_name_without_an_ending_gets_that_of_the_kind_that_is_chosen(
    window: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(window, 7)
    for kind, ending in (("Strokes", ".json"), ("Picture", ".png")):

        def chosen(typevariable: str, kind: str = kind, **_: object) -> str:
            window.setvar(typevariable, kind)
            return str(tmp_path / "seven")

        monkeypatch.setattr(filedialog, "asksaveasfilename", chosen)
        press(window, "<Control-s>")
        assert (tmp_path / f"seven{ending}").exists()
    asked: list[str] = []

    def refuse(_: str, question: str) -> bool:
        asked.append(question)
        return False

    monkeypatch.setattr(messagebox, "askokcancel", refuse)
    before = (tmp_path / "seven.png").stat().st_mtime_ns
    press(window, "<Control-s>")
    assert asked == ["seven.png is there. Replace it?"]
    assert (tmp_path / "seven.png").stat().st_mtime_ns == before


def test_what_is_no_picture_is_told(window: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (("x.png", b"rubbish"), ("x.json", b"[{}]"), ("missing.png", None)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        monkeypatch.setattr(filedialog, "askopenfilename", lambda name=name, **_: str(tmp_path / name))
        press(window, "<Control-o>")
        wait(window, lambda name=name: name in window.status["text"] and "Opening" not in window.status["text"])  # type: ignore[misc]
        assert window.drawing.blank


def test_a_picture_that_can_not_be_read_has_no_answer(window: App, tmp_path: Path) -> None:
    draw(window, 7)
    answered(window, "7")
    dots = Image.new("L", (400, 400), 255)
    for number in range(100):
        x, y = 20 + number % 10 * 38, 20 + number // 10 * 38
        ImageDraw.Draw(dots).ellipse((x, y, x + 12, y + 12), fill=0)
    dots.save(tmp_path / "dots.png")
    window.open_drawing(tmp_path / "dots.png")
    wait(window, lambda: "pieces of ink" in window.status["text"])
    assert not window.seen
    assert not window.pending
    assert window.columns[0].answer["text"] != "7"
    Image.new("L", (40, 40), 200).save(tmp_path / "blank.png")
    window.open_drawing(tmp_path / "blank.png")
    wait(window, lambda: "No ink was found" in window.status["text"])
    assert not window.pending
    press(window, "<Control-z>")
    press(window, "<Control-z>")
    answered(window, "7")


def test_a_drawing_does_not_wait_for_a_picture_that_is_being_read(model: Path, worker: ReadingClient, tmp_path: Path) -> None:
    lines = Image.new("L", (800, 800), 255)
    for number in range(55):
        ImageDraw.Draw(lines).line((number * 14, 0, number * 14 + 20, 799), fill=0)
    lines.save(tmp_path / "slow.png")

    picture(7).save(tmp_path / "quick.png")

    def answer(*kinds: type) -> Any:
        while True:
            for message in worker.receive():
                if isinstance(message, kinds):
                    return message
            time.sleep(0.002)

    worker.open(0, model)
    answer(Opened)
    worker.read(Read(1, [], tmp_path / "slow.png"))
    time.sleep(0.1)
    begin = time.monotonic()
    worker.read(Read(2, STROKES[7]))
    assert answer(Answer).version == 2
    assert time.monotonic() - begin < 0.5
    worker.read(Read(3, [], tmp_path / "quick.png"))
    assert answer(Answer).version == 3


def test_a_picture_that_comes_late_takes_the_place_of_nothing(window: App, tmp_path: Path) -> None:
    Image.effect_noise((1500, 1500), 90).save(tmp_path / "slow.png")
    picture(1).save(tmp_path / "one.png")
    picture(7).save(tmp_path / "seven.png")
    window.open_drawing(tmp_path / "one.png")
    draw(window, 4)  # meanwhile
    wait(window, lambda: "was not opened" in window.status["text"])
    assert len(window.drawing.strokes) == 2
    for name, digit in (("one", "1"), ("seven", "7")):
        window.open_drawing(tmp_path / f"{name}.png")
        answered(window, digit)
    window.undo()  # to the picture of a one, whose pixels must be fetched
    window.undo()
    wait(window, lambda: not window._errands)
    answered(window, "4")
    assert len(window.drawing.strokes) == 2
    window.redo()
    window.redo()
    answered(window, "7")
    window.open_drawing(tmp_path / "slow.png")
    window.open_drawing(tmp_path / "one.png")
    wait(window, lambda: not window._errands)
    answered(window, "1")


def test_a_click_on_a_label_leaves_what_was_undone(window: App) -> None:
    draw(window, 1, left=0.0, size=0.45)
    draw(window, 7, left=0.5, size=0.45)
    answered(window, "17")
    window.undo()
    answered(window, "1")
    click_label(window, 0)
    window.redo()
    answered(window, "17")
    x0, y0, x1, y1 = window.canvas.bbox("chip0")
    window.canvas.event_generate("<Button-1>", x=(x0 + x1) // 2, y=(y0 + y1) // 2)
    window.canvas.event_generate("<B1-Motion>", x=(x0 + x1) // 2 + 40, y=(y0 + y1) // 2 + 40)
    window.canvas.event_generate("<ButtonRelease-1>", x=(x0 + x1) // 2 + 40, y=(y0 + y1) // 2 + 40)
    assert len(window.drawing.strokes) == 3  # a stroke that begins on a label is a stroke


def test_keys_with_a_modifier_that_they_do_not_have_do_nothing(window: App, tmp_path: Path) -> None:
    draw(window, 7)
    answered(window, "7")
    for key in ("<Control-Key-7>", "<Alt-e>", "<Control-BackSpace>", "<Control-Alt-Key-7>"):
        press(window, key)
    wait(window, lambda: not window._errands)
    assert not window.canvas.eraser
    assert not (tmp_path / "data").exists()
    assert "correction" not in window.status["text"]


def test_a_model_that_a_script_chooses_at_once_takes_the_place_of_the_first(
    display: str, model: Path, worker: ReadingClient, tmp_path: Path
) -> None:
    other = Path(shutil.copy(model, tmp_path / "other.h5"))
    OPENED.append(own := App(model, worker))
    own.open_model(str(other))
    try:
        wait(own, lambda: "trained on" in own.status["text"])
        wait(own, lambda: not worker.busy)
        own.update()
        assert "other.h5" in own.title()
    finally:
        close(own, worker)


def test_a_second_model_that_is_closed_while_it_opens_stays_closed(window: App, model: Path, tmp_path: Path) -> None:
    other = Path(shutil.copy(model, tmp_path / "other.h5"))
    window.open_second(str(other))
    press(window, "<Control-Shift-K>")
    wait(window, lambda: not window._worker.busy)
    window.update()
    assert not window.columns[1].winfo_manager()
    draw(window, 7)
    answered(window, "7")
    assert list(window.seen) == [0]


def test_a_run_of_the_store_is_found_while_one_draws_and_is_called_by_its_name(
    window: App, model: Path, empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{shutil.copy(empty_store, tmp_path)}"
    client, experiment = recorder.open_store(uri, "digits", tmp_path)
    run = client.create_run(experiment, run_name="quiet-otter").info.run_id
    client.log_artifact(run, str(model))
    client.set_terminated(run)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    window.open_model("quiet-otter")
    draw(window, 7)
    answered(window, "7")
    assert "quiet-otter" not in window.title()  # MLflow is still looking
    wait(window, lambda: "quiet-otter" in window.title())
    assert run[:8] in window.title()
    window.open_model("nonsense")
    wait(window, lambda: "no run 'nonsense'" in window.status["text"])
    assert "quiet-otter" in window.title()


def test_two_models_are_compared_and_switching_keeps_the_drawing(window: App, model: Path, tmp_path: Path) -> None:
    other = Path(shutil.copy(model, tmp_path / "other.h5"))
    draw(window, 7)
    answered(window, "7")
    window.open_second(str(other))
    wait(window, lambda: 1 in window.seen)
    assert window.columns[1].winfo_manager()
    assert window.columns[1].answer["text"] == "7"
    assert window.columns[1].model["text"].startswith("other.h5")
    press(window, "<Control-Shift-K>")
    assert not window.columns[1].winfo_manager()
    window.open_model(str(other))
    wait(window, lambda: "other.h5" in window.title())
    answered(window, "7")


@pytest.mark.parametrize("kind", ["missing", "rubbish", "other shape", "three classes", "no probabilities", "clothes"])
def test_a_model_that_cannot_be_used_is_told_and_the_last_one_stays(
    kind: str, window: App, model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "bad.h5"
    if kind == "rubbish":
        path.write_bytes(b"rubbish")
    elif kind != "missing":
        import keras

        shape = (8, 8, 1) if kind == "other shape" else (28, 28, 1)
        last = keras.layers.Dense(3 if kind == "three classes" else 10)
        keras.Sequential([keras.Input(shape), keras.layers.Flatten(), last]).save(path)
        if kind == "clothes":
            with h5py.File(path, "r+") as file:
                file.attrs[exported.ATTRIBUTE] = json.dumps({"class_names": ["shirt", "bag"]})
    window.open_model(str(path))
    told = {
        "missing": "There is no model",
        "rubbish": "is not a whole Keras model",
        "no probabilities": "must end in probabilities",
        "clothes": "tells shirt, bag apart",
    }.get(kind, "must go from")
    wait(window, lambda: told in window.status["text"])
    draw(window, 7)
    answered(window, "7")


def test_the_list_of_models_is_filled_in_the_background(window: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'none.db'}")
    press(window, "<Control-m>")
    picker = next(child for child in window.winfo_children() if isinstance(child, Picker))
    wait(window, lambda: "No run" in picker.message["text"])
    assert not (tmp_path / "none.db").exists()
    picker.entries = []
    picker.table.delete(*picker.table.get_children())
    chosen: list[str] = []
    monkeypatch.setattr(picker, "_chosen", chosen.append)
    picker.show([Entry("run", "b", "b", validation=0.5), Entry("run", "a", "a", validation=0.9)], "")
    picker.table.focus_force()
    picker.update()
    picker.table.event_generate("<Down>")
    picker.table.event_generate("<Return>")
    window.update()
    assert chosen == ["b"]
    assert not picker.winfo_exists()


def test_help_lists_every_key(window: App) -> None:
    press(window, "<F1>")
    help_window = next(child for child in window.winfo_children() if isinstance(child, Help))
    texts = {str(label["text"]) for frame in help_window.winfo_children() for label in frame.winfo_children()}
    assert {command.shown for command in COMMANDS} <= texts
    help_window.focus_force()
    help_window.event_generate("<Escape>")
    window.update()
    assert not help_window.winfo_exists()


def test_every_command_stands_in_a_menu(window: App) -> None:
    labels = set()
    for menu in window.menu.winfo_children():
        assert isinstance(menu, tk.Menu)
        labels |= {menu.entrycget(number, "label") for number in range((menu.index("end") or 0) + 1)}
    assert {command.label for command in COMMANDS} <= labels
    assert {f"It is a {digit}" for digit in TEACHING} <= labels


def test_every_key_does_what_it_is_said_to_do(display: str, model: Path, worker: ReadingClient) -> None:
    done: list[tuple[Any, ...]] = []

    def recorded(name: str) -> Callable[..., None]:
        return lambda _, *arguments: done.append((name, *arguments))

    expected: dict[str, tuple[Any, ...]] = {key: (command.method,) for command in COMMANDS for key in command.keys}
    expected |= {key: ("teach", digit) for digit, keys in TEACHING.items() for key in keys}
    expected |= {key: ("teach", digit, True) for digit, keys in TEACHING_WHOLE.items() for key in keys}
    names = {name for name, *_ in expected.values()}
    recording = type("Recording", (App,), {name: recorded(name) for name in names})
    window = recording(model, worker)
    OPENED.append(window)
    try:
        window.focus_force()
        window.update()
        for key, what in expected.items():
            assert window.bind(key), key
            if re.fullmatch(r"<Control-[A-Z]>|<KP_\d>", key):  # of Caps Lock and Num Lock, which Tk doesn't generate
                continue
            done.clear()
            press(window, key)
            assert done == [what], key
    finally:
        del recording.destroy  # type: ignore[attr-defined]
        close(window, worker)


def test_tab_goes_through_the_controls_in_order_and_the_focus_is_seen(window: App) -> None:
    window.canvas.focus_force()
    window.update()
    assert window.canvas["highlightcolor"] == window.palette.right
    order = []
    draw(window, 1)
    for _ in range(7):
        focused: Any = window.focus_get()
        following = focused.tk_focusNext()
        following.focus_force()
        window.update()
        order.append(following)
    bar = window.toolbar
    assert order == [bar.undo, bar.clear, bar.pen, bar.eraser, bar.brush, bar.models, bar.recognise]


def test_xdotool_draws_and_types(window: App) -> None:
    if shutil.which("xdotool") is None or sys.platform in ("win32", "darwin"):
        pytest.skip("wants X11 with xdotool")
    x, y, side = window.canvas.winfo_rootx(), window.canvas.winfo_rooty(), window.drawing.side
    command = ["xdotool"]
    for number, (dx, dy) in enumerate(STROKES[7][0]):
        command += ["mousemove", str(round(x + dx * side)), str(round(y + dy * side))]
        command += ["mousedown", "1"] if number == 0 else ["sleep", "0.03"]
    process = subprocess.Popen([*command, "mouseup", "1"])
    wait(window, lambda: process.poll() is not None)
    answered(window, "7")
    for keys, strokes in (("ctrl+z", 0), ("ctrl+y", 1), ("alt+7", 1), ("Delete", 0)):
        subprocess.run(["xdotool", "key", keys], check=True)
        wait(window, lambda count=strokes: len(window.drawing.strokes) == count)  # type: ignore[misc]
    wait(window, lambda: "Kept as a 7" in window.status["text"])


BEATING = """
import select, sys, time
longest, last = 0.0, time.monotonic()
while not select.select([sys.stdin], [], [], 0.005)[0]:
    longest, last = max(longest, time.monotonic() - last), time.monotonic()
print(longest)
"""


def test_one_can_draw_while_the_model_is_still_being_opened_and_the_window_goes_on(display: str, model: Path) -> None:
    own = ReadingClient()
    machine = subprocess.Popen([sys.executable, "-c", BEATING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    window = open_window(model, own)
    beats: list[float] = []

    def beat() -> None:
        beats.append(time.monotonic())
        window.after(5, beat)

    try:
        beat()
        draw(window, 1)
        assert window.reading is None
        answered(window, "1")
        stalls = float(machine.communicate()[0])  # of the machine itself: another process stood still as long
        assert max(later - before for before, later in pairwise(beats)) < 0.5 + stalls  # 40 ms where nothing else runs
        max(psutil.Process().children(), key=psutil.Process.create_time).kill()  # memory ran out
        wait(window, lambda: window.status["text"] == ENDED)
        draw(window, 1)  # still works
        window.open_model(str(model))
        assert own.busy
    finally:
        window.destroy()
        own.close()


#: What somebody may write who knows nothing of processes that begin by running the script once more.
SCRIPT = """
from gui import App
print("once")
window = App({model!r})
window.update()
window.canvas.event_generate("<Button-1>", x=200, y=100)
window.canvas.event_generate("<B1-Motion>", x=200, y=300)
window.canvas.event_generate("<ButtonRelease-1>", x=200, y=300)
while not window.seen:
    window.update()
print(window.reading.answer[:1])
window.destroy()
"""


def test_the_window_works_in_a_script_without_a_main_guard(display: str, model: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(model=str(model)), encoding="utf-8")
    path = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], env=path, capture_output=True, text=True, timeout=120)
    assert done.stdout == "once\n1\n", done.stderr
    assert done.stderr == ""


#: Prints what of the heavy modules a window loads before it is seen.
LOADED = "import sys, gui.window.app; print(sorted({'tensorflow', 'keras', 'numpy', 'h5py', 'mlflow'} & set(sys.modules)))"


def test_the_window_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])  # Ctrl-C in the terminal; the end of a session
def test_the_window_opens_from_the_command_line(number: int, display: str, model: Path) -> None:
    process = subprocess.Popen([sys.executable, "-m", "gui", "--model", str(model)], cwd=ROOT, stderr=subprocess.PIPE)
    try:
        time.sleep(2)
        assert process.poll() is None
    finally:
        process.send_signal(number)
        assert process.communicate(timeout=60)[1].decode() == ""
    assert process.returncode == 0


TITLED = """
import sys
import gui.window.app
from gui.__main__ import main

class Told(gui.window.app.App):
    def title(self, *text):
        print(*text, flush=True)
        return super().title(*text)

gui.window.app.App = Told
main()
"""


def test_the_champion_opens_from_the_command_line(display: str, model: Path, empty_store: Path, tmp_path: Path) -> None:
    from pipeline.tracking.registry import RunRegistry

    store = RunRegistry(uri := small_store(tmp_path, empty_store))
    chosen = store.find("better")
    store.client.log_artifact(chosen.info.run_id, str(model))  # in the place of a few bytes
    store.promote(chosen)
    environment = os.environ | {"MLFLOW_TRACKING_URI": uri}
    command = [sys.executable, "-c", TITLED, "--model", "champion"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert any("champion: better" in line for line in process.stdout)
        finally:
            process.terminate()


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
    assert ("Check its path" if content is None else "Save it again") in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_screen_a_message_says_so(model: Path) -> None:
    if sys.platform not in ("win32", "darwin"):
        command = [sys.executable, "-m", "gui", "--model", str(model)]
        without = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
        done = subprocess.run(command, cwd=ROOT, env=without, capture_output=True, text=True, check=False)
        assert "Is there a screen" in done.stderr
        assert "Traceback" not in done.stderr
