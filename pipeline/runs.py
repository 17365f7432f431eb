"""``python -m pipeline.runs``: list, compare and choose runs from the command line."""

import argparse
import io
import os
import shutil
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.system.command_line import number_argument, run_command
from pipeline.system.errors import UserError
from pipeline.system.paths import MODEL_FILE, replacing

if TYPE_CHECKING:
    from mlflow.entities import Run

    from pipeline.tracking.registry import RunRegistry
    from pipeline.tracking.summary import Summary

SHORT = 8  # characters of an id that are shown
MOST_LISTED = 1000  # runs; MLflow takes milliseconds for each
HDF5 = (".h5", ".hdf5")  # endings that Keras takes for what a run's model is
HIDDEN = ("composed_from", "tracking.", "name")  # beginnings of keys that don't decide what is trained


def table(rows: list[list[str]]) -> str:
    """Text of a table with columns of even width; the first row is its head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def show_list(registry: "RunRegistry", options: argparse.Namespace) -> str:
    """What ``list`` prints."""
    from pipeline.config.check import load

    kind = {"all": "", "pipeline": "tags.role IS NULL"}.get(options.kind, f"tags.role = '{options.kind}'")
    filters = [text for text in (options.filter, kind) if text]
    wanted = options.most + 1  # one more tells whether there are more
    runs = registry.runs(" and ".join(filters), options.newest, wanted)
    if not runs and options.filter:
        return "No run meets the filter. See all: python -m pipeline.runs list"
    if not runs:
        command = "python -m pipeline.sweep" if options.kind in ("sweep", "trial") else "dvc repro"
        return f"There are no such runs. Make one: {command}"
    present = load().dataset.name
    if not options.newest:  # accuracies on another dataset are not to be compared with these
        own = [run for run in runs if run.dataset == present]
        if len(runs) == wanted:
            own = registry.runs(" and ".join([*filters, f"tags.dataset = '{present}'"]), most=wanted)
        runs = own + [run for run in runs if run.dataset != present]
    shown = runs[: options.most]
    head = ["run", "validation", "test", "dataset", "started", "name"]
    rows = [head, *map(_row, shown)]
    if all(run.dataset == present for run in shown):
        rows = [[cell for name, cell in zip(head, row, strict=True) if name != "dataset"] for row in rows]
    more = "\nThere are more: --most N" if len(runs) > options.most else ""
    champion = "\n* the champion" if any(run.is_champion for run in shown) else ""
    return "\n".join(_cut(line, _width()) for line in table(rows).splitlines()) + champion + more


def _width() -> int:
    """Of the terminal, in characters; 0 where there is none."""
    return shutil.get_terminal_size((0, 0)).columns


def _cut(text: str, width: int) -> str:
    """Text of at most that width; 0: it is not cut."""
    return f"{text[: width - 1]}…" if 0 < width < len(text) else text


def _row(run: "Summary") -> list[str]:
    """A run's cells in the list. A run that has not finished says so in the place of what it lacks."""
    cells = [_percent(run.validation_accuracy), _percent(run.test_accuracy)]
    if run.status != "finished" and "" in cells:
        cells[cells.index("")] = run.status
    this_year = run.started.year == datetime.now().astimezone().year
    started = f"{run.started:{'%m-%d %H:%M' if this_year else '%Y-%m-%d'}}"
    name = f"{run.name}: {run.changes}" if run.changes else run.name
    return [run.id[:SHORT] + ("*" if run.is_champion else ""), *cells, run.dataset, started, name]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"


def compare(registry: "RunRegistry", names: list[str]) -> str:
    """What differs between runs: configuration, data, commit and metrics; and whether their accuracies really differ.

    Raises:
        UserError: two names are of the same run.
    """
    runs = [registry.find(name) for name in names]
    ids = [run.info.run_id for run in runs]
    if same := [name for name, one in zip(names, ids, strict=True) if ids.count(one) > 1]:
        raise UserError(
            f"compare wants different runs, and these names are of the same one: {', '.join(same)}\n"
            "See them: python -m pipeline.runs list"
        )
    tags = ("dataset", "dataset_sha256", "git_commit", "git_dirty")
    shown = [
        ("Configuration", [registry.parameters(run) for run in runs], HIDDEN),
        ("Data and code", [{key: run.data.tags.get(key, "")[:12] for key in tags} for run in runs], ()),
        ("Metrics", [run.data.metrics for run in runs], ("epoch/", "system/")),
    ]
    called = [_called(run) for run in runs]
    text = [_differences([title, *called], values, hidden) for title, values, hidden in shown]
    text += [_test(registry, runs[0], other) for other in runs[1:]]
    return "\n\n".join([*text, *_changes(runs)])


def _called(run: "Run") -> str:
    return f"{run.info.run_name} ({run.info.run_id[:SHORT]})"


def _differences(head: list[str], values: list[dict[str, Any]], hidden: tuple[str, ...]) -> str:
    """A table of the keys whose values differ, without keys that begin with one of `hidden`."""
    keys = [key for key in dict.fromkeys(key for each in values for key in each) if not key.startswith(hidden)]
    rows = [[key, *(_word(each.get(key)) for each in values)] for key in keys]
    differing = [row for row in rows if len(set(row[1:])) > 1]
    if not differing:
        return f"{head[0]}: no difference."
    room = _width() and max((_width() - max(len(row[0]) for row in differing)) // len(values) - 2, SHORT)
    return table([[key, *(_cut(cell, room) for cell in cells)] for key, *cells in [head, *differing]])


def _word(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _changes(runs: "list[Run]") -> list[str]:
    """The commits between the first run and each other run, where git knows them."""
    from pipeline.tracking.provenance import git

    commits = [run.data.tags.get("git_commit", "") for run in runs]
    found = []
    for commit in dict.fromkeys(commits[1:]):
        if commit and commits[0] and commit != commits[0]:
            log = git("log", "--oneline", "--no-decorate", "-20", f"{commits[0]}...{commit}")
            found += [f"Commits between {commits[0][:SHORT]} and {commit[:SHORT]}:\n{log}"] if log else []
    return found


def _test(registry: "RunRegistry", first: "Run", second: "Run") -> str:
    """McNemar's test on what two runs read, in words."""
    from pipeline.tracking import comparison
    from pipeline.tracking.registry import RunError

    names = (_called(first), _called(second))
    try:
        kept = [comparison.load(registry.artifact(run, "evaluation/predictions.npz")) for run in (first, second)]
    except RunError as error:
        return f"Test predictions of {names[0]} and {names[1]} can't be compared: {error}"
    return comparison.verdicts(names, *kept)


def _existing(registry: "RunRegistry", run: str | None) -> "list[Run]":
    """The run with that id, if it was not deleted."""
    with suppress(UserError):
        return [registry.find(run)] if run else []
    return []


def promote(registry: "RunRegistry", name: str) -> str:
    """Make a run the champion, and list all promotions."""
    run = registry.find(name)
    if registry.champion() == run.info.run_id:
        return f"{_called(run)} is the champion already. Open it: python -m gui --model champion"
    before = registry.promote(run)
    promoted = f"{_called(run)} is the champion now" + (f", after {before[:SHORT]}." if before else ".")
    accuracies = [_percent(each.data.metrics.get("test_accuracy")) for each in (run, *_existing(registry, before))]
    if len(accuracies) == 2 and all(accuracies):
        promoted += f" It reads {accuracies[0]} of its test images, the one before {accuracies[1]}."
    history = [
        f"  {one['at']}  {one['from'][:SHORT] or 'none':<8} -> {one['run'][:SHORT]}  by {one['by']}"
        for one in registry.history()
    ]
    return "\n".join([promoted, *history, "Open it: python -m gui --model champion"])


def export(registry: "RunRegistry", name: str, path: Path) -> str:
    """Write the ``mnist.h5`` of a run.

    Args:
        registry: has the run.
        name: of the run.
        path: a file; or an existing folder, in which the file becomes ``mnist.h5``.

    Raises:
        UserError: the file can't be written.
    """
    run = registry.find(name)
    model = registry.artifact(run, MODEL_FILE)
    try:
        path = path / MODEL_FILE if path.is_dir() else path
        with replacing(path) as temporary:
            shutil.copyfile(model, temporary)
    except (FileExistsError, NotADirectoryError) as error:  # of the folder: an existing file is replaced
        raise UserError(f"{path} can't be written: {error.filename} is no folder. Choose another place: -o PATH") from None
    except OSError as error:
        raise UserError(f"{path} can't be written: {error.strerror}. Choose another place: -o PATH") from None
    return f"{path}: the model of {_called(run)}. Open it: python -m gui --model {path}"


def _output(text: str) -> Path:
    """The file that is written, from the command line."""
    folder = text.endswith(("/", os.sep))  # a Path forgets this, which tells a new folder from a new file
    path = Path(text, MODEL_FILE) if folder else Path(text)
    if path.suffix not in ("", *HDF5):
        raise argparse.ArgumentTypeError(
            f"a name that ends in {' or '.join(HDF5)} is expected, for it is such a file, not {text!r}"
        )
    return path


def parser() -> argparse.ArgumentParser:
    """The command line."""
    whole = argparse.ArgumentParser(
        prog="python -m pipeline.runs",
        description="List, compare and choose runs. "
        "RUN is an id, a unique prefix of one, a name in DVC or MLflow, the model file that a run exported, or `champion`.",
    )
    commands = whole.add_subparsers(dest="command", required=True)
    one = commands.add_parser(
        "list", help="runs, those of the configured dataset first, and of them the best validation accuracy"
    )
    one.add_argument("--newest", action="store_true", help="the newest first")
    one.add_argument("--kind", choices=["pipeline", "trial", "sweep", "all"], default="all", help="what wrote the run (all)")
    one.add_argument("--filter", default="", help="in MLflow's syntax: metrics.test_accuracy > 0.995 and params.model = 'mlp'")
    one.add_argument("--most", type=number_argument(1, MOST_LISTED), default=20, metavar="N", help="how many are shown (20)")
    one = commands.add_parser("compare", help="what differs: configuration, data, commit, metrics, and McNemar's test")
    one.add_argument("runs", nargs="+", metavar="RUN")
    one = commands.add_parser("promote", help="make a run's model the champion")
    one.add_argument("run", metavar="RUN")
    one = commands.add_parser("export", help="write a run's mnist.h5")
    one.add_argument("run", metavar="RUN")
    one.add_argument(
        "-o", "--output", type=_output, default=Path(MODEL_FILE), metavar="PATH", help="a file or a folder (mnist.h5)"
    )
    return whole


def answer(options: argparse.Namespace) -> str:
    """Run a command, and return what it prints.

    Raises:
        UserError: a run doesn't exist, or the store can't be used.
    """
    from pipeline.tracking.problems import telling
    from pipeline.tracking.registry import RunRegistry  # loads MLflow, which --help need not wait for

    registry = RunRegistry()
    with telling(registry.uri):
        match options.command:
            case "compare":
                return compare(registry, options.runs)
            case "promote":
                return promote(registry, options.run)
            case "export":
                return export(registry, options.run, options.output)
            case _:
                return show_list(registry, options)


def main() -> None:
    """Entry point of ``python -m pipeline.runs``."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # a run's name may have characters that the console lacks
    options = parser().parse_args()
    if options.command == "compare" and len(options.runs) < 2:
        raise UserError("compare wants two runs or more. See them: python -m pipeline.runs list")
    print(answer(options))


if __name__ == "__main__":
    run_command(main)
