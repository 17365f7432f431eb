"""What the model card says, as Markdown and as a page."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.evaluation import card, outside, page
from pipeline.evaluation.card import Facts
from pipeline.evaluation.outside import Answers, Outside
from pipeline.images.arrays import Split
from tests.data.test_datasets import configured

SUMMARY: dict[str, Any] = {
    "dataset": "mnist",
    "class_names": [str(digit) for digit in range(10)],
    "licences": {"mnist": "CC BY-SA 3.0", "pen_digits": "CC BY 4.0 | UCI", "drawings": "ours"},
    "splits": {"train": {"images": 55000}, "validation": {"images": 5750}, "test": {"images": 20}},
    "strokes": {"pen_digits": {"trained_on": 6744}, "drawings": {"trained_on": 0}},
}
VALUES: dict[str, Any] = {
    **{"network_parameters": 182394, "best_epoch": 6, "epochs": 7, "test_calibration_error": 0.0019},
    **{"test_accuracy": 0.995, "test_accuracy_low": 0.9934, "test_accuracy_high": 0.9962, "test_rejected": 0.003},
    **{"test_uncertain": 0.01, "negatives_rejected": 0.54, "negatives_uncertain": 0.79, "negatives_auroc": 0.98},
    **{"none_below": 5.15, "uncertain_below": 6.4, "sure_from": 0.8, "answers_by_mean": True},
}


def answers(wrong: int = 0, rejected: int = 0) -> Answers:
    labels = np.arange(20, dtype=np.uint8) % 10
    said = labels.copy()
    said[:wrong] = (said[:wrong] + 1) % 10
    return Answers(labels, np.eye(10, dtype=np.float32)[said], np.arange(20) >= 20 - rejected)


def facts(*overrides: str, names: list[str] | None = None) -> Facts:
    options = configured(*overrides).evaluation
    split = Split(np.zeros((20, 28, 28), np.uint8), answers().labels)
    sets = [Outside("drawings", "the collection's held-out drawings", split)]
    sets += [] if names else [Outside(each.name, each.title, split) for each in options.outside]
    given = {"test": answers(), "drawings": answers(1), "pen_digits_test": answers(2, rejected=1)}
    if options.corruptions:
        for number, name in enumerate(("corrupted_fog", "corrupted_stripe")):
            sets.append(Outside(name, name, split, whole="corrupted"))
            given[name] = answers(wrong=10 * number)
    values = VALUES | outside.measure_all(sets, given, 0.95)
    return Facts(options, SUMMARY | {"class_names": names or SUMMARY["class_names"]}, values, sets, given, "Dense 10", 2**19)


def test_the_card_says_what_the_model_is_made_of_how_good_it_is_and_what_it_is_not_for() -> None:
    text = card.markdown(card.sections(facts()))
    assert text.count("\n# ") == 1
    for words in (
        "# A network that reads handwritten digits",
        "Dense 10; 182,394 parameters in all, after 6 of 7 epochs",
        "0.50 MiB",
        "| mnist | 55,000 images | training | CC BY-SA 3.0 |",
        "| pen_digits | 6,744 drawings, rendered anew | training | CC BY 4.0 \\| UCI |",
        "| the collection's held-out drawings | 20 images | measuring alone | ours |",
        "| UCI's test writers | 20 images: 14 people",
        "| mnist's test images | 20 | 99.50 % | 99.34 % to 99.62 % | 0.30 % | 0.0000 |",
        "| UCI's test writers | 20 | 85.00 % | 63.96 % to 94.76 % | 5.00 % | 0.1000 |",
        "0.19 % in the mean (expected calibration error, 15 bins",
        "Below 5.15 it is no digit",
        "54.00 % are called no digit",
        "It finds 0 least often in the collection's held-out drawings: 50.00 % of 2 images.",
        "## What it is not for",
    ):
        assert words in text
    assert "MNIST-C" not in text
    assert " ms" not in text  # the card is the same each time


def test_the_card_has_each_corruption_and_all_together() -> None:
    text = card.markdown(card.sections(facts("evaluation=corruptions")))
    assert "20 test images, each with every corruption of MNIST-C" in text
    assert "The mean error is 25.00 %" in text
    assert re.search(r"^\| corrupted_stripe \| 50\.00 % \| .* \| 0\.00 % \|$", text, re.MULTILINE)
    assert re.search(r"^\| all \| 75\.00 % \|", text, re.MULTILINE)


def test_the_card_of_clothes_speaks_of_no_digits_that_nobody_measured() -> None:
    names = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
    text = card.markdown(card.sections(facts(names=names)))
    assert "# A network that tells T-shirt, Trouser, Pullover" in text
    assert "UCI's test writers" not in text


def test_every_row_of_a_table_has_a_cell_for_each_column() -> None:
    for section in card.sections(facts("evaluation=corruptions")):
        assert len({len(row) for row in section.table}) <= 1
        assert section.paragraphs


def test_the_page_holds_its_pictures_and_how_long_an_image_takes(tmp_path: Path) -> None:
    given = facts()
    path = tmp_path / "card.html"
    picture = tmp_path / "a.png"
    Image.new("L", (3, 3)).save(picture)
    page.write(path, card.markdown(card.sections(given)), {"A & B": picture.read_bytes(), **page.mistakes(given)}, 0.987)
    text = path.read_text(encoding="utf-8")
    assert "0.99 ms for one image" in text
    assert "<h2>A &amp; B</h2>" in text
    assert text.count("data:image/png;base64,") == 3
    assert "<th>calibration error</th>" in text
    assert "<td>UCI's test writers</td>" in text
    assert not re.search(r"(src|href)=\"(?!data:)", text)  # nothing is fetched
    assert set(tmp_path.iterdir()) == {picture, path}


@pytest.mark.parametrize("layer", ["Conv2D", "Dense"])
def test_layers_are_named_with_their_size(layer: str) -> None:
    made = type(layer, (), {"filters" if layer == "Conv2D" else "units": 24})()
    other = type("Flatten", (), {})()
    network: Any = type("Network", (), {"layers": [made, other]})()
    assert card.layers(network) == f"{layer} 24"
