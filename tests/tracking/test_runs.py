"""Comparing and choosing runs, on a real store; and what is tested without one."""

import io
import os
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import mlflow
import numpy as np
import pytest

from pipeline import runs
from pipeline.config.check import load
from pipeline.system.errors import UserError
from pipeline.tracking import comparison, problems, provenance
from pipeline.tracking.registry import NoRuns, RunError, RunRegistry
from tests.conftest import small_store


def test_mcnemars_test_counts_the_images_that_only_one_classifier_reads_right() -> None:
    first = np.array([True] * 90 + [True] * 8 + [False] * 2)
    second = np.array([True] * 90 + [False] * 8 + [True] * 2)
    only_first, only_second, p = comparison.mcnemar(first, second)
    assert (only_first, only_second) == (8, 2)
    assert p == pytest.approx(2 * (1 + 10 + 45) / 2**10)
    assert comparison.mcnemar(first, first) == (0, 0, 1.0)


def test_every_set_that_both_runs_read_is_compared_and_what_was_rejected_is_wrong() -> None:
    labels = np.arange(100, dtype=np.uint8) % 10
    right, none = np.eye(10, dtype=np.float32)[labels], np.zeros(100, np.bool_)
    first: comparison.Predictions
    first = {
        "labels": labels,
        "probabilities": right,
        "mine_labels": labels,
        "mine_probabilities": right,
        "mine_rejected": none,
    }
    second = first | {"mine_rejected": np.arange(100) < 8, "other_labels": labels}
    text = comparison.verdicts(("a", "b"), first, second)
    told = "(8 and 0 that only one reads right; McNemar's exact test, p = 0.008)"
    first_line, of_test_images, of_mine = text.splitlines()
    assert first_line == "a against b:"
    assert of_test_images.startswith("  test images: 100.00% against 100.00%, no difference that it can show")
    assert of_mine == f"  mine: 100.00% against 92.00%, a real difference {told}."
    changed = comparison.verdicts(("a", "b"), first, second | {"mine_labels": labels[::-1]})
    assert "  mine: of different images, and can't be compared." in changed
    others = comparison.verdicts(("a", "b"), first, second | {"labels": labels[::-1]})
    assert "  test images: of different images, and can't be compared." in others


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> RunRegistry:
    return RunRegistry(small_store(tmp_path_factory.mktemp("store"), empty_store))


@contextmanager
def another_run(store: RunRegistry, name: str, dvc_name: str = "") -> Iterator[str]:
    """The id of one more run, which is deleted in the end: nothing finds it then."""
    tags = {"dvc_experiment": dvc_name} if dvc_name else {}
    run = store.client.create_run(store.experiment, run_name=name, tags=tags).info.run_id
    try:
        yield run
    finally:
        store.client.delete_run(run)


def found(store: RunRegistry, name: str) -> str:
    return str(store.find(name).info.run_id)


def listed(store: RunRegistry, *arguments: str) -> list[str]:
    text = runs.show_list(store, runs.parser().parse_args(["list", *arguments]))
    return [re.split(" {2,}", line)[-1] for line in text.splitlines()[2:]]


def test_a_model_that_lies_on_this_machine_is_not_copied(
    store: RunRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert store.artifact(store.find("better"), "mnist.h5").read_bytes() == b"better"
    assert not list(tmp_path.iterdir())


def test_the_list_has_the_best_first_and_can_be_filtered(store: RunRegistry) -> None:
    assert listed(store) == ["a trial", "better", "plain"]
    assert listed(store, "--kind", "pipeline") == ["better", "plain"]
    assert listed(store, "--filter", "metrics.validation_accuracy < 0.98") == ["plain"]
    assert listed(store, "--newest")[-1] == "plain"
    with pytest.raises(RunError, match="is not valid"):
        listed(store, "--filter", "nonsense")


def test_the_list_fits_a_terminal_and_tells_what_an_experiment_changed(
    store: RunRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with another_run(store, "ninth-keek", "ninth-keek") as run:
        store.client.set_tag(run, "changes", "default, dropout=0.4, batch_size=256, learning_rate=2.0, …")
        monkeypatch.delenv("COLUMNS", raising=False)
        assert listed(store, "--newest")[0] == "ninth-keek: default, dropout=0.4, batch_size=256, learning_rate=2.0, …"
        for columns in (80, 120):
            monkeypatch.setenv("COLUMNS", str(columns))
            table = runs.show_list(store, runs.parser().parse_args(["list"]))
            assert max(map(len, table.splitlines())) <= columns
            assert re.search(r"running .* ninth-keek: default", table)


def test_runs_on_another_dataset_are_not_among_the_best(store: RunRegistry) -> None:
    with another_run(store, "elsewhere") as run:
        store.client.set_tag(run, "dataset", load().dataset.name)
        store.client.log_metric(run, "validation_accuracy", 0.5)
        store.client.set_terminated(run)
        assert listed(store) == ["elsewhere", "a trial", "better", "plain"]
        assert "dataset" not in runs.show_list(store, runs.parser().parse_args(["list", "--most", "1"]))
        assert listed(store, "--most", "1") == ["elsewhere", "There are more: --most N"]
        assert listed(store, "--most", "3") == ["elsewhere", "a trial", "better", "There are more: --most N"]


def test_a_sweep_is_among_the_best_by_its_best_trial(store: RunRegistry) -> None:
    with another_run(store, "a sweep") as run:
        store.client.set_tag(run, "role", "sweep")
        store.client.log_metric(run, "validation_accuracy", 0.996)
        store.client.set_terminated(run)
        assert listed(store, "--most", "2")[:2] == ["a trial", "a sweep"]
        assert listed(store, "--most", "9") == ["a trial", "a sweep", "better", "plain"]
        assert listed(store, "--kind", "sweep") == ["a sweep"]
        assert listed(store, "--kind", "pipeline") == ["better", "plain"]


@pytest.mark.parametrize("most", ["0", "-1", "1.5", "all", "5000"])
def test_a_list_of_less_than_one_run_or_of_more_than_anybody_reads_is_an_error(
    most: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        runs.parser().parse_args(["list", "--most", most])
    assert f"argument --most: a whole number from 1 to 1000 is expected, not '{most}'" in capsys.readouterr().err


def test_a_name_that_the_output_cannot_hold_is_listed(store: RunRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.BytesIO()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    monkeypatch.setattr(sys, "argv", ["runs", "list"])
    with another_run(store, "größer"), io.TextIOWrapper(output, "ascii") as text:
        monkeypatch.setattr(sys, "stdout", text)
        runs.main()
        text.flush()
        assert rb"gr\xf6\xdfer" in output.getvalue()


def test_a_comparison_shows_only_what_differs_and_calls_a_difference_what_it_is(store: RunRegistry) -> None:
    text = runs.compare(store, ["plain", "better"])
    assert "model.dropout" in text
    assert "training.epochs" not in text
    assert "a real difference" in text
    assert "(0 and 25 that only one reads right" in text
    assert "Data and code: no difference." in text
    assert "can't be compared" in runs.compare(store, ["plain", "a trial"])


def test_a_comparison_of_long_values_fits_the_terminal(store: RunRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "https://example.org/" * 9
    monkeypatch.setattr(store, "parameters", lambda run: {"dataset.mirrors": long + run.info.run_name})
    for width in (80, 0):
        monkeypatch.setattr(runs, "_width", lambda width=width: width)
        table = runs.compare(store, ["plain", "better"]).partition("\n\n")[0]
        assert (long in table) is (width == 0)
        assert width == 0 or max(map(len, table.splitlines())) <= width


def test_a_run_is_found_by_its_id_a_prefix_its_name_or_as_the_champion(store: RunRegistry) -> None:
    run = store.find("plain")
    assert store.find(run.info.run_id).info.run_id == store.find(run.info.run_id[:8]).info.run_id == run.info.run_id
    with pytest.raises(RunError, match="there is no run 'nobody'"):
        store.find("nobody")


def test_a_comparison_of_a_run_with_itself_is_an_error(store: RunRegistry) -> None:
    beginning = found(store, "better")[:12]
    with pytest.raises(UserError, match=f"wants different runs.* the same one: better, {beginning}\n"):
        runs.compare(store, ["better", "plain", beginning])


def test_a_beginning_that_no_other_id_has_is_enough_in_any_case(store: RunRegistry) -> None:
    ids = [run.id for run in store.runs()]
    for run in ids:
        shortest = next(run[:n] for n in range(1, 33) if sum(other.startswith(run[:n]) for other in ids) == 1)
        for name in (shortest, shortest.upper(), run[:12].upper(), run.upper()):
            assert found(store, name) == run


def test_a_name_that_begins_another_runs_id_is_ambiguous_and_nothing_is_promoted(store: RunRegistry) -> None:
    better = found(store, "better")
    before = store.history()
    for names in ((better[:8], ""), ("x", better[:8])):
        with another_run(store, *names) as other:
            with pytest.raises(RunError, match=r"2 runs are called .* or have an id that begins so") as error:
                runs.promote(store, better[:8])
            assert {found(store, shown) for shown in re.findall("[0-9a-f]{9}", str(error.value))} == {better, other}
    assert store.history() == before
    with another_run(store, better, better):
        assert found(store, better) == better


@pytest.mark.parametrize(
    "name", ["""both ' and " """, "it's", 'a "b"', "back\\", "100%", "a_b", "a – b; c", "`a`", "größer", "two\nlines", "?"]
)
def test_a_name_of_any_characters_is_found_or_said_not_to_be(store: RunRegistry, name: str) -> None:
    with pytest.raises(RunError, match="there is no run") as error:
        store.find(name)
    assert repr(name) in str(error.value)
    with another_run(store, name) as run:
        assert found(store, name) == run
    with another_run(store, "x", name) as run:
        assert found(store, name) == run


@pytest.mark.parametrize("name", ["", "%", "_lain", "plai%", "Plain", "\udcff"])
def test_what_is_no_runs_name_finds_none(store: RunRegistry, name: str) -> None:
    with pytest.raises(RunError, match="there is no run"):
        store.find(name)


def export(store: RunRegistry, path: str) -> str:
    options = runs.parser().parse_args(["export", "better", "-o", path])
    return runs.export(store, options.run, options.output)


def test_a_folder_gets_the_model_under_its_own_name(
    store: RunRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    for given, written in (("there", "there"), (".", "."), ("", "."), ("new/", "new"), ("new/deep/", "new/deep")):
        assert export(store, given).startswith(f"{Path(written, 'mnist.h5')}: the model of better")
        assert (tmp_path / written / "mnist.h5").read_bytes() == b"better"
    with pytest.raises(SystemExit):
        export(store, "x.keras")
    export(store, "newer/x.h5")
    assert (tmp_path / "newer/x.h5").read_bytes() == b"better"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("file/x.h5", "file is no folder"),
        ("file/deep/x.h5", "is no folder"),
        ("folder", r"folder/mnist\.h5 can't be written"),
        ("x" * 300, "name too long"),
    ],
)
def test_a_place_where_nothing_can_be_written_is_a_message(store: RunRegistry, tmp_path: Path, path: str, why: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder/mnist.h5").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=f"(?i){why}") as error:
        export(store, str(tmp_path / path))
    assert str(error.value).startswith(f"{tmp_path / path}")
    assert str(error.value).endswith("-o PATH")
    assert sorted(tmp_path.rglob("*")) == before


def test_the_champion_is_promoted_with_a_history_and_exported(store: RunRegistry, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no champion yet"):
        store.find("champion")
    for name, accuracy in (("plain", 0.95), ("better", 0.97)):
        store.client.log_metric(store.find(name).info.run_id, "test_accuracy", accuracy)
    runs.promote(store, "plain")
    said = runs.promote(store, "better")
    assert "is the champion now, after" in said
    assert "It reads 97.00% of its test images, the one before 95.00%." in said
    plain, better = store.find("plain").info.run_id, store.find("better").info.run_id
    assert store.find("champion").info.run_id == better
    assert "is the champion already" in runs.promote(store, "better")
    assert [(row["from"], row["run"]) for row in store.history()] == [("", plain), (plain, better)]
    assert all(row["by"] and row["at"] for row in store.history())
    runs.export(store, "champion", tmp_path / "chosen.h5")
    assert (tmp_path / "chosen.h5").read_bytes() == b"better"
    table = runs.show_list(store, runs.parser().parse_args(["list"])).splitlines()
    assert [line.split()[-1] for line in table if "* " in line] == ["better", "champion"]
    assert table[-1] == "* the champion"
    with pytest.raises(RunError, match="has no model"):
        runs.promote(store, "a trial")
    with pytest.raises(RunError, match=r"has no mnist\.h5"):
        runs.export(store, "a trial", tmp_path / "none/none.h5")
    assert not (tmp_path / "none").exists()


def test_what_was_deleted_is_neither_promoted_nor_opened(store: RunRegistry, empty_store: Path, tmp_path: Path) -> None:
    own = RunRegistry(small_store(tmp_path, empty_store))
    try:
        runs.promote(own, "better")
        own.client.delete_logged_model(own.find("plain").outputs.model_outputs[0].model_id)
        with pytest.raises(RunError, match=r"can't be promoted.*not found"):
            runs.promote(own, "plain")
        better = found(own, "champion")
        assert [row["run"] for row in own.history()] == [better]
        own.client.delete_run(better)
        with pytest.raises(RunError, match="there is no run 'better'"):
            own.find("better")
        with pytest.raises(RunError, match=r"was deleted\. Choose another.*or restore it"):
            runs.export(own, "champion", tmp_path / "champion.h5")
        assert not (tmp_path / "champion.h5").exists()
        own.client._tracking_client.store._hard_delete_run(better)  # as `mlflow gc` does
        with pytest.raises(RunError, match="was deleted for good"):
            own.find("champion")
    finally:
        mlflow.set_tracking_uri(store.uri)  # which opening another has changed


def test_a_user_without_a_name_can_promote(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 5, raising=False)
    assert provenance.user() == "unknown"


def test_looking_for_runs_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(NoRuns, match="make run"):
        RunRegistry(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert not list(tmp_path.iterdir())


def test_a_store_that_another_program_holds_is_a_message(
    store: RunRegistry, empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", small_store(tmp_path, empty_store))
    monkeypatch.setattr(sys, "argv", ["runs", "promote", "better"])
    monkeypatch.setattr(problems, "PATIENCE", 0.1)
    told = r"mlflow\.db can't be used: another program has locked it\.\nWait for that program"
    try:
        with closing(sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)) as other:
            other.execute("begin immediate")  # the store can be read, and not be written to
            with pytest.raises(UserError, match=told):
                runs.main()
    finally:
        mlflow.set_tracking_uri(store.uri)  # which opening another has changed


def test_a_small_probability_is_never_said_to_be_smaller_than_it_is() -> None:
    assert [comparison._p(value) for value in (0.25, 0.0005, 0.0001, 3e-12, 0.0)] == [
        "0.250",
        "1e-03 or less",
        "1e-04 or less",
        "1e-11 or less",
        "0",
    ]
