"""The stages of the pipeline, in their order: what decides the result of each, and the file that tells one result from another.

``dvc.yaml``, the identity of a checkpoint, the runs of MLflow and the description in an exported model go by this.
"""

from dataclasses import dataclass


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


PREPARE = Stage("prepare", ("dataset",), ("data", "images"), "data/prepared/summary.json")
TRAIN = Stage(
    "train", ("model", "optimizer", "schedule", "augment", "training"), ("images", "training"), "data/trained/network.h5"
)
EVALUATE = Stage("evaluate", ("evaluation",), ("evaluation", "images", "inference", "training"), "reports/metrics.json")
#: The exported model says with which values of all groups it was made.
EXPORT = Stage(
    "export", (*PREPARE.groups, *TRAIN.groups, *EVALUATE.groups, "export"), ("images", "inference"), "models/mnist.h5"
)
STAGES = {stage.name: stage for stage in (PREPARE, TRAIN, EVALUATE, EXPORT)}
