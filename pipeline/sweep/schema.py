"""The configuration of a sweep: what is tried, how, where, and when it ends. Not a part of ``params.yaml``."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from pipeline.config.schema import Configuration
from pipeline.sweep.strategies import Pruner, Sampler
from pipeline.system.section import Count, Section


class Sweep(Section):
    """What a sweep tries, how, where, and when it ends."""

    name: Annotated[str, Field(pattern=r"^\w[\w-]*$")]
    space: Annotated[dict[str, str | int | float | bool], Field(min_length=1)]
    trials: Count | None
    workers: Count
    scheduler: Annotated[str, Field(pattern=r"^\w+://.+$")] | None
    storage: Annotated[str, Field(pattern=r"^\w[\w+]*://.+$")]
    objective: Literal["validation_accuracy", "validation_loss"]
    failures: Annotated[int, Field(ge=0)]
    heartbeat_seconds: Count
    grace_period_seconds: Count
    sampler: Sampler
    pruner: Pruner

    @field_validator("grace_period_seconds")
    @classmethod
    def _holds_heartbeats(cls, seconds: int, known: ValidationInfo) -> int:
        if seconds <= known.data.get("heartbeat_seconds", 0):
            raise ValueError(
                f"must be more than sweep.heartbeat_seconds, which is {known.data['heartbeat_seconds']}, or trials that are "
                f"running are taken for dead; is {seconds}"
            )
        return seconds


class SweepConfiguration(Configuration):
    """What ``python -m pipeline.sweep`` composes."""

    primary: ClassVar[str] = "sweep"

    sweep: Sweep
