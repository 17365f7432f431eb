"""A run in a list."""

from dataclasses import dataclass
from datetime import UTC, datetime

from mlflow.entities import Run

from pipeline.inference.description import outside_accuracies


@dataclass(frozen=True)
class Summary:
    """A run in a list. Accuracies are from 0 to 1; None: the run has none."""

    id: str
    name: str
    changes: str  # of a DVC experiment, whose name tells nothing: the configuration and its differences from the commit
    status: str
    started: datetime
    dataset: str
    kind: str  # pipeline, sweep or trial
    validation_accuracy: float | None
    test_accuracy: float | None
    outside: dict[str, float]  # accuracy on each set besides the test images, by its name
    has_model: bool
    is_champion: bool


def summarize(run: Run, champion: str | None) -> Summary:
    """A run in a list, given the id of the champion."""
    metrics, tags = run.data.metrics, run.data.tags
    return Summary(
        id=run.info.run_id,
        name=run.info.run_name or "",
        changes=tags.get("changes", ""),
        status=tags.get("trial_state", run.info.status.lower()),
        started=datetime.fromtimestamp(run.info.start_time / 1000, UTC).astimezone(),
        dataset=tags.get("dataset", ""),
        kind=tags.get("role", "pipeline"),
        validation_accuracy=metrics.get("validation_accuracy"),
        test_accuracy=metrics.get("test_accuracy"),
        outside=outside_accuracies(metrics),
        has_model=bool(run.outputs and run.outputs.model_outputs),
        is_champion=run.info.run_id == champion,
    )
