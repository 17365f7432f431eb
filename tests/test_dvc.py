"""Drives the real pipeline in a clone of the project, as a user does. Which stages run is asked in `test_graph`."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import requests

from pipeline import runs
from pipeline.data import collection
from pipeline.evaluation.report import HEADLINE
from pipeline.system import tensorflow_setup
from pipeline.tracking import dvc_plan, stage_run
from pipeline.tracking.registry import RunRegistry
from tests.conftest import STAGES, copied, edit, environment, mlflow_runs, parameters, run
from tests.tracking.conftest import RecorderThread
from tests.tracking.test_ui import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished project, to change at will."""
    return copied(finished, tmp_path)


def test_the_pipeline_leaves_a_model_its_metrics_its_plots_and_one_run(project: Path) -> None:
    assert (project / "models/mnist.h5").stat().st_size > 10_000
    metrics = json.loads((project / "reports/all_metrics.json").read_text())
    assert metrics["dataset"] == "digits"
    assert metrics["drawings"] == 1  # of four, the newest
    assert metrics["test_accuracy_low"] < metrics["test_accuracy"] < metrics["test_accuracy_high"]
    shown = json.loads(run(project, "dvc", "metrics", "show", "--json").stdout)[""]["data"]["reports/metrics.json"]["data"]
    assert shown == {name: metrics[name] for name in (*HEADLINE, "pen_digits_test_accuracy", "drawings_accuracy")}
    assert all(len(line) <= 120 for line in run(project, "dvc", "metrics", "show").stdout.splitlines())
    assert metrics["pen_digits_test_images"] == 280
    card = (project / "reports/model_card.md").read_text(encoding="utf-8")
    assert f"| UCI's test writers | 280 | {metrics['pen_digits_test_accuracy']:.2%}".replace("%", " %") in card
    assert run(project, "git", "status", "--porcelain").stdout == ""  # neither the card nor the page
    plots = run(project, "dvc", "plots", "show", "-o", "plots page")
    assert plots.returncode == 0, plots.stderr
    page = (project / "plots page/index.html").read_text()
    for name in ("confusion", "Loss", "Accuracy", "mistakes.png"):
        assert name in page
    (only,) = mlflow_runs(project)
    assert only["status"] == "FINISHED"
    assert only["params"]["model"] == "mlp"
    assert only["params"]["training.epochs"] == "2"
    for metric in ("validation_accuracy", "test_accuracy", "latency_milliseconds", "train_seconds", "epoch/loss"):
        assert metric in only["latest_metrics"]
    assert only["latest_metrics"]["validation_accuracy"] == metrics["validation_accuracy"]
    assert only["tags"]["dataset"] == "digits"
    assert len(only["tags"]["dataset_sha256"]) == 64
    assert only["tags"]["git_commit"] == run(project, "git", "rev-parse", "HEAD~1").stdout.strip()
    assert only["tags"]["git_dirty"] == "false"
    assert "drawings_accuracy" in run(project, "dvc", "metrics", "diff", "HEAD~1").stdout
    shutil.rmtree(project / "data/prepared")
    assert run(project, "dvc", "checkout", "prepare").returncode == 0
    assert collection.read(project / "data/prepared/strokes/drawings.json") == collection.read(project / "data/drawings")


def test_the_model_that_a_run_logs_is_loaded_by_mlflow(project: Path) -> None:
    (only,) = mlflow_runs(project)
    tensorflow_setup.start()
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{project / 'mlflow.db'}")  # a variable has no effect where another test has set one
    model = mlflow.keras.load_model(f"runs:/{only['id']}/{only['name']}")  # it is called like its run
    assert model(np.zeros((1, 28, 28, 1), np.float32)).shape == (1, 10)
    artifacts = project / "mlruns" / only["id"] / "artifacts"
    assert {path.name for path in artifacts.iterdir()} >= {"mnist.h5", "params.yaml", "evaluation", "training", "data"}
    assert "Trainable params" in (artifacts / "model_summary.txt").read_text(encoding="utf-8")
    assert "data:image/png;base64," in (artifacts / "evaluation/model_card.html").read_text(encoding="utf-8")


def test_the_champion_is_served_as_mlflow_says(project: Path, tmp_path: Path) -> None:
    """The commands of the README, in the environment of the tests: in one of its own, MLflow would install TensorFlow."""
    runs.promote(RunRegistry(f"sqlite:///{project / 'mlflow.db'}"), "default")
    port, name, variables = free_port(), "serving_input_example.json", {"MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"}
    asked = run(project, "mlflow", "artifacts", "download", "-u", f"models:/digits@champion/{name}", "-d", ".", **variables)
    assert asked.returncode == 0, asked.stderr
    serve = ["mlflow", "models", "serve", "-m", "models:/digits@champion", "--env-manager", "local", "--port", str(port)]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            serve, cwd=project, env=environment(variables), stdout=log, stderr=log, start_new_session=True
        )
    try:
        end = time.monotonic() + 120
        while True:
            try:
                url, headers = f"http://127.0.0.1:{port}/invocations", {"Content-Type": "application/json"}
                answer = requests.post(url, (project / name).read_bytes(), headers=headers, timeout=60)
                break
            except requests.ConnectionError:
                assert server.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < end, (tmp_path / "log").read_text()
                time.sleep(0.3)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    assert answer.status_code == 200, answer.text
    first = np.load(project / "reports/predictions.npz")["probabilities"][0]
    np.testing.assert_allclose(answer.json()["predictions"], [first], atol=1e-5)


def test_a_plan_names_the_mlflow_run_that_made_what_is_restored_from_the_cache(project: Path) -> None:
    (project / "dvc.lock").unlink()
    (only,) = mlflow_runs(project)
    planned = run(project, "python", "-m", "pipeline.plan").stdout
    for stage in STAGES[1:]:
        assert re.search(
            rf"^{stage} +is restored from DVC's cache, made by MLflow run {only['id'][:8]}$", planned, re.MULTILINE
        )


def test_a_run_whose_data_came_out_as_before_has_the_results_and_the_model_that_belong_to_them(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(stage_run, "subprocess", Mock(Popen=RecorderThread))
    monkeypatch.setattr(stage_run, "PROJECT", project)
    for module in (stage_run, dvc_plan):
        monkeypatch.setattr(module, "CHECKOUT", project)
        monkeypatch.setattr(module, "PARAMETERS", project / "params.yaml")

    def make(stage: str) -> None:
        with stage_run.stage(stage, parameters(project)):
            pass  # what it makes is what it made before

    make("prepare")
    before, latest = mlflow_runs(project)
    for name in ("validation_accuracy", "test_accuracy"):
        assert latest["latest_metrics"][name] == before["latest_metrics"][name]
    assert latest["tags"]["train_from_run"] == before["id"]
    assert runs.promote(RunRegistry(f"sqlite:///{project / 'mlflow.db'}"), latest["id"]).startswith("default")
    make("prepare")
    make("train")
    again = mlflow_runs(project)[-1]  # that of prepare alone was deleted when a later stage began
    assert again["tags"].get("train_from_run") is None


def test_a_pipeline_killed_in_training_goes_on_where_it_was(project: Path) -> None:
    """The whole process group killed, as when a machine goes down; then the same command again."""
    edit(project / "params.yaml", "epochs: 2", "epochs: 3000")
    first = train_until(project, "epoch 20/")
    second = train_until(project, "epoch 25/")
    assert not any("Resuming" in line for line in first)
    assert any("Resuming after epoch" in line for line in second), second
    begun = mlflow_runs(project)
    assert [each["status"] for each in begun][:2] == ["FINISHED", "KILLED"]
    assert begun[1]["name"] == "default, epochs=3000"  # what is not as it was committed
    assert begun[1]["tags"]["prepare_from_run"] == begun[0]["id"]


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
