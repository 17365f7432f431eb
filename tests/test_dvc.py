"""Drives the real dvc through a clone of the project: what a user does, and which stages run for it."""

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from pipeline.data import collection
from tests.conftest import STAGES, copied, dvc, edit, environment, mlflow_runs, parameters, repro, run
from tests.hand import DIGITS

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished project, to change at will."""
    return copied(finished, tmp_path)


def test_the_pipeline_leaves_a_model_its_metrics_its_plots_and_one_run(project: Path) -> None:
    assert (project / "models/mnist.h5").stat().st_size > 10_000
    metrics = json.loads((project / "reports/metrics.json").read_text())
    assert metrics["dataset"] == "digits"
    assert metrics["test_accuracy_low"] < metrics["test_accuracy"] < metrics["test_accuracy_high"]
    assert "test_accuracy" in run(project, "dvc", "metrics", "show").stdout
    plots = run(project, "dvc", "plots", "show", "-o", "plots page")
    assert plots.returncode == 0, plots.stderr
    page = (project / "plots page/index.html").read_text()
    for name in ("confusion", "Loss", "Accuracy", "mistakes.png"):
        assert name in page
    (only,) = mlflow_runs(project)
    assert only["status"] == "FINISHED"
    assert only["params"]["model"] == "mlp"
    assert only["params"]["training.epochs"] == "2"
    for metric in ("validation_accuracy", "test_accuracy", "train_seconds", "epoch/loss"):
        assert metric in only["latest_metrics"]
    assert only["latest_metrics"]["validation_accuracy"] == metrics["validation_accuracy"]
    assert only["tags"]["dataset"] == "digits"
    assert len(only["tags"]["dataset_sha256"]) == 64
    assert only["tags"]["git_commit"] == run(project, "git", "rev-parse", "HEAD~1").stdout.strip()
    assert only["tags"]["git_dirty"] == "false"


def test_a_second_repro_runs_nothing_and_a_forced_one_makes_the_same_files(project: Path) -> None:
    assert repro(project) == []
    ran, done = dvc(project, "repro", "--force")
    assert ran == STAGES, done.stderr
    assert run(project, "git", "status", "--porcelain").stdout == ""


def test_an_edited_value_reruns_the_stages_that_use_it(project: Path) -> None:
    edit(project / "conf/evaluation/default.yaml", "worst_mistakes: 30", "worst_mistakes: 7")
    edit(project / "conf/export/default.yaml", "formats: [h5]", "formats: [h5, keras, tflite]")
    assert repro(project) == ["compose", "evaluate", "export"]
    assert parameters(project).evaluation.worst_mistakes == 7
    assert {path.suffix for path in (project / "models/formats").iterdir()} == {".keras", ".tflite", ".json"}
    before, after = mlflow_runs(project)[0], mlflow_runs(project)[-1]
    assert after["tags"]["prepare_from_run"] == after["tags"]["train_from_run"] == before["id"]
    for metric in ("validation_accuracy", "test_accuracy"):  # told by what has run before
        assert after["latest_metrics"][metric] == before["latest_metrics"][metric]
    assert repro(project) == []


def planned(folder: Path) -> dict[str, str]:
    """What the plan says of each stage: its first line, with the reasons below it."""
    done = run(folder, "python", "-m", "pipeline.plan")
    assert done.returncode == 0, done.stdout + done.stderr
    return {part.split()[0]: part for part in re.split(r"^(?=\w)", done.stdout, flags=re.MULTILINE) if part}


def test_changed_code_that_decides_a_result_reruns_what_it_must_and_any_other_nothing(project: Path) -> None:
    for name in ("pipeline/train.py", "pipeline/tracking/stage_run.py", "pipeline/system/errors.py", "gui/window/app.py"):
        changed = project / name
        changed.write_text(changed.read_text() + "# a message, the tracker, the window\n")
    assert "dvc repro has nothing to do." in planned(project)["dvc"]
    changed = project / "pipeline/training/trainer.py"
    changed.write_text(changed.read_text() + "# the training loop\n")
    run(project, "git", "commit", "-qam", "Train otherwise")
    commit = run(project, "git", "rev-parse", "--short", "HEAD").stdout.strip()
    plan = planned(project)
    assert f"pipeline/training has changed (last by commit {commit} Train otherwise)" in plan["train"]
    assert "unchanged" in plan["prepare"]


def test_an_edited_training_value_reruns_all_that_follows_and_nothing_before_as_the_plan_says(project: Path) -> None:
    assert "dvc repro has nothing to do." in planned(project)["dvc"]
    edit(project / "conf/training/default.yaml", "seed: 0", "seed: 3")
    plan = planned(project)
    assert "conf has changed (not committed)" in plan["compose"]
    assert "unchanged" in plan["prepare"]
    assert "runs\n" in plan["train"]
    assert "training.seed: 0 -> 3" in plan["train"]
    assert "comes out different" in plan["evaluate"]
    assert repro(project) == ["compose", "train", "evaluate", "export"]
    _, second = mlflow_runs(project)
    assert second["params"]["training.seed"] == "3"
    assert second["name"] == "default, seed=3"  # what is not as it was committed
    first = mlflow_runs(project)[0]["id"]
    assert second["tags"]["prepare_from_run"] == first
    edit(project / "conf/training/default.yaml", "seed: 3", "seed: 0")
    plan = planned(project)
    assert f"is restored from DVC's cache, made by MLflow run {first[:8]}" in plan["train"]
    assert f"is restored from DVC's cache, made by MLflow run {first[:8]}" in plan["export"]


def test_drawings_that_were_taught_are_trained_with_and_what_that_changed_is_shown(project: Path) -> None:
    """The loop of the README."""
    for digit in range(4):
        collection.add(project / "data/drawings", digit, DIGITS[digit])
    assert run(project, "python", "-m", "pipeline.compose", "dataset.drawings.train=true").returncode == 0
    ran, done = dvc(project, "repro")
    assert ran == STAGES  # compose: conf/ makes params.yaml anew, and finds it as it is
    metrics = json.loads((project / "reports/metrics.json").read_text())
    assert metrics["drawings"] == 1
    shown = f"the collection's 1 held-out drawings: {metrics['drawings_accuracy']:.2%}, before this training "
    assert shown in done.stdout
    assert "drawings_accuracy" in run(project, "dvc", "metrics", "diff").stdout
    shutil.rmtree(project / "data/prepared")
    assert run(project, "dvc", "checkout", "prepare").returncode == 0
    assert collection.read(project / "data/prepared/drawings.json") == collection.read(project / "data/drawings")


def test_an_edited_comment_or_unselected_option_reruns_the_composition_alone(project: Path) -> None:
    edit(project / "conf/model/mlp.yaml", "# Dense layers alone", "# Only dense layers")
    assert repro(project) == ["compose"]
    edit(project / "conf/optimizer/sgd.yaml", "learning_rate: 0.1", "learning_rate: 0.2")
    assert repro(project) == ["compose"]
    assert repro(project) == []


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
    assert len(mlflow_runs(project)) == 1


def test_a_git_worktree_has_the_composition_from_git_and_needs_the_other_stages(project: Path) -> None:
    """That they run there is seen in `test_main`."""
    beside = project.parent / "work tree"
    assert run(project, "git", "worktree", "add", "-q", "-b", "other", str(beside)).returncode == 0
    status = json.loads(dvc(beside, "status", "--json")[1].stdout)
    assert list(status) == STAGES[1:]


def test_the_model_that_a_run_logs_is_loaded_by_mlflow(project: Path) -> None:
    (only,) = mlflow_runs(project)
    code = (
        "import mlflow, numpy, sys; mlflow.set_tracking_uri(sys.argv[1]); "
        "model = mlflow.keras.load_model(f'runs:/{sys.argv[2]}/model'); "
        "print(model(numpy.zeros((1, 28, 28, 1), 'float32')).shape)"
    )
    done = run(project, "python", "-c", code, f"sqlite:///{project / 'mlflow.db'}", only["id"])
    assert "(1, 10)" in done.stdout, done.stderr
    artifacts = project / "mlruns" / only["id"] / "artifacts"
    assert {path.name for path in artifacts.iterdir()} >= {"mnist.h5", "params.yaml", "evaluation", "training", "data"}


def test_a_pipeline_killed_in_training_goes_on_where_it_was(project: Path) -> None:
    """The whole process group killed, as when a machine goes down; then the same command again."""
    edit(project / "params.yaml", "epochs: 2", "epochs: 3000")
    first = train_until(project, "epoch 20/")
    second = train_until(project, "epoch 25/")
    assert not any("Going on" in line for line in first)
    assert any("Going on after epoch" in line for line in second), second
    assert [each["status"] for each in mlflow_runs(project)][:2] == ["FINISHED", "KILLED"]


def train_until(folder: Path, words: str) -> list[str]:
    """Run the training stage, and kill it with all its processes once it prints `words`."""
    process = subprocess.Popen(
        ["dvc", "repro", "train"], cwd=folder, env=environment({}), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(words):
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return lines
