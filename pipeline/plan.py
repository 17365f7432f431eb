"""``python -m pipeline.plan``: what ``dvc repro`` would do, and why. Changes nothing.

A stage runs again if a file it depends on, a key it uses, or its command is not as ``dvc.lock`` says it was. What ran with all
of them as they are now is in DVC's run cache (https://dvc.org/doc/user-guide/pipelines/run-cache), files of the form of
``dvc.lock``, and is restored instead.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.config.check import flatten, read
from pipeline.config.composition import compose, is_current
from pipeline.config.stages import STAGES
from pipeline.system.command_line import run_command
from pipeline.system.errors import UserError
from pipeline.system.paths import CHECKOUT, PARAMETERS
from pipeline.tracking.stage_run import git

Entry = dict[str, Any]  # of a stage, in the form of dvc.lock


@dataclass
class Step:
    """What will become of one stage: ``skip``, ``run``, ``restore``, or ``maybe``, if an input of it comes out different."""

    stage: str
    action: str
    reasons: list[str] = field(default_factory=list)
    made: str = ""  # hash of the stage's output (`pipeline.config.stages`), if that is restored or stays
    producer: str = "unknown"  # the MLflow run that made what is restored

    def __str__(self) -> str:
        words = {"skip": "unchanged", "run": "runs", "maybe": "runs, if what comes before it comes out different"}
        text = words.get(self.action, f"is restored from DVC's cache, made by MLflow run {self.producer[:8]}")
        return "\n".join([f"{self.stage:<9} {text}", *(f"            {reason}" for reason in self.reasons)])


def plan() -> list[Step]:
    """What ``dvc repro`` would do, a step a stage.

    Raises:
        ConfigurationError: conf/ or ``params.yaml`` is not valid.

    """
    current = is_current(PARAMETERS)
    values = read(PARAMETERS) if current else compose([])
    stages, lock_file = read(CHECKOUT / "dvc.yaml")["stages"], CHECKOUT / "dvc.lock"
    locked = read(lock_file)["stages"] if lock_file.exists() else {}
    made: dict[str, str | None] = {}  # hash of each output as it will be; None: nobody knows before its stage has run
    return [_step(name, stage, locked.get(name), values, made) for name, stage in stages.items()]


def _step(name: str, stage: Entry, lock: Entry | None, values: Entry, made: dict[str, str | None]) -> Step:
    paths = [_path(out) for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])]
    depends = {path: made[path] if path in made else _hash(path) for path in stage["deps"]}
    parameters = {group: values.get(group) for group in stage.get("params", [])}
    reasons = _reasons(stage, lock, depends, parameters, paths)
    if not reasons:
        unknown = [path for path, value in depends.items() if path in made and value is None]
        if unknown:
            made |= dict.fromkeys(paths, None)
            return Step(name, "maybe", [f"depends on {path}" for path in unknown])
        hashes = {out["path"]: out["md5"] for out in (lock or {})["outs"]}
        made |= hashes
        return Step(name, "skip", [], _made(name, hashes))
    wanted = (stage["cmd"], depends, parameters)
    for entry in _ran(stage["cmd"]):
        if wanted == _identity(entry) and all(_cached(out["md5"]) for out in entry["outs"] if out["path"] in _kept(stage)):
            hashes = {out["path"]: out["md5"] for out in entry["outs"]}
            made |= hashes
            return Step(name, "restore", reasons, _made(name, hashes))
    made |= dict.fromkeys(paths, None)
    if name == "compose":  # what it will write is known already
        del made["params.yaml"]
    return Step(name, "run", reasons)


def _reasons(
    stage: Entry, lock: Entry | None, depends: dict[str, str | None], parameters: Entry, paths: list[str]
) -> list[str]:
    if lock is None:
        return ["it has not run yet"]
    reasons = [f"its command was: {lock['cmd']}"] if lock["cmd"] != stage["cmd"] else []
    _, before, used = _identity(lock)
    for path in dict.fromkeys([*depends, *before]):
        if path not in before or path not in depends:
            reasons.append(f"{path} is {'a new' if path in depends else 'no longer a'} dependency")
        elif depends[path] is not None and depends[path] != before[path]:
            reasons.append(f"{path} has changed{_who(path)}")
    old, new = flatten(used), flatten(parameters)
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            reasons.append(f"{key}: {old.get(key, 'not there')} -> {new.get(key, 'gone')}")
    after = {out["path"]: out["md5"] for out in lock["outs"]}
    for path in paths:
        if (now := _hash(path)) != after.get(path):
            kept = "was edited, or composed for an experiment: it is kept"
            changed = kept if path == "params.yaml" else "was changed by something else"
            reasons.append(f"{path} {'is missing' if now is None else changed}")
    return reasons


def _identity(entry: Entry) -> tuple[str, dict[str, str | None], Entry]:
    """What decides whether a stage is the same: command, hashes of its dependencies, values of its parameters."""
    parameters: Entry = {}
    for used in entry.get("params", {}).values():
        parameters |= used
    return entry["cmd"], {dependency["path"]: dependency["md5"] for dependency in entry["deps"]}, parameters


def _path(out: Any) -> str:
    return out if isinstance(out, str) else str(next(iter(out)))


def _kept(stage: Entry) -> set[str]:
    """The outputs that DVC's cache keeps."""
    return {_path(out) for out in stage.get("outs", []) if isinstance(out, str)}


@cache
def _repo() -> Any:
    from dvc.repo import Repo

    return Repo(str(CHECKOUT))


def _hash(path: str) -> str | None:
    """The hash that DVC gives a file or folder as it is; None if it isn't there."""
    from dvc_data.hashfile.build import build

    if not (CHECKOUT / path).exists():
        return None
    repo = _repo()
    cache = repo.cache.local
    _, _, built = build(cache, str(CHECKOUT / path), repo.fs, "md5", dry_run=True, ignore=repo.dvcignore)
    return str(built.hash_info.value)


def has_trained(values: Entry) -> bool:
    """Whether a network was trained here with these values of the configuration, be it on other data, or by other code."""
    stage = read(CHECKOUT / "dvc.yaml")["stages"]["train"]
    wanted = {group: values.get(group) for group in stage["params"]}
    # What any YAML is written like. To read one takes long, and most experiments differ from all others in one of these.
    plain = {key.rpartition(".")[2]: value for key, value in flatten(wanted).items() if isinstance(value, int | str)}
    lines = [f"{key}: {str(value).lower() if isinstance(value, bool) else value}\n" for key, value in plain.items()]
    return any(_identity(entry)[2] == wanted for entry in _ran(stage["cmd"], lines))


def _ran(command: str, lines: Sequence[str] = ()) -> Iterator[Entry]:
    """Everything that `command` ever ran with here, the newest first; of that what has these lines."""
    found = []
    for path in (_cache() / "runs").glob("*/*/*"):
        with suppress(OSError):  # DVC moves files there from temporary names
            text = path.read_text(encoding="utf-8")
            if text.startswith(f"cmd: {command}\n") and all(line in text for line in lines) and path.suffix != ".tmp":
                found.append((path.stat().st_mtime, path))
    for _, path in sorted(found, reverse=True):
        yield read(path)


@cache
def _cache() -> Path:
    return Path(_repo().cache.legacy.path)


def _cached(value: str) -> bool:
    return (_cache() / "files" / "md5" / value[:2] / value[2:]).exists()


def _made(name: str, hashes: dict[str, str]) -> str:
    """The hash of a stage's output, given those of its outputs: of a folder DVC's cache has a list; "" if it isn't there."""
    output = STAGES[name].output if name in STAGES else ""
    for path, value in hashes.items():
        listing = _cache() / "files" / "md5" / value[:2] / value[2:]
        if path == output:
            return value
        if output.startswith(f"{path}/") and listing.is_file():
            inside = {entry["relpath"]: entry["md5"] for entry in json.loads(listing.read_bytes())}
            return str(inside.get(output.removeprefix(f"{path}/"), ""))
    return ""


def name_producers(steps: list[Step]) -> None:
    """Look up the MLflow runs that made what is restored, if any is: MLflow takes seconds to load."""
    restored = [step for step in steps if step.action == "restore"]
    if restored:
        from pipeline.tracking.registry import RunRegistry

        with suppress(UserError):  # the plan is good without
            store = RunRegistry()
            for step in restored:
                step.producer = store.made(step.stage, step.made) or step.producer


def _who(path: str) -> str:
    """Who changed a file of the project last, in brackets."""
    if git("status", "--porcelain", "--", path):
        return " (not committed)"
    last = git("log", "-1", "--format=%h %s", "--", path)
    return f" (last by commit {last})" if last else ""


def main() -> None:
    """Entry point of ``python -m pipeline.plan``."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.plan",
        description="Say what `dvc repro` would run, what it would restore from DVC's cache, and why. Changes nothing.",
    )
    parser.parse_args()
    if not (CHECKOUT / ".dvc").is_dir():
        raise UserError(f"{CHECKOUT} is not a DVC project: .dvc is missing. Clone the project with git.")
    steps = plan()
    name_producers(steps)
    print("\n".join(map(str, steps)))
    if all(step.action == "skip" for step in steps):
        print("dvc repro has nothing to do.")


if __name__ == "__main__":
    run_command(main)
