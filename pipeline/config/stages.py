"""The stages of the pipeline, in their order: what decides the result of each, and the file that tells one result from another.

``dvc.yaml``, the identity of checkpoints and studies, the runs of MLflow and what an exported model says of itself go by this.
"""

import hashlib
import json
from dataclasses import dataclass

from pydantic import BaseModel

from pipeline.data.datasets import PrepareOptions
from pipeline.evaluation.options import EvaluateOptions
from pipeline.inference.formats import ExportOptions
from pipeline.system.paths import CHECKOUT, files_of, sha256
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

    def identity(self, configuration: BaseModel, *inputs: object) -> str:
        """A text of 64 digits that differs if the stage may make something else: of its groups, its code and `inputs`."""
        folders = [CHECKOUT / "pipeline" / folder for folder in self.code]
        code = [sha256(path) for folder in folders for kind in ("py", "json") for path in files_of(folder, f"**/*.{kind}")]
        what = json.dumps([configuration.model_dump(include=set(self.groups)), code, *inputs], sort_keys=True)
        return hashlib.sha256(what.encode()).hexdigest()


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
