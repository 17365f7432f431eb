"""Experiments of DVC that came whole from its cache: no stage ran, and none could tell MLflow of them.

They are the same as the run that made what was restored, so that run gets their name as well.
"""

import subprocess

import yaml
from mlflow import MlflowClient

from pipeline.paths import CHECKOUT

ALSO = "dvc_also"  # tag of a run: names of further experiments, with a blank before and behind each
EXPERIMENTS = "refs/exps/*/*/*"  # where DVC keeps them, https://dvc.org/doc/user-guide/project-structure/internal-files


def tell(client: MlflowClient, experiment: str) -> None:
    """Have every experiment that DVC lists under its name in the store.

    Args:
        client: of the store.
        experiment: id of MLflow's experiment.

    """
    names = {ref.rpartition("/")[2]: ref for ref in _git("for-each-ref", "--format=%(refname)", EXPERIMENTS).split()}
    known: set[str] = set()
    for tag in ("dvc_experiment", ALSO):
        for run in client.search_runs([experiment], f"tags.{tag} LIKE '%'"):
            known.update(run.data.tags[tag].split())
    for name in names.keys() - known:
        if run_id := _maker(names[name]):
            runs = {run.info.run_id: run for run in client.search_runs([experiment], f"attributes.run_id = '{run_id}'")}
            for found in runs.values():  # none if it was deleted
                client.set_tag(run_id, ALSO, f"{found.data.tags.get(ALSO, ' ')}{name} ")


def _maker(ref: str) -> str:
    """The run that made the model of an experiment, by what ``export`` has left; "" if nothing says so."""
    from pipeline.plan import mlflow_run  # loads DVC, which is seldom wanted here

    lock = yaml.safe_load(_git("show", f"{ref}:dvc.lock")) or {}
    outs = lock.get("stages", {}).get("export", {}).get("outs", [])
    value = next((out["md5"] for out in outs if out["path"] == "data/runs/export.json"), "")
    return mlflow_run(value)


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False).stdout
