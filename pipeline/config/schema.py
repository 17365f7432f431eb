"""The whole configuration: the groups of every stage, and those that decide no result. No values: those stand in ``conf/``."""

from typing import ClassVar

from pydantic import field_validator

from pipeline.data.datasets import PrepareOptions
from pipeline.evaluation.options import EvaluateOptions
from pipeline.inference.formats import ExportOptions
from pipeline.system.masking import holds_password, masked
from pipeline.system.section import Name, Section
from pipeline.training.options import TrainOptions


class Tracking(Section):
    """Where MLflow's runs go."""

    uri: Name | None
    experiment: Name

    @field_validator("uri")
    @classmethod
    def _holds_no_password(cls, uri: str | None) -> str | None:
        if uri and holds_password(uri):
            raise ValueError(
                f"must hold no password, for git, DVC and MLflow keep the configuration, and is {masked(uri)}. Set "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the environment, or the whole address as "
                "MLFLOW_TRACKING_URI"
            )
        return uri


class Origin(Section):
    """What ``params.yaml`` was composed from (`pipeline.config.composition.origin`)."""

    overrides: list[str]
    digest: str


class Configuration(PrepareOptions, TrainOptions, EvaluateOptions, ExportOptions):
    """Everything in ``params.yaml``."""

    primary: ClassVar[str] = "config"  # the file of conf/ that Hydra begins with

    name: Name
    composed_from: Origin
    tracking: Tracking
