import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from pipeline import datasets, preprocessing
from tests.test_datasets import configured


def seven(side: int = 200, mode: str = "L", ink: str = "black", paper: str = "white", width: int = 16) -> Image.Image:
    image = Image.new(mode, (side, side), paper)
    pen = ImageDraw.Draw(image)
    points = [(0.25, 0.2), (0.7, 0.2), (0.45, 0.8)]
    pen.line([(x * side, y * side) for x, y in points], fill=ink, width=width * side // 200)
    return image


def closeness(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def test_a_picture_is_brought_to_the_form_of_mnists() -> None:
    picture = preprocessing.fit(seven())
    assert picture.shape == (28, 28)
    assert picture.dtype == np.uint8
    assert picture.max() == 255
    rows, columns = np.nonzero(picture > 40)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
    middle = [(axis * picture).sum() / picture.sum() for axis in np.indices((28, 28))]
    assert all(abs(value - 13.5) <= 0.5 for value in middle)


@pytest.mark.parametrize(
    "image",
    [
        ImageOps.invert(seven()),
        seven(mode="RGB", ink="darkred", paper="lightyellow"),
        seven(mode="RGB", ink="yellow", paper="navy"),
        seven(mode="RGBA", ink="black", paper="#00000000"),
        seven(mode="RGBA", ink="white", paper="#00000000"),
        seven().convert("P"),
        seven().convert("1"),
        seven().convert("I"),
        seven().convert("I;16"),
        seven().convert("F"),
        seven().convert("CMYK"),
        seven(side=1000),
    ],
    ids=["inverted", "red", "yellow", "transparent", "bright", "P", "1", "I", "I;16", "F", "CMYK", "large"],
)
def test_mode_polarity_colour_and_size_make_no_difference(image: Image.Image) -> None:
    assert closeness(preprocessing.fit(image), preprocessing.fit(seven())) < 4


def test_the_place_on_the_paper_makes_no_difference() -> None:
    moved = Image.new("L", (400, 300), 255)
    moved.paste(seven(), (150, 90))
    assert closeness(preprocessing.fit(moved), preprocessing.fit(seven())) < 1


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_picture_stays_blank(value: int) -> None:
    assert not preprocessing.fit(Image.new("L", (50, 70), value)).any()


def test_noise_on_blank_paper_is_no_ink() -> None:
    noise = np.random.default_rng(0).integers(248, 252, (60, 60), np.uint8)
    assert not preprocessing.fit(Image.fromarray(noise)).any()


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (3, 2)])
def test_the_smallest_pictures_are_no_trouble(size: tuple[int, int]) -> None:
    image = Image.new("L", size, 255)
    image.putpixel((0, 0), 0)
    assert preprocessing.fit(image).shape == (28, 28)


def test_a_thin_line_fills_the_box_in_its_length_alone() -> None:
    image = Image.new("L", (100, 300), 255)
    ImageDraw.Draw(image).line([(50, 20), (50, 280)], fill=0, width=8)
    rows, columns = np.nonzero(preprocessing.fit(image) > 40)
    assert np.ptp(rows) + 1 == 20
    assert np.ptp(columns) + 1 <= 3


def test_pictures_that_are_already_in_the_form_stay_nearly_as_they_are() -> None:
    pictures = datasets.read(configured("dataset=digits").dataset)["test"].pictures[:50]
    again = np.stack([preprocessing.fit(Image.fromarray(picture)) for picture in pictures])
    assert closeness(pictures, again) < 3
