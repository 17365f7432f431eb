"""How every command ends."""

import os
import subprocess
import sys

import pytest

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
