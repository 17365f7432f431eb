"""The pages of docs/ do what they say: their code and their commands are run."""

import json
import re
import shlex
import shutil
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import matplotlib
import pytest
from matplotlib import pyplot
from optuna import Trial

from gui import replay
from pipeline import runs
from pipeline.data import prepared
from pipeline.inference import exported, formats
from pipeline.sweep import sweep_logger
from pipeline.sweep.command import plan
from pipeline.sweep.study import Study, storage
from pipeline.system import tensorflow_setup
from pipeline.tracking.registry import RunRegistry
from tests.conftest import ROOT, copied, parameters, run


def code_of(page: Path) -> str:
    """The code blocks of a page as one program, on the lines on which they stand in the page."""
    kept, is_code = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        is_fence = line.startswith("```")
        kept.append(line if is_code and not is_fence else "")
        is_code = line == "```python" or (is_code and not is_fence)
    return "\n".join(kept)


def printed_by(page: Path, folder: Path) -> list[str]:
    """What the code of a page prints, run in a process of its own in `folder`."""
    (folder / "page.py").write_text(code_of(page), encoding="utf-8")
    done = run(folder, "python", "page.py", PYTHONPATH=str(folder))
    assert done.returncode == 0, f"{page.name}: {done.stderr}"
    return done.stdout.splitlines()


def commands_of(page: Path) -> list[str]:
    """The commands of a page that are to be run: those in blocks that begin with three backticks, ``sh``, and nothing else."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


#: One process runs the commands of a page: most of the time of each is that of what it loads.
RUN = """
import runpy, shlex, sys
for command in sys.argv[1:]:
    print(command, file=sys.stderr)
    python, option, *sys.argv = shlex.split(command, comments=True)
    assert (python, option) == ("python", "-m")
    runpy.run_module(sys.argv[0], run_name="__main__")
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["configuration", "tracking"])
def test_the_commands_of_a_page_end_well(name: str, finished: Path, tmp_path: Path) -> None:
    commands = commands_of(ROOT / "docs" / f"{name}.md")
    assert len(commands) > 2
    done = run(copied(finished, tmp_path), "python", "-c", RUN, *commands)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_command_of_the_page_on_sweeps_ends_well(finished: Path, tmp_path: Path) -> None:
    (command,) = commands_of(ROOT / "docs/sweeps.md")
    done = run(copied(finished, tmp_path), "bash", "-c", command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_command_of_the_page_on_pictures_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    (command,) = commands_of(ROOT / "docs/pictures.md")
    *begin, drawings, option = shlex.split(command, comments=True)
    assert begin == ["python", "-m", "gui.replay"]
    monkeypatch.chdir(ROOT)
    replay.main([drawings, option, "--limit", "20"])  # `test_pen_digits` has them all


def test_every_block_of_a_page_is_run_or_says_why_not() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        fences = re.findall(r"^```(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)[::2]
        assert all(fence in ("", "sh", "python") or re.fullmatch(r"sh \(not run by .+: .+\)", fence) for fence in fences), page


def test_the_code_of_a_page_keeps_its_lines(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n```python\nx = 1\n```\n\n```\nmake run\n```\n```python\nprint(x)\n```\n", encoding="utf-8")
    assert code_of(page).splitlines() == ["", "", "", "x = 1", "", "", "", "", "", "", "print(x)"]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_model_is_used_in_each_format_as_the_page_says(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = copied(finished, tmp_path)
    folder = project / "data/prepared"
    own = Mock(summary=partial(prepared.summary, folder), load=partial(prepared.load, folder=folder))
    for name, value in {"MODELS": project / "models", "REPORTS": project / "reports", "prepared": own}.items():
        monkeypatch.setattr(formats, name, value)
    tensorflow_setup.start()
    network = exported.open_model(project / "data/trained/network.h5")
    options = parameters(project).export.model_copy(update={"formats": list(formats.FORMATS)})
    formats.write(network, options, {})
    runs.promote(RunRegistry(f"sqlite:///{project / 'mlflow.db'}"), "default")
    read = [line for line in printed_by(ROOT / "docs/use.md", project) if re.fullmatch(r"\[[\d ]+\]", line)]
    assert len(read) == 4
    assert len(set(read)) == 1, read


@pytest.mark.slow
def test_the_notebook_compares_the_trials_of_a_sweep(
    tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matplotlib.use("Agg")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shutil.copy(empty_store, tmp_path)}")
    monkeypatch.setattr(sweep_logger, "PROJECT", tmp_path)
    configuration, space, _ = plan(["sweep=grid", f"sweep.storage=sqlite:///{tmp_path / 'sweeps.db'}"])
    study = Study(configuration, space, "data", storage(configuration.sweep))
    logger, accuracies = sweep_logger.SweepLogger(configuration, study), (0.98, 0.99, 0.97)

    def objective(trial: Trial) -> float:
        logger.begin(trial.number, study.suggest(trial), {})
        result = {"validation_accuracy": accuracies[trial.number], "validation_loss": 0.1, "best_epoch": 2.0}
        logger.end(trial.number, "finished", result)
        return accuracies[trial.number]

    study.optuna.optimize(objective, n_trials=3)
    logger.finish("FINISHED")
    cells = json.loads((ROOT / "docs/runs.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {}
    exec("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"), names)
    table = names["trials"]
    assert list(table["metrics.validation_accuracy"]) == [0.99, 0.98, 0.97]  # type: ignore[index]
    assert sorted(names["varied"]) == ["params.model.dropout", "params.training.batch_size"]  # type: ignore[call-overload]
    assert all(axis.collections for axis in names["axes"][0])  # type: ignore[index]
    pyplot.close("all")
