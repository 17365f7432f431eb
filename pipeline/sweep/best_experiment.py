"""The best trial of a sweep as an experiment: ``conf/experiment/<sweep>_best.yaml``, with differences only."""

import hashlib
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from pipeline.config.check import read
from pipeline.config.composition import compose, is_option
from pipeline.system.paths import CONFIGURATION, replacing

UNTOLD = ("name", "composed_from", "tracking")  # no part of what defines a trial


def differences(base: Any, other: Any) -> Any:
    """The values of `other` that differ from `base`, by nested keys. A list that differs is kept whole."""
    if not (isinstance(base, dict) and isinstance(other, dict)):
        return other
    return {key: differences(base.get(key), value) for key, value in other.items() if base.get(key) != value}


def write(name: str, overrides: list[str], origin: str) -> tuple[Path, Path | None]:
    """Write the experiment that overrides describe, those for all trials first.

    Its first line tells the `origin`, which begins with the name of the study and has no spaces: above the package directive,
    Hydra allows only ``# @key value``.

    Returns:
        Its path; and where that of another study is kept, or one that was edited, if there was one of the same name.
    """
    path = CONFIGURATION / "experiment" / f"{name}_best.yaml"
    parsed = OverridesParser.create().parse_overrides(overrides)
    options = {str(override.key_or_group): override.value() for override in parsed if is_option(override, CONFIGURATION)}
    chosen = options.pop("experiment", [])
    experiments = chosen if isinstance(chosen, list) else [chosen]
    if path.stem in experiments:  # the file can't build on itself: take what it builds on
        place, begin = experiments.index(path.stem), read(path).get("defaults", [])
        experiments[place : place + 1] = [entry for entry in begin if isinstance(entry, str)]
        for entry in begin:
            if isinstance(entry, dict):
                options = {group.removeprefix("override /"): option for group, option in entry.items()} | options
    whole = compose(overrides)
    on_top = [f"experiment={experiments}"] if experiments else []
    base = compose([f"{group}={option}" for group, option in options.items()] + on_top)
    body = differences({key: base[key] for key in base if key not in UNTOLD}, {k: whole[k] for k in whole if k not in UNTOLD})
    defaults = experiments + [{f"override /{group}": option} for group, option in options.items()]
    content = {"defaults": defaults} if defaults else {}
    content |= {"name": f"{name}_best"} | body
    kept = _keep(path, origin.partition(",")[0])
    with replacing(path) as temporary:
        temporary.write_text(f"# @sweep {origin}\n# @package _global_\n{OmegaConf.to_yaml(content)}", encoding="utf-8")
    return path, kept


def _keep(path: Path, study: str) -> Path | None:
    """Rename an experiment that is not the best of `study`; return its new path, or None if there is none."""
    if not path.exists():
        return None
    first_line = path.read_text(encoding="utf-8").partition("\n")[0]
    other = first_line.removeprefix("# @sweep ").partition(",")[0]
    if other == study:
        return None
    what = other.rpartition("-")[2] if other != first_line else hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    return path.replace(path.with_stem(f"{path.stem}_{what}"))
