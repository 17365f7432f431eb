"""Runs in a real SQLite store."""

import getpass
import hashlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import psutil
import pytest
import yaml
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST

from pipeline.config import stages
from pipeline.system.paths import PROJECT
from pipeline.system.processes import describe
from pipeline.tracking import provenance, recorder, stage_run
from tests.conftest import ROOT, environment, run
from tests.data.test_datasets import configured

STAGE = """
import sys, time
from pathlib import Path
from pipeline.tracking import stage_run
from tests.data.test_datasets import configured
stage_run.PROJECT = Path(sys.argv[1])
with stage_run.stage("train", configured()) as run:
    run.wait_for_store()
    print("open", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an empty store, whose runs are written to it."""
    made = tmp_path / "a project"
    made.mkdir()
    shutil.copy(empty_store, made)
    monkeypatch.setattr(stage_run, "PROJECT", made)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return made


@contextmanager
def opened(stage: str, *overrides: str) -> Iterator[stage_run.StageRun]:
    """The run of a stage of this process, which the store has."""
    with stage_run.stage(stage, configured(*overrides)) as run:
        run.metrics(1, loss=0.5)
        run.wait_for_store()
        yield run


def store(folder: Path) -> list[Any]:
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("digits")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"]))


@pytest.mark.usefixtures("threaded")
def test_a_stage_writes_a_run_whose_parameters_are_called_as_the_overrides_are_and_ends_it(folder: Path) -> None:
    with opened("train"):
        pass
    (only,) = store(folder)
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
    assert provenance.run_name(configured("experiment=smoke")) == "smoke"
    overrides = ("experiment=smoke", "model.dropout=0.4", "optimizer=sgd")
    composed = configured(*overrides)
    more = (*overrides, "training.seed=1", "training.epochs=1")
    assert provenance.run_name(configured(*more)) == "smoke, dropout=0.4, optimizer=sgd, seed=1, …"
    assert provenance.run_name(composed) == "smoke, dropout=0.4, optimizer=sgd"
    by_hand = composed.model_copy(update={"training": composed.training.model_copy(update={"batch_size": 32})})
    assert provenance.run_name(by_hand) == "smoke, dropout=0.4, optimizer=sgd, batch_size=32"
    monkeypatch.setattr(provenance, "git", lambda *_: "")
    assert provenance.description(changed) == "Configuration `default`; none is committed."


@pytest.mark.usefixtures("threaded")
def test_processor_and_memory_are_measured_while_a_network_is_trained(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    measured: dict[str, float] = {}
    with opened("train"):
        end = time.monotonic() + 60
        while not any(key.startswith("system/") for key in measured) and time.monotonic() < end:
            measured = store(folder)[0].data.metrics
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= measured.keys()


@pytest.mark.usefixtures("threaded")
def test_a_stage_that_fails_leaves_a_failed_run_that_made_nothing(folder: Path) -> None:
    with pytest.raises(SystemExit), opened("train"):
        raise SystemExit("it failed")
    (only,) = store(folder)
    assert only.info.status == "FAILED"
    assert "train_md5" not in only.data.tags


@pytest.mark.usefixtures("threaded", "folder")
def test_what_fails_a_stage_is_told_even_if_the_store_is_away_too(capfd: pytest.CaptureFixture[str]) -> None:
    away = configured("tracking.uri=http://127.0.0.1:9")
    with pytest.raises(SystemExit, match="it failed"), stage_run.stage("train", away):
        raise SystemExit("it failed")
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_run_whose_process_was_killed_is_closed_by_the_next_start_and_a_living_one_is_not(
    folder: Path, threaded: None
) -> None:
    own = environment({"PYTHONPATH": str(ROOT)})
    command = [sys.executable, "-c", STAGE, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, env=own, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"  # which is all that a stage prints while it records
        client, experiment = recorder.open_store(f"sqlite:///{folder / 'mlflow.db'}", "digits", folder)
        client.create_run(experiment, tags={"process": describe(psutil.Process())})
        assert [each.info.status for each in store(folder)] == ["RUNNING", "RUNNING"]
        process.send_signal(signal.SIGKILL)
    with opened("prepare"):
        pass
    assert [each.info.status for each in store(folder)] == ["KILLED", "RUNNING", "FINISHED"]


@pytest.mark.usefixtures("threaded")
def test_what_was_said_to_be_restored_gives_way_to_stages_that_run_all_the_same(folder: Path) -> None:
    """As with ``dvc exp run --force``: here one process is the executor of both."""
    stage_run.restored(dict.fromkeys(stages.STAGES, "0" * 32), configured())
    with opened("prepare"):
        pass
    (only,) = store(folder)
    assert "restored" not in only.data.tags
    assert "test_accuracy" not in only.data.metrics
    assert not any("_from_run" in tag for tag in only.data.tags)


def test_a_dataset_that_another_run_logs_at_the_same_time_is_logged_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, experiment = recorder.open_store(f"sqlite:///{folder / 'mlflow.db'}", "digits", folder)
    message = {"dataset": {"name": "digits", "sha256": "ab" * 32}}
    one, other = (client.create_run(experiment).info.run_id for _ in range(2))
    log = client.log_inputs

    def late(run: str, inputs: list[Any]) -> None:
        monkeypatch.setattr(client, "log_inputs", log)
        log(one, inputs)
        words = "(sqlite3.IntegrityError) UNIQUE constraint failed: datasets.experiment_id, datasets.name"
        raise MlflowException(words, error_code=BAD_REQUEST)

    monkeypatch.setattr(client, "log_inputs", late)
    recorder.record(client, other, message)
    assert [given.dataset.digest for run in (one, other) for given in client.get_run(run).inputs.dataset_inputs] == [
        "ab" * 6
    ] * 2


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
