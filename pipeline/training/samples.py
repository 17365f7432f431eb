"""A sheet of what a training adds to the images of a dataset: each form of a digit, and what is no digit."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from pipeline.images import hands
from pipeline.images.arrays import SIDE, Images
from pipeline.images.strokes import LabelledDrawing
from pipeline.system.paths import replacing
from pipeline.training import forms, negatives
from pipeline.training.augment import Augment

SAMPLES = "added.png"  # the sheet
COLUMNS = 24  # images in a row
NAMES_WIDTH = 110  # pixels, for the name of a row


def write(path: Path, drawings: Sequence[LabelledDrawing], images: Images, options: Augment, seed: int) -> None:
    """Write the sheet; without anything to show, there is no file. Arguments are those of `sheet`."""
    path.unlink(missing_ok=True)
    if picture := sheet(drawings, images, options, seed):
        with replacing(path) as temporary:
            picture.save(temporary)


def sheet(drawings: Sequence[LabelledDrawing], images: Images, options: Augment, seed: int) -> Image.Image | None:
    """Draw a row for each form that is used, and one for what is no digit; None if there is nothing to show.

    Args:
        drawings: that are trained on.
        images: (n, 28, 28) uint8, that are trained on.
        options: the forms, the hands, and whether images that are no digits are added.
        seed: decides which drawings are shown, and how they are changed.

    Returns:
        Dark on light, the name of each row at its left.
    """
    random = np.random.default_rng(seed)
    rows: dict[str, Images] = {}
    for label, own in enumerate(forms.FORMS):
        lines = [hands.in_unit_square(drawing.strokes) for drawing in drawings if drawing.label == label]
        for name, form in own.items():
            if lines and getattr(options.forms, name):
                chosen = [lines[number] for number in random.integers(len(lines), size=COLUMNS)]
                rows[name] = np.hstack([hands.render(form(drawing, random), options.hands, random) for drawing in chosen])
    if options.negatives:
        none = negatives.make(range(COLUMNS), images, options.hands, options.negative_kinds, seed)
        rows["no digit"] = np.hstack(list(none))
    if not rows:
        return None
    picture = Image.new("L", (NAMES_WIDTH + COLUMNS * SIDE, len(rows) * SIDE), 255)
    draw = ImageDraw.Draw(picture)
    for number, (name, row) in enumerate(rows.items()):
        draw.text((4, number * SIDE + 8), name.replace("_", " "), fill=0)
        picture.paste(Image.fromarray(255 - row), (NAMES_WIDTH, number * SIDE))
    return picture
