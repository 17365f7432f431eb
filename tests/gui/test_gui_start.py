"""How the window is started: from a script, from the command line, without a screen, with a model that is none."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.inference.default_model import SHIPPED
from tests.conftest import ROOT

#: What somebody may write who knows nothing of processes that begin by running the script once more.
SCRIPT = """
import sys
from gui import App
print("once")
window = App({model!r})
window.update()
window.canvas.event_generate("<Button-1>", x=200, y=100)
window.canvas.event_generate("<B1-Motion>", x=200, y=300)
window.canvas.event_generate("<ButtonRelease-1>", x=200, y=300)
print(len(window.session.page.strokes), window.reading)
while not window.session.seen:
    window.update()
print(sorted({{"tensorflow", "keras", "numpy", "h5py", "mlflow"}} & set(sys.modules)))
print(window.reading.answer[:1])
window.destroy()
"""


@pytest.mark.slow
def test_the_window_works_in_a_script_without_a_main_guard_and_loads_nothing_heavy(display: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(model=str(SHIPPED)), encoding="utf-8")
    path = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], env=path, capture_output=True, text=True, timeout=120)
    drawn_while_the_model_opens, heavy = "1 None", "[]"  # importing TensorFlow in this process would keep one from drawing
    assert done.stdout.splitlines() == ["once", drawn_while_the_model_opens, heavy, "1"], done.stderr
    assert done.stderr == ""


#: The command line, which says when the window runs, and its titles.
TOLD = """
import gui.window.app
from gui.__main__ import main

class Told(gui.window.app.App):
    def mainloop(self, n=0):
        print("running", flush=True)
        super().mainloop(n)

    def title(self, *text):
        if text:
            print(*text, flush=True)
        return super().title(*text)

gui.window.app.App = Told
main()
"""


def start(model: str, **environment: str) -> "subprocess.Popen[str]":
    command, pipe = [sys.executable, "-c", TOLD, "--model", model], subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=pipe, stderr=pipe, text=True)


def end(process: "subprocess.Popen[str]", number: int, once: str) -> None:
    """Send a signal once the window says something; it must end without a word."""
    assert process.stdout is not None
    try:
        assert any(once in line for line in process.stdout)
    finally:
        process.send_signal(number)
        assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])  # Ctrl-C in the terminal; the end of a session
def test_the_window_opens_from_the_command_line_and_a_signal_closes_it(number: int, display: str) -> None:
    end(start(str(SHIPPED)), number, once="running")


def refused(model: Path, **environment: str) -> str:
    """What is told when the window can't be opened."""
    command = [sys.executable, "-m", "gui", "--model", str(model)]
    own = {key: value for key, value in os.environ.items() if key != "DISPLAY"} | environment
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("content", [None, b"rubbish"])
def test_a_missing_or_broken_model_is_a_message_and_not_a_traceback(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    if content is not None:
        path.write_bytes(content)
    assert ("Check its path" if content is None else "Save it again") in refused(path)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a screen")
def test_without_a_screen_a_message_says_so() -> None:
    assert "Is there a screen" in refused(SHIPPED)
