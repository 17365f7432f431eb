"""Which stages rerun: questions to DVC's graph, asked with the real ``compose`` and stand-ins for the stages that take long."""

import json
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pipeline import plan
from pipeline.config import composition, parameters_file
from pipeline.tracking import dvc_plan, provenance
from tests.conftest import STAGES, copied, dvc, edit, parameters, repro, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

Plan = Callable[[], dict[str, str]]


@pytest.fixture
def project(graph: Path, tmp_path: Path) -> Path:
    """A copy of the project with stand-ins, to change at will."""
    return copied(graph, tmp_path)


@pytest.fixture
def planned(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Plan:
    """A function: what the plan says of each stage, its first line with the reasons below it, asked in this process."""
    for module in (dvc_plan, provenance):
        monkeypatch.setattr(module, "CHECKOUT", project)
    monkeypatch.setattr(dvc_plan, "PARAMETERS", project / "params.yaml")
    monkeypatch.setattr(parameters_file, "compose", partial(composition.compose, folder=project / "conf"))
    monkeypatch.setattr(sys, "argv", ["plan"])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project / 'mlflow.db'}")

    def told() -> dict[str, str]:
        dvc_plan._cache.cache_clear()
        capsys.readouterr()
        plan.main()
        return {part.split()[0]: part for part in re.split(r"^(?=\w)", capsys.readouterr().out, flags=re.MULTILINE) if part}

    return told


def test_an_edited_value_reruns_the_stages_that_use_it(project: Path) -> None:
    edit(project / "conf/evaluation/default.yaml", "worst_mistakes: 30", "worst_mistakes: 7")
    assert repro(project) == ["compose", "evaluate", "export"]
    assert parameters(project).evaluation.worst_mistakes == 7
    edit(project / "conf/export/default.yaml", "formats: [h5]", "formats: [h5, keras]")
    assert repro(project) == ["compose", "export"]
    edit(project / "conf/dataset/digits.yaml", "validation_fraction: 0.1", "validation_fraction: 0.2")
    assert repro(project) == STAGES
    assert repro(project) == []


def test_another_outside_set_is_measured_and_trains_nothing(project: Path, planned: Plan) -> None:
    (project / "data/outside/three.json").write_text("[]")
    assert "data/outside has changed (not committed)" in planned()["evaluate"]
    assert repro(project) == ["evaluate", "export"]
    assert run(project, "git", "status", "--porcelain", "data").stdout == ""  # git leaves people's sets alone
    (project / "data/strokes").rename(project / "elsewhere")
    (project / "data/pictures/notes.txt").write_text("No picture.")
    assert "data/strokes is missing" in planned()["prepare"]
    assert "data/pictures has changed" in planned()["prepare"]


def test_changed_code_that_decides_a_result_reruns_what_it_must_and_any_other_nothing(project: Path, planned: Plan) -> None:
    for name in ("pipeline/train.py", "pipeline/tracking/stage_run.py", "pipeline/system/errors.py", "gui/window/app.py"):
        changed = project / name
        changed.write_text(changed.read_text() + "# a message, the tracker, the window\n")
    ignored = ("conf/.config.yaml.swp", "conf/#config.yaml#", "pipeline/training/__pycache__/x.pyc", "pipeline/data/x.py.orig")
    for name in ignored:
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).touch()
    assert "dvc repro has nothing to do." in planned()["dvc"]
    added = project / "pipeline/data/files"  # a word of a comment in .dvcignore
    added.touch()
    assert "pipeline/data has changed (not committed)" in planned()["prepare"]
    assert dvc(project, "status", "prepare")[1].stdout != "Data and pipelines are up to date.\n"
    added.unlink()
    changed = project / "pipeline/training/trainer.py"
    changed.write_text(changed.read_text() + "# the training loop\n")
    run(project, "git", "commit", "-qam", "Train otherwise")
    commit = run(project, "git", "rev-parse", "--short", "HEAD").stdout.strip()
    steps = planned()
    assert f"pipeline/training has changed (last by commit {commit} Train otherwise)" in steps["train"]
    assert "unchanged" in steps["prepare"]


def test_an_edited_training_value_reruns_all_that_follows_and_nothing_before_as_the_plan_says(
    project: Path, planned: Plan
) -> None:
    assert "dvc repro has nothing to do." in planned()["dvc"]
    edit(project / "conf/training/default.yaml", "seed: 0", "seed: 3")
    steps = planned()
    assert "conf has changed (not committed)" in steps["compose"]
    assert "unchanged" in steps["prepare"]
    assert "runs\n" in steps["train"]
    assert "training.seed: 0 -> 3" in steps["train"]
    assert "comes out different" in steps["evaluate"]
    assert repro(project) == ["compose", "train", "evaluate", "export"]
    edit(project / "conf/training/default.yaml", "seed: 3", "seed: 0")
    steps = planned()
    assert "is restored from DVC's cache, made by MLflow run unknown" in steps["train"]
    assert "is restored from DVC's cache, made by MLflow run unknown" in steps["export"]
    assert repro(project) == ["compose"]


def test_an_edited_comment_or_unselected_option_reruns_the_composition_alone(project: Path) -> None:
    edit(project / "conf/model/mlp.yaml", "# Dense layers alone", "# Only dense layers")
    assert repro(project) == ["compose"]
    edit(project / "conf/optimizer/sgd.yaml", "learning_rate: 0.1", "learning_rate: 0.2")
    assert repro(project) == ["compose"]
    run(project, "git", "commit", "-qam", "Edit")
    assert repro(project) == []
    assert run(project, "git", "status", "--porcelain").stdout == ""


def test_parameters_edited_by_hand_are_kept(project: Path) -> None:
    edit(project / "params.yaml", "confidence: 0.95", "confidence: 0.9")
    assert dvc(project, "repro", "compose")[0] == ["compose"]
    assert parameters(project).evaluation.confidence == 0.9
    status = json.loads(dvc(project, "status", "--json")[1].stdout)
    assert list(status) == ["evaluate", "export"]  # the exported model says with which values it was made


@pytest.mark.parametrize("where", ["conf", "params.yaml", "exp run", "exp run --queue"])
def test_a_bad_value_stops_everything_before_any_stage_runs(project: Path, where: str) -> None:
    if where == "conf":
        edit(project / "conf/model/mlp.yaml", "dropout: 0.2", "dropout: 1.5")
    elif where == "params.yaml":
        edit(project / "params.yaml", "  dropout: 0.2", "  dropout: 1.5")
    before = (project / "params.yaml").read_bytes()
    command = {"exp run": ["exp", "run"], "exp run --queue": ["exp", "run", "--queue"]}.get(where)
    ran, done = dvc(project, *([*command, "-S", "model.dropout=1.5"] if command else ["repro"]))
    assert done.returncode != 0
    assert set(ran) <= {"compose"}
    for words in ("model.dropout", "at least 0 and below 1", "1.5"):
        assert words in done.stderr
    assert "support" not in done.stderr
    assert (project / "params.yaml").read_bytes() == before
    assert not (project / "mlflow.db").exists()


def test_a_git_worktree_has_the_composition_from_git_and_needs_the_other_stages(project: Path) -> None:
    """That they run there is seen in `test_main`."""
    beside = project.parent / "work tree"
    assert run(project, "git", "worktree", "add", "-q", "-b", "other", str(beside)).returncode == 0
    status = json.loads(dvc(beside, "status", "--json")[1].stdout)
    assert list(status) == STAGES[1:]


def test_an_unknown_key_of_an_experiment_is_told_with_the_nearest(project: Path) -> None:
    _, done = dvc(project, "exp", "run", "-S", "model.dropot=0.4")
    assert done.returncode != 0
    assert "nearest is model.dropout" in done.stderr
    _, done = dvc(project, "exp", "run", "-S", "model=mlp", "-S", "model.blocks.0.filters=48")
    assert done.returncode != 0
    assert "model.blocks.0.filters: is not part of the configuration as composed (model=mlp)" in done.stderr
