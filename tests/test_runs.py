"""Comparing and choosing runs, on a real store; and what is tested without one."""

import io
from pathlib import Path

import numpy as np
import pytest
import yaml
from mlflow.entities import LoggedModelOutput

from pipeline import recorder, runs
from pipeline.store import RunError, Store


def test_mcnemars_test_counts_the_pictures_that_one_alone_reads_right() -> None:
    first = np.array([True] * 90 + [True] * 8 + [False] * 2)
    second = np.array([True] * 90 + [False] * 8 + [True] * 2)
    only_first, only_second, p = runs.mcnemar(first, second)
    assert (only_first, only_second) == (8, 2)
    assert p == pytest.approx(2 * (1 + 10 + 45) / 2**10)
    assert runs.mcnemar(first, first) == (0, 0, 1.0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A SQLite store with three runs: two of the pipeline, and a trial without a model."""
    folder = tmp_path_factory.mktemp("store")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    recorder.open_store(uri, "digits", folder)
    opened = Store(uri)
    labels = np.arange(1000) % 10
    for name, wrong, role in (("plain", 30, ""), ("better", 5, ""), ("a trial", 0, "trial")):
        tags = {"dataset": "digits", "git_commit": "", "dvc_experiment": name} | ({"role": role} if role else {})
        run = opened.client.create_run(opened.experiment, run_name=name, tags=tags).info.run_id
        opened.client.log_metric(run, "validation_accuracy", 1 - wrong / 1000)
        if not role:
            predicted = labels.copy()
            predicted[:wrong] = (predicted[:wrong] + 1) % 10
            content = io.BytesIO()
            np.savez(content, labels=labels, probabilities=np.eye(10)[predicted])
            (folder / "predictions.npz").write_bytes(content.getvalue())
            (folder / "mnist.h5").write_bytes(name.encode())
            values = {"model": {"dropout": wrong / 100}, "training": {"epochs": 2}, "name": name}
            (folder / "params.yaml").write_text(yaml.safe_dump(values))
            opened.client.log_artifact(run, str(folder / "predictions.npz"), "evaluation")
            opened.client.log_artifact(run, str(folder / "mnist.h5"))
            opened.client.log_artifact(run, str(folder / "params.yaml"))
            logged = opened.client.create_logged_model(opened.experiment, "model", run)
            opened.client.log_outputs(run, [LoggedModelOutput(logged.model_id, 0)])
            (folder / "model").mkdir(exist_ok=True)
            opened.client.log_model_artifacts(logged.model_id, str(folder / "model"))
            opened.client.finalize_logged_model(logged.model_id, "READY")
        opened.client.set_terminated(run)
    return opened


def listed(store: Store, *arguments: str) -> list[str]:
    text = runs.show_list(store, runs.parser().parse_args(["list", *arguments]))
    return [line.split("  ")[1].strip() for line in text.splitlines()[2:]]


def test_the_list_has_the_best_first_and_can_be_filtered(store: Store) -> None:
    assert listed(store) == ["a trial", "better", "plain"]
    assert listed(store, "--kind", "pipeline") == ["better", "plain"]
    assert listed(store, "--filter", "metrics.validation_accuracy < 0.98") == ["plain"]
    assert listed(store, "--newest")[-1] == "plain"
    with pytest.raises(RunError, match="is not valid"):
        listed(store, "--filter", "nonsense")


def test_a_comparison_shows_only_what_differs_and_calls_a_difference_what_it_is(store: Store) -> None:
    text = runs.compare(store, ["plain", "better"])
    assert "model.dropout" in text
    assert "training.epochs" not in text
    assert "a real difference" in text
    assert "0 pictures the first alone reads right, 25 the second alone" in text
    assert "Data and code: no difference." in text
    assert "can't be compared" in runs.compare(store, ["plain", "a trial"])


def test_a_run_is_found_by_its_id_a_prefix_its_name_or_as_the_champion(store: Store) -> None:
    run = store.find("plain")
    assert store.find(run.info.run_id).info.run_id == store.find(run.info.run_id[:8]).info.run_id == run.info.run_id
    with pytest.raises(RunError, match="there is no run 'nobody'"):
        store.find("nobody")


def test_the_champion_is_promoted_with_a_history_and_exported(store: Store, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no champion yet"):
        store.find("champion")
    runs.promote(store, "plain")
    said = runs.promote(store, "better")
    assert "is the champion now, after" in said
    plain, better = store.find("plain").info.run_id, store.find("better").info.run_id
    assert store.find("champion").info.run_id == better
    assert [(row["from"], row["run"]) for row in store.history()] == [("", plain), (plain, better)]
    assert all(row["by"] and row["at"] for row in store.history())
    runs.export(store, "champion", tmp_path / "chosen.h5")
    assert (tmp_path / "chosen.h5").read_bytes() == b"better"
    table = runs.show_list(store, runs.parser().parse_args(["list"])).splitlines()
    assert ["better" in line for line in table if "champion" in line] == [True]
    with pytest.raises(RunError, match="has no model"):
        runs.promote(store, "a trial")
    with pytest.raises(RunError, match=r"has no mnist\.h5"):
        runs.export(store, "a trial", tmp_path / "none.h5")
    assert not (tmp_path / "none.h5").exists()
