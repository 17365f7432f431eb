"""The window's processes: how they are started, what they answer, and how they end."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from gui.reading.channel import ChildProcess
from gui.reading.errand import Errand
from pipeline.inference.default_model import check_start
from tests.conftest import ROOT

SCRIPT = """
import sys, time
sys.path.insert(0, {root!r})
from gui.reading.errand import Errand
print("once")
errand = Errand(pow, 2, 10, seconds=60, late="too late")
while (result := errand.result()) is None:
    time.sleep(0.01)
print(result.value)
"""


def newest_child() -> psutil.Process:
    return max(psutil.Process().children(), key=psutil.Process.create_time)


def result(errand: Errand) -> Any:
    while (found := errand.result()) is None:
        time.sleep(0.01)
    return found


@pytest.mark.parametrize("kind", ["script", "-c", "standard input"])
def test_a_program_that_starts_a_process_is_not_run_again_however_it_was_started(kind: str, tmp_path: Path) -> None:
    code = SCRIPT.format(root=str(ROOT))
    (tmp_path / "script.py").write_text(code, encoding="utf-8")
    (tmp_path / "pickle.py").write_text("raise SystemExit('not the module of the working directory')", encoding="utf-8")
    arguments = {"script": ["-P", "script.py"], "-c": ["-P", "-c", code], "standard input": ["-P", "-"]}[kind]
    done = subprocess.run(
        [sys.executable, *arguments], input=code, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("once\n1024\n", "")


def test_an_errand_gives_its_value_or_a_message() -> None:
    assert result(Errand(max, 3, 7, seconds=60, late="too late")) == (7, "")
    assert result(Errand(time.sleep, 60, seconds=0.0, late="too late")) == (None, "too late")
    assert result(Errand(divmod, 1, 0, seconds=60, late="too late"))[1].startswith("ZeroDivisionError: ")
    assert result(Errand(check_start, Path("x.h5"), seconds=60, late="too late"))[1].startswith("there is no model x.h5")


def test_what_a_library_prints_is_no_answer(capfd: pytest.CaptureFixture[str]) -> None:
    assert result(Errand(print, "a greeting", seconds=60, late="too late")) == (None, "")
    assert capfd.readouterr().out == ""


def test_a_process_that_is_done_ends_by_itself_and_quietly(capfd: pytest.CaptureFixture[str]) -> None:
    process = ChildProcess("gui.reading.errand")
    child = newest_child()
    process.send((pow, (2, 10)))
    assert psutil.wait_procs([child], timeout=30)[1] == []
    assert next(process.receive()) == (1024, "")
    assert capfd.readouterr().err == ""


def test_an_errand_whose_process_was_killed_is_told() -> None:
    errand = Errand(time.sleep, 60, seconds=60, late="too late")
    newest_child().kill()
    assert "ended unexpectedly" in result(errand).message


def test_a_process_ends_with_the_one_that_started_it() -> None:
    code = "import time; from gui.reading.errand import Errand; Errand(time.sleep, 60, seconds=60, late=''); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) as window:
        while not (children := psutil.Process(window.pid).children()):
            time.sleep(0.01)
        window.kill()
    assert psutil.wait_procs(children, timeout=30)[1] == []
