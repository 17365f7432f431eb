"""The window, for real: a Tk window on a screen, events of mouse and keys, and the process that reads for it."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tkinter import filedialog, messagebox
from typing import Any

import h5py
import psutil
import pytest
from PIL import Image, ImageDraw

from gui import App, replay
from gui.page.models import MAIN, SECOND
from gui.page.palette import DARK, LIGHT
from gui.reading import model_catalog
from gui.reading.client import ENDED, ReadingClient
from gui.reading.messages import Answer, Opened, Read
from gui.reading.model_catalog import Entry
from gui.window.collect_dialog import CollectDialog
from pipeline.images.strokes import LabelledDrawing
from pipeline.inference.default_model import SHIPPED
from pipeline.inference.description import ATTRIBUTE
from tests.hand import DIGITS
from tests.mouse import STROKES, answered, drag, draw, drop, explain, image_of, middle_of_label, press, row, wait


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copy(SHIPPED, tmp_path_factory.mktemp("model") / "mnist.h5"))


@pytest.fixture(scope="module")
def client() -> Iterator[ReadingClient]:
    """One reading process for all windows: starting TensorFlow takes longer than all that they do."""
    shared = ReadingClient()
    yield shared
    shared.close()


def open_window(model: Path | str | None, client: ReadingClient | None = None, **options: Any) -> App:
    window = App(model, client, **options)
    window.geometry("+10+10")
    window.update()
    return window


def close(window: App, client: ReadingClient) -> None:
    window.destroy()
    end = time.monotonic() + 60
    while client.busy and time.monotonic() < end:  # what it was asked for must not reach the next window
        client.receive()
        time.sleep(0.001)


@pytest.fixture
def window(display: str, model: Path, client: ReadingClient, tmp_path: Path) -> Iterator[App]:
    opened = open_window(model, client, scaling=1.0, collection=tmp_path / "data" / "drawings", palette=LIGHT)
    wait(opened, lambda: "trained on" in opened.session.status)
    opened.focus_force()  # no window manager gives it the keyboard here
    opened.update()
    yield opened
    close(opened, client)


def test_the_answer_follows_the_pen_and_stands_large_with_ten_bars(window: App) -> None:
    draw(window, 7)
    answered(window, "7")
    column = window.columns[0]
    assert column.answer["text"] == "7"
    assert column.values[7] == max(column.values) > 0.3
    x0, _, x1, _ = column.bars.coords("bar7")
    assert x1 - x0 > 40
    assert "trained on mnist" in window.title()
    assert window.reading is not None
    assert window.reading.text == "7"
    assert len(window.canvas.find_withtag("mark")) == 3  # box, label and its ground


def test_a_blank_canvas_has_no_answer(window: App) -> None:
    window.toolbar.buttons["recognise"].invoke()
    press(window, "<Return>")
    assert window.reading is None
    assert window.columns[0].answer["text"] == ""
    assert not window.session.pending
    draw(window, 1)
    answered(window, "1")
    press(window, "<Delete>")
    assert window.reading is None
    assert window.columns[0].answer["text"] == ""
    assert not window.canvas.find_withtag("mark")


def test_several_digits_are_boxed_each_and_can_be_selected(window: App) -> None:
    draw(window, 1, left=0.0, size=0.45)
    draw(window, 7, left=0.5, size=0.45)
    answered(window, "17")
    column, session = window.columns[0], window.session
    assert column.answer["text"] == "17"
    assert session.selected == 1  # which was drawn last
    assert column.sure["text"].startswith("digit 2 of 2: 7")
    press(window, "<Alt-Left>")
    assert session.selected == 0
    assert column.sure["text"].startswith("digit 1 of 2: 1")
    press(window, "<Alt-Right>")
    assert session.selected == 1
    drag(window, [middle_of_label(window, 0)])
    assert session.selected == 0
    assert len(session.page.strokes) == 2  # a click on a label draws nothing


def test_strokes_are_undone_redone_cleared_by_their_keys_and_buttons(window: App) -> None:
    page, buttons = window.session.page, window.toolbar.buttons
    draw(window, 4)
    for key, strokes in (("<Control-z>", 1), ("<Control-y>", 2), ("<Delete>", 0)):
        press(window, key)
        assert len(page.strokes) == strokes
    press(window, "<Control-z>")
    answered(window, "4")
    press(window, "<Control-z>")
    press(window, "<Control-Shift-Z>")
    assert len(page.strokes) == 2
    buttons["undo"].invoke()
    assert len(page.strokes) == 1
    buttons["clear"].invoke()
    assert page.blank
    assert buttons["clear"].instate(["disabled"])
    assert buttons["undo"].instate(["!disabled"])


def test_the_eraser_removes_strokes_with_its_key_and_with_the_right_button(window: App) -> None:
    page = window.session.page
    draw(window, 4)
    press(window, "e")
    drag(window, [(0.5, 0.45), (0.65, 0.45)])
    assert len(page.strokes) == 1
    press(window, "p")
    drag(window, [(0.5, 0.55)], button=3)
    assert page.blank
    press(window, "<Control-z>")
    press(window, "<Control-z>")
    assert len(page.strokes) == 2


def test_the_brush_changes_by_keys_and_slider_and_not_the_answer(window: App) -> None:
    page = window.session.page
    before = page.brush
    press(window, "<bracketright>")
    assert page.brush > before
    press(window, "<bracketleft>")
    assert page.brush == pytest.approx(before)
    for share in (0.015, 0.16):
        window.toolbar.brush.set(share)
        window.update()
        assert page.brush == pytest.approx(share * page.side)
        window.session.clear()
        draw(window, 7)
        answered(window, "7")


def test_the_drawing_grows_with_the_window_and_keeps_its_answer(window: App) -> None:
    page = window.session.page
    draw(window, 7)
    answered(window, "7")
    strokes = [list(stroke) for stroke in page.strokes]
    box = window.canvas.coords(window.canvas.find_withtag("mark")[0])
    window.geometry("1150x900+10+10")
    wait(window, lambda: window.canvas.winfo_height() > 700)
    window.update()
    larger = window.canvas.coords(window.canvas.find_withtag("mark")[0])
    assert larger[3] - larger[1] > 1.4 * (box[3] - box[1])
    assert page.strokes == strokes
    draw(window, 1)
    assert len(page.strokes) == 2
    window.session.clear()
    assert page.side > 700  # a blank page is as large as the canvas


@pytest.mark.parametrize(("scaling", "palette"), [(1.0, LIGHT), (2.0, DARK)])
def test_both_themes_and_two_scalings_draw_ink_on_paper(
    scaling: float, palette: Any, display: str, model: Path, client: ReadingClient
) -> None:
    window = open_window(model, client, scaling=scaling, palette=palette)
    try:
        window.minsize(1, 1)
        draw(window, 1)
        page = window.session.page
        assert page.brush == pytest.approx(0.06 * page.side, rel=0.05)
        assert page.side >= (400 if scaling == 1.0 else 600)  # no larger than the screen
        middle = round(page.side / 2)
        assert row(window, middle)[middle] == tuple(bytes.fromhex(palette.ink[1:]))
        assert row(window, 5)[5] == tuple(bytes.fromhex(palette.paper[1:]))
        press(window, "<F3>")
        assert window.palette is not palette
        assert window.canvas["background"] == window.palette.paper
    finally:
        close(window, client)


def test_the_explanation_is_shown_on_a_key_and_follows_the_pen(window: App) -> None:
    panel, session = window.panel, window.session
    assert not panel.winfo_manager()
    explain(window)
    draw(window, 7)
    answered(window, "7")
    wait(window, lambda: panel.shown is not None and panel.shown.version == session.page.version)
    why = panel.shown
    assert why is not None
    assert why.reasons[0][0] == 7 != why.reasons[1][0]
    assert len(why.reasons[0][1]) == 28 * 28
    assert why.maps
    wait(window, lambda: panel.complete)
    assert sum(bool(str(label.cget("image"))) for label in panel.maps.winfo_children()) == len(why.maps)
    session.clear()
    assert panel.shown is None
    draw(window, 1)
    wait(window, lambda: panel.shown is not None and panel.shown.reasons[0][0] == 1)
    press(window, "<F2>")
    assert not panel.winfo_manager()
    session.clear()
    press(window, "<F2>")
    assert panel.shown is None  # and not what was there when it was put away


def test_ink_is_coloured_by_the_explanation_once_the_pen_is_lifted_and_so_is_an_image(window: App, tmp_path: Path) -> None:
    def coloured() -> int:
        rows = range(0, round(window.session.page.side), 20)
        return sum(max(colour) - min(colour) > 100 for y in rows for colour in row(window, y))

    explain(window)
    window.canvas.event_generate("<Button-1>", x=200, y=80)
    window.canvas.event_generate("<B1-Motion>", x=200, y=300)
    wait(window, lambda: window.panel.shown is not None)  # while the pen is down
    assert coloured() == 0
    window.canvas.event_generate("<ButtonRelease-1>", x=200, y=300)
    wait(window, lambda: coloured() > 10)
    window.session.clear()
    assert coloured() == 0
    image_of(7).save(tmp_path / "seven.png")
    window.session.open_drawing(tmp_path / "seven.png")
    wait(window, lambda: coloured() > 10)
    window.canvas.event_generate("<Button-1>", x=30, y=30)  # a fresh page begins
    assert len(window.session.page.strokes) == 1
    assert coloured() == 0
    window.canvas.event_generate("<ButtonRelease-1>", x=30, y=30)


def labels(folder: Path) -> list[int]:
    return sorted(json.loads(file.read_text())["label"] for file in (folder / "data" / "drawings").glob("*.json"))


def test_one_key_corrects_the_answer_and_another_deletes_the_correction(window: App, tmp_path: Path) -> None:
    press(window, "7")
    assert "Only a drawing can be corrected" in window.status["text"]
    draw(window, 1)
    answered(window, "1")
    for key, label in (("7", "a 7"), ("<Alt-Key-8>", "an 8")):  # the second mends the first
        press(window, key)
        wait(window, lambda label=label: f"Saved as {label}: {tmp_path}/" in window.status["text"])  # type: ignore[misc]
        assert "dvc repro" in window.status["text"]
        assert labels(tmp_path) == [int(label[-1])]
    press(window, "<BackSpace>")
    assert labels(tmp_path) == []
    press(window, "<BackSpace>")
    assert "no correction" in window.status["text"]


def test_a_dialog_asks_for_digits_and_saves_what_is_written(window: App, tmp_path: Path) -> None:
    press(window, "<Control-d>")
    (dialog,) = [child for child in window.winfo_children() if isinstance(child, CollectDialog)]

    def write(*points: tuple[int, int]) -> None:
        for number, (x, y) in enumerate(points):
            dialog.pad.event_generate("<B1-Motion>" if number else "<Button-1>", x=x, y=y)
        dialog.pad.event_generate("<ButtonRelease-1>", x=0, y=0)

    dialog.pad.focus_force()
    window.update()
    asked = dialog.prompt["text"]
    assert dialog.progress["text"] == "1 of 50"
    write((50, 50), (200, 200))
    write((50, 200), (200, 50))
    dialog.pad.event_generate("<Control-z>")
    assert (len(dialog.page.strokes), len(dialog.pad.find_all())) == (1, 2)  # a dot where it begins, and a line
    dialog.pad.event_generate("<Return>")
    assert dialog.page.blank
    assert dialog.progress["text"] == "2 of 50"
    dialog.pad.event_generate("<Return>")
    assert "Nothing is drawn" in dialog.message["text"]
    dialog.pad.event_generate("<Right>")
    assert dialog.progress["text"] == "3 of 50"
    assert "drawn" not in dialog.message["text"]  # which was of the digit before
    press(window, "<Control-d>")  # again: it comes to the front
    assert [child for child in window.winfo_children() if isinstance(child, CollectDialog)] == [dialog]
    dialog.destroy()
    assert [f"a {label}".replace("a 8", "an 8") in asked for label in labels(tmp_path)] == [True]


def test_a_digit_that_can_not_be_saved_is_asked_for_again_and_told_in_the_window(window: App, tmp_path: Path) -> None:
    window.session.corrections.folder = tmp_path / "file"  # in which nothing can be saved
    window.session.corrections.folder.touch()
    press(window, "<Control-d>")
    (dialog,) = [child for child in window.winfo_children() if isinstance(child, CollectDialog)]
    asked = dialog.prompt["text"]
    for event in ("<Button-1>", "<ButtonRelease-1>"):
        dialog.pad.event_generate(event, x=50, y=50)
    dialog.take()
    wait(window, lambda: "Nothing was saved" in dialog.message["text"])
    assert (dialog.prompt["text"], len(dialog.page.strokes)) == (asked, 1)
    dialog.destroy()
    assert "Nothing was saved" in window.session.status


def test_a_window_that_is_closed_at_once_saves_what_was_corrected(
    display: str, model: Path, client: ReadingClient, tmp_path: Path
) -> None:
    window = open_window(model, client, collection=tmp_path / "data" / "drawings")
    draw(window, 1)
    window.session.correct(2)
    close(window, client)
    assert labels(tmp_path) == [2]


def test_a_part_of_the_drawing_or_the_whole_is_corrected(window: App, tmp_path: Path) -> None:
    draw(window, 1, left=0.0, size=0.45)
    draw(window, 1, left=0.5, size=0.45)
    answered(window, "11")
    for key, label, told, strokes in (("4", 4, "The selected digit was saved", 1), ("<Alt-Key-5>", 5, "Saved as a 5", 2)):
        press(window, key)
        wait(window, lambda told=told: told in window.session.status)  # type: ignore[misc]
        saved = [json.loads(file.read_text()) for file in (tmp_path / "data" / "drawings").glob("*.json")]
        assert [len(one["strokes"]) for one in saved if one["label"] == label] == [strokes]


def test_a_drawing_is_saved_and_opened_again(window: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session, page = window.session, window.session.page
    press(window, "<Control-s>")
    assert "no strokes to save" in session.status
    draw(window, 7)
    for name in ("seven.json", "seven.png"):
        monkeypatch.setattr(filedialog, "asksaveasfilename", lambda name=name, **_: str(tmp_path / name))
        press(window, "<Control-s>")
        assert "Saved" in session.status
        session.clear()
        monkeypatch.setattr(filedialog, "askopenfilename", lambda name=name, **_: str(tmp_path / name))
        press(window, "<Control-o>")
        wait(window, lambda: not page.blank)
        answered(window, "7")
    assert page.content.image is not None
    draw(window, 1)  # puts the image away, undoably
    assert page.content.image is None
    press(window, "<Control-z>")
    answered(window, "7")
    assert page.content.image.path == tmp_path / "seven.png"
    drag(window, [middle_of_label(window, 0)])
    assert page.content.image.path == tmp_path / "seven.png"
    x, y = middle_of_label(window, 0)
    drag(window, [(x, y), (x + 0.1, y + 0.1)])  # a stroke may begin on a label
    assert [len(stroke) > 1 for stroke in page.strokes] == [True]


def test_a_name_without_an_ending_gets_that_of_the_kind_that_is_chosen(
    window: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(window, 7)
    for kind, ending in (("Strokes", ".json"), ("Image", ".png")):

        def chosen(typevariable: str, kind: str = kind, **_: object) -> str:
            window.setvar(typevariable, kind)
            return str(tmp_path / "seven")

        monkeypatch.setattr(filedialog, "asksaveasfilename", chosen)
        press(window, "<Control-s>")
        assert (tmp_path / f"seven{ending}").exists()
    asked: list[str] = []

    def refuse(_: str, question: str, **__: object) -> bool:
        asked.append(question)
        return False

    monkeypatch.setattr(messagebox, "askokcancel", refuse)
    before = (tmp_path / "seven.png").stat().st_mtime_ns
    press(window, "<Control-s>")
    assert asked == ["The file seven.png exists already. Replace it?"]
    assert (tmp_path / "seven.png").stat().st_mtime_ns == before


def test_what_is_no_image_is_told(window: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (("x.png", b"rubbish"), ("x.json", b"[{}]"), ("missing.png", None)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        monkeypatch.setattr(filedialog, "askopenfilename", lambda name=name, **_: str(tmp_path / name))
        press(window, "<Control-o>")
        assert int(window.getvar("::tk::dialog::file::showHiddenVar")) == 0
        wait(window, lambda: "Opening" not in window.session.status)
        assert name in window.session.status
        assert window.session.page.blank


def test_a_file_that_is_dropped_on_the_window_is_opened(window: App, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "a seven {1}.png"
    image_of(7).save(path)
    drop(window, path)
    answered(window, "7")
    assert "a seven {1}.png" in window.session.status
    drop(window, Path(shutil.copy(model, tmp_path / "other.h5")))
    wait(window, lambda: "other.h5" in window.session.models.introductions[MAIN])
    drop(window, tmp_path / "nowhere.json")
    assert "nowhere.json" in window.session.status
    (tmp_path / "seven.json").write_text(json.dumps({"label": 7, "strokes": DIGITS[7]}))
    drop(window, tmp_path / "seven.json")
    assert window.session.status.startswith("Opened seven.json")


def test_an_image_that_can_not_be_read_has_no_answer(window: App, tmp_path: Path) -> None:
    draw(window, 7)
    answered(window, "7")
    dots = Image.new("L", (400, 400), 255)
    for number in range(100):
        x, y = 20 + number % 10 * 38, 20 + number // 10 * 38
        ImageDraw.Draw(dots).ellipse((x, y, x + 12, y + 12), fill=0)
    dots.save(tmp_path / "dots.png")
    window.session.open_drawing(tmp_path / "dots.png")
    wait(window, lambda: "pieces of ink" in window.session.status)
    assert not window.session.seen
    assert not window.session.pending
    assert window.columns[0].answer["text"] == ""
    Image.new("L", (40, 40), 200).save(tmp_path / "blank.png")
    window.session.open_drawing(tmp_path / "blank.png")
    wait(window, lambda: "No ink was found" in window.session.status)
    assert not window.session.pending
    press(window, "<Control-z>")
    press(window, "<Control-z>")
    answered(window, "7")


def test_a_picture_that_is_being_read_is_told_and_left_with_a_key(window: App, tmp_path: Path) -> None:
    draw(window, 7)
    answered(window, "7")
    image_of(1).save(tmp_path / "one.png")
    window.session.open_drawing(tmp_path / "one.png")
    told: list[tuple[bool, str]] = []

    def is_read() -> bool:
        told.append((window.session.is_reading_picture, window.columns[0].answer["text"]))
        return bool(window.session.page.content.image and window.session.seen)

    wait(window, is_read)
    assert (True, "Reading …") in told
    assert (True, "7") not in told
    assert told[-1] == (False, "1")
    press(window, "<Escape>")
    answered(window, "7")


def receive(client: ReadingClient, kind: type) -> Any:
    """Wait for a message of that kind."""
    while True:
        for message in client.receive():
            if isinstance(message, kind):
                return message
        time.sleep(0.001)


def test_a_drawing_does_not_wait_for_an_image_that_is_being_read(model: Path, client: ReadingClient, tmp_path: Path) -> None:
    lines = Image.new("L", (800, 800), 255)
    for number in range(55):
        ImageDraw.Draw(lines).line((number * 14, 0, number * 14 + 20, 799), fill=0)
    lines.save(tmp_path / "slow.png")
    image_of(7).save(tmp_path / "quick.png")

    client.open(0, model)
    receive(client, Opened)
    while client.busy:  # the word that it is done may come a moment after the model's
        client.receive()
    client.read(Read(1, [], tmp_path / "slow.png"))
    assert client.reading
    client.read(Read(2, STROKES[7]))
    assert receive(client, Answer).version == 2  # and there is none to the first
    client.read(Read(3, [], tmp_path / "quick.png"))
    assert receive(client, Answer).version == 3


def test_an_image_that_comes_late_takes_the_place_of_nothing(window: App, tmp_path: Path) -> None:
    session, page = window.session, window.session.page
    image_of(1).save(tmp_path / "one.png")
    image_of(7).save(tmp_path / "seven.png")
    session.open_drawing(tmp_path / "one.png")
    draw(window, 4)  # meanwhile
    wait(window, lambda: "was not opened" in session.status)
    assert len(page.strokes) == 2
    for name, digit in (("one", "1"), ("seven", "7")):
        session.open_drawing(tmp_path / f"{name}.png")
        answered(window, digit)
    session.undo()
    answered(window, "1")
    session.undo()
    answered(window, "4")
    assert len(page.strokes) == 2
    session.redo()
    session.redo()
    answered(window, "7")
    Image.effect_noise((1500, 1500), 90).save(tmp_path / "slow.png")
    session.open_drawing(tmp_path / "slow.png")
    session.open_drawing(tmp_path / "one.png")
    wait(window, lambda: not session.busy)
    answered(window, "1")


def test_a_click_on_a_label_leaves_what_was_undone_and_a_stroke_may_begin_there(window: App) -> None:
    draw(window, 1, left=0.0, size=0.45)
    draw(window, 7, left=0.5, size=0.45)
    answered(window, "17")
    window.session.undo()
    answered(window, "1")
    drag(window, [middle_of_label(window, 0)])
    window.session.redo()
    answered(window, "17")
    x, y = middle_of_label(window, 0)
    drag(window, [(x, y), (x + 0.1, y + 0.1)])
    assert len(window.session.page.strokes) == 3


def test_a_model_that_a_script_chooses_at_once_takes_the_place_of_the_first(
    display: str, model: Path, client: ReadingClient, tmp_path: Path
) -> None:
    other = Path(shutil.copy(model, tmp_path / "other.h5"))
    own = App(model, client)
    own.session.models.open(0, str(other))
    try:
        wait(own, lambda: "trained on" in own.session.status)
        wait(own, lambda: not client.busy)
        own.update()
        assert "other.h5" in own.title()
    finally:
        close(own, client)


def test_two_models_are_compared_and_switching_keeps_the_drawing(window: App, model: Path, tmp_path: Path) -> None:
    other = Path(shutil.copy(model, tmp_path / "other.h5"))
    second = window.columns[1]
    draw(window, 7)
    answered(window, "7")
    assert not second.winfo_manager()
    window.session.models.open(1, str(other))
    wait(window, lambda: 1 in window.session.seen)
    assert second.winfo_manager()
    assert second.answer["text"] == "7"
    assert second.model["text"].startswith("other.h5")
    press(window, "<F2>")
    wait(window, window.panel.winfo_ismapped)
    assert window.winfo_width() <= window.winfo_screenwidth()
    press(window, "<Control-Shift-K>")
    assert not second.winfo_manager()
    window.session.models.open(0, str(other))
    wait(window, lambda: "other.h5" in window.title())
    answered(window, "7")


def test_two_models_and_the_explanation_fit_a_small_screen_and_grow_with_the_window(window: App, model: Path) -> None:
    beside = [*window.columns, window.panel]

    def resize(width: int, height: int) -> None:
        window.geometry(f"{width}x{height}+0+0")
        wait(window, lambda: (window.winfo_width(), window.winfo_height()) == (width, height))
        wait(window, lambda: window.panel.complete)

    def images() -> list[int]:
        return [window.panel.tk.getint(window.tk.call("image", "height", image["image"])) for image, _ in window.panel.inputs]

    draw(window, 7)
    window.session.models.open(1, str(model))
    explain(window)
    wait(window, lambda: 1 in window.session.seen and window.panel.shown)
    resize(1280, 720)
    assert [widget.winfo_ismapped() for widget in beside] == [True] * 3
    assert window.canvas.winfo_width() > 350
    for widget in beside:
        assert widget.winfo_x() + widget.winfo_width() < 1280
        inside = [child for child in widget.winfo_children() if child.winfo_ismapped()]
        assert max(child.winfo_x() + child.winfo_reqwidth() for child in inside) <= widget.winfo_width()
        assert max(child.winfo_y() + child.winfo_reqheight() for child in inside) <= widget.winfo_height()
    before = (window.columns[0].winfo_width(), images())
    press(window, "<Control-Shift-K>")
    resize(1280, 900)
    wait(window, lambda: min(images()) > max(before[1]))
    assert window.columns[0].winfo_width() > before[0]


def test_a_model_that_reads_badly_is_told_and_the_shipped_one_is_a_click_away(window: App, model: Path, tmp_path: Path) -> None:
    assert not window.warning.winfo_manager()
    poor = Path(shutil.copy(model, tmp_path / "poor.h5"))
    with h5py.File(poor, "r+") as file:
        says = json.loads(file.attrs[ATTRIBUTE]) | {"test_accuracy": 0.83}
        file.attrs[ATTRIBUTE] = json.dumps(says)
    window.session.models.open(0, str(poor))
    wait(window, lambda: window.warning.winfo_ismapped())
    assert "83.00%" in window.warning.warning["text"]
    assert not window.warning.champion.winfo_manager()  # which there is not, as far as is known
    window.warning.shipped.invoke()
    wait(window, lambda: "the shipped model" in window.title())
    assert not window.warning.winfo_manager()


def listing() -> tuple[list[Entry], str]:
    """Stand in for the store, which takes seconds to be read."""
    return [Entry("champion", "champion", "champion: better")], ""


def test_the_list_of_models_is_filled_while_the_pen_rests(
    display: str, model: Path, client: ReadingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.window.app.RESTS", 1)
    monkeypatch.setattr(model_catalog, "listing", listing)
    own = open_window(model, client)
    try:
        wait(own, lambda: own.catalog.has_champion)
    finally:
        close(own, client)


@pytest.mark.parametrize(("content", "told"), [(None, "There is no model"), (b"rubbish", "is not a whole Keras model")])
def test_a_model_that_cannot_be_used_is_told_and_the_last_one_stays(
    content: bytes | None, told: str, window: App, tmp_path: Path
) -> None:
    path = tmp_path / "bad.h5"
    if content is not None:
        path.write_bytes(content)
    window.session.models.open(0, str(path))
    wait(window, lambda: told in window.status["text"])
    draw(window, 7)
    answered(window, "7")


def test_a_message_of_two_lines_does_not_change_the_window(window: App) -> None:
    before = window.winfo_height()
    window.session.tell("words " * 30)
    window.update()
    assert window.status.winfo_height() > 20
    assert window.winfo_height() == before


def test_tab_goes_through_the_controls_in_order_and_the_focus_is_seen(window: App) -> None:
    draw(window, 1)
    window.canvas.focus_force()
    window.update()
    assert window.canvas["highlightcolor"] == window.palette.right
    order = []
    for _ in range(7):
        focused: Any = window.focus_get()
        following = focused.tk_focusNext()
        following.focus_force()
        window.update()
        order.append(following)
    buttons = window.toolbar.buttons
    names = [name for name, button in buttons.items() if button in order]
    assert names == ["undo", "clear", "pen", "eraser", "choose", "recognise"]
    left, right = ([buttons[name] for name in part] for part in (names[:4], names[4:]))
    assert order == [*left, window.toolbar.brush, *right]


def test_xdotool_draws_and_types(window: App) -> None:
    if shutil.which("xdotool") is None or sys.platform in ("win32", "darwin"):
        pytest.skip("wants X11 with xdotool")
    page = window.session.page
    x, y, side = window.canvas.winfo_rootx(), window.canvas.winfo_rooty(), page.side
    command = ["xdotool"]
    for number, (dx, dy) in enumerate(STROKES[7][0]):
        command += ["mousemove", str(round(x + dx * side)), str(round(y + dy * side))]
        command += ["mousedown", "1"] if number == 0 else ["sleep", "0.03"]
    process = subprocess.Popen([*command, "mouseup", "1"])
    wait(window, lambda: process.poll() is not None)
    answered(window, "7")
    for keys, strokes in (("ctrl+z", 0), ("ctrl+y", 1), ("alt+7", 1), ("Delete", 0)):
        subprocess.run(["xdotool", "key", keys], check=True)
        wait(window, lambda count=strokes: len(page.strokes) == count)  # type: ignore[misc]
    wait(window, lambda: "Saved as a 7" in window.session.status)


def test_a_reading_process_that_was_killed_is_told_and_another_can_be_started(display: str, model: Path) -> None:
    own, others = ReadingClient(), psutil.Process().children()
    window = open_window(model, own)
    try:
        wait(window, lambda: own.busy)
        window.session.models.open(SECOND, str(model))
        (process,) = [child for child in psutil.Process().children() if child not in others]
        process.kill()  # memory ran out
        wait(window, lambda: window.status["text"] == ENDED)
        assert not window.session.models.is_chosen(SECOND)
        draw(window, 1)  # still works
        assert window.session.pending
        window.session.models.open(0, str(model))
        assert own.busy
    finally:
        window.destroy()
        own.close()


class Remote:
    """Reads strokes as a recogniser does, with the reading process."""

    def __init__(self, client: ReadingClient) -> None:
        self.client = client

    def read_strokes(self, strokes: Any) -> Any:
        self.client.read(Read(1, strokes))
        return receive(self.client, Answer).seen[0]


def test_replay_in_the_window_gives_the_answers_that_it_gives_headless(display: str, client: ReadingClient) -> None:
    found = [LabelledDrawing(digit, DIGITS[digit], "", "") for digit in (4, 7)]
    remote: Any = Remote(client)
    window, headless = replay.Display(SHIPPED, client), replay.Headless(remote)
    try:
        assert window.side == headless.side
        shown = [reading for _, (reading, _) in replay.replay(found, window, 0)]
    finally:
        close(window.window, client)
    expected = [reading for _, (reading, _) in replay.replay(found, headless, 0)]
    assert [reading.text for reading in shown] == [reading.text for reading in expected] == ["4", "7"]
    assert [digit.box for reading in shown for digit in reading.digits] == [
        digit.box for reading in expected for digit in reading.digits
    ]
