"""The optimizers: the options of each, and how Keras makes it.

To add one: a class with `name` and `_make`, its place in `AnyOptimizer`, and ``conf/optimizer/<name>.yaml``.
"""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pipeline.system.section import Fraction, NotNegative, Positive, Rate, Section

if TYPE_CHECKING:
    import keras


class Optimizer(Section):
    """What every optimizer has."""

    learning_rate: Positive
    weight_decay: NotNegative | None
    gradient_clip_norm: Positive | None
    ema_momentum: Fraction | None

    def build(self) -> "keras.Optimizer":
        """Make it. Its learning rate is set before every step, by the schedule."""
        from keras import optimizers  # takes seconds

        shared = {"learning_rate": self.learning_rate, "weight_decay": self.weight_decay}
        return self._make(optimizers, **shared, global_clipnorm=self.gradient_clip_norm)

    @abstractmethod
    def _make(self, optimizers: Any, **shared: Any) -> "keras.Optimizer":
        """Make it with one of the classes of `keras.optimizers`, and the arguments that they share."""

    def warnings(self) -> list[str]:
        """What is allowed and yet most likely a mistake, a sentence each."""
        return []


class Adadelta(Optimizer):
    """Zeiler, 2012."""

    name: Literal["adadelta"]
    rho: Rate
    epsilon: Positive

    def _make(self, optimizers: Any, **shared: Any) -> "keras.Optimizer":
        return optimizers.Adadelta(rho=self.rho, epsilon=self.epsilon, **shared)

    def warnings(self) -> list[str]:
        """Of Keras' own learning rate."""
        if self.learning_rate >= 0.01:
            return []
        return [
            f"optimizer.learning_rate = {self.learning_rate}: Adadelta hardly trains below 0.01 "
            "(Keras' default of 0.001 is a known trap). The method's own value is 1.0."
        ]


class Adam(Optimizer):
    """Kingma and Ba, 2014; called adamw with decoupled weight decay, Loshchilov and Hutter, 2017, which Keras' Adam has too."""

    name: Literal["adam", "adamw"]
    beta_1: Rate
    beta_2: Rate
    epsilon: Positive

    def _make(self, optimizers: Any, **shared: Any) -> "keras.Optimizer":
        return optimizers.Adam(beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon, **shared)


class Sgd(Optimizer):
    """Stochastic gradient descent with momentum."""

    name: Literal["sgd"]
    momentum: Rate
    nesterov: bool

    def _make(self, optimizers: Any, **shared: Any) -> "keras.Optimizer":
        return optimizers.SGD(momentum=self.momentum, nesterov=self.nesterov, **shared)


class Muon(Optimizer):
    """Jordan, 2024."""

    name: Literal["muon"]
    momentum: Rate
    adam_learning_rate_ratio: Positive

    def _make(self, optimizers: Any, **shared: Any) -> "keras.Optimizer":
        shared["weight_decay"] = shared["adam_weight_decay"] = self.weight_decay or 0.0  # it wants a number
        return optimizers.Muon(momentum=self.momentum, adam_lr_ratio=self.adam_learning_rate_ratio, **shared)


AnyOptimizer = Annotated[Adadelta | Adam | Sgd | Muon, Field(discriminator="name")]
