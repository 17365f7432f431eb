"""What ``dvc repro`` would do, and why.

A stage runs again if a file it depends on, a key it uses, or its command is not as ``dvc.lock`` says it was. If it ran before
with all of them as they are now, its outputs are restored from DVC's cache.

DVC itself doesn't answer this: ``dvc status`` names neither values nor what comes after a changed stage, and can't be asked
while a stage runs; ``dvc repro --dry`` takes a stage with a new value for cached. So this reads what DVC has written, in the
documented form: ``dvc.lock``, and the cache with its list of what ran.
https://dvc.org/doc/user-guide/project-structure/internal-files
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pathspec import GitIgnoreSpec

from pipeline.config.check import flatten, read, shown
from pipeline.config.stages import STAGES
from pipeline.system.errors import UserError
from pipeline.system.paths import CHECKOUT, PARAMETERS, md5
from pipeline.tracking.provenance import git

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
    """What ``dvc repro`` would do, a step a stage. Changes nothing.

    Raises:
        UserError: the checkout is no DVC project.
        ConfigurationError: conf/ or ``params.yaml`` is not valid.
    """
    if not (CHECKOUT / ".dvc").is_dir():
        raise UserError(f"{CHECKOUT} is not a DVC project: .dvc is missing. Clone the project with git.")
    from pipeline.config.parameters_file import recomposed  # with Hydra, which stages do without

    values = recomposed(PARAMETERS) or read(PARAMETERS)
    stages, locked = _stages()
    made: dict[str, str | None] = {}  # hash of each output as it will be; None: nobody knows before its stage has run
    return [_step(name, stage, locked.get(name), values, made) for name, stage in stages.items()]


def unchanged_after(stage: str) -> dict[str, str]:
    """The hash of what each later stage made, if DVC runs none of them now that `stage` has run; else nothing."""
    values, (stages, locked) = read(PARAMETERS), _stages()
    names, made = list(stages), {}
    for name in names[names.index(stage) + 1 :]:
        depends = {path: _hash(path) for path in stages[name]["deps"]}
        parameters = {group: values.get(group) for group in stages[name]["params"]}
        if name not in locked or _reasons(stages[name], locked[name], depends, parameters):
            return {}
        made[name] = md5(CHECKOUT / STAGES[name].output)
    return made


def _stages() -> tuple[dict[str, Entry], dict[str, Entry]]:
    """The stages of ``dvc.yaml``, and what ``dvc.lock`` has of those that ran."""
    lock_file = CHECKOUT / "dvc.lock"
    return read(CHECKOUT / "dvc.yaml")["stages"], read(lock_file)["stages"] if lock_file.exists() else {}


def _step(name: str, stage: Entry, lock: Entry | None, values: Entry, made: dict[str, str | None]) -> Step:
    outs = _outs(stage)
    depends = {path: made[path] if path in made else _hash(path) for path in stage["deps"]}
    parameters = {group: values.get(group) for group in stage.get("params", [])}
    reasons = _reasons(stage, lock, depends, parameters) if lock else ["it has not run yet"]
    reasons += [f"{path} is missing" for path, value in depends.items() if value is None and path not in made]
    unknown = [path for path, value in depends.items() if path in made and value is None]
    if unknown and not reasons:
        made |= dict.fromkeys(outs, None)
        return Step(name, "maybe", [f"depends on {path}" for path in unknown])
    output = STAGES[name].output if name in STAGES else ""
    if lock and not reasons:
        made |= _hashes(lock, "outs")
        return Step(name, "skip", made=md5(CHECKOUT / output) if output else "")
    if entry := _restorable(stage, depends, parameters):
        made |= _hashes(entry, "outs")
        return Step(name, "restore", reasons, _made(output, _hashes(entry, "outs")))
    # What compose will write is known already.
    made |= dict.fromkeys((path for path in outs if path != PARAMETERS.name), None)
    return Step(name, "run", reasons)


def _reasons(stage: Entry, lock: Entry, depends: dict[str, str | None], parameters: Entry) -> list[str]:
    """Why a stage is not as ``dvc.lock`` has it."""
    reasons = [f"its command was: {lock['cmd']}"] if lock["cmd"] != stage["cmd"] else []
    before, after = _hashes(lock, "deps"), _hashes(lock, "outs")
    for path, value in depends.items():
        if path not in before:
            reasons.append(f"{path} is a new dependency")
        elif value is not None and value != before[path]:
            reasons.append(f"{path} has changed{_who(path)}")
    old, new = flatten(_parameters(lock)), flatten(parameters)
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            reasons.append(f"{key}: {shown(old, key, 'not there')} -> {shown(new, key, 'gone')}")
    others = {path: now for path in _outs(stage) if (now := _hash(path)) != after.get(path)}
    if len(others) > 1 and all(others.values()) and len(others) == len(_outs(stage)):
        return [*reasons, f"its {len(others)} outputs are not those that dvc.lock has: dvc checkout brings those back"]
    for path, now in others.items():
        edited = "was edited, or composed with overrides: it stays unless conf/ composes to something else"
        changed = edited if path == PARAMETERS.name else "is not the one that dvc.lock has"
        reasons.append(f"{path} {'is missing' if now is None else changed}")
    return reasons


def _hashes(entry: Entry, kind: str) -> dict[str, str]:
    return {one["path"]: one["md5"] for one in entry[kind]}


def _parameters(entry: Entry) -> Entry:
    return dict(entry.get("params", {}).get(PARAMETERS.name, {}))


def _outs(stage: Entry) -> dict[str, bool]:
    """The outputs of a stage, and whether DVC's cache keeps them: the others are in git."""
    listed = [out for kind in ("outs", "metrics", "plots") for out in stage.get(kind, [])]
    options = {path: given for out in listed for path, given in (out if isinstance(out, dict) else {out: {}}).items()}
    return {path: given.get("cache", True) for path, given in options.items()}


def _hash(path: str) -> str | None:
    """The hash that DVC gives a file or a folder as it is; None if it isn't there."""
    place = CHECKOUT / path
    if not place.is_dir():
        return md5(place) if place.exists() else None
    ignored = GitIgnoreSpec.from_lines((CHECKOUT / ".dvcignore").read_text(encoding="utf-8").splitlines())
    listed = [
        {"md5": md5(file), "relpath": file.relative_to(place).as_posix()}
        for file in place.rglob("*")
        if file.is_file() and not ignored.match_file(file.relative_to(CHECKOUT))
    ]
    listing = json.dumps(sorted(listed, key=lambda one: one["relpath"]), sort_keys=True)
    return f"{hashlib.md5(listing.encode(), usedforsecurity=False).hexdigest()}.dir"


def _restorable(stage: Entry, depends: dict[str, str | None], parameters: Entry) -> Entry | None:
    """What a stage made when it last ran with all as it is now, if DVC's cache still has that."""
    kept = [path for path, is_kept in _outs(stage).items() if is_kept]
    for entry in _ran(stage["cmd"], parameters):
        made = _hashes(entry, "outs")
        if _hashes(entry, "deps") == depends and all(path in made and _cached(made[path]).exists() for path in kept):
            return entry
    return None


def _ran(command: str, parameters: Entry) -> Iterator[Entry]:
    """Every time that `command` ran here with these parameters, the newest first."""
    # What any YAML is written like: a text with spaces may be quoted, or on two lines. To read one takes long, and most
    # experiments differ from all others in one of these.
    values = {key.rpartition(".")[2]: value for key, value in flatten(parameters).items() if isinstance(value, int | str)}
    plain = {key: value for key, value in values.items() if " " not in str(value)}
    lines = [f"{key}: {str(value).lower() if isinstance(value, bool) else value}\n" for key, value in plain.items()]
    found = []
    for path in (_cache() / "runs").glob("*/*/*"):
        with suppress(OSError):  # DVC moves files there from temporary names
            text = path.read_text(encoding="utf-8")
            if text.startswith(f"cmd: {command}\n") and all(line in text for line in lines) and path.suffix != ".tmp":
                found.append((path.stat().st_mtime, path))
    return (entry for _, path in sorted(found, reverse=True) if _parameters(entry := read(path)) == parameters)


@cache
def _cache() -> Path:
    told = subprocess.run(
        [sys.executable, "-m", "dvc", "cache", "dir"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    return Path(told.stdout.strip())


def _cached(value: str) -> Path:
    """Where DVC's cache keeps what has this hash: a file, or the list of a folder's files."""
    return _cache() / "files" / "md5" / value[:2] / value[2:]


def _made(output: str, hashes: dict[str, str]) -> str:
    """The hash of a file, given that of itself or of the folder that it is in; "" if the cache doesn't know."""
    if output in hashes:
        return hashes[output]
    folder = next(path for path in hashes if output.startswith(f"{path}/"))
    with suppress(OSError):
        listed = json.loads(_cached(hashes[folder]).read_bytes())
        return {entry["relpath"]: str(entry["md5"]) for entry in listed}.get(output.removeprefix(f"{folder}/"), "")
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
    # Of data, git leaves drawings, pictures and sets of people alone, and wholly what the stages make.
    ignored = ["--ignored"] if path.startswith("data/") else []
    if git("status", "--porcelain", *ignored, "--", path) not in ("", f"!! {path}/"):
        return " (not committed)"
    last = git("log", "-1", "--format=%h %s", "--", path)
    return f" (last by commit {last})" if last else ""
