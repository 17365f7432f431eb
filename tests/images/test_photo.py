from itertools import product

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from gui.replay import drawn
from pipeline.images import blots
from pipeline.images.photo import BlankPicture
from tests import paper as on_paper
from tests.hand import DIGITS, moved


def seven(side: int = 200, mode: str = "L", ink: str = "black", paper: str = "white", width: int = 16) -> Image.Image:
    image = Image.new(mode, (side, side), paper)
    pen = ImageDraw.Draw(image)
    points = [(0.25, 0.2), (0.7, 0.2), (0.45, 0.8)]
    pen.line([(x * side, y * side) for x, y in points], fill=ink, width=width * side // 200)
    return image


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """The mean difference of two images, 0 to 255, one of which may lie a pixel beside the other."""
    shifted = (np.roll(one.astype(int), shift, (0, 1)) for shift in product((-1, 0, 1), repeat=2))
    return min(float(np.abs(picture - other).mean()) for picture in shifted)


def test_a_picture_is_brought_to_the_form_of_mnists() -> None:
    picture = blots.fit(seven())
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
    assert difference(blots.fit(image), blots.fit(seven())) < 4


def test_the_place_on_the_paper_makes_no_difference() -> None:
    moved = Image.new("L", (400, 300), 255)
    moved.paste(seven(), (150, 90))
    assert difference(blots.fit(moved), blots.fit(seven())) < 1


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_picture_of_one_colour_is_told_to_be_blank(value: int) -> None:
    with pytest.raises(BlankPicture, match=r"more than 8 of 255 levels.*is of one colour"):
        blots.fit(Image.new("L", (50, 70), value))


def test_noise_on_blank_paper_is_no_ink() -> None:
    noise = np.random.default_rng(0).normal(200, 6, (60, 60))
    with pytest.raises(BlankPicture, match=r"more than \d+ of 255 levels, .* picture has ink that differs by \d"):
        blots.fit(Image.fromarray(noise.astype(np.uint8)))


@pytest.mark.parametrize("size", [(1, 50), (50, 1), (3, 2), (3000, 2)])
def test_the_smallest_pictures_are_no_trouble(size: tuple[int, int]) -> None:
    image = Image.new("L", size, 255)
    image.paste(0, (0, 0, size[0] // 9 + 1, size[1] // 9 + 1))
    assert blots.fit(image).any()


def test_a_thin_line_fills_the_box_in_its_length_alone() -> None:
    image = Image.new("L", (100, 300), 255)
    ImageDraw.Draw(image).line([(50, 20), (50, 280)], fill=0, width=8)
    rows, columns = np.nonzero(blots.fit(image) > 40)
    assert np.ptp(rows) + 1 == 20
    assert np.ptp(columns) + 1 <= 4


@pytest.mark.parametrize("width", [1, 4, 12, 24])
def test_the_width_of_the_pen_makes_little_difference(width: int) -> None:
    assert difference(blots.fit(seven(side=400, width=width)), blots.fit(seven(side=400))) < 12


def test_pictures_that_are_already_in_the_form_stay_nearly_as_they_are() -> None:
    for digit in (0, 4, 7):
        picture = blots.fit(drawn(moved(DIGITS[digit], 10, 10, 80), 100, 8).render())
        assert difference(picture, blots.fit(Image.fromarray(picture))) < 2


def cropped(image: Image.Image) -> Image.Image:
    return image.crop(ImageOps.invert(image).getbbox())


@pytest.mark.parametrize("width", [16, 36, 50])
@pytest.mark.parametrize("margin", [0, 2])
def test_ink_may_cover_most_of_the_picture(width: int, margin: int) -> None:
    image = ImageOps.expand(cropped(seven(width=width)), margin, 255)
    for tight in (image, ImageOps.invert(image)):
        assert difference(blots.fit(tight), blots.fit(seven(width=width))) < 4


@pytest.mark.parametrize("shade", [60, -60])
def test_ink_may_cover_most_of_a_page_in_a_shade(shade: int) -> None:
    page = np.asarray(ImageOps.expand(cropped(seven(width=40)), 4, 255)) * 0.5
    lit = page + 60 + np.linspace(-shade, shade, page.shape[0])[:, np.newaxis] + np.linspace(0, shade, page.shape[1])
    image = Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))
    assert difference(blots.fit(image), blots.fit(seven(width=40))) < 6


@pytest.mark.parametrize(("digit", "contrast", "noise"), [(8, 40, 5), (6, 24, 3)])
def test_a_small_picture_full_of_ink_may_be_faint_noisy_and_in_a_shade(digit: int, contrast: int, noise: float) -> None:
    inked = Image.fromarray(np.uint8(on_paper.drawn(moved(DIGITS[digit], 140, 80, 130), pen=20) * 255))
    whole = inked.crop(inked.getbbox()).resize((28, 28), Image.Resampling.BOX)
    soft = np.asarray(whole.filter(ImageFilter.GaussianBlur(1)), float) / 255
    shaded = 140 + np.linspace(25, -25, 28)[:, np.newaxis] + np.linspace(40, -40, 28) - contrast * soft
    noisy = on_paper.picture(shaded + np.random.default_rng(0).normal(0, noise, shaded.shape))
    assert difference(blots.fit(noisy), blots.fit(whole)) < 35


FRAMES = {
    "one pixel": (1, 1, 1, 1),
    "several": (6, 6, 6, 6),
    "two sides": (2, 2, 0, 0),
    "a line": (0, 0, 0, 3),
    "uneven": (1, 4, 8, 2),
}


@pytest.mark.parametrize("grey", [0, 150])
@pytest.mark.parametrize("sides", FRAMES.values(), ids=FRAMES)
def test_a_frame_is_no_ink(sides: tuple[int, int, int, int], grey: int) -> None:
    framed = np.pad(np.asarray(seven()), (sides[:2], sides[2:]), constant_values=grey)
    for page in (framed, 255 - framed):
        assert difference(blots.fit(Image.fromarray(page)), blots.fit(seven())) < 2


def test_the_bar_of_a_digit_along_the_edge_is_no_frame() -> None:
    bar = Image.new("L", (100, 140), 255)
    ImageDraw.Draw(bar).line([(0, 2), (97, 2), (40, 139)], fill=0, width=5)
    assert difference(blots.fit(bar), blots.fit(ImageOps.expand(bar, 20, 255))) < 1


def test_an_opaque_page_with_transparent_parts_is_a_page() -> None:
    page = seven().convert("RGBA")
    with_margin = ImageOps.expand(page, 30, (0, 0, 0, 0))
    corners = Image.new("L", page.size, 0)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, 199, 199), 30, fill=255)
    page.putalpha(corners)
    for image in (with_margin, page):
        assert difference(blots.fit(image), blots.fit(seven())) < 1


def test_what_is_not_a_number_is_paper() -> None:
    values = np.asarray(seven(), np.float32).copy()
    values[3, 5], values[-1, -1], values[150, :20] = np.nan, np.inf, -np.inf
    assert difference(blots.fit(Image.fromarray(values)), blots.fit(seven())) < 1
    with pytest.raises(BlankPicture, match="one colour"):
        blots.fit(Image.fromarray(np.full((20, 20), np.nan, np.float32)))


def test_specks_are_no_ink_of_the_digit() -> None:
    image = seven()
    for number in range(40):
        image.paste(0, (number * 5, number * 37 % 197, number * 5 + 3, number * 37 % 197 + 3))
    assert difference(blots.fit(image), blots.fit(seven())) < 3


def test_a_picture_is_turned_as_its_camera_was_held() -> None:
    turned = seven().transpose(Image.Transpose.ROTATE_90)
    turned.getexif()[0x0112] = 6
    assert difference(blots.fit(turned), blots.fit(seven())) < 1
