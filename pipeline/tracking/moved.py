"""A moved or copied project: the addresses of artifacts in its MLflow store are changed to the new place.

MLflow keeps absolute addresses, and offers no call that changes them. This changes them in the tables of its data model:
https://mlflow.org/docs/latest/self-hosting/architecture/backend-store/
"""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

from pipeline.system.paths import MLFLOW_ARTIFACTS, MLFLOW_DATABASE
from pipeline.tracking.problems import PATIENCE

#: The columns that hold addresses of artifacts; the first decides where new runs put theirs.
COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def bring_artifacts(uri: str, project: Path) -> None:
    """Change addresses of artifacts that lie below another project's folder, in the project's own store.

    If no artifacts were copied along with the database, runs keep their addresses. A client has opened the store at `uri`; if
    that is not the project's own, it is left as it is.

    Raises:
        sqlite3.DatabaseError: the store is locked, is read-only, or is no database.
    """
    store, artifacts = project / MLFLOW_DATABASE, project / MLFLOW_ARTIFACTS
    if uri != f"sqlite:///{store}":
        return
    here = artifacts.as_uri()
    with closing(sqlite3.connect(store, timeout=PATIENCE)) as connection, connection:
        places = connection.execute("select distinct artifact_location from experiments where artifact_location like 'file:%'")
        elsewhere = {place for (place,) in places if place.endswith(f"/{artifacts.name}") and place != here}
        for there in elsewhere:
            runs = connection.execute("select artifact_uri from runs where artifact_uri like ? || '/%'", [there])
            came_along = any((artifacts / unquote(uri.removeprefix(f"{there}/"))).exists() for (uri,) in runs)
            for table, column in COLUMNS if came_along else COLUMNS[:1]:
                connection.execute(
                    f"update {table} set {column} = ? || substr({column}, length(?) + 1) "  # noqa: S608 - names of COLUMNS
                    f"where {column} = ? or substr({column}, 1, length(?) + 1) = ? || '/'",
                    [here, there, there, there, there],
                )
            print(
                f"The project was moved or copied: artifacts that {store.name} had below {there} are now read from {here}.",
                file=sys.stderr,
            )
