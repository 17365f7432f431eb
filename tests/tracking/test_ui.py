"""The MLflow UI on a real store, in a real browser."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from mlflow import MlflowClient
from optuna import Trial

from pipeline.sweep.command import plan
from pipeline.sweep.study import Study, storage
from pipeline.sweep.sweep_logger import SweepLogger
from pipeline.tracking import recorder
from pipeline.tracking.registry import RunRegistry
from tests.conftest import environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> tuple[str, dict[str, str]]:
    """A store with a sweep of three trials, as sweeps write it: its address, and the ids by name."""
    folder = tmp_path_factory.mktemp("ui")
    uri = f"sqlite:///{shutil.copy(empty_store, folder)}"
    client, experiment = recorder.open_store(uri, "digits", folder)
    overrides = ["sweep=adadelta", "sweep.sampler.name=random", "sweep.trials=3", f"sweep.storage=sqlite:///{folder}/sweeps.db"]
    configuration, space, _ = plan([*overrides, f"tracking.uri={uri}", "tracking.experiment=digits"])
    study = Study(configuration, space, "data", storage(configuration.sweep))
    logger, accuracies = SweepLogger(configuration, study), iter((0.9871, 0.9932, 0.9904))

    def objective(trial: Trial) -> float:
        accuracy = next(accuracies)
        logger.begin(trial.number, study.suggest(trial), {})
        for epoch in (1, 2):
            logger.epoch(trial.number, {"epoch": epoch, "validation_accuracy": accuracy - 0.01 / epoch})
        logger.end(trial.number, "finished", {"validation_accuracy": accuracy})
        return accuracy

    study.optuna.optimize(objective, n_trials=3)
    logger.finish("FINISHED")
    return uri, {"experiment": experiment} | {run.info.run_name: run.info.run_id for run in client.search_runs([experiment])}


@pytest.fixture(scope="module")
def page(store: tuple[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Callable[[str], str]]":
    """A function that opens a page of the UI, by its address after ``#``, and returns what stands on it.

    Without an address it is the page that ``python -m pipeline.ui`` names.
    """
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        pytest.fail("The UI's tests want a browser. Install one: apt-get install chromium", pytrace=False)
    port, profile = free_port(), tmp_path_factory.mktemp("profile")
    command = [sys.executable, "-m", "pipeline.ui", "--port", str(port)]
    own = environment({"MLFLOW_TRACKING_URI": store[0]})
    server = subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout
    named = next(line.strip() for line in server.stdout if line.startswith("http"))
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                    break
            except OSError:
                time.sleep(0.3)

        def read(address: str = "") -> str:
            flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-sync", "--disable-background-networking"]
            flags += ["--no-first-run", "--disable-component-update", f"--user-data-dir={profile}", "--window-size=1600,1000"]
            page = f"http://127.0.0.1:{port}/#{address}" if address else named
            whole = [browser, *flags, "--virtual-time-budget=30000", "--dump-dom", page]
            return subprocess.run(whole, capture_output=True, text=True, check=True, timeout=90).stdout

        yield read
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def trials(store: tuple[str, dict[str, str]]) -> list[str]:
    """The names of the trials, in their order."""
    found = MlflowClient(store[0]).search_runs(
        [store[1]["experiment"]], "tags.role = 'trial'", order_by=["attributes.start_time"]
    )
    return [str(run.info.run_name) for run in found]


def test_the_list_of_runs_has_a_sweep_beside_its_best_trial(store: tuple[str, dict[str, str]]) -> None:
    runs = RunRegistry(store[0]).runs()
    assert {run.kind for run in runs[:2]} == {"sweep", "trial"}
    assert [run.validation_accuracy for run in runs] == [0.9932, 0.9932, 0.9904, 0.9871]


def test_the_page_that_the_command_names_is_a_table_of_the_runs_sorted_by_validation_accuracy(
    page: Callable[..., str], store: tuple[str, dict[str, str]]
) -> None:
    text = page()
    worst, best, middle = (text.find(name.partition(",")[0]) for name in trials(store))
    assert 0 < best < middle < worst
    for column in ("validation_accuracy", "optimizer.learning_rate"):
        assert re.search(rf">{re.escape(column)}<", text), column
    assert "share key" not in text  # as in a message that there is no such view
    assert "Judges" not in text  # the menu of language models


def test_trials_are_compared_side_by_side_and_as_parallel_coordinates(
    page: Callable[[str], str], store: tuple[str, dict[str, str]]
) -> None:
    ids = store[1]
    chosen = quote(json.dumps([ids[name] for name in trials(store)]))
    text = page(f"/compare-runs?runs={chosen}&experiments={quote(json.dumps([ids['experiment']]))}").lower()
    # The table's accuracies; and the ends of the plot's axis, which is of the last epochs.
    for words in ("Comparing 3 Runs", "optimizer.learning_rate", ">0.987<", ">0.993<", "Parallel Coordinates Plot", "0.98820"):
        assert words.lower() in text, words


def test_a_sweep_shows_its_plots(page: Callable[[str], str], store: tuple[str, dict[str, str]]) -> None:
    ids = store[1]
    address = f"/experiments/{ids['experiment']}/runs/{ids['sweep adadelta']}/artifacts/sweep.html"
    # The browser's clock runs ahead: on a busy machine it may not wait for five megabytes.
    assert any('<iframe src="blob:' in page(address) for _ in range(3)), "the page itself is not shown"


def test_the_store_is_marked_as_one_of_model_training(store: tuple[str, dict[str, str]]) -> None:
    experiment = MlflowClient(store[0]).get_experiment(store[1]["experiment"])
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    assert Path(experiment.artifact_location.removeprefix("file://")).name == "mlruns"
