"""The reading process, without the process: its jobs and what it answers."""

from pathlib import Path

import pytest
from PIL import Image

from gui.reading.messages import Answer, Explanation, Failed, Message, Open, Opened, Read
from gui.reading.service import ReadingService
from pipeline.images.strokes import render
from pipeline.inference.default_model import SHIPPED
from tests.hand import DIGITS, moved


def read(version: int, digit: int, explain: int | None = None) -> Read:
    return Read(version, moved(DIGITS[digit], 50, 50, 300), explain=explain)


@pytest.fixture(scope="module")
def opened() -> ReadingService:
    reader = ReadingService()
    (message,) = reader.do(Open(0, SHIPPED))
    assert isinstance(message, Opened)
    return reader


def explanation(reader: ReadingService) -> Explanation:
    """Let the reader make the explanation that it is asked for."""
    messages: list[Message] = []
    while reader.explains:
        messages += reader.go_on()
    (found,) = messages
    assert isinstance(found, Explanation)
    return found


def test_an_answer_does_not_wait_for_the_explanation_of_another_drawing(opened: ReadingService) -> None:
    (first,) = opened.do(read(1, 3, explain=-1))
    assert isinstance(first, Answer)
    assert first.seen[0].answer == "3"
    assert list(opened.go_on()) == []
    assert opened.explains
    (second,) = opened.do(read(2, 7))
    assert isinstance(second, Answer)
    assert second.seen[0].answer == "7"
    why = explanation(opened)  # the pen may never rest, and then it would never come
    assert (why.version, why.reasons[0][0]) == (1, 3)


def test_a_later_explanation_takes_the_place_of_one_that_is_under_way(opened: ReadingService) -> None:
    list(opened.do(read(1, 3, explain=-1)))
    list(opened.go_on())
    list(opened.do(read(2, 7, explain=-1)))
    why = explanation(opened)
    assert (why.version, why.reasons[0][0]) == (2, 7)


def test_an_explanation_that_fails_is_told_once(opened: ReadingService, monkeypatch: pytest.MonkeyPatch) -> None:
    list(opened.do(read(1, 3, explain=-1)))
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.inference.explanation.Explainer.saliency", lambda *_: 1 / 0)
        (message,) = opened.go_on()
    assert isinstance(message, Failed)
    assert "ZeroDivisionError" in message.message
    assert not opened.explains
    assert list(opened.go_on()) == []


def test_a_picture_that_is_shown_is_read_though_its_file_is_gone(opened: ReadingService, tmp_path: Path) -> None:
    path = tmp_path / "seven.png"
    Image.fromarray(255 - render(DIGITS[7])).resize((84, 84)).save(path)
    for version in (1, 2):
        (answer,) = opened.do(Read(version, [], path))
        assert isinstance(answer, Answer)
        assert answer.seen[0].answer == "7"
        path.unlink(missing_ok=True)
    (message,) = opened.do(Read(3, [], tmp_path / "another.png"))
    assert isinstance(message, Failed)


def test_a_model_that_is_not_there_is_told_and_the_one_before_stays(opened: ReadingService, tmp_path: Path) -> None:
    (message,) = opened.do(Open(0, tmp_path / "nothing.h5"))
    assert isinstance(message, Failed)
    (answer,) = opened.do(read(1, 3))
    assert isinstance(answer, Answer)
    assert answer.seen[0].answer == "3"
