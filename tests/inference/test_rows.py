"""Rows of digits are told apart, and read one below the other."""

import numpy as np
import pytest

from gui.page import wording
from pipeline.images import strokes
from pipeline.inference import rows
from pipeline.inference.recognizer import Recognizer
from pipeline.inference.segmentation import Group
from pipeline.system.errors import DataError
from tests.hand import DIGITS, OTHERS, Strokes, moved, row
from tests.paper import drawn, page, ruled


def below(*numbers: str, gap: float = 40, climb: float = 0.0) -> Strokes:
    """Numbers one below the other, digits 100 high; a row climbs by so much for each unit across."""
    found: Strokes = []
    for place, number in enumerate(numbers):
        found += [[(x, y + place * (100 + gap) - climb * x) for x, y in stroke] for stroke in row(number)]
    return found


def indifferent(groups: list[Group]) -> np.ndarray:
    return np.full(len(groups), -0.1)


@pytest.mark.parametrize("numbers", [("20", "26"), ("2026", "7"), ("4", "1947", "80")])
@pytest.mark.parametrize("gap", [15, 40, 120])
def test_rows_are_read_one_below_the_other(numbers: tuple[str, ...], gap: float, model: Recognizer) -> None:
    reading = model.read_strokes(below(*numbers, gap=gap))
    assert reading.text == reading.answer == "\n".join(numbers)
    assert [digit.row for digit in reading.digits] == [place for place, number in enumerate(numbers) for _ in number]


def test_rows_that_climb_are_told_apart(model: Recognizer) -> None:
    assert model.read_strokes(below("2026", "4308", gap=60, climb=0.15)).text == "2026\n4308"


def test_rows_of_a_picture_are_read_on_ruled_paper_too(model: Recognizer) -> None:
    ink = drawn(below("206", "38", gap=50), 400, 330, 9)
    for lines in (0.0, ruled(400, 330, 45)):
        assert model.read_picture(page(ink, lines)).text == "206\n38"


@pytest.mark.parametrize("digit", DIGITS)
def test_the_strokes_of_one_digit_are_never_torn_apart(digit: int) -> None:
    read = [strokes.resample(stroke) for stroke in DIGITS[digit]]
    assert len(rows.segment(read, indifferent)) == 1


def test_the_halves_of_a_digit_are_put_together_where_they_read_as_one(model: Recognizer) -> None:
    upper = [(0.75, 0.0), (0.3, 0.02), (0.25, 0.42)]
    lower = [(0.3, 0.52), (0.55, 0.46), (0.75, 0.65), (0.7, 0.87), (0.45, 1.0), (0.2, 0.92)]
    assert model.read_strokes(moved([upper, lower], 50, 50, 200)).text == "5"


def test_digits_of_one_row_may_lie_higher_than_others_and_be_smaller(model: Recognizer) -> None:
    drawing = [*moved(DIGITS[2], 20, 40, 100), *moved(DIGITS[0], 120, 80, 70), *moved(DIGITS[3], 210, 15, 100)]
    assert model.read_strokes(drawing).text == "203"


def test_a_bar_above_its_digit_belongs_to_it(model: Recognizer) -> None:
    body, bar = DIGITS[5]
    raised = [body, [(x, y - 0.06) for x, y in bar]]
    assert model.read_strokes([*moved(raised, 20, 40, 100), *moved(DIGITS[0], 130, 40, 100)]).text == "50"


def test_what_is_no_digit_has_a_question_mark_in_its_row(model: Recognizer) -> None:
    reading = model.read_strokes([*row("12"), *moved(OTHERS["star"], 250, 40, 100), *moved(DIGITS[7], 30, 200, 100)])
    assert reading.answer == "12?\n7"
    assert reading.text == "12\n7"


def test_more_parts_than_can_be_looked_at_in_time_are_told() -> None:
    with pytest.raises(DataError, match=r"at most 400 strokes, and this has 401"):
        rows.segment([np.zeros((1, 2))] * 401, indifferent)


def test_every_part_is_in_one_digit_whatever_is_drawn() -> None:
    random = np.random.default_rng(0)
    for count in range(1, 15):
        parts = [random.uniform(0, 300, (random.integers(1, 6), 2)) for _ in range(count)]
        found = rows.segment(parts, lambda groups: -random.uniform(0, 3, len(groups)))
        assert sorted(part for line in found for group in line for part in group) == list(range(count))


def test_parts_without_a_height_are_one_row() -> None:
    dots = [np.array([[3.0, 3.0]]), np.array([[40.0, 90.0]])]
    dashes = [np.array([[0.0, y], [50.0, y]]) for y in (0.0, 30.0)]
    assert [len(rows.segment(parts, indifferent)) for parts in (dots, dashes)] == [1, 1]


def test_the_window_shows_rows_in_letters_that_fit() -> None:
    assert wording.headline("20\n26") == "20\n26"
    assert wording.headline_points("7", 226, 118) == 71
    assert wording.headline_points("20\n26", 226, 118) == 35
    assert wording.headline_points("1\n2\n3\n4\n5\n6\n7\n8", 226, 118) == 9
