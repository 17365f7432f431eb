"""How every command ends."""

import os
import subprocess
import sys
import threading
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from pipeline import train
from pipeline.system.command_line import number_argument, run_command
from tests.conftest import ROOT


@pytest.mark.skipif(sys.platform == "win32", reason="Windows reports a closed pipe as another error")
@pytest.mark.parametrize("command", [["pipeline.plan"], ["pipeline.runs", "--help"], ["pipeline.train", "--help"]])
def test_output_that_nobody_reads_ends_a_command_without_a_traceback(command: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    whole = [sys.executable, "-m", *command]
    with os.fdopen(write) as output:
        done = subprocess.run(whole, cwd=ROOT, env=buffered, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
def test_output_to_a_disk_that_is_full_ends_a_command_with_that_message() -> None:
    command = [sys.executable, "-m", "pipeline.runs", "--help"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: the disk is full: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("bounds", "good", "bad", "says"),
    [
        ((1, 20), {"1": 1, "20": 20}, ["0", "21", "1.5", "x", ""], "a whole number from 1 to 20"),
        ((1,), {"5": 5}, ["0", "-1"], "a whole number of at least 1"),
        ((0.5, 8), {"0.5": 0.5, "2": 2.0}, ["0", "9", "nan", "-1"], "a number from 0.5 to 8"),
    ],
)
def test_a_number_out_of_its_bounds_is_told(bounds: Any, good: dict[str, float], bad: list[str], says: str) -> None:
    parse = number_argument(*bounds)
    assert {text: parse(text) for text in good} == good
    for text in bad:
        with pytest.raises(ArgumentTypeError, match=says):
            parse(text)


def test_ctrl_c_ends_a_command_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        run_command(interrupted)
    assert (ended.value.code, capsys.readouterr().err) == (130, "\nStopped.\n")


@pytest.mark.parametrize("has_ended", [True, False])
def test_who_stops_a_training_is_told_that_epochs_are_kept_if_any_has_ended(
    has_ended: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = tmp_path / "state.npz"
    if has_ended:
        checkpoint.touch()
    with pytest.raises(KeyboardInterrupt), train.telling_what_is_kept(checkpoint):
        raise KeyboardInterrupt
    assert ("goes on after the last" in capsys.readouterr().err) == has_ended


def test_a_second_training_of_the_same_says_for_which_process_it_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint, began = tmp_path / "state.npz", threading.Event()
    lock = FileLock(tmp_path / "state.lock", thread_local=False)
    lock.acquire()
    (tmp_path / "state.process").write_text("4711")

    def second() -> None:
        with train.alone(checkpoint):
            began.set()

    waiting = threading.Thread(target=second)
    waiting.start()
    assert not began.wait(0.5)
    lock.release()
    waiting.join(timeout=10)
    assert began.is_set()
    assert "The same is being trained by process 4711: waiting until it ends." in capsys.readouterr().err
    assert not (tmp_path / "state.process").exists()
