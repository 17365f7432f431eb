"""Stores that can't be used, each for a real reason: what is said, and after how long."""

import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from mlflow.experiments import commands

from pipeline.system.errors import UserError
from pipeline.tracking import problems, registry
from pipeline.tracking.problems import explain
from pipeline.tracking.recorder import open_store
from pipeline.tracking.registry import RunRegistry
from tests.tracking.test_ui import free_port

SECONDS = 8.0  # less than any of MLflow's own retries take


def told(folder: Path, uri: str) -> str:
    """What opening a store says, which is the same whether it is opened to write or to read."""
    begin = time.monotonic()
    with pytest.raises(UserError) as writing:
        open_store(uri, "digits", folder)
    with pytest.raises(UserError) as reading:
        RunRegistry(uri)
    assert str(reading.value) == str(writing.value)
    assert time.monotonic() - begin < SECONDS
    return str(writing.value)


@pytest.fixture
def database(empty_store: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty_store, tmp_path))


@contextmanager
def answering(status: int) -> Iterator[str]:
    """The address of a server that answers everything with one status, and a page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_server_that_is_not_there_is_told_with_the_address_but_not_its_password(tmp_path: Path) -> None:
    port = free_port()
    assert told(tmp_path, f"http://me:se@cret@127.0.0.1:{port}").splitlines() == [
        f"the MLflow store http://me:***@127.0.0.1:{port} can't be used: no server is running there.",
        "Start the server.",
        "Or choose another store: tracking.uri in conf/tracking, or MLFLOW_TRACKING_URI.",
    ]


@pytest.mark.parametrize(
    ("status", "why", "remedy"),
    [
        (401, "asks for a login", "MLFLOW_TRACKING_USERNAME"),
        (403, "does not allow this", "Ask who runs the server"),
        (404, "no MLflow server", "Correct the address"),
        (200, "no MLflow server", "Correct the address"),
        (503, "the server fails", "Its log says why"),
    ],
)
def test_a_server_that_refuses_is_told_by_how(tmp_path: Path, status: int, why: str, remedy: str) -> None:
    with answering(status) as uri:
        said = told(tmp_path, uri)
    assert why in said
    assert remedy in said


@pytest.mark.parametrize(
    ("uri", "why", "remedy"),
    [
        ("http://nowhere.invalid:5000", "no host of that name", "Correct the address"),
        ("mlruns", "it is a folder", "mlflow migrate-filestore"),
        ("127.0.0.1:5000", "it is a folder", "Before the address of a server write http://"),
        ("ftp://host/x", "no address like that", "sqlite:///FILE"),
        ("http://[", "no address like that", "http://HOST:PORT"),
        ("mysql+nothing://me:word@host/x", "no address like that", "postgresql+psycopg://"),
        ("mysql+pymysql://me:word@host/x", "the driver of its database", "Install it"),
        ("postgresql+psycopg://me:word@127.0.0.1:9/x", "no server is running there", "Start the server"),
    ],
)
def test_an_address_that_leads_nowhere_is_told(tmp_path: Path, uri: str, why: str, remedy: str) -> None:
    said = told(tmp_path, uri)
    assert why in said
    assert remedy in said
    assert "word" not in said


def test_a_deleted_experiment_is_told_with_the_command_that_restores_it(database: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{database}"
    client, experiment = open_store(uri, "digits", tmp_path)
    client.delete_experiment(experiment)
    _, remedy, other = told(tmp_path, uri).splitlines()
    assert other == "Or choose another name: tracking.experiment in conf/tracking."
    program, group, *arguments = remedy.partition(": ")[2].split()
    assert (program, group) == ("mlflow", "experiments")
    done = CliRunner().invoke(commands, arguments, env={"MLFLOW_TRACKING_URI": uri})
    assert done.exit_code == 0, done.output
    assert open_store(uri, "digits", tmp_path)[1] == experiment


@pytest.mark.parametrize("statements", [[], ["drop table logged_models"]])
def test_tables_of_another_version_of_mlflow_are_told(database: Path, tmp_path: Path, statements: list[str]) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        for statement in ["update alembic_version set version_num = 'of another'", *statements]:
            connection.execute(statement)
    said = told(tmp_path, f"sqlite:///{database}")
    assert "tables are of another version of MLflow" in said
    assert f"mlflow db upgrade sqlite:///{database}" in said


def test_a_locked_a_broken_and_an_impossible_file_are_told(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (registry, problems):
        monkeypatch.setattr(module, "PATIENCE", 0.1)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("begin exclusive")
        assert "another program has locked it.\nWait for that program, or end it." in told(tmp_path, f"sqlite:///{database}")
    database.write_bytes(b"rubbish" * 100)
    assert "the file is damaged, or no SQLite database" in told(tmp_path, f"sqlite:///{database}")
    for path in (tmp_path, database / "x.db"):
        with pytest.raises(UserError, match=r"the file can't be opened or made|may not be written to"):
            open_store(f"sqlite:///{path}", "digits", tmp_path)


def test_a_file_that_may_not_be_written_to_and_a_full_disk_are_told(database: Path) -> None:
    for address, setting, why in (
        (f"{database.as_uri()}?mode=ro", "pragma cache_size = 100", "it may not be written to"),
        (database.as_uri(), "pragma max_page_count = 1", "the disk is full"),
    ):
        with closing(sqlite3.connect(address, uri=True)) as connection:
            connection.execute(setting)
            with pytest.raises(sqlite3.OperationalError) as error:
                connection.execute("create table more as select zeroblob(100000)")
        assert why in explain(error.value, f"sqlite:///{database}")


def test_an_error_of_the_program_is_not_taken_for_one_of_the_store() -> None:
    with pytest.raises(ValueError, match="mnist"), problems.telling("sqlite:///mlflow.db"):
        float("mnist")
