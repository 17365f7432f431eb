"""Stands in for a stage where a test asks DVC's graph: ``python stand_in.py NAME`` makes all outputs of the stage in no time.

What it makes is a function of what the stage depends on, as what the stage itself makes is.
"""

import hashlib
import json
import sys
from pathlib import Path

import yaml

#: The file in each folder that a stage makes, whose hash tells what it made (`pipeline.config.stages`).
IN_FOLDERS = {"data/prepared": "summary.json", "data/trained": "network.h5"}
#: What a command reads of a file of metrics.
ACCURACY = {"test_accuracy": 0.5, "test_accuracy_low": 0.4, "test_accuracy_high": 0.6}


def names(listed: list[str | dict[str, object]]) -> list[Path]:
    """The paths of a list in ``dvc.yaml``, whose entries may have options."""
    return [Path(entry if isinstance(entry, str) else next(iter(entry))) for entry in listed]


def make(stage: str) -> None:
    """Write the digest of a stage's dependencies and parameters to each of its outputs, as JSON."""
    described = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"][stage]
    parameters = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    digest = hashlib.sha256(repr([parameters[group] for group in described["params"]]).encode())
    for dependency in names(described["deps"]):
        for path in sorted(dependency.rglob("*")) if dependency.is_dir() else [dependency]:
            if path.is_file() and path.suffix != ".pyc":
                digest.update(path.read_bytes())
    for output in names([*described["outs"], *described.get("metrics", []), *described.get("plots", [])]):
        path = output if output.suffix else output / IN_FOLDERS.get(str(output), "made")
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"made_of": digest.hexdigest(), "dataset": parameters["dataset"]["name"]} | ACCURACY
        path.write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    make(sys.argv[1])
