"""What an evaluation is configured by.

To add a kind of outside set: its name in `OutsideSet`, and what reads it in `pipeline.evaluation.outside`.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.inference.rejection import Rejection
from pipeline.system.section import Count, Fraction, Name, Section, Seed

TAKEN = ("train", "validation", "test", "negatives")  # beginnings of other metrics


class Measured(Section):
    """What every set has that a network is measured by, besides the test images: why, and whose it is."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Name
    licence: Name
    reason: Name


class OutsideSet(Measured):
    """Labelled strokes, a list or a folder; or picture files in folders ``0`` to ``9``, or an archive of these."""

    kind: Literal["strokes", "pictures"]
    path: Name


class CorruptionSet(Measured):
    """Test images, each with every corruption of `pipeline.evaluation.corruptions`."""

    images: Annotated[int, Field(ge=2)]
    seed: Seed


class Evaluation(Section):
    """How the test set and other sets are read and summed up."""

    confidence: Fraction
    calibration_bins: Annotated[int, Field(ge=2)]
    worst_mistakes: Count
    outside: list[OutsideSet]
    corruptions: CorruptionSet | None

    @property
    def sets(self) -> list[OutsideSet | CorruptionSet]:
        """All sets besides the test images."""
        return [*self.outside, *([self.corruptions] if self.corruptions else [])]

    @model_validator(mode="after")
    def _have_names_of_their_own(self) -> "Evaluation":
        names = [*TAKEN, *(each.name for each in self.sets)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"each set of outside and corruptions must have a name of its own, none of {', '.join(TAKEN)}; and "
                f"{', '.join(twice)} is taken: choose another"
            )
        return self


class EvaluateOptions(Section):
    """The groups of the configuration that decide what an evaluation says."""

    evaluation: Evaluation
    rejection: Rejection
