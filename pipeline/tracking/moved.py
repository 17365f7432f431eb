"""A project that was moved or copied: the artifacts in its MLflow store are brought to where the project is now.

MLflow keeps absolute addresses of artifacts, and has no call that changes them. So they are changed in its tables, which are
those of MLflow's data model (https://mlflow.org/docs/latest/self-hosting/architecture/backend-store/).
"""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from pipeline.system.paths import MLFLOW_ARTIFACTS, MLFLOW_DATABASE

#: The columns of MLflow's tables that hold addresses of artifacts; the first says where new runs put theirs.
COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
PATIENCE = 3.0  # with a store that another program writes to, seconds


def bring_artifacts(uri: str, project: Path) -> None:
    """Have the project's own store say that its artifacts are in the project, if it names a folder of another place.

    Runs whose artifacts did not come along, as when the database alone was copied, keep their addresses.

    Args:
        uri: of the store, which exists. A store that is not the project's own is left as it is.
        project: the folder that the project is in.

    Raises:
        sqlite3.DatabaseError: the store is locked, can't be written to, or is no database.

    """
    store, artifacts = project / MLFLOW_DATABASE, project / MLFLOW_ARTIFACTS
    if uri != f"sqlite:///{store}":
        return
    here = artifacts.as_uri()
    with closing(sqlite3.connect(store, timeout=PATIENCE)) as connection, connection:
        columns = [(table, column) for table, column in COLUMNS if _has(connection, table, column)]
        if COLUMNS[0] not in columns:
            return
        places = connection.execute("select distinct artifact_location from experiments where artifact_location like 'file:%'")
        elsewhere = {place for (place,) in places if place.endswith(f"/{artifacts.name}") and place != here}
        for there in elsewhere:
            for table, column in columns if artifacts.is_dir() else columns[:1]:
                connection.execute(
                    f"update {table} set {column} = ? || substr({column}, length(?) + 1) "  # noqa: S608 - names of COLUMNS
                    f"where {column} = ? or substr({column}, 1, length(?) + 1) = ? || '/'",
                    [here, there, there, there, there],
                )
            print(
                f"The project was moved or copied: artifacts that {store.name} had below {there} are looked for below {here}.",
                file=sys.stderr,
            )


def _has(connection: sqlite3.Connection, table: str, column: str) -> bool:
    return bool(connection.execute("select 1 from pragma_table_info(?) where name = ?", [table, column]).fetchone())
