"""What the classes of the configuration are made of. Each stands beside what it configures; `pipeline.config.schema` has all.

A class per configuration group, or per option of one, a field per key. No values: those stand in ``conf/``. A field's type and
bounds decide what is accepted, and are what an error message says is allowed. Checking is strict: ``"3"`` is not a number and
``1.0`` is not a whole one. A module with such classes is read by every command, so it imports nothing that takes a second.
"""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Rate = Annotated[float, Field(ge=0, lt=1)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Factor = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Name = Annotated[str, Field(min_length=1)]


def _in_order(ends: list[float]) -> list[float]:
    if ends[0] > ends[1]:
        raise ValueError(f"must be the lower end and the upper end, in this order; is {ends}")
    return ends


End = TypeVar("End")

#: A list of two numbers: from the lower end to the upper end.
Interval = Annotated[list[End], Field(min_length=2, max_length=2), AfterValidator(_in_order)]


class Section(BaseModel):
    """Base of all groups: unknown keys are errors, values are taken as they are, and nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
