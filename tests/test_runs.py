"""Comparing and choosing runs, on a real store; and what is tested without one."""

from pathlib import Path

import numpy as np
import pytest

from pipeline import runs
from pipeline.store import NoRuns, RunError, Store
from tests.conftest import small_store


def test_mcnemars_test_counts_the_pictures_that_one_alone_reads_right() -> None:
    first = np.array([True] * 90 + [True] * 8 + [False] * 2)
    second = np.array([True] * 90 + [False] * 8 + [True] * 2)
    only_first, only_second, p = runs.mcnemar(first, second)
    assert (only_first, only_second) == (8, 2)
    assert p == pytest.approx(2 * (1 + 10 + 45) / 2**10)
    assert runs.mcnemar(first, first) == (0, 0, 1.0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(small_store(tmp_path_factory.mktemp("store")))


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


def test_looking_for_runs_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(NoRuns, match="make run"):
        Store(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert not list(tmp_path.iterdir())


def test_a_small_probability_is_never_said_to_be_smaller_than_it_is() -> None:
    assert [runs._p(value) for value in (0.25, 0.0005, 0.0001, 3e-12, 0.0)] == [
        "0.250",
        "1e-03 or less",
        "1e-04 or less",
        "1e-11 or less",
        "0",
    ]
