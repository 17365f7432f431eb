"""Digits on paper of many kinds reach the network as they do from blank paper."""

import io
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from pipeline.images import blots
from pipeline.images.arrays import Images
from pipeline.images.photo import BlankPicture, ink_of
from pipeline.images.preprocessing import FAINT
from pipeline.inference.recognizer import Recognizer
from tests.hand import DIGITS, Strokes, moved, row
from tests.images.test_photo import difference
from tests.paper import HEIGHT, PAPER, PEN, WIDTH, Grey, digit, drawn, page, picture, ruled

SAME = 10.0  # of 255: mean difference of two images of one digit; those of two digits differ by 25 and more


@cache
def on_blank_paper(label: int) -> Images:
    """What the network sees of a digit on blank paper."""
    return blots.fit(page(digit(label)))


def check(image: Image.Image, label: int, model: Recognizer) -> None:
    """A picture of a digit is read right, by all ways, and the network sees what it sees of blank paper."""
    assert difference(blots.fit(image), on_blank_paper(label)) < SAME
    assert model.read_picture(image).text == str(label)
    assert model.predict(image).digit == label


@pytest.mark.slow
@pytest.mark.parametrize("label", DIGITS)
@pytest.mark.parametrize("squared", [False, True], ids=["ruled", "squared"])
def test_the_lines_of_the_paper_are_taken_out(label: int, squared: bool, model: Recognizer) -> None:
    slope, strength = ((0.0, 0.25), (0.02, 0.5), (-0.03, 0.9))[(label + squared) % 3]
    check(page(digit(label), ruled(slope=slope, squared=squared), strength), label, model)


def test_squared_paper_that_is_cropped_along_its_lines_is_read(model: Recognizer) -> None:
    image = page(digit(5), ruled(slope=0, squared=True), 0.3)
    for left, top in ((8, 11), (9, 12), (10, 13)):
        check(image.crop((left, top, 370, 293)), 5, model)


def test_lines_as_dark_as_a_pencil_and_bright_lines_on_dark_paper_are_taken_out(model: Recognizer) -> None:
    pencil = page(digit(3), ruled(squared=True), strength=0.5, pen=150)
    check(pencil, 3, model)
    check(ImageOps.invert(pencil), 3, model)


def test_a_stroke_that_lines_are_drawn_over_is_closed_again(model: Recognizer) -> None:
    for squared in (False, True):
        lines = ruled(squared=squared)
        grey = np.asarray(page(digit(8)), float) * (1 - lines) + 170 * lines
        check(picture(grey), 8, model)


def test_one_line_is_taken_out_that_goes_beyond_the_digit(model: Recognizer) -> None:
    for y in (150, 230):
        check(page(digit(2), drawn([[(0, y), (WIDTH, y + 3)]], pen=2), 0.9), 2, model)


@pytest.mark.parametrize("label", [0, 1, 4, 7])
def test_a_forms_boxes_are_taken_out(label: int, model: Recognizer) -> None:
    box = [(110.0, 50.0), (290.0, 50.0), (290.0, 240.0), (110.0, 240.0), (110.0, 50.0)]
    check(page(digit(label), drawn([box], pen=3), 1), label, model)
    check(page(digit(label), drawn([[(x, y + 60) for x, y in box]], pen=2), 0.6), label, model)  # the digit crosses it


def test_a_number_in_cells_is_read(model: Recognizer) -> None:
    cells: Strokes = [[(20.0, y), (380.0, y)] for y in (30.0, 140.0)]
    cells += [[(x, 30.0), (x, 140.0)] for x in (20.0, 110.0, 200.0, 290.0, 380.0)]
    digits = [moved(DIGITS[label], 30 + 90 * place, 50, 70) for place, label in enumerate([2, 0, 4, 7])]
    ink = drawn([stroke for strokes in digits for stroke in strokes])
    assert model.read_picture(page(ink, drawn(cells, pen=2), 0.8)).text == "2047"


@pytest.mark.parametrize("side", range(4))
@pytest.mark.parametrize("thickness", [2, 6])
def test_a_line_along_an_edge_is_no_ink(side: int, thickness: int, model: Recognizer) -> None:
    left, top, right, bottom = 0, 1, WIDTH, HEIGHT - 1
    ends = [
        ((left, top), (right, top + 2)),
        ((left, bottom - 2), (right, bottom)),
        ((1, 0), (3, HEIGHT)),
        ((398, 0), (399, HEIGHT)),
    ]
    check(page(digit(7), drawn([list(ends[side])], pen=thickness), 1), 7, model)


def test_an_underline_is_no_digit(model: Recognizer) -> None:
    ink = np.maximum(drawn(row("206"), pen=9), drawn([[(15, 175), (330, 178)]], pen=3))
    assert model.read_picture(page(ink)).text == "206"


TIGHT = ["1111", "11", "17", "7", "2", "5", "474"]
STRAIGHT: dict[str, Strokes] = {
    "1": [[(0.0, 0.0), (0.0, 1.0)]],
    "2": [[(0.0, 0.0), (0.6, 0.0), (0.6, 0.5), (0.0, 1.0), (0.6, 1.0)]],
    "4": [[(0.3, 0.0), (0.0, 0.6), (0.6, 0.6)], [(0.45, 0.2), (0.45, 1.0)]],
    "5": [[(0.6, 0.0), (0.0, 0.0), (0.0, 0.5), (0.6, 0.5), (0.6, 1.0), (0.0, 1.0)]],
    "7": [[(0.0, 0.0), (0.6, 0.0), (0.2, 1.0)]],
}


@pytest.mark.parametrize("number", TIGHT)
@pytest.mark.parametrize("margin", [0, 2, 30])
@pytest.mark.parametrize("pen", [3, 14])
def test_straight_strokes_are_no_lines_of_the_paper(number: str, margin: int, pen: int) -> None:
    strokes: Strokes = []
    x = 40.0
    for figure in number:
        strokes += moved(STRAIGHT[figure], x, 40, 150)
        x += 45 if figure == "1" else 130
    ink = drawn(strokes, int(x) + 60, 260, pen)
    rows, columns = np.nonzero(ink > 0.5)
    ink = np.pad(ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1], margin)
    found = ink_of(picture(255 * (1 - ink)))
    assert np.abs(found - ink).max() < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("label", [1, 4, 7])
@pytest.mark.parametrize("angle", [0.0, 0.6, 2.0])
def test_a_hard_shadow_is_no_ink(label: int, angle: float, model: Recognizer) -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    dark = (x - 210) * np.cos(angle) + (y - 150) * np.sin(angle) > 0
    grey = np.asarray(page(digit(label)), float) * np.where(dark, 0.55, 1)
    check(picture(grey), label, model)
    check(picture(grey).filter(ImageFilter.GaussianBlur(2)), label, model)


def test_yellowed_paper_with_stains_is_read(model: Recognizer) -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    stains = 18 * np.sin(x / 45) * np.cos(y / 38)
    grey = np.asarray(page(digit(5)), float) - 20 + stains
    yellow = np.stack([grey, grey * 0.94, grey * 0.7], axis=2)
    check(Image.fromarray(np.clip(yellow, 0, 255).astype(np.uint8)), 5, model)


@pytest.mark.parametrize("strength", [0.2, 0.38])
def test_what_shines_through_from_the_back_page_is_no_ink(strength: float, model: Recognizer) -> None:
    mirrored = [[(WIDTH - x, y) for x, y in stroke] for stroke in row("4085")]
    back = np.asarray(picture(255 * drawn(mirrored)).filter(ImageFilter.GaussianBlur(1.5)), float) / 255
    check(page(digit(6), back, strength), 6, model)


@pytest.mark.parametrize("quality", [20, 60])
@pytest.mark.parametrize("pen", [PEN, PAPER - 60])
def test_jpeg_blocks_are_no_ink(quality: int, pen: int, model: Recognizer) -> None:
    file = io.BytesIO()
    page(digit(9), pen=pen).save(file, "JPEG", quality=quality)
    check(Image.open(file), 9, model)


@pytest.mark.parametrize(("pen", "level"), [(3, PAPER - 40), (26, PEN)], ids=["pencil", "marker"])
@pytest.mark.parametrize("label", DIGITS)
def test_a_faint_pencil_and_a_thick_marker_are_read(label: int, pen: int, level: int, model: Recognizer) -> None:
    ink = drawn(moved(DIGITS[label], 140, 80, 150), pen=pen)
    assert model.read_picture(page(ink, pen=level)).text == str(label)


def cut_off(side: int) -> Grey:
    """The ink of a 3, and of an 8 that an edge cuts through."""
    corner = [(150, -60), (150, 240), (-60, 100), (330, 100)][side]
    other: Grey = drawn(moved(DIGITS[8], *corner, 120))
    return np.asarray(np.maximum(digit(3, 110), other))


@pytest.mark.parametrize("side", range(4))
def test_what_an_edge_cuts_off_is_no_digit(side: int, model: Recognizer) -> None:
    image = page(cut_off(side))
    assert model.read_picture(image).text == "3"
    assert model.predict(image).digit == 3


@pytest.mark.parametrize("label", [0, 2, 3, 4, 5, 6, 7, 8, 9])  # of a straight 1 without a margin nothing is to be seen
def test_a_digit_that_fills_a_small_picture_is_read(label: int, model: Recognizer) -> None:
    ink = drawn(moved(DIGITS[label], 20, 20, 180), 230, 230, 22)
    rows, columns = np.nonzero(ink > 0.3)
    tight = picture(255 * (1 - ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]))
    longer = max(tight.size)
    grey = np.asarray(tight.resize([max(1, round(28 * side / longer)) for side in tight.size]), float) * 0.6 + 40
    noisy = picture(grey + np.random.default_rng(0).normal(0, 4, grey.shape))
    scan = tight.resize([max(1, round(16 * side / longer)) for side in tight.size], Image.Resampling.BOX)
    for image in (tight, noisy, scan.point(lambda level: 255 * (level > 150), "1")):
        assert model.predict(image).digit == label
        assert model.read_picture(image).text == str(label)


def test_a_number_that_is_cropped_to_its_ink_is_whole(model: Recognizer) -> None:
    image = page(drawn(row("4075"), 460, 200, 10), noise=0)
    dark = image.point(lambda level: 255 * (level < 150))
    left, top, right, bottom = dark.getbbox() or (0, 0, 0, 0)
    for box in ((left, top, right, bottom), (left, 0, right, 200)):
        assert model.read_picture(image.crop(box)).text == "4075"


def test_a_page_of_lines_is_blank() -> None:
    with pytest.raises(BlankPicture, match="straight lines, which are taken for the paper's"):
        ink_of(page(np.zeros((HEIGHT, WIDTH)), ruled()))


def test_a_large_picture_on_ruled_paper_is_read_and_its_digit_placed(model: Recognizer) -> None:
    image = page(digit(4), ruled()).resize((4 * WIDTH, 4 * HEIGHT), Image.Resampling.BICUBIC)
    (found,) = model.read_picture(image).digits
    rows, columns = np.nonzero(digit(4) > FAINT)
    assert found.answer == "4"
    assert found.box == pytest.approx(
        [4 * edge for edge in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)], abs=12
    )
