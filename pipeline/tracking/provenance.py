"""Where a run comes from: its name, description, parameters and tags."""

import getpass
import os
import subprocess
from typing import Any

import psutil
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from pipeline.config.check import flatten, short
from pipeline.config.schema import Configuration
from pipeline.config.stages import TRAIN
from pipeline.system.errors import UserError
from pipeline.system.paths import CHECKOUT
from pipeline.system.processes import describe

MOST_NAMED = 3  # differences in the name of a run
DATASET_KEYS = ("name", "validation_fraction", "split_seed", "training_limit")
GONE = "gone"  # in the place of the value of a key that the committed configuration alone has


def run_name(configuration: Configuration) -> str:
    """The configuration's name and its differences from the commit: ``default, dropout=0.3, seed=1``.

    If another one is committed, its differences are the overrides that it was composed with, and what was edited by hand
    after that: ``textbook, dropout=0.3``.
    """
    committed, changes = _changes(configuration)
    changed = [f"{key}={after}" for key, (_, after) in changes.items() if after is not GONE]
    if committed != configuration.name:
        changed = [each.lstrip("+") for each in configuration.composed_from.overrides if not each.startswith("experiment=")]
        changed += _edits(configuration)
    named = short(changed[:MOST_NAMED])
    return ", ".join(filter(None, [configuration.name, named, "…" if len(changed) > MOST_NAMED else ""]))


def _edits(configuration: Configuration) -> list[str]:
    """What was edited by hand in a configuration after it was composed, as overrides."""
    from pipeline.config.composition import compose  # these load Hydra, which few runs need
    from pipeline.config.parameters_file import differs_from_origin

    values = configuration.model_dump()
    if not differs_from_origin(values):
        return []
    try:
        before, after = _all(compose(configuration.composed_from.overrides)), _all(values)
    except UserError:  # conf/ has changed
        return []
    return [f"{key}={value}" for key, value in after.items() if before.get(key, GONE) != value]


def description(configuration: Configuration) -> str:
    """What differs between the configuration and the committed one, in Markdown."""
    committed, changes = _changes(configuration)
    if not committed:
        return f"Configuration `{configuration.name}`; none is committed."
    of = f"configuration of commit {git('rev-parse', '--short', 'HEAD')}, `{committed}`"
    if not changes:
        return f"The {of}."
    lines = [f"- `{key}`: {_shown(old)} → {_shown(new)}" for key, (old, new) in changes.items()]
    return "\n".join([f"Differs from the {of}:\n", *lines])


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)


def _changes(configuration: Configuration) -> tuple[str, dict[str, tuple[Any, Any]]]:
    """Compare the configuration with the committed one.

    Returns:
        The committed one's name, empty if none is committed or it isn't valid; and the values before and after that differ, by
        the name of the override.
    """
    try:
        committed: Any = OmegaConf.to_container(OmegaConf.create(git("show", "HEAD:./params.yaml")))
        name, before, after = str(committed["name"]), _all(committed), _all(configuration.model_dump())
    except (YAMLError, OmegaConfBaseException, LookupError, TypeError):  # of whatever somebody has committed under that name
        return "", {}
    pairs = {key: (before.get(key), after.get(key, GONE)) for key in after | before}
    if before["dataset"] != after["dataset"]:  # most values of another dataset are its own
        pairs = {key: pair for key, pair in pairs.items() if key not in _of_dataset(before | after)}
    return name, {key: (old, new) for key, (old, new) in pairs.items() if old != new}


def parameters(configuration: Configuration) -> dict[str, Any]:
    """The values that a person tunes, by the name of the override, without those that are null."""
    return {key: value for key, value in _tuned(configuration.model_dump()).items() if value is not None}


def _tuned(values: dict[str, Any]) -> dict[str, Any]:
    """The values that a person tunes, flat: ``model.blocks.0.filters``. An option has its group's name: ``optimizer``."""
    dataset = values.get("dataset") or {}
    tuned = {group: values.get(group) for group in TRAIN.groups} | {"dataset": {key: dataset.get(key) for key in DATASET_KEYS}}
    return {key.removesuffix(".name"): value for key, value in flatten(tuned).items()}


def _all(values: dict[str, Any]) -> dict[str, Any]:
    """All values that decide a result, flat, those that a person tunes first."""
    tuned = _tuned(values)
    others = {key.removesuffix(".name"): value for key, value in flatten(values).items() if key != "name"}
    return tuned | {key: value for key, value in others.items() if not key.startswith(("composed_from", "tracking."))}


def _of_dataset(values: dict[str, Any]) -> set[str]:
    tuned = {f"dataset.{key}" for key in DATASET_KEYS}
    return {key for key in values if key.startswith("dataset.") and key not in tuned}


def user() -> str:
    """Who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):  # a container's user often has no name
        return "unknown"


def tags(configuration: Configuration, source: str) -> dict[str, str]:
    """The tags of a run: its processes, who made it and with which command, the configuration's name, dataset and commit."""
    commit = git("rev-parse", "HEAD")
    own = [":!params.yaml", ":!dvc.lock", ":!reports"]  # a run itself writes these
    dirty = bool(git("status", "--porcelain", "--untracked-files=no", "--", ".", *own))
    tags = {
        "execution": describe(_executor()),
        "process": describe(psutil.Process()),
        "configuration": configuration.name,
        "dataset": configuration.dataset.name,
        "mlflow.user": user(),
        "mlflow.source.name": source,
        "mlflow.source.git.commit": commit,
        "git_commit": commit,
        "git_dirty": str(dirty).lower(),
    }
    if name := os.environ.get("DVC_EXP_NAME"):
        tags |= {"dvc_experiment": name, "dvc_baseline": os.environ.get("DVC_EXP_BASELINE_REV", "")}
        tags["changes"] = run_name(configuration)
    return tags


def git(*arguments: str) -> str:
    """What a git command prints in the checkout; nothing if it fails."""
    done = subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, encoding="utf-8", check=False)
    return done.stdout.strip()


def _executor() -> psutil.Process:
    """The ``dvc`` process that runs this stage; without DVC, this process."""
    process = psutil.Process()
    if "DVC_STAGE" in os.environ:
        for ancestor in process.parents():
            process = ancestor
            if "DVC_STAGE" not in ancestor.environ():  # `dvc` sets it for the stages that it starts
                break
    return process
