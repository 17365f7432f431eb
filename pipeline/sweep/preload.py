"""What `pipeline.system.processes.preload` loads for a sweep: all that a worker needs, so that it begins with it."""

import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the coordinator, which ends its workers

from pipeline.system import importing, tensorflow_setup  # noqa: E402


def _load() -> None:
    with importing.lightly():
        tensorflow_setup.load()
        from pipeline.sweep import trial  # noqa: F401
        from pipeline.training import trainer  # noqa: F401


importing.in_one_piece(_load)
