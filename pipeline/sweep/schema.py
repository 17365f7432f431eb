"""The configuration of a sweep: what is tried, how, where, and when it ends. Not a part of ``params.yaml``."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from pipeline.config.schema import Configuration
from pipeline.sweep.strategies import Pruner, Sampler
from pipeline.system.section import Count, Section


class Sweep(Section):
    """What a sweep tries, how, where, and when it ends."""

    name: Annotated[str, Field(pattern=r"^\w[\w-]*$")]
    space: dict[str, Any]
    trials: Count | None
    workers: Count
    scheduler: Annotated[str, Field(pattern=r"^\w+://.+$")] | None
    storage: Annotated[str, Field(pattern=r"^\w[\w+]*://.+$")]
    objective: Literal["validation_accuracy", "validation_loss"]
    failures: Annotated[int, Field(ge=0)]
    grace_period_seconds: Annotated[int, Field(ge=2)]
    sampler: Sampler
    pruner: Pruner

    @field_validator("space")
    @classmethod
    def _varies_something(cls, space: dict[str, Any]) -> dict[str, Any]:
        if not space:
            raise ValueError("must have a key and what it may be, as in model.dropout: interval(0, 0.5), and is empty")
        for key, values in space.items():
            if isinstance(values, list):
                choice = f"choice({', '.join(map(str, values))})"
                raise ValueError(f"{key} must be text in Hydra's override grammar, as {choice}, and is the list {values}")
            if isinstance(values, dict) or values is None:
                raise ValueError(
                    f"{key} must be text in Hydra's override grammar, as interval(0, 0.5) or choice(1, 2), and is {values}. "
                    "A key stands whole in its line: model.dropout, not model and dropout below it"
                )
        return space


class SweepConfiguration(Configuration):
    """What ``python -m pipeline.sweep`` composes."""

    primary: ClassVar[str] = "sweep"

    sweep: Sweep
