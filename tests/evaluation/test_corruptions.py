import numpy as np
import pytest

from pipeline.evaluation import corruptions
from pipeline.images.arrays import Images
from pipeline.images.strokes import render
from tests.hand import DIGITS

PICTURES: Images = np.stack([render(strokes) for strokes in DIGITS.values()])
NUMBERS = np.arange(0, 100, 10)
#: Those that move or hide no ink at random: the same for every image and seed.
STEADY = {"scale", "brightness", "stripe", "canny_edges"}


def corrupted(name: str, seed: int = 0) -> Images:
    return corruptions.corrupt(name, PICTURES, NUMBERS, seed)


def test_there_are_the_fifteen_of_the_paper() -> None:
    assert len(corruptions.CORRUPTIONS) == 15


@pytest.mark.parametrize("name", corruptions.CORRUPTIONS)
def test_a_corruption_keeps_the_form_of_images_and_hangs_on_the_seed_and_the_image_alone(name: str) -> None:
    before = PICTURES.copy()
    made = corrupted(name)
    assert made.shape == PICTURES.shape
    assert made.dtype == np.uint8
    assert (before == PICTURES).all()
    assert (made != PICTURES).any(axis=(1, 2)).all()
    assert (corrupted(name) == made).all()
    differs = bool((corrupted(name, seed=1) != made).any())
    assert differs == (name not in STEADY)
    alone = corruptions.corrupt(name, PICTURES[3:5], NUMBERS[3:5], 0)
    assert (alone == made[3:5]).all()


def test_what_is_moved_stays_around_the_middle_and_what_is_bright_stays_bright() -> None:
    dot = np.zeros((1, 28, 28), np.uint8)
    dot[0, 13:15, 13:15] = 255
    for name in ("shear", "scale", "rotate"):
        made = corruptions.corrupt(name, dot, np.array([0]), 0)[0].astype(float)
        rows, columns = np.indices((28, 28))
        assert (made * rows).sum() / made.sum() == pytest.approx(13.5, abs=0.01)
        assert (made * columns).sum() / made.sum() == pytest.approx(13.5, abs=0.01)
    moved = corruptions.corrupt("translate", dot, np.array([0]), 0)[0]
    rows, columns = np.nonzero(moved)
    assert {abs(rows.mean() - 13.5), abs(columns.mean() - 13.5)} == {3.0}
    assert moved.sum() == dot.sum()


def test_brightness_and_stripes_are_as_they_are_defined() -> None:
    np.testing.assert_allclose(corrupted("brightness"), np.minimum(PICTURES + 127.5, 255), atol=0.5)
    striped = corrupted("stripe")
    assert (striped[:, :, 7:21] == PICTURES[:, :, 7:21]).all()
    assert (striped[:, :, :7] == 255 - PICTURES[:, :, :7]).all()
    assert (striped[:, :, 21:] == 255 - PICTURES[:, :, 21:]).all()


def test_noise_is_as_strong_as_it_is_defined() -> None:
    grey = np.full((50, 28, 28), 128, np.uint8)
    numbers = np.arange(50)
    changed = corruptions.corrupt("impulse_noise", grey, numbers, 0)
    assert (changed != 128).mean() == pytest.approx(0.17, abs=0.01)
    assert (changed == 255).sum() == pytest.approx((changed == 0).sum(), rel=0.1)
    counted = corruptions.corrupt("shot_noise", grey, numbers, 0)
    assert set(np.unique(counted)) == {0, 85, 170, 255}
    assert (counted == 0).mean() == pytest.approx(np.exp(-3 * 128 / 255), abs=0.01)


def test_a_dotted_line_and_a_zigzag_add_ink_and_take_none_away() -> None:
    for name in ("dotted_line", "zigzag"):
        made = corrupted(name)
        assert (made >= PICTURES).all()
        assert (made > PICTURES).any(axis=(1, 2)).all()
    dashes = corruptions.corrupt("dotted_line", np.zeros((1, 28, 28), np.uint8), np.array([7]), 0)[0]
    dashed = dashes.any(axis=0)
    assert not dashed[np.arange(28) // 2 % 2 == 0].any()
    assert dashed[2:27][np.arange(2, 27) // 2 % 2 == 1].all()
