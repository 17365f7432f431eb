"""A project that is moved or copied takes its MLflow runs along."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from pipeline.tracking import recorder, stage_run
from pipeline.tracking import registry as stores
from pipeline.tracking.moved import bring_artifacts
from pipeline.tracking.registry import RunError, RunRegistry
from tests.conftest import small_store


@pytest.fixture
def project(tmp_path: Path, empty_store: Path) -> Path:
    """A project with three runs, of which one is the champion."""
    folder = tmp_path / "the first place"
    folder.mkdir()
    store = RunRegistry(small_store(folder, empty_store))
    store.promote(store.find("plain"))
    return folder


def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> RunRegistry:
    """The store of the project in `folder`, as every command opens it."""
    monkeypatch.setattr(stage_run, "PROJECT", folder)
    monkeypatch.setattr(stores, "PROJECT", folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return RunRegistry()


def test_a_copied_project_reads_its_own_artifacts_and_leaves_the_original_alone(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(project, tmp_path / "100% another place"))
    original = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    store = opened(copy, monkeypatch)
    assert f"The project was moved or copied: artifacts that mlflow.db had below {(project / 'mlruns').as_uri()}" in (
        capsys.readouterr().err
    )
    for name in ("better", "champion"):
        assert store.artifact(store.find(name), "mnist.h5").is_relative_to(copy)
    store.promote(store.find("better"))
    client, experiment = recorder.open_store(store.uri, "digits", copy)
    run = client.create_run(experiment, run_name="new").info.run_id
    client.log_artifact(run, str(copy / "params.yaml"))
    assert store.artifact(store.find("new"), "params.yaml").is_relative_to(copy)
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == original
    opened(copy, monkeypatch)
    assert capsys.readouterr().err == ""


def test_a_moved_project_puts_new_artifacts_into_its_new_place(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = project.rename(tmp_path / "the second place")
    client, experiment = recorder.open_store(f"sqlite:///{moved / 'mlflow.db'}", "digits", moved)
    run = client.create_run(experiment, run_name="new").info.run_id
    client.log_artifact(run, str(moved / "params.yaml"))
    assert not project.exists()
    store = opened(moved, monkeypatch)
    assert store.artifact(store.find("new"), "params.yaml").is_relative_to(moved)
    assert store.artifact(store.find("champion"), "mnist.h5").read_bytes() == b"plain"


def test_runs_whose_artifacts_stayed_behind_are_still_read_there(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "a clone"
    other.mkdir()
    shutil.copy(project / "mlflow.db", other)
    store = opened(other, monkeypatch)
    assert store.artifact(store.find("better"), "mnist.h5").is_relative_to(project)
    experiment = store.client.get_experiment_by_name("digits")
    assert experiment is not None
    assert experiment.artifact_location == (other / "mlruns").as_uri()


def test_runs_whose_artifacts_are_in_a_shared_folder_are_read_there_though_the_project_has_others(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "a clone"
    (other / "mlruns/another run").mkdir(parents=True)
    shutil.copy(project / "mlflow.db", other)
    store = opened(other, monkeypatch)
    assert store.artifact(store.find("better"), "mnist.h5").is_relative_to(project)


@pytest.mark.slow
def test_a_store_is_the_same_from_whatever_folder_it_is_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project, elsewhere = tmp_path / "a project", tmp_path / "elsewhere"
    for folder in (project, elsewhere):
        folder.mkdir()
    monkeypatch.chdir(elsewhere)
    for _ in range(2):
        client, _ = recorder.open_store(f"sqlite:///{project / 'mlflow.db'}", "digits", project)
    assert {each.artifact_location for each in client.search_experiments()} == {(project / "mlruns").as_uri()}
    assert "moved" not in capsys.readouterr().err
    assert not list(elsewhere.iterdir())


def test_a_folder_of_artifacts_that_was_chosen_by_hand_stays(project: Path, tmp_path: Path) -> None:
    with sqlite3.connect(project / "mlflow.db") as connection:
        connection.execute("update experiments set artifact_location = 'file:///somewhere/else' where name = 'digits'")
        connection.execute("update experiments set artifact_location = 's3://bucket/mlruns' where name = 'Default'")
    bring_artifacts(f"sqlite:///{project / 'mlflow.db'}", project)
    places = connection.execute("select artifact_location from experiments order by name").fetchall()
    connection.close()
    assert places == [("s3://bucket/mlruns",), ("file:///somewhere/else",)]


def test_artifacts_that_are_gone_are_not_said_to_have_never_been(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "mlruns").rename(tmp_path / "set aside")
    store = opened(project, monkeypatch)
    with pytest.raises(RunError, match=r"has finished, and mnist\.h5 is not where MLflow has it: file://.*\n.*bring it back"):
        store.artifact(store.find("better"), "mnist.h5")
