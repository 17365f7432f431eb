"""Random changes to training pictures, on the fly and inside the graph.

All randomness is stateless, drawn from the seed of a step: a resumed training sees the same pictures.
"""

from collections.abc import Callable
from math import pi

import tensorflow as tf

from pipeline.config import schema
from pipeline.images.arrays import SIDE

Augmentation = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def augmentation(options: schema.Augment) -> Augmentation:
    """What to apply to each batch.

    Returns:
        A function of network input, (n, 28, 28, 1) float32, 0 to 1, and a seed, (2,) int32, to pictures of the same form.

    """
    affine = any((options.shift_pixels, options.rotate_degrees, options.zoom, options.shear))

    def apply(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        seeds = tf.random.split(seed, 3)  # (3, 2)
        if options.thickness:
            pictures = _change_thickness(pictures, options.thickness, seeds[0])
        if affine:
            pictures = _transform(pictures, options, seeds[1])
        if options.elastic_pixels:
            pictures = _bend(pictures, options.elastic_pixels, options.elastic_grid, seeds[2])
        return pictures

    return apply


def _transform(pictures: tf.Tensor, options: schema.Augment, seed: tf.Tensor) -> tf.Tensor:
    """Turn, zoom, slant and shift each picture about its middle, with bilinear interpolation."""
    count = tf.shape(pictures)[0]
    draw = tf.random.stateless_uniform((6, count), seed, -1.0, 1.0)
    angle = draw[0] * (options.rotate_degrees * pi / 180)
    width, height = 1 + draw[1] * options.zoom, 1 + draw[2] * options.zoom
    slant = draw[3] * options.shear
    cosine, sine = tf.cos(angle), tf.sin(angle)
    # Output coordinates to input coordinates: rotation x shear x zoom.
    a0, a1 = cosine * width, (cosine * slant - sine) * height
    b0, b1 = sine * width, (cosine + sine * slant) * height
    middle = (SIDE - 1) / 2
    a2 = middle - (a0 + a1) * middle + draw[4] * options.shift_pixels
    b2 = middle - (b0 + b1) * middle + draw[5] * options.shift_pixels
    nothing = tf.zeros_like(a0)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pictures,
        transforms=tf.stack([a0, a1, a2, b0, b1, b2, nothing, nothing], axis=1),  # (n, 8)
        output_shape=[SIDE, SIDE],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def _bend(pictures: tf.Tensor, pixels: float, grid: int, seed: tf.Tensor) -> tf.Tensor:
    """Elastic distortion (Simard, Steinkraus, Platt, 2003): move each pixel along a smooth random field.

    The field is drawn on a coarse grid and brought to the picture's size by cubic interpolation.
    """
    count = tf.shape(pictures)[0]
    coarse = tf.random.stateless_normal((count, grid, grid, 2), seed, stddev=pixels)
    field = tf.image.resize(coarse, (SIDE, SIDE), "bicubic")  # (n, 28, 28, 2)
    line = tf.range(SIDE, dtype=tf.float32)
    place = tf.stack(tf.meshgrid(line, line, indexing="ij"), axis=-1) + field
    place = tf.clip_by_value(place, 0.0, SIDE - 1.0)
    low = tf.minimum(tf.floor(place), SIDE - 2.0)
    part = place - low
    corner = tf.cast(low, tf.int32)
    flat = tf.reshape(pictures, (count, SIDE * SIDE))

    def at(down: int, right: int) -> tf.Tensor:
        index = (corner[..., 0] + down) * SIDE + corner[..., 1] + right  # (n, 28, 28)
        return tf.gather(flat, index, batch_dims=1)

    row, column = part[..., 0], part[..., 1]
    upper = at(0, 0) * (1 - column) + at(0, 1) * column
    lower = at(1, 0) * (1 - column) + at(1, 1) * column
    return (upper * (1 - row) + lower * row)[..., tf.newaxis]


def _change_thickness(pictures: tf.Tensor, probability: float, seed: tf.Tensor) -> tf.Tensor:
    """Make strokes up to a pixel thicker or thinner on each side: a part of grey dilation or erosion by 3 x 3."""
    draw = tf.random.stateless_uniform((2, tf.shape(pictures)[0], 1, 1, 1), seed)
    amount = tf.where(draw[0] < probability, 2 * draw[1] - 1, 0.0)  # (n, 1, 1, 1), -1 to 1
    thick = tf.nn.max_pool2d(pictures, 3, 1, "SAME")
    thin = -tf.nn.max_pool2d(-pictures, 3, 1, "SAME")
    return pictures + tf.maximum(amount, 0.0) * (thick - pictures) + tf.maximum(-amount, 0.0) * (thin - pictures)
