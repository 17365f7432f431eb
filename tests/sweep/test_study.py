"""The study of a sweep: Optuna's real store, its heartbeats, samplers and pruners."""

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from mlflow import MlflowClient
from optuna.trial import Trial, TrialState

from pipeline.config import stages
from pipeline.sweep import sweep_logger
from pipeline.sweep.command import plan, spread
from pipeline.sweep.strategies import PRUNERS, SAMPLERS
from pipeline.sweep.study import ERROR, Study, name_of, storage
from pipeline.system.errors import ConfigurationError
from tests.conftest import mlflow_runs

pytestmark = pytest.mark.filterwarnings("ignore:Heartbeat of storage is supposed to be used with")  # of `killed`


def test_a_study_is_another_one_if_anything_else_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
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
    for same in (["sweep.trials=100", "sweep.workers=1"], ["rejection.negatives=400", "export.formats=[h5,keras]"]):
        assert name_of(*plan(["sweep=adadelta", *same])[:2], "a") in names
    monkeypatch.setattr(stages, "sha256", lambda path: path.name)  # of other code
    assert name_of(*plan(["sweep=adadelta"])[:2], "a") not in names


def test_the_spread_over_seeds_is_shown_in_the_unit_of_the_objective() -> None:
    assert spread([0.991, 0.993], "validation_accuracy").startswith("validation_accuracy over 2 seeds: mean 99.2000%, standard")
    assert spread([0.03, 0.05], "validation_loss").startswith("validation_loss over 2 seeds: mean 0.040000, standard")
    assert spread([0.03], "validation_loss") == "validation_loss over one seed: 0.030000"


def studied(folder: Path, *overrides: str) -> Study:
    """A study as a coordinator opens it, in a store in `folder`."""
    configuration, space, _ = plan(list(overrides))  # without the folder, so that one composition is enough for all tests
    sweep = configuration.sweep.model_copy(update={"storage": f"sqlite:///{folder / 'sweeps.db'}"})
    return Study(configuration.model_copy(update={"sweep": sweep}), space, "data", storage(sweep))


def killed(study: Study, folder: Path, seconds: int) -> Trial:
    """A trial whose process was killed so long ago."""
    trial = study.optuna.ask()
    study.suggest(trial)
    with closing(sqlite3.connect(folder / "sweeps.db")) as store, store:
        store.execute(
            "insert into trial_heartbeats (trial_id, heartbeat) "
            "select trial_id, datetime('now', ?) from trials where number = ?",
            [f"-{seconds} seconds", trial.number],
        )
    return trial


@pytest.mark.parametrize("sweep", ["sweep=adadelta", "sweep=seeds"])
def test_a_trial_whose_process_died_is_queued_again_after_the_grace_period(tmp_path: Path, sweep: str) -> None:
    study = studied(tmp_path, sweep)
    dead, _ = killed(study, tmp_path, 61), killed(study, tmp_path, 45)
    again = studied(tmp_path, sweep)
    assert [trial.state for trial in again.optuna.trials] == [TrialState.FAIL, TrialState.RUNNING, TrialState.WAITING]
    assert (again.count().done, again.count().running, again.count().queued) == (0, 1, 1)
    tried = again.optuna.ask()
    assert tried.number == 2
    assert again.suggest(tried) == again.overrides(dead.params)


def test_a_trial_that_had_failed_when_its_process_died_is_not_tried_again(tmp_path: Path) -> None:
    killed(studied(tmp_path, "sweep=seeds"), tmp_path, 61).set_user_attr(ERROR, "its worker died")
    again = studied(tmp_path, "sweep=seeds")
    assert (again.count().failed, again.count().queued, again.remaining()) == (1, 0, 4)


def test_a_grid_that_was_killed_in_the_middle_is_finished_point_by_point(tmp_path: Path) -> None:
    study = studied(tmp_path, "sweep=seeds")
    study.optuna.optimize(lambda trial: len(study.suggest(trial)), n_trials=2)
    killed(study, tmp_path, 61)
    killed(study, tmp_path, 61)
    again = studied(tmp_path, "sweep=seeds")
    while (remaining := again.remaining()) > 0:
        again.optuna.optimize(lambda trial: len(again.suggest(trial)), n_trials=remaining)
    assert sorted(trial.params["training.seed"] for trial in again.ended()) == [0, 1, 2, 3, 4]


def test_a_grid_that_is_gone_on_with_within_the_grace_period_may_repeat_a_point_and_misses_none(tmp_path: Path) -> None:
    study = studied(tmp_path, "sweep=seeds")
    killed(study, tmp_path, 5)
    killed(study, tmp_path, 5)
    again = studied(tmp_path, "sweep=seeds")

    def objective(trial: Trial) -> float:
        if again.count().finished == 3:  # one of the two points is repeated now, and then both are queued again
            with closing(sqlite3.connect(tmp_path / "sweeps.db", timeout=30)) as store, store:
                store.execute("update trial_heartbeats set heartbeat = datetime('now', '-61 seconds') where trial_id <= 2")
        return len(again.suggest(trial))

    while (remaining := again.remaining()) > 0:
        again.optuna.optimize(objective, n_trials=remaining)
    assert {trial.params["training.seed"] for trial in again.ended()} == {0, 1, 2, 3, 4}


def test_the_run_of_a_trial_whose_machine_died_is_closed_by_the_sweep_that_goes_on(
    tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shutil.copy(empty_store, tmp_path)}")
    monkeypatch.setattr(sweep_logger, "PROJECT", tmp_path)
    configuration = plan(["sweep=seeds"])[0]
    there = studied(tmp_path, "sweep=seeds")
    trial = killed(there, tmp_path, 61)
    sweep_logger.SweepLogger(configuration, there).begin(trial.number, there.overrides(trial.params), {})
    assert [run["status"] for run in mlflow_runs(tmp_path)] == ["RUNNING", "RUNNING"]
    sweep_logger.SweepLogger(configuration, studied(tmp_path, "sweep=seeds")).finish("FINISHED")
    assert {run["tags"]["role"]: run["status"] for run in mlflow_runs(tmp_path)} == {"sweep": "FINISHED", "trial": "KILLED"}


def test_the_run_of_a_trial_has_its_dataset_its_source_and_all_the_time_since_it_was_handed_out(
    tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = f"sqlite:///{shutil.copy(empty_store, tmp_path)}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setattr(sweep_logger, "PROJECT", tmp_path)
    configuration = plan(["sweep=seeds"])[0]
    logger = sweep_logger.SweepLogger(configuration, studied(tmp_path, "sweep=seeds"))
    logger.begin(0, ["training.seed=1"], configuration.model_dump(), "ab" * 32, time.time() - 8)
    logger.end(0, "finished", {"train_seconds": 7.5})
    client = MlflowClient(store)
    (found,) = client.search_runs(["1"], "tags.role = 'trial'")
    assert found.info.end_time - found.info.start_time >= 8000
    assert found.data.tags["mlflow.source.name"] == "python -m pipeline.sweep"
    assert found.data.tags["mlflow.user"] == found.info.user_id != ""
    (given,) = found.inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == (configuration.dataset.name, "ab" * 6)
    assert "mlflow.note.content" in client.get_run(found.data.tags["mlflow.parentRunId"]).data.tags


@pytest.mark.parametrize(
    ("sampler", "space"), [("cmaes", "model.dense.0.units=choice(64, 128)"), ("grid", "model.dropout=interval(0.0, 0.5)")]
)
def test_a_sampler_that_can_not_sample_the_space_says_which_can(tmp_path: Path, sampler: str, space: str) -> None:
    with pytest.raises(ConfigurationError, match=r"sweep\.sampler\.name=tpe"):
        studied(tmp_path, "sweep=architecture", f"sweep.sampler.name={sampler}", space)


def test_intervals_need_a_number_of_trials(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"sweep\.trials must be a number"):
        studied(tmp_path, "sweep=adadelta", "sweep.trials=null")


def test_every_sampler_and_pruner_that_the_configuration_allows_is_there() -> None:
    allowed = plan(["sweep=adadelta"])[0].sweep
    for table, options in ((SAMPLERS, allowed.sampler), (PRUNERS, allowed.pruner)):
        annotation = type(options).model_fields["name"].annotation
        assert set(table) == set(annotation.__args__)  # type: ignore[union-attr]


@pytest.mark.parametrize("warmup", [0, 1])
def test_median_pruning_leaves_the_first_epochs_alone_and_ends_what_is_behind_afterwards(warmup: int) -> None:
    options = plan(["sweep=adadelta", "sweep.pruner.startup_trials=2", f"sweep.pruner.warmup_epochs={warmup}"])[0].sweep.pruner
    study = optuna.create_study(direction="maximize", pruner=PRUNERS["median"](options, 3))
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
