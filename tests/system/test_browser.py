"""Opening a page in the browser, where somebody sits before a screen."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
import time
import webbrowser
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from pipeline import ui
from pipeline.system import browser
from pipeline.system.errors import UserError
from pipeline.tracking import recorder
from tests.conftest import environment
from tests.tracking.test_ui import free_port

SCREEN = {"DISPLAY": ":0"}


def test_a_page_is_opened_once_its_server_answers(tmp_path: Path) -> None:
    opener, opened, port = tmp_path / "opener", tmp_path / "opened", free_port()
    opener.write_text(f'#!/bin/sh\necho "$1" >> "{opened}"\n')
    opener.chmod(0o700)
    address = f"http://127.0.0.1:{port}/#/experiments/1/runs?a=b&c=d"
    command = [sys.executable, "-m", "pipeline.system.browser", address]
    with subprocess.Popen(command, env=environment({"BROWSER": str(opener)})) as waiting:
        time.sleep(1)
        assert waiting.poll() is None
        assert not opened.exists()
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
        with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            assert waiting.wait(30) == 0
            server.shutdown()
    assert opened.read_text() == f"{address}\n"


@pytest.mark.parametrize(
    ("is_terminal", "variables", "expected"),
    [
        (True, SCREEN, True),
        (True, {"WAYLAND_DISPLAY": "wayland-0"}, True),
        (True, {}, False),
        (False, SCREEN, False),
        (True, SCREEN | {"SSH_CONNECTION": "10.0.0.1 50000 10.0.0.2 22"}, False),
    ],
)
def test_there_is_a_screen_where_somebody_sits_before_a_desktop(
    is_terminal: bool, variables: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal, raising=False)
    assert browser.has_screen() is expected


def test_a_port_that_is_taken_is_told_with_another(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shutil.copy(empty_store, tmp_path)}")
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other:
        port = other.server_port
        monkeypatch.setattr(sys, "argv", ["ui", "--port", str(port)])
        with pytest.raises(UserError, match=rf"port {port} is taken.*\n.*--port {port + 1}"):
            ui.main()


@pytest.mark.parametrize("shows", [True, False])
def test_the_table_of_runs_is_opened_unless_that_is_refused(
    shows: bool, tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    port = free_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shutil.copy(empty_store, tmp_path)}")
    monkeypatch.setattr(browser, "has_screen", lambda: True)
    monkeypatch.setattr(browser, "open_later", opened.append)
    monkeypatch.setattr(os, "execv", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["ui", "--port", str(port), *([] if shows else ["--no-browser"])])
    ui.main()
    printed = capsys.readouterr().out.split()
    (address,) = (word for word in printed if word.startswith(f"http://127.0.0.1:{port}/#/experiments/"))
    assert opened == ([address] if shows else [])


@pytest.mark.parametrize("password", ["", "me:secret@"])
def test_the_page_of_a_server_is_opened_unless_its_address_holds_a_password(
    password: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{password}mlflow.example.com")
    monkeypatch.setattr(recorder, "open_store", lambda *_: (MagicMock(), "7"))
    monkeypatch.setattr(browser, "has_screen", lambda: True)
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(sys, "argv", ["ui"])
    ui.main()
    printed = capsys.readouterr().out
    assert "mlflow.example.com/#/experiments/7/runs?" in printed
    assert "secret" not in printed
    assert opened == ([] if password else [ui.runs_page("http://mlflow.example.com", "7")])


@pytest.mark.parametrize("port", ["0", "65536", "-1", "many"])
def test_a_port_that_is_none_is_told(port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["ui", f"--port={port}"])
    with pytest.raises(SystemExit):
        ui.main()
    assert f"a whole number from 1 to 65535 is expected, not '{port}'" in capsys.readouterr().err
