"""Rules of the house that a reader can't see at a glance."""

import importlib
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.config import check, stages
from tests.conftest import ROOT, STAGES, copied, environment, run


def test_the_stages_of_dvc_are_those_of_the_registry_with_their_groups_and_their_code() -> None:
    listed = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert list(listed) == ["compose", *stages.STAGES]
    for name, stage in stages.STAGES.items():
        code = {Path(path).name for path in listed[name]["deps"] if path.startswith("pipeline/")}
        assert (code, set(listed[name]["params"])) == (set(stage.code), set(stage.groups))
        assert listed[name]["cmd"] == f"python -m pipeline.{name}"
        assert all((ROOT / "pipeline" / folder).is_dir() for folder in stage.code)


RECORD = """
import contextlib, json, shutil
from importlib import import_module
from unittest.mock import MagicMock
from pipeline.config import check
from pipeline.config.schema import Configuration
from pipeline.config.stages import STAGES
from pipeline.tracking import stage_run

class Recording:  # what a stage reads of the configuration
    def __init__(self, values, read):
        self._values, self._read = values, read
    def __getattr__(self, name):
        self._read.add(name)
        return getattr(self._values, name)
    def model_dump(self, include):
        self._read |= include
        return self._values.model_dump(include=include)

load, groups = check.load, {}
stage_run.stage = lambda *_: contextlib.nullcontext(MagicMock())  # the tracker decides no result
for name in STAGES:
    module, read = import_module(f"pipeline.{name}"), set()
    check.load = lambda: Recording(load(), read)
    if name == "export":  # evaluate compares with what was exported before
        shutil.rmtree("models")
    module.main()
    groups[name] = sorted(read & Configuration.model_fields.keys())
print(json.dumps(groups))
"""


@pytest.mark.slow
def test_a_stage_reads_exactly_the_groups_that_it_depends_on_and_makes_the_same_files_again(
    finished: Path, tmp_path: Path
) -> None:
    folder = copied(finished, tmp_path)
    metrics = json.loads((folder / "reports/all_metrics.json").read_text(encoding="utf-8"))
    for made in ("data/prepared", "data/trained"):
        shutil.rmtree(folder / made)
    done = run(folder, "python", "-c", RECORD)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout.splitlines()[-1])
    of_drawings = f"{metrics['drawings_accuracy']:.2%}, before this training {metrics['drawings_accuracy']:.2%}."
    assert f"Accuracy on the collection's 1 held-out drawings: {of_drawings}" in done.stdout
    assert read == {name: sorted(stage.groups) for name, stage in stages.STAGES.items()}
    assert json.loads(run(folder, "dvc", "status", "--json").stdout) == {}  # all that they made has the hashes of dvc.lock


@pytest.mark.parametrize(
    "module",
    [
        *("pipeline", "pipeline.plan", "pipeline.runs", "pipeline.sweep", "pipeline.ui", "gui", "gui.replay"),
        *(f"pipeline.{stage}" for stage in STAGES),
    ],
)
def test_help_helps_and_waits_for_neither_tensorflow_nor_mlflow_nor_the_schema(module: str) -> None:
    heavy = {"tensorflow", "keras", "mlflow", "pydantic"}
    code = (
        f"import runpy, sys; sys.argv = ['x', '--help']\ntry: runpy.run_module('{module}', run_name='__main__')\n"
        f"except SystemExit: print({heavy} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"usage: python -m {module}" in done.stdout
    assert done.stdout.strip().endswith("set()")


def printed(code: str) -> str:
    """What a new process prints in which nobody has said yet whether MLflow may report to its makers."""
    own = {name: value for name, value in environment({}).items() if name not in ("CI", "MLFLOW_DISABLE_TELEMETRY")}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=own, capture_output=True, text=True, check=True).stdout


#: Ends with what a process has told MLflow when it loads it for the first time.
AT_FIRST_IMPORT = """
import os, sys
class Finder:
    def find_spec(name, *_):
        if name == "mlflow":
            print(os.environ.get("MLFLOW_DISABLE_TELEMETRY"))
            raise SystemExit
sys.meta_path.insert(0, Finder)
"""


@pytest.mark.parametrize("module", ["pipeline.tracking.recorder", "pipeline.tracking.registry", "pipeline.sweep.sweep_logger"])
def test_whatever_loads_mlflow_has_told_it_before_to_report_nothing_to_its_makers(module: str) -> None:
    assert printed(f"{AT_FIRST_IMPORT}\nimport {module}") == "true\n"


@pytest.mark.slow
def test_mlflow_reports_nothing_to_its_makers_if_it_is_told_so() -> None:
    code = "import pipeline.tracking\nfrom mlflow.telemetry import get_telemetry_client\nprint(get_telemetry_client())"
    assert printed(code) == "None\n"


@pytest.mark.parametrize("stage", STAGES[1:])
@pytest.mark.parametrize("given", ["model.dropout=0.99", "--model.dropout=0.99", "~model", "fast", "--fast"])
def test_a_stage_that_is_given_arguments_runs_nothing_and_names_the_command_that_takes_an_override(
    stage: str, given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [stage, given])
    module = importlib.import_module(f"pipeline.{stage}")
    monkeypatch.setattr(check, "load", lambda: pytest.fail("the stage began"))
    with pytest.raises(SystemExit) as end:
        module.main()
    told = capsys.readouterr().err
    assert end.value.code == 2
    assert given.lstrip("-") in told
    override = shlex.quote(given.lstrip("-"))
    assert (f"python -m pipeline.compose {override} && dvc repro" in told) == ("fast" not in given)
    assert (f"dvc exp run -S {override}" in told) == ("fast" not in given)


def test_the_lock_file_names_no_host_and_has_a_hash_for_every_package() -> None:
    lines = [line for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines() if line.strip()]
    assert not [line for line in lines if "://" in line or "index-url" in line]
    pinned = [number for number, line in enumerate(lines) if "==" in line and not line.startswith((" ", "#"))]
    assert len(pinned) > 50
    assert all("--hash=sha256:" in lines[number + 1] for number in pinned)


def test_every_dependency_has_its_reason_beside_it() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    dependencies = [
        line for line in lines if line.startswith('    "') and (">=" in line or "stubs" in line or "types-" in line)
    ]
    assert len(dependencies) > 20
    assert not [line for line in dependencies if " # " not in line]
