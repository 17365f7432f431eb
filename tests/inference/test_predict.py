"""What a script, a notebook or a server does: a picture in any form, an answer or one error that it can catch."""

import doctest
import io
import os
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

import gui
from gui import Recognizer, predict_digit, read_picture
from pipeline.images.picture_file import picture_of
from pipeline.images.strokes import render
from pipeline.inference import predict
from pipeline.inference.default_model import SHIPPED
from pipeline.system import patches, tensorflow_setup
from pipeline.system.errors import DataError, ModelError, UserError
from tests.hand import DIGITS, row


@pytest.fixture
def keras() -> Any:
    tensorflow_setup.start()
    import keras

    return keras


@pytest.fixture(scope="module")
def seven() -> Image.Image:
    """A 7, dark on white, 84 x 84."""
    return Image.fromarray(255 - render(DIGITS[7])).resize((84, 84), Image.Resampling.BICUBIC)


def drawn(digits: str) -> Image.Image:
    """Digits side by side, dark on white."""
    image = Image.new("L", (60 + 110 * len(digits), 180), 255)
    for stroke in row(digits):
        ImageDraw.Draw(image).line(stroke, 0, 10, "curve")
    return image


def encoded(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_a_picture_is_read_alike_in_whatever_form_it_is_given(model: Recognizer, seven: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "seven.png"
    path.write_bytes(encoded(seven))
    grey = np.asarray(seven)
    images: list[Any] = [path, str(path), path.read_bytes(), seven, seven.convert("RGBA"), Image.open(path), grey]
    images += [grey[..., np.newaxis], np.stack([grey] * 3, axis=2), grey / 255, grey.astype(np.int64), grey.astype(np.uint16)]
    images += [grey < 128, np.stack([grey] * 3, axis=2) / 255, np.asarray(seven.convert("RGBA"))]
    for picture in images:
        assert predict_digit(picture, model).digit == 7, picture
        assert read_picture(picture, model).text == "7", picture


def test_a_picture_with_several_digits_is_read_as_one_with_a_warning_that_names_the_other_function(model: Recognizer) -> None:
    with pytest.warns(UserWarning, match=r"several digits, '2026': read_picture reads them all") as warned:
        assert predict_digit(drawn("2026"), model).digit in range(10)
    assert warned[0].filename == __file__


def test_the_examples_in_the_documentation_of_the_functions_are_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn("7").save(tmp_path / "seven.png")
    drawn("2026").save(tmp_path / "2026.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(predict, "default_model", lambda: SHIPPED)
    failed, tried = doctest.testmod(predict)
    assert (failed, tried) == (0, 2)


def test_the_model_may_be_a_path_in_either_form_and_is_opened_once(seven: Image.Image) -> None:
    assert predict_digit(seven, SHIPPED) == predict_digit(seven, str(SHIPPED))


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (Image.new("L", (0, 0)), "must have pixels, and this one is 0 x 0"),
        (np.zeros((0, 5), np.uint8), r"must have pixels, and this array is \(0, 5\)"),
        (np.zeros(784), r"must be \(height, width\), or .* and is \(784,\) of float64"),
        (np.zeros((28, 28), complex), "of complex128"),
        (np.zeros((2, 28, 28, 3)), r"and is \(2, 28, 28, 3\)"),
        (b"", "can't be read as a picture"),
        (b"\x89PNG\r\n\x1a\n", "can't be read as a picture"),
        (None, "and is NoneType: None"),
        (7, "and is int: 7"),
        ("nothing.png", "there is no picture nothing.png"),
        (Path(), r"\. is a folder, and a picture is one file"),
        ("", "the path of the picture is empty"),
        (np.full((9, 9, 3), 200.0), r"floats from 0 to 1, and is float64 from 200 to 200\. Scale it"),
        (np.full((9, 9, 3), 40_000, np.uint16), "integers from 0 to 255 .* and is uint16 from 40000 to 40000"),
        (np.full((9, 9, 3), np.nan), "floats from 0 to 1, and is float64 from nan to nan"),
        ("https://example.org/7.png", "there is no picture https://example.org/7.png"),
        (str(SHIPPED), "it is damaged, or of no format of pictures that is known"),
    ],
)
def test_what_is_no_picture_is_one_error_that_a_caller_can_catch(picture: Any, says: str, model: Recognizer) -> None:
    for read in (predict_digit, read_picture):
        with pytest.raises(DataError, match=says) as error:
            read(picture, model)
        assert isinstance(error.value, Exception)
        assert not str(error.value).startswith("Error")


def test_a_file_that_is_cut_short_is_named(seven: Image.Image, tmp_path: Path, model: Recognizer) -> None:
    path = tmp_path / "half.png"
    path.write_bytes(encoded(seven)[:-200])
    with Image.open(path) as opened:
        for picture in (path, opened):
            with pytest.raises(DataError, match=r"half\.png can't be read as a picture"):
                predict_digit(picture, model)


def test_a_picture_without_ink_is_no_error_and_says_why(model: Recognizer) -> None:
    blank = np.full((28, 28), 255, np.uint8)
    assert predict_digit(blank, model).digit is None
    assert "no ink was found" in predict_digit(blank, model).blank
    assert read_picture(blank, model).text == ""


def test_a_model_that_is_not_there_is_an_error_that_a_caller_can_catch(seven: Image.Image) -> None:
    for attempt in (lambda: Recognizer("nothing.h5"), lambda: predict_digit(seven, "nothing.h5")):
        with pytest.raises(Exception, match=r"there is no model .*nothing\.h5") as error:  # a SystemExit would not be caught
            attempt()
        assert isinstance(error.value, ModelError)


@pytest.mark.parametrize(
    ("given", "says"),
    [(7, "and is int"), (["a.h5"], "and is list"), (object(), r"Save a network of Keras first: model\.save"), ("", "is empty")],
)
def test_what_is_no_model_is_an_error_that_says_what_is_one(given: Any, says: str, seven: Image.Image) -> None:
    with pytest.raises(ModelError, match=says):
        predict_digit(seven, given)


@pytest.mark.parametrize(
    "drawn", [None, "abc", [(0, 0), (1, 1)], [[(0, 0, 1)]], [[(0, float("nan"))]], [[(0, 1e300)]], [["ab"]]]
)
def test_what_are_no_strokes_is_an_error_that_says_what_are(drawn: Any, model: Recognizer) -> None:
    with pytest.raises(DataError, match=r"strokes must be lists of points \(x, y\), of finite numbers, and are"):
        model.read_strokes(drawn)


def test_many_threads_that_read_at_once_leave_the_warnings_of_the_program_as_they_are(
    seven: Image.Image, tmp_path: Path, model: Recognizer
) -> None:
    seven.save(tmp_path / "seven.png")
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as threads:
        read = list(threads.map(lambda _: predict_digit(tmp_path / "seven.png", model).digit, range(24)))
    assert read == [7] * 24
    assert warnings.filters == before


def test_a_process_that_was_forked_from_one_that_reads_is_told_to_be_started_anew(
    seven: Image.Image, model: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorflow_setup, "_started_in", os.getppid())
    for read in (lambda: predict_digit(seven, model), lambda: Recognizer(SHIPPED)):
        with pytest.raises(UserError, match=r'multiprocessing\.get_context\("spawn"\)'):
            read()


def test_a_program_of_others_has_its_libraries_and_needs_no_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patches, "importing_without", lambda *_: pytest.fail("libraries are hidden"))
    monkeypatch.setattr(sys, "stderr", None)
    tensorflow_setup.start(is_own_process=False)


def test_keras_with_another_backend_is_told(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UserError, match="with the backend jax"):
        tensorflow_setup.start()


def test_a_page_of_many_pieces_is_warned_of(model: Recognizer) -> None:
    page = np.full((400, 400), 255, np.uint8)
    for down in range(9):
        for right in range(9):
            page[20 + 40 * down : 40 + 40 * down, 25 + 40 * right : 29 + 40 * right] = 0
    with pytest.warns(UserWarning, match="81 pieces of ink, more than a digit has"):
        predict_digit(page, model)


def test_the_names_for_scripts_are_listed() -> None:
    assert {"predict_digit", "read_picture", "Recognizer", "App"} <= set(dir(gui))


def test_numbers_that_are_not_finite_and_floats_of_any_range_are_pictures() -> None:
    assert picture_of(np.array([[np.nan, 1.0], [0.0, -3.0]])).mode == "F"
    assert picture_of(np.zeros((5, 4), bool)).size == (4, 5)


def test_ink_that_is_as_bright_as_the_paper_is_seen_by_its_colour(model: Recognizer, seven: Image.Image) -> None:
    ink, paper = (255, 0, 0), (0, 130, 0)
    assert len({Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0)) for colour in (ink, paper)}) == 1
    assert predict_digit(ImageOps.colorize(seven, ink, paper), model).digit == 7
    assert predict_digit(Image.new("RGB", (300, 300), paper), model).digit is None


def test_a_prediction_is_unpacked_in_one_line(model: Recognizer, seven: Image.Image) -> None:
    digit, probability, probabilities = predict_digit(seven, model)
    assert digit == 7
    assert probability == max(probabilities) > 0.3
    assert sum(probabilities) == pytest.approx(1, abs=1e-4)
