"""The study of a sweep: Optuna's real store, and processes that end or begin at any moment."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import optuna
import pytest
from optuna.exceptions import StorageInternalError
from optuna.trial import Trial

from pipeline.sweep import study as studies
from pipeline.sweep import sweep_runs
from pipeline.sweep.command import plan
from pipeline.sweep.study import SILENT, Study, name_of, pruner_of, sampler_of, storage
from pipeline.system.errors import ConfigurationError
from pipeline.tracking import recorder


def test_a_study_is_another_one_if_anything_else_is_trained() -> None:
    names = {
        name_of(*plan(["sweep=adadelta", *overrides])[:2], data)
        for overrides, data in (
            ([], "a"),
            ([], "b"),
            (["training.epochs=3"], "a"),
            (["optimizer.rho=0.95"], "a"),
            (["+sweep.space={training.epochs: 5}"], "a"),
        )
    }
    assert len(names) == 5
    longer = plan(["sweep=adadelta", "sweep.trials=100", "sweep.workers=1"])
    assert name_of(*longer[:2], "a") in names


def studied(folder: Path, *overrides: str) -> Study:
    """A study as a coordinator opens it, in a store in `folder`."""
    configuration, space, _ = plan([*overrides, f"sweep.storage=sqlite:///{folder / 'sweeps.db'}"])
    return Study(configuration, space, "data", storage(configuration.sweep.storage))


def asked(study: Study) -> Trial:
    trial = study.ask()
    assert trial is not None
    return trial


def silence(trial: Trial) -> None:
    """Make a trial one of another machine, which has said nothing of it for minutes."""
    trial.set_user_attr("process", "another:1:1.0")
    trial.set_user_attr("seen", (datetime.now(UTC) - SILENT * 2).isoformat())


def test_of_several_coordinators_each_runs_what_the_others_do_not(tmp_path: Path) -> None:
    grid = ("sweep=grid", "model.dropout=choice(0.1, 0.2)", "training.batch_size=choice(32, 64)")
    one, other = studied(tmp_path, *grid), studied(tmp_path, *grid)
    trials = [asked(one), asked(other), asked(one), asked(other)]
    assert len({tuple(trial.params.items()) for trial in trials}) == 4
    assert one.ask() is None
    other.refresh()
    assert (other.running, other.wanted, other.count().done) == (4, 4, 0)


def test_a_trial_of_another_machine_is_taken_up_when_it_has_been_silent_for_minutes(tmp_path: Path) -> None:
    study = studied(tmp_path, "sweep=adadelta")
    trial = asked(study)
    assert studied(tmp_path, "sweep=adadelta").interrupted == []
    trial.set_user_attr("process", "another:1:1.0")
    assert studied(tmp_path, "sweep=adadelta").interrupted == []
    trial.set_user_attr("seen", (datetime.now(UTC) - SILENT * 2).isoformat())
    study.beat([trial])
    assert studied(tmp_path, "sweep=adadelta").interrupted == []
    trial.set_user_attr("seen", (datetime.now(UTC) - SILENT * 2).isoformat())
    study.beat([trial])  # so soon after the last time that it does nothing
    again = studied(tmp_path, "sweep=adadelta")
    assert again.interrupted == [trial.number]
    study.beat([trial])  # its machine had slept, and goes on
    study.tell(trial, "finished", {"validation_accuracy": 0.9})
    study.tell(trial, "killed")
    assert asked(again).params == trial.params
    again.refresh()
    assert (again.count().done, again.running) == (0, 1)


@pytest.fixture
def mlflow_store(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An MLflow store of its own, for sweeps in this process."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shutil.copy(empty_store, tmp_path)}")
    monkeypatch.setattr(sweep_runs, "PROJECT", tmp_path)


@pytest.mark.usefixtures("mlflow_store")
def test_the_run_of_a_trial_whose_machine_died_is_closed_by_the_sweep_that_goes_on(tmp_path: Path) -> None:
    configuration = plan(["sweep=seeds"])[0]
    here, there = studied(tmp_path, "sweep=seeds"), studied(tmp_path, "sweep=seeds")
    trial = asked(there)
    runs = sweep_runs.SweepRuns(configuration, there, [])
    runs.begin(trial.number, trial.user_attrs["overrides"], {})
    goes_on = sweep_runs.SweepRuns(configuration, here, [])

    def statuses() -> dict[str, str]:
        client, experiment = recorder.open_store(goes_on.uri, configuration.tracking.experiment, tmp_path)
        return {run.data.tags["role"]: run.info.status for run in client.search_runs([experiment])}

    assert statuses() == {"sweep": "RUNNING", "trial": "RUNNING"}
    silence(trial)
    goes_on.finish("FINISHED")
    assert statuses() == {"sweep": "FINISHED", "trial": "KILLED"}
    assert left(here)[-1] == trial.params


@pytest.mark.usefixtures("mlflow_store")
def test_a_result_that_was_all_but_told_when_the_store_broke_is_shown_by_the_sweep_that_goes_on(tmp_path: Path) -> None:
    configuration = plan(["sweep=seeds"])[0]
    study = studied(tmp_path, "sweep=seeds")
    told, broken, failed = asked(study), asked(study), asked(study)
    runs = sweep_runs.SweepRuns(configuration, study, [])
    for trial in (told, broken, failed):
        trial.report(0.5, 1)
        runs.begin(trial.number, trial.user_attrs["overrides"], {})
        runs.epoch(trial.number, {"epoch": 1, "validation_accuracy": 0.5})
    study.tell(told, "finished", {"validation_accuracy": 0.5})
    runs.end(told.number, "finished", {"validation_accuracy": 0.5})
    with closing(sqlite3.connect(tmp_path / "sweeps.db")) as store, store:
        store.execute("create trigger broken before update of state on trials begin delete from nowhere; end")
    for trial, state, result in ((broken, "finished", {"validation_accuracy": 0.75}), (failed, "failed", {"error": "NaN"})):
        with pytest.raises(StorageInternalError):
            study.tell(trial, state, result)
        runs.end(trial.number, "killed", {})  # as a coordinator does that ends for it
        silence(trial)
    with closing(sqlite3.connect(tmp_path / "sweeps.db")) as store, store:
        store.execute("drop trigger broken")
    again = studied(tmp_path, "sweep=seeds")
    shown = sweep_runs.SweepRuns(configuration, again, again.trials())
    client, experiment = recorder.open_store(shown.uri, configuration.tracking.experiment, tmp_path)
    trials = client.search_runs([experiment], "tags.role = 'trial'", order_by=["attributes.start_time"])
    assert [run.info.status for run in trials] == ["FINISHED", "FINISHED", "FAILED"]
    assert [run.data.tags["trial_state"] for run in trials] == ["finished", "finished", "failed"]
    assert [run.data.metrics.get("validation_accuracy") for run in trials] == [0.5, 0.75, None]
    assert [len(client.get_metric_history(run.info.run_id, "epoch/validation_accuracy")) for run in trials] == [1, 1, 1]


def test_a_sampler_that_can_not_sample_the_space_says_which_can() -> None:
    configuration, space, _ = plan(["sweep=architecture", "sweep.sampler.name=cmaes"])
    with pytest.raises(ConfigurationError, match=r"sweep\.sampler\.name=tpe"):
        sampler_of(configuration.sweep.sampler, space, 0)


@pytest.mark.parametrize("warmup", [0, 1])
def test_median_pruning_leaves_the_first_epochs_alone_and_ends_what_is_behind_afterwards(warmup: int) -> None:
    options = plan(["sweep=adadelta", "sweep.pruner.startup_trials=2", f"sweep.pruner.warmup_epochs={warmup}"])[0].sweep.pruner
    study = optuna.create_study(direction="maximize", pruner=pruner_of(options, epochs=3))
    for _ in range(2):
        good = study.ask()
        for epoch in (1, 2, 3):
            good.report(0.9, epoch)
        study.tell(good, 0.9)
    behind = study.ask()
    pruned = []
    for epoch in (1, 2):
        behind.report(0.5, epoch)
        pruned.append(behind.should_prune())
    assert pruned == [warmup == 0, True]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial that nobody has said to be theirs is taken up at once."""
    monkeypatch.setattr(studies, "UNCLAIMED", timedelta(0))


def left(study: Study) -> list[dict[str, object]]:
    """The parameters of all trials that are still to come."""
    found = []
    while trial := study.ask():
        found.append(trial.params)
    return found


@pytest.mark.usefixtures("soon")
def test_a_point_of_a_grid_survives_a_kill_while_it_is_handed_out(tmp_path: Path) -> None:
    study = studied(tmp_path, "sweep=seeds")
    study.optuna.ask()  # out of the queue, and killed before it had its parameters
    again = studied(tmp_path, "sweep=seeds")
    assert again.interrupted == [0]
    assert sorted(point["training.seed"] for point in left(again)) == [0, 1, 2, 3, 4]  # type: ignore[type-var]


def test_what_was_all_but_told_is_not_run_again(tmp_path: Path) -> None:
    study = studied(tmp_path, "sweep=seeds")
    failed, finished, running = asked(study), asked(study), asked(study)
    failed.set_user_attr("error", "killed while it was written")
    finished.set_user_attr("result", {"validation_accuracy": 0.75})
    for trial in (failed, finished, running):
        silence(trial)
    again = studied(tmp_path, "sweep=seeds")
    assert (again.count().failed, again.count().finished, again.running) == (1, 1, 0)
    assert [trial.value for trial in again.trials()] == [None, 0.75]
    assert sorted(point["training.seed"] for point in left(again)) == [2, 3, 4]  # type: ignore[type-var]


def test_a_trial_whose_coordinator_dies_while_another_one_runs_is_taken_up_by_that(tmp_path: Path) -> None:
    one, other = studied(tmp_path, "sweep=seeds"), studied(tmp_path, "sweep=seeds")
    orphan = asked(one)
    assert len(left(other)) == 4
    silence(orphan)
    other.refresh()
    assert other.interrupted == [orphan.number]
    assert left(other) == [orphan.params]


def test_coordinators_that_begin_at_once_try_different_things_and_no_more_than_wanted(tmp_path: Path) -> None:
    command = ("sweep=adadelta", "sweep.trials=4", "sweep.sampler.name=random")
    one, other = studied(tmp_path, *command), studied(tmp_path, *command)
    other._process = "another:1:1.0"
    trials = [asked(one), asked(other), asked(one), asked(other)]
    assert len({tuple(trial.params.items()) for trial in trials}) == 4
    assert one.ask() is None  # each of them had counted three
    assert other.ask() is None
    one.refresh()
    assert (one.running, one.count().done) == (4, 0)


def test_a_point_that_two_coordinators_have_queued_is_run_once(tmp_path: Path) -> None:
    one, other = studied(tmp_path, "sweep=seeds"), studied(tmp_path, "sweep=seeds")
    for seed in (0, 3):  # as both see at the same moment that it is not there
        other.optuna.enqueue_trial({"training.seed": seed})
    done = asked(one)
    one.tell(done, "finished", {"validation_accuracy": 0.9})
    points = [done.params, asked(other).params, *left(one), *left(other)]
    assert sorted(point["training.seed"] for point in points) == [0, 1, 2, 3, 4]
    other.refresh()
    assert (other.count().done, other.running) == (1, 4)


@pytest.mark.usefixtures("soon")
def test_a_trial_that_is_taken_away_while_it_is_claimed_is_left_to_who_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = studied(tmp_path, "sweep=seeds")
    claim = one.optuna.ask
    others: list[Study] = []

    def slow(distributions: dict[str, optuna.distributions.BaseDistribution]) -> Trial:
        trial = claim(distributions)
        if not others:
            others.append(studied(tmp_path, "sweep=seeds"))  # this machine sleeps, and another begins
        return trial

    monkeypatch.setattr(one.optuna, "ask", slow)
    points = [trial.params["training.seed"] for trial in (asked(one), asked(others[0]))]
    assert sorted([*points, *(point["training.seed"] for point in left(one))]) == [0, 1, 2, 3, 4]
