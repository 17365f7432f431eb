"""What a training is configured by: the network's layers, how long and how exactly, and all groups of the stage together."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, ValidatorFunctionWrapHandler, field_serializer, field_validator, model_validator

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
    """Layers between the 28 x 28 input and the ten outputs.

    Each of `blocks` has all values: what it was given without is as in `block`, and `model_dump` leaves that out again.
    """

    name: Annotated[str, Field(pattern=r"^[^/]+$")]  # Keras calls the network so
    standardize: bool
    block: Block
    blocks: list[Block]
    padding: Literal["same", "valid"]
    batch_normalization_momentum: Rate
    dense: list[DenseLayer]
    dropout: Rate

    @field_validator("blocks", mode="wrap")
    @classmethod
    def _complete(cls, given: Any, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> list[Block]:
        if "block" not in info.data:  # it breaks the schema, which is said once
            return []
        shared = dict(info.data["block"])
        is_list = isinstance(given, list)
        whole = check([shared | each if isinstance(each, dict) else each for each in given] if is_list else given)
        return [Block.model_construct(set(own), **dict(block)) for own, block in zip(given, whole, strict=True)]

    @field_serializer("blocks")
    def _as_given(self, blocks: list[Block]) -> list[dict[str, Any]]:
        return [block.model_dump(exclude_unset=True) for block in blocks]

    def warnings(self, keys: Iterable[str]) -> list[str]:
        """What is most likely a mistake if these keys were set: a value of `block` that each of `blocks` has of its own."""
        told = []
        for field in [key.removeprefix("model.block.") for key in keys if key.startswith("model.block.")]:
            if all(field in block.model_fields_set for block in self.blocks):
                why = f"each of model.blocks has its own {field}" if self.blocks else "model.blocks is empty"
                told.append(f"model.block.{field} has no effect, for {why}.")
        return told

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
