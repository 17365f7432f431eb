"""The models of the MLflow store. Loads MLflow, which takes seconds: not for the window's own process."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gui import models
from gui.models import CHAMPION, Entry
from pipeline import exported, tracking
from pipeline.configuration import load
from pipeline.errors import ModelError, UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

ARTIFACT = "mnist.h5"
REGISTERED = "digits"
MOST = 500  # runs that are looked at, the newest
PATIENCE = 3.0  # with a store that another program locks, seconds


def listing() -> tuple[list[Entry], str]:
    """All models there are; and what is to be said if the store gives none, or can't be read."""
    files = [_described(entry) for entry in models.files()]
    try:
        runs = _runs()
    except UserError as error:
        return files, str(error).removeprefix("Error: ")
    return files + runs, "" if runs else "No run in the MLflow store holds a model yet. Make one: make run"


def run(name: str) -> Path:
    """The model of the newest run with that id, beginning of an id, or name.

    Raises:
        ModelError: no run is called so, or it holds no model.
        UserError: the store can't be used.

    """
    client = _client()
    if client is not None:
        for found in _search(client):
            if found.info.run_id.startswith(name) or found.info.run_name == name:
                return _file(found)
    raise ModelError(
        f"there is no run {name!r} in the MLflow store. Expected: its id, the beginning of it, or its name: make ui"
    )


def champion() -> Path:
    """The model of the run that the registry calls champion.

    Raises:
        ModelError: there is no champion.
        UserError: the store can't be used.

    """
    client = _client()
    identifier = _champion(client) if client is not None else None
    if client is None or identifier is None:
        raise ModelError(f"there is no champion: no version of the registered model {REGISTERED!r} has the alias {CHAMPION!r}.")
    return _file(client.get_run(identifier))


def _described(entry: Entry) -> Entry:
    says = exported.describe(Path(entry.model))
    validation, test = (
        value if isinstance(value := says.get(key), float) else None for key in ("validation_accuracy", "test_accuracy")
    )
    dataset, date = str(says.get("dataset", "")), str(says.get("exported", ""))
    return replace(entry, dataset=dataset, validation=validation, test=test, date=date)


def _runs() -> list[Entry]:
    client = _client()
    if client is None:
        return []
    best = _champion(client)
    found = [found for found in _search(client) if _has_model(client, found)]
    listed = [_entry("run", found) for found in found]
    return listed + [_entry("champion", found) for found in found if found.info.run_id == best]


def _entry(kind: str, run: Any) -> Entry:
    metrics, tags = run.data.metrics, run.data.tags
    name = run.info.run_name or run.info.run_id[:8]
    date = datetime.fromtimestamp(run.info.start_time / 1000, UTC).isoformat()
    accuracies = metrics.get("validation_accuracy"), metrics.get("test_accuracy")
    shown = f"champion: {name}" if kind == "champion" else f"{name} ({run.info.run_id[:8]})"
    return Entry(kind, CHAMPION if kind == "champion" else run.info.run_id, shown, tags.get("dataset", ""), *accuracies, date)


def _client() -> "MlflowClient | None":
    """A client of the store; None if there is no store yet, which asking must not create."""
    uri = tracking.uri(load().tracking)
    if uri.startswith("sqlite:///") and not _readable(Path(uri.removeprefix("sqlite:///")), uri):
        return None
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        return MlflowClient(uri)
    except (MlflowException, OSError, ImportError) as error:
        raise _unusable(uri, error) from None


def _readable(path: Path, uri: str) -> bool:
    """Whether a SQLite store is there and has runs; MLflow itself would wait long for one that is locked."""
    if not path.is_file():
        return False
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)
        try:
            return bool(connection.execute("SELECT 1 FROM runs LIMIT 1").fetchall())
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return False
        raise _unusable(uri, error) from None
    except sqlite3.DatabaseError as error:
        raise _unusable(uri, error) from None


def _unusable(uri: str, error: BaseException) -> UserError:
    why = (str(error).splitlines() or [type(error).__name__])[0]
    return UserError(f"the MLflow store {uri} can't be read: {why}. Its runs are not listed; files can still be opened.")


def _search(client: "MlflowClient") -> list[Any]:
    from mlflow.exceptions import MlflowException

    try:
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        return list(client.search_runs(experiments, max_results=MOST)) if experiments else []
    except (MlflowException, OSError) as error:
        raise _unusable("", error) from None


def _champion(client: "MlflowClient") -> str | None:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(REGISTERED, CHAMPION).run_id or None
    except MlflowException:  # no such model, or no such alias
        return None


def _local(run: Any) -> Path | None:
    """The folder of a run's artifacts, if it is on this machine."""
    from mlflow.utils.file_utils import local_file_uri_to_path

    uri = run.info.artifact_uri
    return Path(local_file_uri_to_path(uri)) if uri.startswith("file:") or "://" not in uri else None


def _has_model(client: "MlflowClient", run: Any) -> bool:
    folder = _local(run)
    if folder is not None:
        return (folder / ARTIFACT).is_file()
    return any(artifact.path == ARTIFACT for artifact in client.list_artifacts(run.info.run_id))


def _file(run: Any) -> Path:
    folder = _local(run)
    if folder is None:
        from mlflow import artifacts

        return Path(artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=ARTIFACT))
    if not (folder / ARTIFACT).is_file():
        raise ModelError(f"the run {run.info.run_name} ({run.info.run_id[:8]}) holds no {ARTIFACT}: its export did not end.")
    return folder / ARTIFACT
