"""The best trial of a sweep as an experiment: ``conf/experiment/<sweep>_best.yaml``, with differences only."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from pipeline.compose import compose
from pipeline.paths import CONFIGURATION, replacing

UNTOLD = ("name", "composed_from", "tracking")  # not a part of what a trial is


def differences(base: Any, other: Any) -> Any:
    """What of `other` is not so in `base`: nested keys; a list that differs stands whole."""
    if not (isinstance(base, dict) and isinstance(other, dict)):
        return other
    return {key: differences(base.get(key), value) for key, value in other.items() if base.get(key) != value}


def write(name: str, overrides: list[str], origin: str) -> Path:
    """Write the experiment that `overrides` make, and return its path.

    Args:
        name: of the sweep.
        overrides: of the best trial, in Hydra's grammar; those for all trials first.
        origin: the sweep, trial and score that it comes from, without a space: Hydra reads lines like ``# @key value`` above
            the package, and no other comment may stand there.

    """
    path = CONFIGURATION / "experiment" / f"{name}_best.yaml"
    groups = [override for override in overrides if (CONFIGURATION / override.partition("=")[0]).is_dir()]
    groups = [group for group in groups if group != f"experiment={path.stem}"]  # it can't begin with what it replaces
    whole, base = compose(overrides), compose(groups)
    body = differences({key: base[key] for key in base if key not in UNTOLD}, {k: whole[k] for k in whole if k not in UNTOLD})
    defaults: list[Any] = [group.partition("=")[2] for group in groups if group.startswith("experiment=")]
    others = dict(group.split("=", 1) for group in groups if not group.startswith("experiment="))
    defaults += [{f"override /{group}": option} for group, option in others.items()]
    content = {"defaults": defaults} if defaults else {}
    content |= {"name": f"{name}_best"} | body
    with replacing(path) as temporary:
        temporary.write_text(f"# @sweep {origin}\n# @package _global_\n{OmegaConf.to_yaml(content)}", encoding="utf-8")
    return path
