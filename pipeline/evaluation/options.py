"""What an evaluation is configured by."""

from typing import Annotated

from pydantic import Field

from pipeline.system.section import Count, Fraction, Section


class Evaluation(Section):
    """How the test set is read and summed up."""

    batch_size: Count
    confidence: Fraction
    calibration_bins: Annotated[int, Field(ge=2)]
    worst_mistakes: Count
    rejected_digits: Fraction
    doubted_digits: Fraction
    negatives: Count


class EvaluateOptions(Section):
    """The groups of the configuration that decide what an evaluation says."""

    evaluation: Evaluation
