"""Each patch of a library still meets the library that it was made for."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import optuna
import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from optuna.exceptions import StorageInternalError
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from pipeline.config import composition
from pipeline.system import patches
from tests.conftest import ROOT


def test_a_block_of_imports_hides_libraries_from_its_own_thread_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("hidden_from_one_thread", "hidden_for_a_while")
    for name in names:
        (tmp_path / f"{name}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with patches.importing_without(*names):
        with pytest.raises(ImportError):
            importlib.import_module("hidden_for_a_while")
        with ThreadPoolExecutor() as other:
            other.submit(importlib.import_module, "hidden_from_one_thread").result()
    importlib.import_module("hidden_for_a_while")


@pytest.mark.slow
def test_tensorflow_starts_without_the_libraries_that_are_hidden_and_they_load_later() -> None:
    code = (
        "import sys\nfrom pipeline.system import tensorflow_setup\ntensorflow_setup.start()\nimport keras\n"
        "assert not {'matplotlib', 'pandas', 'scipy', 'sklearn'} & set(sys.modules)\n"
        "import pandas, matplotlib.pyplot, sklearn\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_hydra_composes_within_a_function_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", ConfigLoaderImpl.load_configuration)
    seen: list[list[str]] = []

    def surround(overrides: list[str], composed: Callable[[list[str]], Any]) -> Any:
        seen.append(overrides)
        return composed([*overrides, "model.dropout=0.25"])

    patches.surround_compositions(surround)
    values = composition.compose(["experiment=smoke"])
    assert (seen, values["name"], values["model"]["dropout"]) == ([["experiment=smoke"]], "smoke", 0.25)


def test_a_process_ends_at_once_with_all_that_it_printed() -> None:
    code = (
        "import atexit\nfrom pipeline.system.patches import end_at_once\n"
        "print('all')\natexit.register(print, 'never')\nend_at_once()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("all\n", "")


def test_the_error_that_optuna_hides_is_found_and_that_of_a_stale_trial_is_none() -> None:
    class Gone(InMemoryStorage):
        def set_trial_state_values(self, trial_id: int, state: TrialState, values: Any = None) -> bool:
            if state == TrialState.COMPLETE:
                raise StorageInternalError("the store is gone")
            return super().set_trial_state_values(trial_id, state, values)

    study = optuna.create_study(storage=Gone())
    with pytest.raises(AssertionError) as hidden:
        study.optimize(lambda _: 1.0, 1)
    assert str(patches.error_of_trial(hidden.value)) == "the store is gone"

    def given_up(trial: optuna.Trial) -> float:
        study.tell(trial.number, state=TrialState.FAIL)
        return 1.0

    with pytest.raises(AssertionError) as stale:
        study.optimize(given_up, 1)
    assert patches.error_of_trial(stale.value) is None
    other = AssertionError("of the program")
    assert patches.error_of_trial(other) is other
