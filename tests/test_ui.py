"""The MLflow UI on a real store, in a real browser."""

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

from pipeline import recorder
from tests.conftest import environment

pytestmark = pytest.mark.timeout(200)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """A store with a sweep of two trials: its address, and the ids by name."""
    folder = tmp_path_factory.mktemp("ui")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    client, experiment = recorder.open_store(uri, "digits", folder)
    ids = {"experiment": experiment}
    parent = ids["sweep adadelta"] = client.create_run(experiment, run_name="sweep adadelta").info.run_id
    for rate, accuracy in ((2.5, 0.9871), (7.5, 0.9932)):
        name = f"learning_rate={rate}"
        run = client.create_run(experiment, run_name=name, tags={"mlflow.parentRunId": parent}).info.run_id
        client.log_param(run, "optimizer.learning_rate", rate)
        client.log_metric(run, "validation_accuracy", accuracy)
        client.set_terminated(run)
        ids[name] = run
    client.set_terminated(parent)
    return uri, ids


@pytest.fixture(scope="module")
def page(store: tuple[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Callable[[str], str]]":
    """A function that opens a page of the UI, by its address after ``#``, and returns what stands on it."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        pytest.fail("The UI's tests want a browser. Install one: apt-get install chromium", pytrace=False)
    port, profile = free_port(), tmp_path_factory.mktemp("profile")
    command = [sys.executable, "-m", "pipeline.ui", "--port", str(port)]
    own = environment({"MLFLOW_TRACKING_URI": store[0]})
    server = subprocess.Popen(command, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                    break
            except OSError:
                time.sleep(0.3)

        def read(address: str) -> str:
            flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-sync", "--disable-background-networking"]
            flags += ["--no-first-run", "--disable-component-update", f"--user-data-dir={profile}", "--window-size=1600,1000"]
            whole = [browser, *flags, "--virtual-time-budget=30000", "--dump-dom", f"http://127.0.0.1:{port}/#{address}"]
            return subprocess.run(whole, capture_output=True, text=True, check=True, timeout=90).stdout

        yield read
    finally:
        server.terminate()
        server.wait()


def test_the_runs_are_a_table_sorted_by_validation_accuracy(
    page: Callable[[str], str], store: tuple[str, dict[str, str]]
) -> None:
    order = f"orderByKey={quote('metrics.`validation_accuracy`')}&orderByAsc=false"
    text = page(f"/experiments/{store[1]['experiment']}/runs?{order}&viewMode=TABLE")
    assert 0 < text.find("learning_rate=7.5") < text.find("learning_rate=2.5")
    assert "validation_accuracy" in text


def test_two_runs_are_compared_side_by_side(page: Callable[[str], str], store: tuple[str, dict[str, str]]) -> None:
    ids = store[1]
    both = quote(f'["{ids["learning_rate=2.5"]}","{ids["learning_rate=7.5"]}"]')
    text = page(f"/compare-runs?runs={both}&experiments={quote(chr(91) + chr(34) + ids['experiment'] + chr(34) + chr(93))}")
    for words in ("Comparing 2 Runs", "optimizer.learning_rate", "0.9871", "0.9932", "Parallel Coordinates"):
        assert words.lower() in text.lower(), words


def test_the_store_is_marked_as_one_of_model_training(store: tuple[str, dict[str, str]]) -> None:
    experiment = MlflowClient(store[0]).get_experiment(store[1]["experiment"])
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    assert Path(experiment.artifact_location.removeprefix("file://")).name == "mlruns"
