"""What real people drew with a pen, read by the model that ships: the bars that the program is built to clear."""

from pathlib import Path

import pytest

from benchmarks import drawings as measured
from pipeline.data import collection
from pipeline.inference.default_model import SHIPPED
from pipeline.inference.recognizer import Recognizer

DRAWN = Path(__file__).resolve().parents[2] / "shared" / "pen-digits" / "dev.json.gz"
pytestmark = pytest.mark.skipif(not DRAWN.exists(), reason="the recorded strokes are no part of the project")


@pytest.fixture(scope="module")
def found() -> list[collection.Drawing]:
    return collection.read(DRAWN)


@pytest.fixture(scope="module")
def model() -> Recognizer:
    return Recognizer(SHIPPED)


def test_digits_of_unseen_writers_are_read(found: list[collection.Drawing], model: Recognizer) -> None:
    assert measured.single(found, model) >= 0.975


def test_place_size_and_brush_do_not_change_the_answer(found: list[collection.Drawing], model: Recognizer) -> None:
    assert measured.invariance(found, model, digits=6) >= 0.995


def test_numbers_of_several_digits_are_read_as_a_whole(found: list[collection.Drawing], model: Recognizer) -> None:
    assert measured.numbers(found, model, 60) >= 0.9


def test_what_is_no_digit_is_told_from_them(found: list[collection.Drawing], model: Recognizer) -> None:
    auroc, rejected = measured.others(found[::4], model, 300)
    assert auroc >= 0.98
    assert rejected >= 0.8
