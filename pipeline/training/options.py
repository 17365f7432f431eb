"""What a training is configured by: the network's layers, how long and how exactly, and all groups of the stage together."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.images.arrays import SIDE
from pipeline.system.section import Count, Rate, Section, Seed
from pipeline.training.augment import Augment
from pipeline.training.optimizers import AnyOptimizer
from pipeline.training.schedules import AnySchedule

Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "selu", "tanh", "sigmoid", "linear"]
Side = Annotated[int, Field(ge=1, le=SIDE)]


class Block(Section):
    """Convolution, batch normalisation, activation, pooling, dropout, in this order."""

    filters: Count
    kernel: Side
    stride: Side
    pool: Side
    pooling: Literal["max", "average"]
    batch_normalization: bool
    activation: Activation
    dropout: Rate


class DenseLayer(Section):
    """Dense layer; ``model.dropout`` follows it."""

    units: Count
    activation: Activation


class Model(Section):
    """Layers between the 28 x 28 input and the ten outputs."""

    name: Annotated[str, Field(pattern=r"^[^/]+$")]  # Keras calls the network so
    standardize: bool
    blocks: list[Block]
    padding: Literal["same", "valid"]
    batch_normalization_momentum: Rate
    dense: list[DenseLayer]
    dropout: Rate

    @model_validator(mode="after")
    def _fits_the_image(self) -> "Model":
        side = SIDE
        for number, block in enumerate(self.blocks):
            for key, size in (("kernel", block.kernel), ("pool", block.pool)):
                if size > side and not (key == "kernel" and self.padding == "same"):
                    raise ValueError(
                        f"the {key} of block {number} must fit its input of {side} x {side}, and is {size}: "
                        "make it smaller, or the strides and pools before it"
                    )
                step = block.stride if key == "kernel" else block.pool
                side = -(-side // step) if key == "kernel" and self.padding == "same" else (side - size) // step + 1
        return self


class Training(Section):
    """How long, on what, and how exactly."""

    epochs: Count
    batch_size: Count
    early_stopping_patience: Count | None
    label_smoothing: Rate
    seed: Seed
    deterministic: bool
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    xla: bool


class TrainOptions(Section):
    """The groups of the configuration that decide what is trained."""

    model: Model
    optimizer: AnyOptimizer
    schedule: AnySchedule
    augment: Augment
    training: Training
