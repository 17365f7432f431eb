"""What a training changes: the variables of a network, of its optimizer, and of the moving average of its weights."""

from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from pipeline.training import network as networks
from pipeline.training.options import TrainOptions


@dataclass
class Variables:
    """The variables of a training.

    Args:
        configuration: its model, optimizer and training are used.
        mean: of the training pictures' pixels, 0 to 1.
        deviation: likewise.

    """

    configuration: TrainOptions
    mean: float
    deviation: float
    network: keras.Model = field(init=False)
    optimizer: keras.optimizers.Optimizer = field(init=False)
    average: list[tf.Variable] = field(init=False)

    def __post_init__(self) -> None:
        options = self.configuration.training
        keras.config.set_dtype_policy(options.precision)
        self.network = networks.build(self.configuration.model, self.mean, self.deviation, options.seed)
        keras.config.set_dtype_policy("float32")
        self.optimizer = self.configuration.optimizer.build()
        if options.precision == "mixed_float16":  # small gradients would vanish
            self.optimizer = keras.optimizers.LossScaleOptimizer(self.optimizer)
        self.optimizer.build(self.network.trainable_variables)
        averaged = self.network.trainable_variables if self.configuration.optimizer.ema_momentum else []
        self.average = [tf.Variable(weight) for weight in averaged]

    @property
    def all(self) -> list[Any]:
        """All of them, always in the same order."""
        return [*self.network.weights, *self.optimizer.variables, *self.average]
