from itertools import pairwise

import numpy as np
import pytest

from pipeline.images import strokes
from tests.hand import DIGITS, moved


def dense(line: list[tuple[float, float]], points: int) -> list[tuple[float, float]]:
    parts = [np.linspace(begin, end, points) for begin, end in pairwise(line)]
    return [(float(x), float(y)) for x, y in np.concatenate(parts)]


def thickness(picture: np.ndarray) -> float:
    ink = np.pad(picture / 255, 1)
    return float(2 * ink.sum() / np.hypot(*np.gradient(ink)).sum())


@pytest.mark.parametrize("digit", DIGITS)
def test_a_drawing_has_the_form_of_mnists_pictures(digit: int) -> None:
    picture = strokes.render(DIGITS[digit])
    assert picture.shape == (28, 28)
    assert picture.dtype == np.uint8
    assert picture.max() == 255
    rows, columns = np.nonzero(picture > 100)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20, 21)
    middle = [((axis + 0.5) * picture).sum() / picture.sum() for axis in np.indices((28, 28))]
    assert middle == pytest.approx([14, 14], abs=1.2)
    assert 2.2 < thickness(picture) < 3.2  # MNIST's training images: 2.6 at the median


@pytest.mark.parametrize("digit", DIGITS)
def test_place_and_size_make_no_difference(digit: int) -> None:
    expected = strokes.render(DIGITS[digit]).astype(int)
    for x, y, size in ((0, 0, 1000), (-50, 300, 7), (1e4, 1e4, 160)):
        assert np.abs(strokes.render(moved(DIGITS[digit], x, y, size)) - expected).max() <= 1


@pytest.mark.parametrize("digit", DIGITS)
def test_the_speed_of_the_mouse_makes_no_difference(digit: int) -> None:
    expected = strokes.render(DIGITS[digit]).astype(int)
    for points in (3, 20, 500):
        drawn = strokes.render([dense(line, points) for line in DIGITS[digit]])
        assert np.abs(drawn - expected).mean() < 1.5


def test_whole_pixels_hardly_make_a_difference() -> None:
    exact = moved(DIGITS[8], 11, 17, 160)
    rounded = [[(float(round(x)), float(round(y))) for x, y in stroke] for stroke in exact]
    assert np.abs(strokes.render(exact).astype(int) - strokes.render(rounded)).mean() < 1.5


def test_no_strokes_are_a_blank_picture() -> None:
    assert not strokes.render([]).any()
    assert not strokes.render([[]]).any()


def test_a_dot_is_a_dot_in_the_middle_and_a_line_is_as_long_as_the_box() -> None:
    dot = strokes.render([[(5, 5)]])
    assert dot[13:15, 13:15].min() == 255
    assert (dot > 0).sum() <= 16
    rows, columns = np.nonzero(strokes.render([[(3, 0), (3, 50)]]) > 100)
    assert np.ptp(rows) + 1 == 20
    assert np.ptp(columns) + 1 <= 3


def test_a_thicker_pen_draws_thicker_and_stays_in_the_box() -> None:
    thin, thick = strokes.render(DIGITS[2], 1.6), strokes.render(DIGITS[2], 4.0)
    assert thick.sum() > 1.7 * thin.sum()
    assert np.ptp(np.nonzero(thick > 100)[0]) + 1 in (19, 20, 21)


def test_points_that_stand_for_a_stroke_are_evenly_spread() -> None:
    points = strokes.resample([(0, 0), (0, 1), (0, 1), (10, 1)])
    gaps = np.hypot(*np.diff(points, axis=0).T)
    assert len(points) == strokes.POINTS
    assert gaps.max() < 1.2 * np.median(gaps)
    assert (points[[0, -1]] == [(0, 0), (10, 1)]).all()
    assert strokes.resample([(2, 3), (2, 3)]).tolist() == [[2, 3]]
