"""Rules of the house that a reader can't see at a glance."""

import ast
import importlib
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, STAGES


def imports(path: Path) -> set[str]:
    """Modules of the project that a module imports, wherever in it, as ``pipeline/system/paths.py``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            module = Path(*name.split(".")).with_suffix(".py")
            found |= {module.as_posix()} if (ROOT / module).is_file() else set()
    return found


def all_imports(module: str) -> set[str]:
    seen, waiting = set(), {module}
    while waiting:
        current = waiting.pop()
        seen.add(current)
        waiting |= imports(ROOT / current) - seen
    return seen


@pytest.mark.parametrize("stage", ["compose", "prepare", "train", "evaluate", "export"])
def test_a_stage_depends_on_exactly_the_modules_that_it_imports(stage: str) -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    listed = {path for path in stages[stage]["deps"] if path.endswith(".py")}
    assert listed == all_imports(f"pipeline/{stage}.py")


def test_the_pipeline_never_imports_the_window() -> None:
    for path in (ROOT / "pipeline").rglob("*.py"):
        assert not any(module.startswith("gui/") for module in imports(path)), path


def test_the_window_never_imports_a_stage() -> None:
    stages = {f"pipeline/{stage}.py" for stage in ("compose", "prepare", "train", "trainer", "evaluate", "export")}
    for path in (ROOT / "gui").rglob("*.py"):
        assert not stages & all_imports(path.relative_to(ROOT).as_posix()), path


@pytest.mark.parametrize(
    "module",
    [
        *("pipeline", "pipeline.plan", "pipeline.runs", "pipeline.sweep", "pipeline.ui", "gui", "gui.replay"),
        *(f"pipeline.{stage}" for stage in STAGES),
    ],
)
def test_help_helps_and_waits_for_neither_tensorflow_nor_keras(module: str) -> None:
    code = (
        f"import runpy, sys; sys.argv = ['x', '--help']\ntry: runpy.run_module('{module}', run_name='__main__')\n"
        "except SystemExit: print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"usage: python -m {module}" in done.stdout
    assert done.stdout.strip().endswith("set()")


@pytest.mark.parametrize("stage", STAGES[1:])
@pytest.mark.parametrize("given", ["model.dropout=0.99", "--model.dropout=0.99", "~model", "fast", "--fast"])
def test_a_stage_that_is_given_arguments_runs_nothing_and_names_the_command_that_takes_an_override(
    stage: str, given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [stage, given])
    module = importlib.import_module(f"pipeline.{stage}")
    monkeypatch.setattr(module, "load", lambda: pytest.fail("the stage began"))
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
