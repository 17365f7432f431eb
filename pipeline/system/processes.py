"""Telling processes apart and alive."""

import socket

import psutil


def describe(process: psutil.Process) -> str:
    """A process, so that it can be told from a later one with the same number."""
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.2f}"


def is_alive(description: str) -> bool:
    """Whether the process of a description by `describe`, of this machine, still runs."""
    try:
        return describe(psutil.Process(int(description.split(":")[1]))) == description
    except (psutil.NoSuchProcess, psutil.AccessDenied, ValueError, IndexError):
        return False


def has_died(description: str) -> bool:
    """Whether the process of a description by `describe` ran on this machine and no longer does."""
    return description.partition(":")[0] == socket.gethostname() and not is_alive(description)
