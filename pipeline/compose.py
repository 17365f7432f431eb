"""conf/ -> params.yaml.

DVC reads ``params.yaml`` and Hydra reads ``conf/``; this keeps the two agreed. ``dvc exp run`` composes by itself (``hydra``
in ``.dvc/config``); ``dvc repro`` does not (https://github.com/treeverse/dvc/issues/10750), so the first stage of
``dvc.yaml`` does it, with ``--keep``: only if conf/ composes to something else than it did when ``params.yaml`` was composed,
and with the same overrides. So overrides stay, and edits by hand until then. To know both, ``params.yaml`` holds the overrides
and a digest of what they composed to, as `composed_from`.
"""

import argparse
import os
import shlex
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from pipeline.config.check import check, flatten, load, read, shown
from pipeline.config.composition import ORIGIN, compose, is_edited, recomposed, warn
from pipeline.config.stages import STAGES
from pipeline.system.command_line import run_command
from pipeline.system.masking import masked
from pipeline.system.paths import PARAMETERS, replacing


def write(values: dict[str, Any], path: Path) -> list[str]:
    """Write composed `values` to `path` and return what differs from before, a line each."""
    after = flatten(values)
    before = flatten(read(path)) if path.exists() else after
    with replacing(path) as temporary:
        temporary.write_text(OmegaConf.to_yaml(values), encoding="utf-8")
    keys = [key for key in before | after if not key.startswith(ORIGIN) and before.get(key) != after.get(key)]
    return [masked(f"  {key}: {shown(before, key, 'not there')} -> {shown(after, key, 'gone')}") for key in keys]


def log_restored() -> None:
    """Log the MLflow run of the DVC experiment that is running, if all that it makes is in DVC's cache and no stage runs.

    Raises:
        UserError: the store can't be used.

    """
    from pipeline.plan import plan
    from pipeline.tracking import stage_run

    made = {step.stage: step.made for step in plan() if step.stage in STAGES}
    if all(made.values()):
        stage_run.restored(made, load())


def keep() -> None:
    """Compose anew only if conf/ composes to something else than before, and with the overrides that there were.

    Raises:
        UserError: the configuration is not valid; or all results are in DVC's cache, and MLflow's store can't be used.

    """
    values = recomposed(PARAMETERS)
    if values is None:
        warn(load())
        if "DVC_EXP_NAME" in os.environ:
            log_restored()
        return
    overrides = shlex.join(values[ORIGIN]["overrides"])
    was_edited = is_edited(PARAMETERS)
    why = "conf/ has changed: params.yaml" if PARAMETERS.exists() else "There was no params.yaml: it"
    _write_and_tell(values, f"{why} was composed anew{overrides and ' with '}{overrides}.")
    if was_edited:
        print("It had been edited by hand, and the edits are gone; they are among these lines. To set a value again:")
        print(f"  python -m pipeline.compose {overrides}{overrides and ' '}KEY=VALUE")


def _write_and_tell(values: dict[str, Any], told: str) -> None:
    warn(check(values))
    differences = write(values, PARAMETERS)
    print("\n".join([told + (" What differs from before:" if differences else ""), *differences]))


def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``python -m pipeline.compose``."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.compose",
        description="Compose params.yaml from conf/. Then `dvc repro` runs with it.",
        epilog="Example: python -m pipeline.compose experiment=textbook model.dropout=0.4",
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="in Hydra's override grammar")
    parser.add_argument("--print", action="store_true", help="print the composition, and leave params.yaml as it is")
    parser.add_argument("--keep", action="store_true", help="leave params.yaml as it is if conf/ composes to the same still")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        parser.error(
            f"unrecognized arguments: {' '.join(unknown)}\nTo see the composition:    python -m pipeline.compose --print\n"
            "To try several values:     python -m pipeline.sweep"
        )
    if options.keep:
        keep()
        return
    values = compose(options.overrides)
    if options.print:
        warn(check(values))
        print(masked(OmegaConf.to_yaml(values)), end="")
        return
    _write_and_tell(values, "params.yaml was composed from conf/.")


if __name__ == "__main__":
    run_command(main)
