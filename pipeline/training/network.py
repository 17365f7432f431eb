"""The network, built from the configuration."""

import random
from typing import Any

import keras
from keras import layers

from pipeline.images.arrays import CLASSES, SIDE
from pipeline.training.options import Block, Model


def build(model: Model, mean: float, standard_deviation: float, seed: int) -> keras.Model:
    """Build an untrained network.

    Args:
        model: its layers.
        mean: of the training images' pixels, 0 to 1; used if ``model.standardize``.
        standard_deviation: likewise.
        seed: decides the initial weights. Keras' own would draw on Python's global random numbers, as other threads do.

    Returns:
        A model from network input, (n, 28, 28, 1) float32, 0 to 1, to probabilities, (n, 10) float32. Its last layer is
        the softmax: what it is given are the logits.
    """
    seeds = random.Random(seed)  # noqa: S311
    inputs = keras.Input((SIDE, SIDE, 1), name="images")
    x = inputs  # (n, 28, 28, 1)
    if model.standardize:
        x = layers.Rescaling(1 / standard_deviation, -mean / standard_deviation, name="standardize")(x)
    for number, block in enumerate(model.blocks):
        x = _convolve(x, block, model, seeds, f"block{number}")
    x = layers.Flatten(name="flatten")(x)  # (n, features)
    for number, dense in enumerate(model.dense):
        layer = layers.Dense(dense.units, dense.activation, kernel_initializer=_initializer(seeds), name=f"dense{number}")
        x = layer(x)  # (n, units)
        x = _drop_out(x, model.dropout, seeds, f"dense{number}_dropout")
    x = layers.Dense(CLASSES, kernel_initializer=_initializer(seeds), name="logits")(x)  # (n, 10)
    # float32 whatever the precision of the rest: the contract says so, and a sum of small numbers needs it.
    probabilities = layers.Softmax(dtype="float32", name="probabilities")(x)
    return keras.Model(inputs, probabilities, name=model.name)


def _convolve(x: Any, block: Block, model: Model, seeds: random.Random, name: str) -> Any:
    """(n, height, width, channels) -> (n, height / stride / pool, width / stride / pool, filters)."""
    # Batch normalisation has a bias of its own.
    options = {"use_bias": not block.batch_normalization, "kernel_initializer": _initializer(seeds)}
    x = layers.Conv2D(block.filters, block.kernel, block.stride, model.padding, **options, name=name)(x)
    if block.batch_normalization:
        x = layers.BatchNormalization(momentum=model.batch_normalization_momentum, name=f"{name}_normalization")(x)
    x = layers.Activation(block.activation, name=f"{name}_{block.activation}")(x)
    if block.pool > 1:
        pooling = layers.MaxPooling2D if block.pooling == "max" else layers.AveragePooling2D
        x = pooling(block.pool, name=f"{name}_pool")(x)
    return _drop_out(x, block.dropout, seeds, f"{name}_dropout")


def _drop_out(x: Any, rate: float, seeds: random.Random, name: str) -> Any:
    return layers.Dropout(rate, seed=_next(seeds), name=name)(x) if rate else x


def _initializer(seeds: random.Random) -> keras.initializers.Initializer:
    """Keras' default (Glorot and Bengio, 2010)."""
    return keras.initializers.GlorotUniform(_next(seeds))


def _next(seeds: random.Random) -> int:
    return seeds.randint(1, 10**9)  # Keras' range


def logits_of(network: keras.Model) -> keras.Model:
    """The same network, sharing its weights, without the softmax: what a loss is computed from without losing digits."""
    return keras.Model(network.input, network.get_layer("logits").output)
