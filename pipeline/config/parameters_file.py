"""``params.yaml``: what conf/ composes to, written for DVC, which reads that file alone.

``dvc exp run`` composes by itself (``hydra`` in ``.dvc/config``); ``dvc repro`` does not
(https://github.com/treeverse/dvc/issues/10750), so the first stage of ``dvc.yaml`` does it, by `keep`: only if conf/ composes
to something else than it did when the file was composed, and with the same overrides. So overrides stay, and edits by hand
until then. To know both, the file holds the overrides and a digest of what they composed to, as `composed_from`.
"""

import os
import shlex
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from pipeline.config.check import check, flatten, load, read, shown
from pipeline.config.composition import ORIGIN, compose, key_of, missing_options, origin, warn
from pipeline.system.errors import ConfigurationError
from pipeline.system.masking import masked
from pipeline.system.paths import PARAMETERS, replacing


def text(overrides: list[str]) -> str:
    """What conf/ composes to, as the file has it, without passwords.

    Raises:
        ConfigurationError: an override or a value is not valid.
    """
    values = compose(overrides)
    warn(check(values))
    return masked(OmegaConf.to_yaml(values))


def write(values: dict[str, Any], path: Path) -> list[str]:
    """Write composed `values` to `path` and return what differs from before, a line each; nothing if that can't be read."""
    told = differences(values, path)
    with replacing(path) as temporary:
        temporary.write_text(OmegaConf.to_yaml(values), encoding="utf-8")
    return told


def differences(values: dict[str, Any], path: Path) -> list[str]:
    """What differs between the values in the file at `path` and other `values`, a line each; nothing if it can't be read."""
    before = after = flatten(values)
    with suppress(ConfigurationError):
        before = flatten(read(path))
    keys = [key for key in before | after if not key.startswith(ORIGIN) and before.get(key) != after.get(key)]
    return [masked(f"  {key}: {shown(before, key, 'not there')} -> {shown(after, key, 'gone')}") for key in keys]


def write_and_tell(values: dict[str, Any], told: str) -> None:
    """Write composed `values`, and print `told`, what differs from before, and what is most likely a mistake."""
    warn(check(values))
    lines = write(values, PARAMETERS)
    print("\n".join([told + (" What differs from before:" if lines else ""), *lines]))


def tell_left_overrides(given: Iterable[str], what: str, option: str = "") -> None:
    """Say which overrides of ``params.yaml`` are not among those `given` to `what`, which composes conf/ with its own alone.

    `option` stands before each override on its command line.
    """
    before = read(PARAMETERS).get(ORIGIN) if PARAMETERS.exists() else None
    had = before.get("overrides", []) if isinstance(before, dict) else []
    keys = set(map(key_of, given))
    if left := [override for override in had if key_of(override) not in keys]:
        again = " ".join(f"{option}{shlex.quote(override)}" for override in left)
        print(f"Note: params.yaml was composed with {shlex.join(left)}, and this {what} is not. For one that is: {again}")


def tell_what_is_left_out(values: dict[str, Any]) -> None:
    """Say which overrides of ``params.yaml``, and which edits by hand, are no part of `values`, which DVC composed."""
    tell_left_overrides(values[ORIGIN]["overrides"], "experiment", "-S ")
    if is_edited(PARAMETERS):
        print("Note: params.yaml had been edited by hand, and this experiment has none of that. What differs from the file:")
        print("\n".join(differences(values, PARAMETERS)))


def keep() -> bool:
    """Compose anew only if conf/ composes to something else than before; tell whether it did.

    Raises:
        ConfigurationError: the configuration is not valid.
    """
    values = recomposed(PARAMETERS)
    if values is None:
        warn(load())
        return False
    overrides = shlex.join(values[ORIGIN]["overrides"])
    was_edited = is_edited(PARAMETERS)
    why = "conf/ has changed: params.yaml" if PARAMETERS.exists() else "There was no params.yaml: it"
    write_and_tell(values, f"{why} was composed anew{overrides and ' with '}{overrides}.")
    if was_edited:
        print("It had been edited by hand, and the edits are gone; they are among these lines. To set a value again:")
        print(f"  python -m pipeline.compose {overrides}{overrides and ' '}KEY=VALUE")
    return True


def recomposed(parameters: Path) -> dict[str, Any] | None:
    """What conf/ composes to now, with the overrides that `parameters` was composed with; None: the same as then.

    Of an experiment that DVC runs it is always the same: DVC has just composed the file itself, and the folder that it runs in
    may lack files of conf/ that git doesn't know yet. So may a branch that was made of an experiment: there it stays too.

    Raises:
        ConfigurationError: they don't compose to a valid configuration any more.
    """
    before = read(parameters).get(ORIGIN) if parameters.exists() else None
    if before and "DVC_EXP_NAME" in os.environ:
        return None
    overrides = before.get("overrides", []) if isinstance(before, dict) else []
    if missing := missing_options(overrides):
        print(
            f"Note: params.yaml was composed with {', '.join(missing)}, which is not here: it stays as it is, whatever has "
            "changed in conf/. Bring the file back, or compose without it: python -m pipeline.compose",
            file=sys.stderr,
        )
        return None
    try:
        values = compose(overrides)
    except ConfigurationError as error:
        remedy = f"\nparams.yaml was composed with {' '.join(overrides)}. To compose it without: python -m pipeline.compose"
        raise ConfigurationError(f"{error}{remedy if overrides else ''}") from None
    return None if values[ORIGIN] == before else values


def is_edited(parameters: Path) -> bool:
    """Whether somebody has edited `parameters` since it was composed."""
    return parameters.exists() and differs_from_origin(read(parameters))


def differs_from_origin(values: dict[str, Any]) -> bool:
    """Whether values are others than those that were composed, by what they tell of their origin."""
    values = dict(values)
    before = values.pop(ORIGIN, None)
    return isinstance(before, dict) and before != origin(values, before.get("overrides", []))
