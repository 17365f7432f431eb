"""Identifying processes, and whether they have died."""

import socket

import psutil


def describe(process: psutil.Process) -> str:
    """A text that identifies a process, also after its number was given to a later one."""
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.2f}"


def has_died(description: str) -> bool:
    """Whether the process of a description by `describe` ran on this machine and runs no longer."""
    host, _, rest = description.partition(":")
    try:
        return host == socket.gethostname() and describe(psutil.Process(int(rest.partition(":")[0]))) != description
    except (psutil.NoSuchProcess, psutil.AccessDenied, ValueError):
        return True
