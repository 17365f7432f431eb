"""What a training changes: the variables of a network, of its optimizer, and of the moving average of its weights."""

from dataclasses import dataclass, field
from typing import Any

import keras
import tensorflow as tf

from pipeline.config import schema
from pipeline.config.schema import Configuration
from pipeline.training import network as networks


@dataclass
class Variables:
    """The variables of a training, which another can use again: making them takes longer than setting them back.

    Args:
        configuration: its model, optimizer and training are used.
        mean: of the training pictures' pixels, 0 to 1.
        deviation: likewise.

    """

    configuration: Configuration
    mean: float
    deviation: float
    network: keras.Model = field(init=False)
    optimizer: keras.optimizers.Optimizer = field(init=False)
    average: list[tf.Variable] = field(init=False)

    def __post_init__(self) -> None:
        options = self.configuration.training
        keras.utils.set_random_seed(options.seed)  # which decides the initial weights
        keras.config.set_dtype_policy(options.precision)
        self.network = networks.build(self.configuration.model, self.mean, self.deviation)
        keras.config.set_dtype_policy("float32")
        self.optimizer = networks.optimizer(self.configuration.optimizer)
        # Keras sums the gradients of all replicas. There is one, and TensorFlow's registry of gradients would keep the graph of
        # that sum for ever: 7 MB a training, so that the workers of a long sweep would run out of memory.
        self.optimizer._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables
        if options.precision == "mixed_float16":  # small gradients would vanish
            self.optimizer = keras.optimizers.LossScaleOptimizer(self.optimizer)
        self.optimizer.build(self.network.trainable_variables)
        averaged = self.network.trainable_variables if self.configuration.optimizer.ema_momentum else []
        self.average = [tf.Variable(weight) for weight in averaged]
        self._initial = [tf.identity(variable) for variable in self.all]

    @property
    def all(self) -> list[Any]:
        """All of them, always in the same order."""
        return [*self.network.weights, *self.optimizer.variables, *self.average]

    @staticmethod
    def key(configuration: Configuration, mean: float, deviation: float) -> str:
        """What two trainings must have in common, that one can use the variables of the other."""
        options, optimizer = configuration.training, configuration.optimizer
        # Without a momentum there are no variables for one.
        momenta = bool(optimizer.ema_momentum), bool(getattr(optimizer, "momentum", None))
        return str((configuration.model, options.seed, options.precision, mean, deviation, optimizer.name, *momenta))

    def reset(self, options: schema.AnyOptimizer) -> None:
        """Set all back to what they were before the first step, and the optimizer to other options of the same kind."""
        for variable, value in zip(self.all, self._initial, strict=True):
            inner = variable.value if isinstance(variable, keras.Variable) else variable  # TensorFlow's own
            inner.assign(value, read_value=False)  # Keras reads it again, which takes as long
        networks.configure(self.optimizer, options)
