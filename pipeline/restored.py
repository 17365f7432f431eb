"""Experiments of DVC that run no stage, for all that they make is in DVC's cache: they too are in MLflow's store."""

from pipeline.config.check import check, read
from pipeline.plan import has_trained, plan
from pipeline.system.paths import PARAMETERS
from pipeline.tracking import stage_run


def tell() -> None:
    """Log the MLflow run of the experiment that is running, if none of its stages will.

    Raises:
        UserError: the store can't be used.

    """
    values = read(PARAMETERS)
    if not has_trained(values):  # nearly always, and the plan takes seconds
        return
    steps = {step.stage: step for step in plan()}
    if all(steps[stage].producer for stage in stage_run.STAGES):
        stage_run.restored({stage: steps[stage].producer for stage in stage_run.STAGES}, check(values))
