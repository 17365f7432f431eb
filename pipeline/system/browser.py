"""``python -m pipeline.system.browser ADDRESS``: opens a page in the browser, once its server answers.

It is a process of its own, for a command that starts a server may become that server.
"""

import os
import socket
import subprocess
import sys
import time
import webbrowser
from urllib.parse import urlsplit

PATIENCE = 60.0  # seconds for a server to start
PAUSE = 0.3  # seconds between two attempts to reach it


def answers(host: str, port: int) -> bool:
    """Whether a server listens there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def has_screen() -> bool:
    """Whether somebody sits at this machine: the output goes to a terminal of a graphical desktop, not of another machine."""
    is_here = sys.stdout.isatty() and not os.environ.keys() & {"SSH_CONNECTION", "SSH_TTY"}
    return is_here and (sys.platform in ("win32", "darwin") or bool(os.environ.keys() & {"DISPLAY", "WAYLAND_DISPLAY"}))


def open_later(address: str) -> None:
    """Start the process that opens a page, and don't wait for it."""
    # Without a terminal: a browser for terminals would take this one, and others write to it.
    nowhere = subprocess.DEVNULL
    subprocess.Popen([sys.executable, "-m", __name__, address], stdin=nowhere, stdout=nowhere, stderr=nowhere)


def wait_and_open(address: str) -> None:
    """Open a page once its server answers; not if that takes too long, or if the process that started this one has ended.

    The address names the server's port.
    """
    place, parent, end = urlsplit(address), os.getppid(), time.monotonic() + PATIENCE
    while not (is_up := answers(place.hostname or "", place.port or 0)) and time.monotonic() < end and os.getppid() == parent:
        time.sleep(PAUSE)
    if is_up:
        webbrowser.open(address)


if __name__ == "__main__":
    wait_and_open(sys.argv[1])
