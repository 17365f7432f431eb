"""The session, driven without a display and without a network: what the program knows, whatever window shows it."""

import gzip
import json
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from gui.page.page import Page
from gui.page.session import NO_MODEL, THICKEST, Session
from gui.reading import model_catalog
from gui.reading.client import ReadingClient
from gui.reading.messages import Answer, Explanation, Failed, Message, Opened, Read, Reason
from pipeline.inference.results import Box, Digit, Prediction, Reading
from pipeline.system.errors import DataError


class Client(ReadingClient):
    """Stands in for the process that reads: writes down what it is asked for, and sends what a test tells it to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Read] = []
        self.opened: list[tuple[int, str, str]] = []
        self.closed: list[int] = []
        self.messages: list[Message] = []

    def open(self, slot: int, path: Path, called: str = "") -> None:
        self.opened.append((slot, path.name, called))

    def close_model(self, slot: int) -> None:
        self.closed.append(slot)

    def read(self, job: Read) -> None:
        self.asked.append(job)

    def receive(self) -> list[Message]:
        messages, self.messages = self.messages, []
        return messages


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def session(client: Client, tmp_path: Path) -> Session:
    return Session(Page(100, 10), client, tmp_path / "data" / "drawings", "ann")


def draw(session: Session, *strokes: list[tuple[float, float]]) -> None:
    for first, *rest in strokes:
        session.page.begin(*first)
        session.page_changed()
        for point in rest:
            session.page.extend(*point)
            session.page_changed()
        session.page.end()
        session.page_changed()


LEFT, RIGHT = [(10.0, 10.0), (10.0, 90.0)], [(60.0, 10.0), (90.0, 90.0)]


def read(*labels: int) -> Reading:
    """An answer, of a stroke for each digit."""
    sure = tuple(Prediction(label, 0.9, (0.1,) * 10) for label in labels)
    return Reading(tuple(Digit(one, "digit", Box(0, 0, 1, 1), b"", (number,)) for number, one in enumerate(sure)))


def receive(session: Session, client: Client, *messages: Message) -> None:
    client.messages += messages
    session.look()


def answer(session: Session, client: Client, *digits: int) -> None:
    receive(session, client, Answer(session.page.version, {0: read(*digits)}))


def explanation(session: Session) -> Explanation:
    return Explanation(session.page.version, 0, bytes(784), (Reason(1, bytes(784)), Reason(7, bytes(784))), ())


def finish(session: Session) -> None:
    """Wait for the processes that open images, find runs and save corrections."""
    while session.busy:
        session.look()
        time.sleep(0.001)


def test_every_change_of_the_page_is_read_and_the_answer_is_pending_until_it_comes(session: Session, client: Client) -> None:
    changes = []
    session.changed = lambda: changes.append(session.pending)
    assert not session.pending
    draw(session, LEFT)
    assert [(job.strokes, job.explain) for job in client.asked] == [([LEFT[:1]], None), ([LEFT], None)]
    assert session.pending
    assert session.reading is None
    answer(session, client, 1)
    assert session.reading is not None
    assert (session.reading.text, session.selected, changes[-1]) == ("1", 0, False)
    session.recognize()
    assert client.asked[-1].strokes == [LEFT]


def test_an_answer_to_what_was_cleared_or_undone_is_none(session: Session, client: Client) -> None:
    draw(session, LEFT)
    late = Answer(session.page.version, {0: read(1)})
    session.clear()
    receive(session, client, late)
    assert session.seen == {}
    assert not session.pending
    session.undo()
    receive(session, client, late)
    assert session.pending
    assert client.asked[-1].strokes == [LEFT]
    answer(session, client, 1)
    assert [digit.answer for digit in session.digits] == ["1"]


def test_a_digit_is_selected_until_something_else_is_drawn(session: Session, client: Client) -> None:
    session.select(0)  # of none
    assert session.selected == -1
    draw(session, LEFT, RIGHT)
    answer(session, client, 1, 7)
    assert session.selected == 1  # which was drawn last
    for number, selected in ((0, 0), (-1, 0), (5, 1), (0, 0)):
        session.select(number)
        assert session.selected == selected
    draw(session, [(95, 10)])
    answer(session, client, 1, 7)
    assert session.selected == 1


def test_explanations_are_asked_for_while_they_are_wanted(session: Session, client: Client) -> None:
    draw(session, LEFT)
    answer(session, client, 1)
    receive(session, client, explanation(session))
    assert session.explanation is None  # which nobody wants
    session.toggle_explanation()
    assert client.asked[-1].explain == -1
    receive(session, client, explanation(session))
    assert session.explanation is not None
    session.select(0)
    assert client.asked[-1].explain == 0
    session.clear()
    assert session.explanation is None
    session.toggle_explanation()
    draw(session, LEFT)
    assert client.asked[-1].explain is None


def test_a_stroke_is_explained_once_it_is_finished(session: Session, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 1000.0)  # no time passes
    session.toggle_explanation()
    draw(session, [*LEFT, (20, 90)])
    assert [job.explain for job in client.asked] == [-1, None, None, -1]


def test_a_drawing_that_can_not_be_read_has_no_answer_and_the_reason_is_told(session: Session, client: Client) -> None:
    draw(session, LEFT)
    answer(session, client, 1)
    draw(session, RIGHT)
    receive(session, client, Failed("it is too much.", session.page.version))
    assert session.status == "It is too much."
    assert session.seen == {}
    assert not session.pending


def test_what_is_drawn_without_a_model_is_told_to_be_read_by_none(session: Session, client: Client) -> None:
    draw(session, LEFT)
    assert session.status == NO_MODEL
    session.models.introductions[0] = "a.h5"
    session.tell("")
    draw(session, RIGHT)
    assert session.status == ""
    receive(session, client, Failed("it was killed.", has_ended=True))
    draw(session, LEFT)
    assert session.status == NO_MODEL


def test_a_second_model_that_is_closed_while_it_opens_stays_closed(session: Session, client: Client) -> None:
    draw(session, LEFT)
    for slot, name in ((0, "a.h5"), (1, "b.h5")):
        session.models.open(slot, name)
    assert client.opened == [(0, "a.h5", ""), (1, "b.h5", "")]
    session.close_second()
    receive(session, client, *(Opened(slot, name) for slot, name in ((0, "a.h5"), (1, "b.h5"))))
    assert list(session.models.introductions) == [0]
    receive(session, client, Answer(session.page.version, {0: read(1), 1: read(7)}))
    assert list(session.seen) == [0]
    assert client.closed == [1]


def test_a_second_model_answers_too_until_it_is_closed(session: Session, client: Client) -> None:
    draw(session, LEFT)
    for slot, name, told in ((0, "a.h5", "Reading with a.h5."), (1, "b.h5", "Comparing with b.h5.")):
        session.models.open(slot, name)
        receive(session, client, Opened(slot, name))
        assert session.status == told
    assert client.asked[-1].strokes == [LEFT]  # each reads what is drawn already
    receive(session, client, Answer(session.page.version, {0: read(1), 1: read(7)}))
    assert list(session.seen) == [0, 1]
    session.close_second()
    assert list(session.seen) == [0]
    assert session.status == "The comparison has ended."


def test_a_warning_stays_until_the_model_that_reads_is_another(session: Session, client: Client) -> None:
    for slot, warning, told in (
        (0, "It is poor.", "It is poor."),
        (1, "", "It is poor."),
        (1, "Poor too.", "It is poor."),
        (0, "", ""),
    ):
        session.models.open(slot, "a.h5")
        receive(session, client, Opened(slot, "a.h5", warning))
        assert session.models.warning == told


def found(name: str) -> tuple[Path, str]:
    """Stand in for the MLflow store, which takes seconds to be read."""
    if name == "nonsense":
        raise DataError("there is no such run.")
    return Path("mnist.h5"), f"{name} (1234)"


def test_a_run_of_the_store_is_found_while_one_draws(session: Session, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_catalog, "resolve", found)
    for name in ("nonsense", "left-behind", "quiet-otter"):
        session.models.open(0, name)
    draw(session, LEFT)
    assert len(client.asked) == 2
    assert client.opened == []
    said: list[str] = []
    session.changed = lambda: said.append(session.status)
    while not (client.opened and "There is no such run." in said):
        session.look()
        time.sleep(0.001)
    assert client.opened == [(0, "mnist.h5", "quiet-otter (1234)")]  # and not the one that was chosen before


def test_corrections_come_one_after_another_however_quick_the_keys(session: Session, client: Client, tmp_path: Path) -> None:
    def kept() -> list[tuple[int, int]]:
        found = [json.loads(file.read_text()) for file in (tmp_path / "data" / "drawings").glob("*.json")]
        return sorted((one["label"], len(one["strokes"])) for one in found)

    draw(session, LEFT, RIGHT)
    session.correct(7)
    session.corrections.delete_last()
    session.correct(4)
    session.correct(8)  # of the same strokes: the 4 was wrong
    assert session.status == "Saving it as an 8 …"
    finish(session)
    assert kept() == [(8, 2)]
    assert session.status.startswith(f"Saved as an 8: {session.corrections.folder}/")
    answer(session, client, 1, 7)
    session.correct(7)
    session.close()  # which waits for it
    assert kept() == [(7, 1), (8, 2)]
    assert "The selected digit was saved as a 7" in session.status


def test_a_digit_of_several_is_not_corrected_before_it_is_known_which_strokes_it_has(session: Session, client: Client) -> None:
    with pytest.raises(DataError, match="only a drawing can be corrected"):
        session.correct(7)
    draw(session, LEFT, RIGHT)
    answer(session, client, 1, 7)
    draw(session, [(50, 50)])
    with pytest.raises(DataError, match="still being read"):
        session.correct(7)


def test_an_image_is_opened_unless_something_is_drawn_meanwhile(session: Session, client: Client, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("L", (40, 20), 255).save(path)
    session.open_drawing(path)
    draw(session, LEFT)
    finish(session)
    assert "was not opened, for you have drawn meanwhile" in session.status
    session.open_drawing(path)
    finish(session)
    assert client.asked[-1].strokes == []
    image = session.page.content.image
    assert image is not None
    assert (image.path, image.size, image.pixels.mode) == (path, (40, 20), "RGB")
    assert client.asked[-1].picture == path
    session.undo()
    assert session.page.strokes == [LEFT]
    session.redo()
    assert session.page.content.image is image


def opened_picture(session: Session, path: Path) -> None:
    Image.new("L", (40, 20), 255).save(path)
    session.open_drawing(path)
    finish(session)


def test_a_picture_that_is_read_stands_beside_no_other_answer(session: Session, client: Client, tmp_path: Path) -> None:
    draw(session, LEFT)
    answer(session, client, 1)
    opened_picture(session, tmp_path / "x.png")
    assert session.seen == {}
    assert session.is_reading_picture
    assert session.status.startswith("Reading x.png")
    late = Answer(session.page.version, {0: read(7)})
    answer(session, client, 7)
    assert not session.is_reading_picture
    assert session.status.startswith("Opened x.png")
    session.page.clear()  # as drawing over a picture does
    draw(session, RIGHT)
    assert session.seen == {}
    receive(session, client, late)
    assert session.seen == {}
    assert client.asked[-1].strokes == [RIGHT]


def test_a_picture_is_left_at_once_while_it_is_opened_or_read(session: Session, client: Client, tmp_path: Path) -> None:
    draw(session, LEFT)
    for _ in range(2):  # two pictures, and what was drawn comes back
        opened_picture(session, tmp_path / "x.png")
    assert session.pictures.can_leave
    session.pictures.leave()
    assert session.page.strokes == [LEFT]
    assert client.asked[-1].strokes == [LEFT]
    assert not session.pictures.can_leave
    session.open_drawing(tmp_path / "missing.png")
    session.pictures.leave()
    assert not session.busy
    finish(session)
    assert session.status == "The picture was not opened."
    assert session.page.strokes == [LEFT]


def paste(session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch, script: str | None) -> None:
    """Paste where `script` stands in for xclip; None: where it isn't installed."""
    folder.mkdir(exist_ok=True)
    if script is not None:
        (folder / "xclip").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "xclip").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin" if script is not None else str(folder))
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    session.pictures.paste()
    finish(session)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the clipboard of X11")
def test_a_picture_is_pasted_from_the_clipboard(
    session: Session, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (40, 20), 255).save(tmp_path / "x.png")
    for _ in range(2):
        paste(session, tmp_path / "bin", monkeypatch, f"cat {tmp_path / 'x.png'}")
        assert session.status.startswith("Reading the pasted picture")
    first, second = client.asked[-2].picture, client.asked[-1].picture
    assert first != second  # undo brings back the first
    assert first is not None
    with Image.open(first) as image:
        assert image.size == (40, 20)
    session.close()
    assert not first.exists()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the clipboard of X11")
@pytest.mark.parametrize(
    ("script", "told"),
    [
        (None, "Pasting a picture takes the program xclip"),
        ("echo Error: target image/png not available >&2; exit 1", "There is no picture in the clipboard"),
        ("echo rubbish", "The picture in the clipboard can't be read"),
        ("echo no display >&2; exit 1", "The picture in the clipboard can't be read: xclip error: no display"),
    ],
)
def test_a_clipboard_without_a_picture_is_told(
    script: str | None, told: str, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paste(session, tmp_path / "bin", monkeypatch, script)
    assert told in session.status
    assert session.page.blank
    session.close()


def test_strokes_are_saved_and_opened(session: Session, tmp_path: Path) -> None:
    draw(session, LEFT)
    session.save_drawing(tmp_path / "x.json")
    assert session.status == "Saved x.json."
    session.clear()
    session.open_drawing(tmp_path / "x.json")
    assert [len(stroke) for stroke in session.page.strokes] == [2]
    assert session.pending
    many = [{"label": 1, "strokes": [LEFT]}, {"label": 2, "strokes": [LEFT, RIGHT]}]
    (tmp_path / "many.JSON.gz").write_bytes(gzip.compress(json.dumps(many).encode()))
    session.open(tmp_path / "many.JSON.gz")
    assert session.status.startswith("Opened the first of 2 drawings in many.JSON.gz.")
    assert [len(stroke) for stroke in session.page.strokes] == [2]


def test_the_brush_stays_within_its_bounds(session: Session) -> None:
    session.step_brush(1)
    assert session.page.brush == pytest.approx(12)
    session.step_brush(100)
    assert session.page.brush == pytest.approx(THICKEST * 100)
