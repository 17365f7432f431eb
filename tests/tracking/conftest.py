"""A recorder in this process, for tests of what is written: a process of its own loads MLflow for seconds."""

import dataclasses
import os
import threading
from pathlib import Path
from unittest.mock import Mock

import pytest

from pipeline.config import stages
from pipeline.tracking import dvc_plan, recorder, stage_run


class RecorderThread:
    """Takes the place of the recorder's process (`pipeline.tracking.recorder`), and is sent the same messages."""

    def __init__(self, *_: object, **__: object) -> None:
        (messages, sent), (received, answers) = os.pipe(), os.pipe()
        self.stdin, self.stdout = os.fdopen(sent, "w"), os.fdopen(received)
        self._thread = threading.Thread(target=self._serve, args=(messages, answers))
        self._thread.start()

    def _serve(self, messages: int, answers: int) -> None:
        with os.fdopen(messages) as read, os.fdopen(answers, "w") as write:
            recorder.serve(read, write)

    def wait(self) -> None:
        self._thread.join()


@pytest.fixture
def threaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stages of this process record in a thread, and are those of a project in which every stage has made an empty file."""
    monkeypatch.setattr(stage_run, "subprocess", Mock(Popen=RecorderThread))
    monkeypatch.setattr(dvc_plan, "unchanged_after", lambda _: {})  # it asks for the checkout's own stages
    for name, stage in stages.STAGES.items():
        made = tmp_path / stage.output
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()
        monkeypatch.setitem(stages.STAGES, name, dataclasses.replace(stage, output=str(made)))
