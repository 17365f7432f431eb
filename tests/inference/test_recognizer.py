"""The recogniser without a window, with the model that ships."""

import io
import json
import pickle
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import product
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from gui import Prediction, Recognizer, predict_digit
from gui.replay import drawn
from pipeline.evaluation.metrics import auroc
from pipeline.images import hands
from pipeline.images.blots import Blots
from pipeline.images.photo import ink_of
from pipeline.inference import exported
from pipeline.inference.default_model import SHIPPED
from pipeline.inference.description import ATTRIBUTE, Description
from pipeline.inference.rejection import copies, score
from pipeline.system.errors import DataError
from pipeline.training import negatives
from tests.hand import DIGITS, OTHERS, Strokes, moved, row
from tests.strangers import HAND

SIDE = 460
MARGIN = 30


def picture(strokes: Strokes, brush: float = 22, side: int = SIDE) -> Image.Image:
    """Dark ink on white paper."""
    return drawn(strokes, side, brush).render().resize((side, side))


def photo(image: Image.Image, noise: float = 4) -> Image.Image:
    """As if it were photographed: a shade from corner to corner, noise, not quite sharp, yellowish."""
    height, width = image.height, image.width
    shade = np.linspace(95, 225, width)[np.newaxis] + np.linspace(-30, 20, height)[:, np.newaxis]
    paper = np.asarray(image.filter(ImageFilter.GaussianBlur(1.2)), float) / 255
    grey = shade * (0.35 + 0.65 * paper) + np.random.default_rng(0).normal(0, noise, (height, width))
    channels = np.stack([grey, grey * 0.95, grey * 0.8], axis=2)
    return Image.fromarray(np.clip(channels, 0, 255).astype(np.uint8))


def test_what_ships_is_small_and_says_how_good_it_is() -> None:
    with h5py.File(SHIPPED) as file:
        says = json.loads(file.attrs[ATTRIBUTE])
    assert SHIPPED.stat().st_size <= 1.5 * 2**20
    assert says["dataset"] == "mnist"
    assert says["configuration"]["augment"]["name"] == "pen"
    assert says["outside"]["pen_digits_test"] >= 0.98
    assert says["test_accuracy"] >= 0.995
    assert {"none_below", "sure_from"} <= set(says["rejection"])


@pytest.mark.parametrize("digit", DIGITS)
def test_each_digit_is_read_from_strokes(digit: int, model: Recognizer) -> None:
    reading = model.read_strokes(moved(DIGITS[digit], 40, 60, 200))
    assert reading.text == reading.answer == str(digit)
    (found,) = reading.digits
    assert found.verdict == "digit"
    assert found.prediction.probability == max(found.prediction.probabilities)
    assert sum(found.prediction.probabilities) == pytest.approx(1, abs=1e-4)
    assert found.strokes == tuple(range(len(DIGITS[digit])))
    assert found.picture.shape == (28, 28)
    assert found.box.bottom - found.box.top == pytest.approx(200, rel=0.05)


@pytest.mark.slow
def test_place_size_and_brush_do_not_change_the_answer(model: Recognizer) -> None:
    """9 positions x the extremes of size and brush; `test_pen_digits` has those between, of other people's digits."""
    cases = list(product(DIGITS, (0, 1, 2), (0, 1, 2), (0.3, 0.8), (10, 40)))
    same = 0
    for digit, across, down, size, brush in cases:
        length = size * SIDE
        free = (SIDE - 2 * MARGIN - length) / 2
        made = drawn(moved(DIGITS[digit], MARGIN + across * free, MARGIN + down * free, length), SIDE, brush)
        same += model.read_strokes(made.strokes).answer == str(digit)
    assert same / len(cases) >= 0.995


@pytest.mark.slow
def test_brush_and_place_do_not_change_the_answer_of_a_picture(model: Recognizer) -> None:
    cases = list(product(DIGITS, (0.3, 0.7), (8, 22, 44)))
    right = [
        predict_digit(picture(moved(DIGITS[digit], 60, 40, size * SIDE), brush), model).digit == digit
        for digit, size, brush in cases
        if brush < size * SIDE / 5
    ]
    assert np.mean(right) >= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_is_read_that_fills_its_picture_or_is_framed(digit: int, model: Recognizer) -> None:
    drawings = [picture(moved(DIGITS[digit], 100, 100, 250), brush) for brush in (22, 50)]
    tight = [drawing.crop(ImageOps.invert(drawing).getbbox()) for drawing in drawings]
    framed = [ImageOps.expand(drawings[0], width, 40) for width in (1, 6)]
    small = [drawing.resize((drawing.width // 8, drawing.height // 8)) for drawing in tight]
    jpeg = io.BytesIO()
    tight[0].save(jpeg, "JPEG")
    for image in (*tight, ImageOps.invert(tight[0]), *framed, *small, Image.open(jpeg)):
        assert model.predict(image).digit == digit
        assert model.read_picture(image).text == str(digit)


@pytest.mark.parametrize("number", ["2026", "1947", "80", "350716"])
def test_several_digits_are_read_as_a_number_each_in_its_box(number: str, model: Recognizer) -> None:
    strokes = row(number)
    reading = model.read_strokes(strokes)
    assert reading.text == reading.answer == number
    lefts = [digit.box.left for digit in reading.digits]
    assert lefts == sorted(lefts)
    assert sorted(stroke for digit in reading.digits for stroke in digit.strokes) == list(range(len(strokes)))


@pytest.mark.parametrize("how", ["plain", "inverted", "photo", "photo inverted", "large", "transparent"])
def test_a_picture_of_a_number_is_read_whatever_its_paper(how: str, model: Recognizer) -> None:
    image = picture(row("4075"), 12)
    expected = [digit.box for digit in model.read_picture(image).digits]
    factor = 1.0
    if how.startswith("photo"):
        image = photo(image)
    if how.endswith("inverted"):
        image = ImageOps.invert(image)
    if how == "large":
        factor = 5.0
        image = image.resize((SIDE * 5, SIDE * 5))
    if how == "transparent":
        ink = Image.new("RGBA", image.size, (200, 30, 30, 0))
        ink.putalpha(ImageOps.invert(image))
        image = ink
    reading = model.read_picture(image)
    assert reading.text == "4075"
    for found, box in zip(reading.digits, expected, strict=True):
        assert np.allclose(np.array(found.box) / factor, box, atol=8)
        assert found.strokes == ()


@pytest.mark.parametrize("number", ["23", "25", "26", "62"])
def test_digits_of_a_picture_that_touch_are_parted_each_in_its_box(number: str, model: Recognizer) -> None:
    image = picture(row(number, gap=-9), 8)
    assert len(Blots(ink_of(image))) == 1
    digits = model.read_picture(image).digits
    assert "".join(digit.answer for digit in digits) == number
    together = Image.new("L", image.size)
    for digit in digits:
        left, top, right, bottom = (round(edge) for edge in digit.box)
        together.paste(255, (left, top, right, bottom))
    ink = np.asarray(image) < 128
    assert (np.asarray(together) > 0)[ink].mean() > 0.95


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_digit_is_not_cut_into_digits(name: str, model: Recognizer) -> None:
    assert not model.read_picture(picture(moved(OTHERS[name], 60, 60, 300), 22)).text


def test_a_blank_has_no_answer(model: Recognizer) -> None:
    assert model.read_strokes([]).digits == ()
    assert model.read_strokes([[]]).answer == ""
    blank = Image.new("RGB", (300, 200), "white")
    for image in (blank, photo(blank.convert("L"), noise=6), Image.new("L", (1, 1))):
        reading, prediction = model.read_picture(image), predict_digit(image, model)
        assert reading.answer == ""
        assert prediction == Prediction(None, 0.0, (0.0,) * 10)
        assert reading.blank == prediction.blank != ""
    assert "no ink was found" in model.read_picture(blank).blank
    assert pickle.loads(pickle.dumps(predict_digit(blank, model))).blank == model.read_picture(blank).blank


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_digit_is_said_to_be_none(name: str, model: Recognizer) -> None:
    reading = model.read_strokes(moved(OTHERS[name], 40, 60, 200))
    assert reading.answer in ("no digit", "?" * len(reading.digits))
    assert reading.text == ""


def test_what_is_no_digit_is_said_to_be_none_among_digits_too(model: Recognizer) -> None:
    reading = model.read_strokes([*row("12"), *moved(OTHERS["star"], 250, 40, 100), *moved(DIGITS[7], 380, 40, 100)])
    assert reading.answer == "12?7"
    assert reading.text == "127"
    assert [digit.verdict for digit in reading.digits] == ["digit", "digit", "none", "digit"]


@pytest.mark.slow
def test_non_digits_of_kinds_that_were_not_trained_on_are_told_from_digits(model: Recognizer) -> None:
    made = [model.read_strokes(moved(bent, 0, 0, 100)).digits for bent in _bent_digits(100)]
    digits = np.stack([found[0].picture for found in made])
    others = negatives.held_out(300, HAND, seed=3)
    scores = [score(np.log(exported.predict(model.network, copies(images)) + 1e-12)) for images in (digits, others)]
    assert auroc(*scores) >= 0.97


def _bent_digits(count: int) -> Iterator[Strokes]:
    random = np.random.default_rng(0)
    for number in range(count):
        lines = [np.array(stroke) for stroke in DIGITS[number % 10]]
        yield [[(float(x), float(y)) for x, y in line] for line in hands.change(lines, HAND, random)]


def test_without_a_threshold_in_the_file_nothing_is_rejected(model: Recognizer, tmp_path: Path) -> None:
    model.network.save(tmp_path / "plain.h5")
    plain = Recognizer(tmp_path / "plain.h5")
    assert plain.read_strokes(OTHERS["star"]).digits[0].verdict == "digit"
    assert plain.description == Description()


def test_saliency_lies_on_the_ink_and_depends_on_the_digit(model: Recognizer) -> None:
    seen = model.read_strokes(DIGITS[3]).digits[0].picture
    three, eight = model.explainer.saliency(seen, 3), model.explainer.saliency(seen, 8)
    for shares in (three, eight):
        assert shares.shape == (28, 28)
        assert shares.dtype == np.float32
        assert np.abs(shares).max() == pytest.approx(1)
        assert not shares[seen == 0].any()
    assert three.sum() > eight.sum()
    assert not model.explainer.saliency(np.zeros((28, 28), np.uint8), 3).any()


def test_there_is_a_feature_map_for_each_convolution(model: Recognizer) -> None:
    found = model.explainer.feature_maps(model.read_strokes(DIGITS[3]).digits[0].picture)
    assert [name for name, _ in found] == ["block0", "block1", "block2"]
    for _, maps in found:
        assert maps.ndim == 3
        assert maps.dtype == np.float32
        assert maps.min() >= 0  # after the activation
        assert maps.max() > 0


def test_the_answer_is_in_words(model: Recognizer) -> None:
    (digit,) = model.read_strokes(DIGITS[3]).digits
    uncertain = replace(digit, verdict="uncertain")
    assert uncertain.answer == f"not sure: 3 or {digit.prediction.runner_up}"
    assert replace(digit, verdict="none").answer == "no digit"


def test_the_verdict_goes_by_the_likeness(model: Recognizer) -> None:
    (seven,), (star,) = (model.read_strokes(strokes).digits for strokes in (DIGITS[7], OTHERS["star"]))
    assert seven.likeness > model.description.thresholds.none_below > star.likeness


def ruled(side: int, lines: int, lean: int = 0) -> Image.Image:
    page = Image.new("L", (side, side), 255)
    for number in range(lines):
        y = (number + 0.5) * side / lines
        ImageDraw.Draw(page).line((side * 0.1, y - lean, side * 0.9, y + lean), fill=0, width=2)
    return page


def with_dots(count: int, side: int = 800) -> Image.Image:
    page = Image.new("L", (side, side), 255)
    for number in range(count):
        x, y = number % 10 * side / 10 + 20, number // 10 * side / 10 + 20
        ImageDraw.Draw(page).ellipse((x, y, x + 20, y + 20), fill=0)
    return page


ENDLESS = {
    "a line": Image.new("L", (6000, 40), 255),
    "lines": ruled(800, 60),
    "upright lines": ruled(800, 60).transpose(Image.Transpose.ROTATE_90),
    "leaning lines": ruled(800, 55, 200),
    "dots": with_dots(60),
    "a thin pen": drawn(moved(DIGITS[7], 400, 400, 1000), 1600, 2).render(),
    "squares": Image.fromarray(np.tile(np.kron(np.eye(2), np.ones((8, 8))) * 255, (50, 50)).astype(np.uint8)),
    "noise": Image.fromarray(np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (800, 800), p=[0.02, 0.98])),
    "a strip": Image.new("1", (30000, 10), 1),
}
ENDLESS["a line"].paste(0, (10, 18, 5990, 21))
ENDLESS["a strip"].paste(0, (10, 4, 29990, 6))


def seconds(image: Image.Image, model: Recognizer) -> float:
    """Of CPU, that reading an image takes."""
    begin = time.process_time()
    with suppress(DataError):
        model.read_picture(image)
    return time.process_time() - begin


@pytest.fixture(scope="module")
def usual(model: Recognizer) -> float:
    """The seconds that a number of six digits takes."""
    return min(seconds(picture(row("350716"), 12), model) for _ in range(3))


@pytest.mark.slow
@pytest.mark.parametrize("image", ENDLESS.values(), ids=ENDLESS)
def test_no_image_takes_much_longer_than_a_number_does(image: Image.Image, model: Recognizer, usual: float) -> None:
    assert any(seconds(image, model) < 25 * usual for _ in range(3))  # the machine may be busy otherwise


def test_a_page_of_print_is_told_to_be_too_much(model: Recognizer) -> None:
    with pytest.raises(DataError, match=r"at most 60 pieces of ink, and holds 100\. Cut the number out"):
        model.read_picture(with_dots(100))


def test_a_sequential_model_as_the_tutorials_save_it_is_opened_and_explained(tmp_path: Path) -> None:
    import keras

    layers = [keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    keras.Sequential([keras.Input((28, 28, 1)), *layers]).save(tmp_path / "mnist.h5")
    recognizer = Recognizer(tmp_path / "mnist.h5")
    assert recognizer.predict(picture(DIGITS[1])).digit in range(10)
    ((_, maps),) = recognizer.explainer.feature_maps(np.zeros((28, 28), np.uint8))
    assert maps.shape == (26, 26, 4)
