"""``python -m gui.reading``: the process that reads for the window, which starts it and talks to it."""

import os

from gui.reading.channel import ParentProcess


def main() -> None:
    """Do the window's jobs one after another. Explanations are made in the time between."""
    window = ParentProcess()
    for threads in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(threads, "1")  # a drawing is little work, and the other cores are the window's
    from gui.reading.messages import Done
    from gui.reading.service import ReadingService

    service = ReadingService(lambda: window.has_sent)
    while True:
        while service.explains and not window.has_sent:
            for message in service.go_on():
                window.send(message)
        for message in service.do(window.receive()):
            window.send(message)
        window.send(Done())


if __name__ == "__main__":
    main()
