"""What real people drew with a pen, read by the model that ships. See `tests/strokes/README.md` for whose strokes they are."""

import pytest

from benchmarks import drawings as measured
from pipeline.data import collection
from pipeline.images.strokes import LabelledDrawing
from pipeline.inference.recognizer import Recognizer
from tests.conftest import ROOT

DRAWN = ROOT / "tests/strokes/pen_digits.json.gz"


@pytest.fixture(scope="module")
def found() -> list[LabelledDrawing]:
    return collection.read(DRAWN)


@pytest.mark.slow
def test_digits_of_unseen_writers_are_read(found: list[LabelledDrawing], model: Recognizer) -> None:
    assert measured.single(found, model) >= 0.975


@pytest.mark.slow
def test_place_size_and_brush_do_not_change_the_answer(found: list[LabelledDrawing], model: Recognizer) -> None:
    assert measured.invariance(found, model, digits=3) >= 0.995


def test_numbers_of_several_digits_are_read_as_a_whole(found: list[LabelledDrawing], model: Recognizer) -> None:
    assert measured.numbers(found, model, 60) >= 0.94


@pytest.mark.slow
def test_what_is_no_digit_is_told_from_them(found: list[LabelledDrawing], model: Recognizer) -> None:
    auroc, rejected = measured.others(found, model, 300)
    assert auroc >= 0.99
    assert rejected >= 0.9
