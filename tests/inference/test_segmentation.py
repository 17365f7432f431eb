import numpy as np
import pytest

from pipeline.images import strokes
from pipeline.inference import segmentation
from pipeline.inference.segmentation import Group
from tests.hand import DIGITS, Strokes, moved, row


def indifferent(groups: list[Group]) -> np.ndarray:
    """A reader to whom every group reads as well as another: geometry alone decides."""
    return np.full(len(groups), -0.1)


def groups(drawn: Strokes, read: segmentation.Reader = indifferent) -> list[Group]:
    return segmentation.segment([strokes.resample(stroke) for stroke in drawn], read)


def test_one_stroke_is_one_digit() -> None:
    assert groups(DIGITS[0]) == [(0,)]
    assert groups([[(3.0, 3.0)]]) == [(0,)]


@pytest.mark.parametrize("digit", [4, 5, 7])
def test_strokes_that_cross_or_touch_stay_together(digit: int) -> None:
    assert groups(DIGITS[digit]) == [(0, 1)]
    assert groups(DIGITS[digit][::-1]) == [(0, 1)]


def test_neighbours_stay_apart_and_come_from_left_to_right() -> None:
    assert groups(row("2026")) == [(0,), (1,), (2,), (3,)]
    assert groups(row("7453")) == [(0, 1), (2, 3), (4, 5), (6,)]
    assert groups(row("7453")[::-1]) == [(5, 6), (3, 4), (1, 2), (0,)]


def test_a_bar_that_does_not_quite_touch_belongs_to_its_digit() -> None:
    body, bar = DIGITS[5]
    assert groups([body, [(x + 0.07, y - 0.05) for x, y in bar]]) == [(0, 1)]


def test_the_size_of_the_drawing_makes_no_difference() -> None:
    assert groups(moved(row("1947"), 5, 9, 0.01)) == groups(row("1947"))


def test_recognition_decides_where_geometry_does_not() -> None:
    close = [[(0.0, 0.0), (0.0, 100.0)], [(5.0, 0.0), (5.0, 100.0)]]
    apart = groups(close, lambda found: np.array([-6.0 if len(group) == 2 else -0.1 for group in found]))
    together = groups(close, lambda found: np.array([-0.1 if len(group) == 2 else -6.0 for group in found]))
    assert apart == [(0,), (1,)]
    assert together == [(0, 1)]


def test_every_stroke_is_in_exactly_one_digit_whatever_is_drawn() -> None:
    random = np.random.default_rng(0)
    for count in range(1, 15):
        drawn = [[(float(x), float(y)) for x, y in random.uniform(0, 300, (random.integers(1, 6), 2))] for _ in range(count)]
        found = groups(drawn, lambda asked: -random.uniform(0, 3, len(asked)))
        assert sorted(part for group in found for part in group) == list(range(count))


def test_groups_that_can_not_be_a_digit_are_not_read() -> None:
    asked: list[Group] = []

    def read(found: list[Group]) -> np.ndarray:
        asked.extend(found)
        return indifferent(found)

    lines: Strokes = [[(number * 90.0, 0.0), (number * 90.0 + 85, 1.0)] for number in range(9)]  # side by side, lying
    groups([*lines, [(0.0, 0.0), (0.0, 60.0)]], read)
    assert max(map(len, asked)) <= 3
