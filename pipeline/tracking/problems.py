"""Why an MLflow store can't be used, found out within seconds, and the remedy.

By itself MLflow retries a server that is down for four minutes, and a database that can't be opened for two.
"""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import mlflow
from alembic.util import CommandError
from mlflow.entities import Experiment, LifecycleStage
from mlflow.exceptions import MlflowException
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from pipeline.system.errors import UserError

PATIENCE = 3.0  # with a SQLite store that another program locks, seconds

#: MLflow's settings for requests. A server that has answered once may be away for a minute, to restart.
RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
FIRST_CONTACT = {RETRIES: "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}  # seconds
os.environ.setdefault(RETRIES, "5")
# MLflow would log each table that it creates, and a traceback of every error that it raises.
logging.getLogger("mlflow.store").setLevel(logging.CRITICAL)
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # it prints two lines at the end of every trial

#: What MLflow, its database libraries and the disk raise; and what an address raises that is none, or lacks its driver.
PROBLEMS = (MlflowException, SQLAlchemyError, CommandError, sqlite3.Error, OSError)
BAD_ADDRESS = (ImportError, ValueError)

#: Patterns of an error's text, each with why the store can't be used, and the remedy. The first that matches counts.
REMEDIES = (
    (
        "UNAUTHENTICATED|CUSTOMER_UNAUTHORIZED|error code 401",
        "it asks for a login (401)",
        "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.",
    ),
    (
        "PERMISSION_DENIED|error code 403",
        "it does not allow this (403)",
        "Ask who runs the server: it knows users (MLFLOW_TRACKING_USERNAME) and addresses (its --allowed-hosts).",
    ),
    (
        "password authentication failed|Access denied for user",
        "its database refuses this user or password",
        "Correct them in the address.",
    ),
    (
        "SSLError|SSLCertVerificationError",
        "no encrypted connection can be made",
        "If the server has no TLS, write http:// before its address; "
        "MLFLOW_TRACKING_SERVER_CERT_PATH names a certificate of your own.",
    ),
    (
        "NameResolutionError|gaierror|could not translate host name|failed to resolve host",
        "there is no host of that name",
        "Correct the address, or connect to the network that knows it.",
    ),
    ("ConnectionRefused|Connection refused|actively refused", "no server is running there", "Start the server."),
    (
        "Timeout|timed out|timeout expired",
        "it gives no answer",
        "See whether the server hangs, and whether the network lets you reach it.",
    ),
    (
        "ENDPOINT_NOT_FOUND|not in a valid JSON format|error code 3",
        "what answers there is no MLflow server",
        "Correct the address.",
    ),
    ("too many 5.. error responses|error code 5", "the server fails (an error 5xx)", "Its log says why. Start it again."),
    (
        "database is locked|database table is locked",
        "another program has locked it",
        "Wait for that program, or end it.",
    ),
    (
        "readonly database|PermissionError|Read-only file system",
        "it may not be written to",
        "Give this user the right to write to the file and its folder.",
    ),
    (
        "file is not a database|malformed",
        "the file is damaged, or no SQLite database",
        "Put a copy of it back, or move it away: the next run makes a new one.",
    ),
    ("disk is full|No space left", "the disk is full", "Make room on it."),
    (
        "out-of-date database schema|Can't locate revision",
        f"its tables are of another version of MLflow than {mlflow.__version__}, which is installed",
        "If that is an older one, keep a copy of the store, and: mlflow db upgrade {uri}\n"
        "If it is a newer one: pip install --upgrade mlflow",
    ),
    (
        "filesystem tracking backend",
        "it is a folder, and MLflow writes to databases and servers alone",
        "Before the address of a server write http://. For the runs of a folder see: mlflow migrate-filestore --help",
    ),
    (
        "unsupported URI|NoSuchModuleError|ArgumentError|InvalidUrl|ValueError",
        "MLflow knows no address like that",
        "Write it like sqlite:///FILE, postgresql+psycopg://USER@HOST/DATABASE or http://HOST:PORT.",
    ),
    (
        "unable to open database file|FileNotFoundError|FileExistsError|NotADirectoryError|IsADirectoryError",
        "the file can't be opened or made",
        "See that its folder is there, and that it is a file, which this user may read and write.",
    ),
    (
        "ModuleNotFoundError|ImportError",
        "the driver of its database is not installed",
        "Install it with pip. For PostgreSQL there is one: write postgresql+psycopg:// before the address.",
    ),
)


def explain(error: BaseException, uri: str) -> str:
    """Why the store at `uri` can't be used, and the remedy, given what was raised."""
    why = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    remedy = "Remove the cause, and try again."
    text = ""
    cause: BaseException | None = error
    while cause is not None:
        text += f"{type(cause).__name__} {getattr(cause, 'error_code', '')} {cause}\n"
        cause = cause.__cause__ or cause.__context__
    for pattern, meaning, helps in REMEDIES:
        if re.search(pattern, text):
            why, remedy = meaning, helps.format(uri=uri)
            break
    return (
        f"the MLflow store {uri} can't be used: {why}.\n{remedy}\n"
        "Or choose another store: tracking.uri in conf/tracking, or MLFLOW_TRACKING_URI."
    )


@contextmanager
def telling(uri: str, problems: tuple[type[Exception], ...] = PROBLEMS) -> Iterator[None]:
    """A block that uses the store at `uri`, whose errors, if they are `problems` with it, become a `UserError`.

    Raises:
        UserError: the store can't be used.
    """
    try:
        yield
    except problems as error:
        raise UserError(explain(error, uri)) from None


@contextmanager
def first_contact(uri: str) -> Iterator[None]:
    """A block that is the first to use the store at `uri`: it waits for an answer a few seconds at most.

    Raises:
        UserError: the store can't be used.
    """
    before = {name: os.environ.get(name) for name in FIRST_CONTACT}
    os.environ |= FIRST_CONTACT
    try:
        with telling(uri, PROBLEMS + BAD_ADDRESS):
            if uri.startswith(("postgresql", "mysql")):
                with closing(create_engine(uri, connect_args={"connect_timeout": 5}).connect()):
                    pass
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def sqlite_file(uri: str) -> Path | None:
    """The file of a SQLite store; None if the store is a server or another database."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def must_be_writable(uri: str) -> None:
    """Make sure that a SQLite store can be written to. MLflow would wait for a lock for 20 seconds.

    Raises:
        sqlite3.DatabaseError: it is locked, read-only or no database.
    """
    path = sqlite_file(uri)
    if path and path.exists():
        with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
            connection.execute("begin immediate")
            connection.execute("rollback")


def must_not_be_deleted(experiment: Experiment, uri: str) -> None:
    """Make sure that an experiment was not deleted, as in the UI: it then takes no run and shows none.

    Raises:
        UserError: it was deleted.
    """
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise UserError(
            f"the experiment {experiment.name!r} of the MLflow store {uri} was deleted.\n"
            f"Restore it, with MLFLOW_TRACKING_URI={uri}: "
            f"mlflow experiments restore --experiment-id {experiment.experiment_id}\n"
            "Or choose another name: tracking.experiment in conf/tracking."
        )
