"""What an evaluation is configured by."""

from typing import Annotated

from pydantic import Field

from pipeline.inference.rejection import Rejection
from pipeline.system.section import Count, Fraction, Section


class Evaluation(Section):
    """How the test set is read and summed up."""

    confidence: Fraction
    calibration_bins: Annotated[int, Field(ge=2)]
    worst_mistakes: Count


class EvaluateOptions(Section):
    """The groups of the configuration that decide what an evaluation says."""

    evaluation: Evaluation
    rejection: Rejection
