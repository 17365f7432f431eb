"""Runs in a real SQLite store, written by real processes."""

import getpass
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml
from mlflow import MlflowClient

from pipeline.system.paths import PROJECT
from pipeline.tracking import provenance, recorder, stage_run
from tests.conftest import ROOT, run
from tests.data.test_datasets import configured

pytestmark = pytest.mark.slow

STAGE = """
import dataclasses, sys, time
from pathlib import Path
from pipeline.config import stages
from pipeline.system.command_line import run_command
from pipeline.tracking import stage_run
stage_run.PROJECT = Path(sys.argv[1])
for name, stage in stages.STAGES.items():
    output = Path(sys.argv[1]) / stage.output
    output.parent.mkdir(parents=True, exist_ok=True)
    output.touch()
    stages.STAGES[name] = dataclasses.replace(stage, output=str(output))
from tests.data.test_datasets import configured
def main():
    with stage_run.stage(sys.argv[2], configured()) as run:
        run.metrics(1, loss=0.5)
        run.wait_for_store()
        print("open", flush=True)
        if "wait" in sys.argv: time.sleep(60)
        if "fail" in sys.argv: raise SystemExit("Error: it failed")
run_command(main)
"""


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-c", STAGE, str(folder), *arguments]


def environment(**more: str) -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "DVC_"))}
    return own | {"PYTHONPATH": str(ROOT)} | more


def store(folder: Path) -> list[Any]:
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("digits")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"]))


@pytest.fixture
def folder(empty_store: Path, tmp_path: Path) -> Path:
    made = tmp_path / "a project"
    made.mkdir()
    shutil.copy(empty_store, made)
    return made


def test_a_stage_writes_a_run_whose_parameters_are_called_as_the_overrides_are_and_ends_it(folder: Path) -> None:
    done = subprocess.run(command(folder, "train"), cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)
    (only,) = store(folder)
    assert done.stdout == "open\n"
    assert only.info.status == "FINISHED"
    assert only.data.params["optimizer"] == "adadelta"
    assert only.data.params["model.blocks.0.filters"].isdigit()
    assert "optimizer.weight_decay" not in only.data.params  # which is not set
    assert only.data.params["dataset"] == "mnist"
    assert not any("sha256" in key or key.startswith(("export", "tracking")) for key in only.data.params)
    assert only.data.tags["git_commit"] == run(ROOT, "git", "rev-parse", "HEAD").stdout.strip()
    assert only.info.user_id == only.data.tags["mlflow.user"] == getpass.getuser()
    assert only.data.tags["train_md5"] == hashlib.md5(b"", usedforsecurity=False).hexdigest()


def test_a_run_describes_what_differs_from_the_committed_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    committed = configured("model.dropout=0.3", "dataset.training_limit=null")
    monkeypatch.setattr(
        provenance, "git", lambda *asked: "abc1234" if asked[0] == "rev-parse" else yaml.safe_dump(committed.model_dump())
    )
    assert provenance.description(committed) == "The configuration of commit abc1234, `default`."
    changed = configured("model.dropout=0.4", "optimizer=sgd", "dataset.training_limit=100")
    lines = provenance.description(changed).splitlines()
    assert lines[0] == "Differs from the configuration of commit abc1234, `default`:"
    assert {"- `model.dropout`: 0.3 → 0.4", "- `optimizer`: adadelta → sgd", "- `dataset.training_limit`: null → 100"} < set(
        lines
    )
    assert any(line.startswith("- `optimizer.rho`: ") and line.endswith(" → gone") for line in lines)
    same = ("model.dropout=0.3", "dataset.training_limit=null")
    assert provenance.run_name(configured(*same, "evaluation.confidence=0.9")) == "default, confidence=0.9"
    assert provenance.run_name(configured(*same, "dataset.drawings.train=true")) == "default, train=True"
    monkeypatch.setattr(provenance, "git", lambda *_: "")
    assert provenance.description(changed) == "Configuration `default`; none is committed."


def test_processor_and_memory_are_measured_while_a_network_is_trained(folder: Path) -> None:
    own = environment(MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL="0.1")
    with subprocess.Popen(command(folder, "train", "wait"), cwd=ROOT, env=own, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        end = time.monotonic() + 60
        measured: dict[str, float] = {}
        while not any(key.startswith("system/") for key in measured) and time.monotonic() < end:
            measured = store(folder)[0].data.metrics
        process.kill()
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= measured.keys()


def test_a_stage_that_fails_leaves_a_failed_run_that_made_nothing(folder: Path) -> None:
    done = subprocess.run(command(folder, "train", "fail"), cwd=ROOT, env=environment(), capture_output=True, check=False)
    assert done.returncode == 1
    (only,) = store(folder)
    assert only.info.status == "FAILED"
    assert "train_md5" not in only.data.tags


def test_what_fails_a_stage_is_told_even_if_the_store_is_away_too(folder: Path) -> None:
    away = STAGE.replace("run.wait_for_store()", "pass")
    more = environment(MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    whole = [sys.executable, "-c", away, str(folder), "train", "fail"]
    done = subprocess.run(whole, cwd=ROOT, env=more, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "Error: it failed\n")


def test_a_run_whose_process_was_killed_is_closed_by_the_next_start_and_a_living_one_is_not(folder: Path) -> None:
    processes = []
    for _ in range(2):
        process = subprocess.Popen(command(folder, "train", "wait"), cwd=ROOT, env=environment(), stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline()
        processes.append(process)
    try:
        assert [each.info.status for each in store(folder)] == ["RUNNING", "RUNNING"]
        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait()
        subprocess.run(command(folder, "prepare"), cwd=ROOT, env=environment(), capture_output=True, check=True)
        assert [each.info.status for each in store(folder)] == ["KILLED", "RUNNING", "FINISHED"]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_what_was_said_to_be_restored_gives_way_to_stages_that_run_all_the_same(folder: Path) -> None:
    """As with ``dvc exp run --force``: here one process is the executor of both."""
    forced = STAGE.replace(
        "with stage_run",
        "stage_run.restored(dict.fromkeys(stages.STAGES, '0' * 32), configured())\n    with stage_run",
    )
    command = [sys.executable, "-c", forced, str(folder), "prepare"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)
    (only,) = store(folder)
    assert done.stdout == "open\n"
    assert "test_accuracy" not in only.data.metrics
    assert not any("_from_run" in tag for tag in only.data.tags)


def test_several_processes_may_create_the_store_at_once(folder: Path) -> None:
    (folder / "mlflow.db").unlink()
    processes = [
        subprocess.Popen(command(folder, "train"), cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    for process in processes:
        _, error = process.communicate()
        assert process.returncode == 0, error.decode()
    assert len(store(folder)) == 3


def test_a_store_whose_making_breaks_off_is_made_by_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "search_experiments", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            recorder.open_store(uri, "digits", tmp_path)
    assert not (tmp_path / "mlflow.db").exists()
    assert recorder.open_store(uri, "digits", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".mlflow.lock", "mlflow.db"}


def test_the_store_is_what_the_configuration_says_else_the_environment_else_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert stage_run.uri(configured().tracking) == f"sqlite:///{PROJECT / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://team:5000")
    assert stage_run.uri(configured().tracking) == "http://team:5000"
    assert stage_run.uri(configured("tracking.uri=http://mine:5000").tracking) == "http://mine:5000"
