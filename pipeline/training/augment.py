"""Changes of the training images: random ones on the fly, inside the graph, and what is put among the images before.

All randomness of the former is stateless, drawn from the seed of a step: a resumed training sees the same images.
"""

from collections.abc import Callable, Sequence
from math import pi
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field
from tqdm import tqdm

from pipeline.images import hands
from pipeline.images.arrays import CLASSES, SIDE, Split
from pipeline.images.hands import Hands
from pipeline.images.preprocessing import BOX, FAINT
from pipeline.images.strokes import LabelledDrawing
from pipeline.system.section import Count, Factor, Interval, Name, Rate, Section
from pipeline.training.forms import Forms
from pipeline.training.negatives import NegativeKinds

if TYPE_CHECKING:
    import tensorflow as tf

NONE = CLASSES  # label of what is no digit

Pixels = Annotated[float, Field(ge=0, le=SIDE // 2)]


class Augment(Section):
    """Largest random changes to a training image, and what is put among the images; 0 leaves a change out."""

    name: Name
    shift_pixels: Pixels
    rotate_degrees: Annotated[float, Field(ge=0, le=180)]
    zoom: Rate
    shear: Factor
    square: Factor
    square_stretch: Annotated[float, Field(ge=1, le=SIDE)]
    elastic_pixels: Pixels
    elastic_grid: Annotated[int, Field(ge=2, le=SIDE)]
    thickness: Factor
    coarse: Factor
    coarse_pixels: Annotated[int, Field(ge=1, le=BOX)]
    coarse_threshold: Interval[Factor]
    lighting: Factor
    lighting_brightness: Factor
    noise: Factor
    noise_std: Factor
    patch: Factor
    patch_pixels: Annotated[float, Field(ge=2, le=SIDE)]
    renderings: Count
    hands: Hands
    forms: Forms
    negatives: Factor
    negative_kinds: NegativeKinds


def extended(
    train: Split, drawings: Sequence[LabelledDrawing], options: Augment, seed: int, shows_progress: bool = False
) -> Split:
    """Put what was drawn, and what MNIST lacks, among the training images.

    Args:
        train: images.
        drawings: strokes, which are rendered as other hands would draw them, in the forms that others write.
        options: the forms, the hands, and how many images that are no digits, labelled `NONE`, there are besides.
        seed: decides everything.
        shows_progress: whether a terminal gets to see it: thousands of drawings take some seconds.
    """
    from pipeline.training import forms, negatives

    random = np.random.default_rng(seed)
    parts = [train]
    hidden = None if shows_progress else True  # None: where there is no terminal
    if drawings:
        images = []
        for drawing in tqdm([*drawings] * options.renderings, "rendering", unit="drawing", disable=hidden):
            lines = forms.vary(drawing.label, hands.in_unit_square(drawing.strokes), options.forms, random)
            images.append(hands.render(lines, options.hands, random))
        labels = np.array([drawing.label for drawing in drawings] * options.renderings, np.uint8)
        parts.append(Split(np.stack(images), labels))
    if count := round(options.negatives * sum(len(part.labels) for part in parts)):
        numbers = tqdm(range(count), "rendering", unit="non-digit", disable=hidden)
        none = negatives.make(numbers, train.images, options.hands, options.negative_kinds, seed)
        parts.append(Split(none, np.full(count, NONE, np.uint8)))
    if len(parts) == 1:  # a copy of all images, for nothing
        return train
    return Split(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))


def augmentation(options: Augment) -> Callable[["tf.Tensor", "tf.Tensor"], "tf.Tensor"]:
    """What to apply to each batch.

    Returns:
        A function of network input, (n, 28, 28, 1) float32, 0 to 1, and a seed, (2,) int32, to images of the same form.
    """
    import tensorflow as tf  # in each function, not with the options: it takes seconds

    affine = any((options.shift_pixels, options.rotate_degrees, options.zoom, options.shear, options.square))

    def apply(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        seeds = tf.random.split(seed, 7)  # (7, 2)
        if options.thickness:
            images = _change_thickness(images, options.thickness, seeds[0])
        if affine:
            images = _transform(images, options, seeds[1])
        if options.elastic_pixels:
            images = _bend(images, options.elastic_pixels, options.elastic_grid, seeds[2])
        if options.coarse:
            images = _coarsen(images, options, seeds[3])
        if options.lighting:
            images = _light(images, options, seeds[4])
        if options.patch:
            images = _cover(images, options, seeds[5])
        if options.noise:
            images = _add_noise(images, options, seeds[6])
        return images

    return apply


def _transform(images: "tf.Tensor", options: Augment, seed: "tf.Tensor") -> "tf.Tensor":
    """Turn, zoom, slant and shift each image about its middle, with bilinear interpolation; make the ink of some a square."""
    import keras
    import tensorflow as tf

    count = tf.shape(images)[0]
    draw = tf.random.stateless_uniform((7, count), seed, -1.0, 1.0)
    angle = draw[0] * (options.rotate_degrees * pi / 180)
    width, height = 1 + draw[1] * options.zoom, 1 + draw[2] * options.zoom
    if options.square:
        sides = tf.stack([_extent(images, axis) for axis in (1, 2)])  # (2, n): across and down
        shares = tf.maximum(sides / tf.reduce_max(sides, axis=0), 1 / options.square_stretch)  # of the longer side
        shares = tf.where(draw[6] < 2 * options.square - 1, shares, 1.0)
        width, height = width * shares[0], height * shares[1]
    slant = draw[3] * options.shear
    cosine, sine = tf.cos(angle), tf.sin(angle)
    # Output coordinates to input coordinates: rotation x shear x zoom.
    a0, a1 = cosine * width, (cosine * slant - sine) * height
    b0, b1 = sine * width, (cosine + sine * slant) * height
    middle = (SIDE - 1) / 2
    a2 = middle - (a0 + a1) * middle + draw[4] * options.shift_pixels
    b2 = middle - (b0 + b1) * middle + draw[5] * options.shift_pixels
    nothing = tf.zeros_like(a0)
    transforms = tf.stack([a0, a1, a2, b0, b1, b2, nothing, nothing], axis=1)  # (n, 8)
    return keras.ops.image.affine_transform(images, transforms)


def _extent(images: "tf.Tensor", axis: int) -> "tf.Tensor":
    """From the first to the last line along an axis of each image that has ink, (n,), pixels, at least 1."""
    import tensorflow as tf

    has_ink = tf.cast(tf.reduce_any(images[..., 0] >= FAINT, axis), tf.float32)  # (n, 28)
    number = tf.range(SIDE, dtype=tf.float32)
    last, before_first = tf.reduce_max(has_ink * (number + 1), 1), SIDE - tf.reduce_max(has_ink * (SIDE - number), 1)
    return tf.maximum(last - before_first, 1.0)


def _bend(images: "tf.Tensor", pixels: float, grid: int, seed: "tf.Tensor") -> "tf.Tensor":
    """Elastic distortion (Simard, Steinkraus, Platt, 2003): move each pixel along a smooth random field.

    The field is drawn on a coarse grid and brought to the image's size by cubic interpolation.
    """
    import tensorflow as tf

    count = tf.shape(images)[0]
    coarse = tf.random.stateless_normal((count, grid, grid, 2), seed, stddev=pixels)
    field = tf.image.resize(coarse, (SIDE, SIDE), "bicubic")  # (n, 28, 28, 2)
    line = tf.range(SIDE, dtype=tf.float32)
    place = tf.stack(tf.meshgrid(line, line, indexing="ij"), axis=-1) + field
    place = tf.clip_by_value(place, 0.0, SIDE - 1.0)
    low = tf.minimum(tf.floor(place), SIDE - 2.0)
    part = place - low
    corner = tf.cast(low, tf.int32)
    flat = tf.reshape(images, (count, SIDE * SIDE))

    def at(down: int, right: int) -> tf.Tensor:
        index = (corner[..., 0] + down) * SIDE + corner[..., 1] + right  # (n, 28, 28)
        return tf.gather(flat, index, batch_dims=1)

    row, column = part[..., 0], part[..., 1]
    upper = at(0, 0) * (1 - column) + at(0, 1) * column
    lower = at(1, 0) * (1 - column) + at(1, 1) * column
    return (upper * (1 - row) + lower * row)[..., tf.newaxis]


def _change_thickness(images: "tf.Tensor", probability: float, seed: "tf.Tensor") -> "tf.Tensor":
    """Make strokes up to a pixel thicker or thinner on each side: a part of grey dilation or erosion by 3 x 3."""
    import tensorflow as tf

    draw = tf.random.stateless_uniform((2, tf.shape(images)[0], 1, 1, 1), seed)
    amount = tf.where(draw[0] < probability, 2 * draw[1] - 1, 0.0)  # (n, 1, 1, 1), -1 to 1
    thick, thin = _brightest_near(images), -_brightest_near(-images)
    return images + tf.maximum(amount, 0.0) * (thick - images) + tf.maximum(-amount, 0.0) * (thin - images)


def _brightest_near(images: "tf.Tensor") -> "tf.Tensor":
    """The maximum of each 3 x 3 pixels, 0 around: on a CPU, ten times as fast as pooling of one channel."""
    import tensorflow as tf

    rows = tf.pad(images, [[0, 0], [1, 1], [0, 0], [0, 0]])
    tall = tf.maximum(tf.maximum(rows[:, :-2], rows[:, 2:]), images)
    columns = tf.pad(tall, [[0, 0], [0, 0], [1, 1], [0, 0]])
    return tf.maximum(tf.maximum(columns[:, :, :-2], columns[:, :, 2:]), tall)


def _coarsen(images: "tf.Tensor", options: Augment, seed: "tf.Tensor") -> "tf.Tensor":
    """Make images black and white in fewer pixels, as a small scan is, and smooth again, as the preparation of a scan does.

    A digit fills 20 of 28 pixels; of a scan that it fills, it has all.
    """
    import tensorflow as tf

    few = round(SIDE * options.coarse_pixels / BOX)
    draw = tf.random.stateless_uniform((2, tf.shape(images)[0], 1, 1, 1), seed)
    small = tf.image.resize(images, (few, few), "area")
    low, high = options.coarse_threshold
    small = tf.cast(small > low + (high - low) * draw[1], tf.float32)
    coarse = tf.clip_by_value(tf.image.resize(small, (SIDE, SIDE), "bicubic"), 0.0, 1.0)
    return tf.where(draw[0] < options.coarse, coarse, images)


def _light(images: "tf.Tensor", options: Augment, seed: "tf.Tensor") -> "tf.Tensor":
    """Lay a veil over images: even or cloudy, added to the ink as light is, or in its place as fog is."""
    import tensorflow as tf

    count = tf.shape(images)[0]
    seeds = tf.random.split(seed, 2)
    draw = tf.random.stateless_uniform((4, count, 1, 1, 1), seeds[0])
    clouds = tf.image.resize(tf.random.stateless_uniform((count, 4, 4, 1), seeds[1]), (SIDE, SIDE), "bicubic")
    brightness = draw[2] * options.lighting_brightness
    veil = tf.where(draw[1] < 0.5, 1.0, clouds) * brightness
    veiled = tf.where(draw[3] < 0.5, images + veil, images * (1 - brightness) + veil)
    return tf.where(draw[0] < options.lighting, tf.clip_by_value(veiled, 0.0, 1.0), images)


def _cover(images: "tf.Tensor", options: Augment, seed: "tf.Tensor") -> "tf.Tensor":
    """Cover a part of images with a rectangle of one brightness (Zhong et al., Random Erasing Data Augmentation, 2017).

    https://arxiv.org/abs/1708.04896.
    """
    import tensorflow as tf

    draw = tf.random.stateless_uniform((6, tf.shape(images)[0], 1, 1, 1), seed)
    line = tf.range(SIDE, dtype=tf.float32)
    rows, columns = line[:, tf.newaxis, tf.newaxis], line[tf.newaxis, :, tf.newaxis]  # (28, 1, 1), (1, 28, 1)
    height, width = 2 + draw[1] * (options.patch_pixels - 2), 2 + draw[2] * (options.patch_pixels - 2)
    inside = (tf.abs(rows - draw[3] * SIDE) < height / 2) & (tf.abs(columns - draw[4] * SIDE) < width / 2)
    return tf.where(inside & (draw[0] < options.patch), draw[5], images)


def _add_noise(images: "tf.Tensor", options: Augment, seed: "tf.Tensor") -> "tf.Tensor":
    """Add Gaussian noise of random strength (Rusak et al., 2020), which helps against much that is not noise.

    A simple way to make neural networks robust against diverse image corruptions, https://arxiv.org/abs/2001.06057.
    """
    import tensorflow as tf

    seeds = tf.random.split(seed, 2)
    draw = tf.random.stateless_uniform((2, tf.shape(images)[0], 1, 1, 1), seeds[0])
    strength = tf.where(draw[0] < options.noise, draw[1] * options.noise_std, 0.0)
    noise = tf.random.stateless_normal(tf.shape(images), seeds[1])
    return tf.clip_by_value(images + strength * noise, 0.0, 1.0)
