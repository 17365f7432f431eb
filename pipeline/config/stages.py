"""The stages of the pipeline, in their order: what decides the result of each, and the file that tells one result from another.

``dvc.yaml``, the identity of a checkpoint, the runs of MLflow and the description in an exported model go by this.
"""

from dataclasses import dataclass

from pipeline.data.datasets import PrepareOptions
from pipeline.evaluation.options import EvaluateOptions
from pipeline.inference.formats import ExportOptions
from pipeline.training.options import TrainOptions


@dataclass(frozen=True)
class Stage:
    """A stage: ``python -m pipeline.<name>``.

    Attributes:
        groups: of the configuration, whose values decide what the stage makes.
        code: folders of ``pipeline/`` that decide it. What only tells of it, as messages and the tracker do, is not among them.
        output: a file that the stage makes, whose hash tells what it made; relative to the checkout.

    """

    name: str
    groups: tuple[str, ...]
    code: tuple[str, ...]
    output: str


PREPARE = Stage("prepare", tuple(PrepareOptions.model_fields), ("data", "images"), "data/prepared/summary.json")
TRAIN = Stage("train", tuple(TrainOptions.model_fields), ("images", "training"), "data/trained/network.h5")
EVALUATE = Stage(
    "evaluate",
    tuple(EvaluateOptions.model_fields),
    ("data", "evaluation", "images", "inference", "training"),
    "reports/all_metrics.json",
)
EXPORT = Stage(
    "export",
    # The exported model says with which values of all groups it was made.
    (*PREPARE.groups, *TRAIN.groups, *EVALUATE.groups, *ExportOptions.model_fields),
    ("images", "inference"),
    "models/mnist.h5",
)
STAGES = {stage.name: stage for stage in (PREPARE, TRAIN, EVALUATE, EXPORT)}
