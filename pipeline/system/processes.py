"""Telling processes apart and alive, and starting them quickly."""

import multiprocessing
import shutil
import socket
import sys
from multiprocessing import forkserver, util

import psutil

#: How a process starts others that need TensorFlow. One that has loaded it, and not begun to compute, may be forked; elsewhere
#: the system's own libraries start threads, and each process loads it.
START_METHOD = "forkserver" if sys.platform == "linux" else "spawn"


def preload(module: str) -> None:
    """Begin to load a module in the process that others will be forked from, if they will be."""
    if START_METHOD == "forkserver":
        multiprocessing.set_forkserver_preload([module])
        forkserver.ensure_running()


def clean_up() -> None:
    """Remove the temporary folder of `preload`'s socket, for a process that will not wait for Python to end it."""
    shutil.rmtree(util.get_temp_dir(), ignore_errors=True)


def describe(process: psutil.Process) -> str:
    """A process, so that it can be told from a later one with the same number."""
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.2f}"


def is_alive(description: str) -> bool:
    """Whether the process of a description by `describe`, of this machine, still runs."""
    try:
        return describe(psutil.Process(int(description.split(":")[1]))) == description
    except (psutil.NoSuchProcess, psutil.AccessDenied, ValueError, IndexError):
        return False


def is_here(description: str) -> bool:
    """Whether a description by `describe` is of a process of this machine, by its name."""
    return description.partition(":")[0] == socket.gethostname()


def has_died(description: str) -> bool:
    """Whether the process of a description by `describe` ran on this machine and no longer does."""
    return is_here(description) and not is_alive(description)
