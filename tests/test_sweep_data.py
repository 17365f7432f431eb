"""Reading the pictures of a sweep in a process of its own, which may fail, or be killed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from pipeline.sweep.data import begin_to_read, read
from pipeline.system.errors import UserError
from tests.conftest import ROOT
from tests.test_datasets import configured


def test_pictures_that_are_read_in_another_process_are_the_same() -> None:
    dataset = configured("dataset=digits").dataset.model_dump_json()
    found, expected = begin_to_read(dataset)(), read(dataset)
    assert found[2:] == expected[2:]
    np.testing.assert_array_equal(found.train.pictures, expected.train.pictures)
    np.testing.assert_array_equal(found.validation.labels, expected.validation.labels)


def test_what_is_wrong_with_the_pictures_is_told_by_the_process_that_asked(tmp_path: Path) -> None:
    dataset = configured("dataset=folder", f"dataset.folder={tmp_path}").dataset.model_dump_json()
    wait = begin_to_read(dataset)
    with pytest.raises(UserError, match=r"[^E].* must hold folders 0 to 9 with pictures in them"):
        wait()


def test_pictures_come_even_if_the_process_that_reads_them_is_killed() -> None:
    dataset = configured("dataset=digits").dataset.model_dump_json()
    before = psutil.Process().children()
    wait = begin_to_read(dataset)
    (process,) = [child for child in psutil.Process().children() if child not in before]
    process.kill()
    process.wait()
    assert wait().sha256 == read(dataset).sha256


def test_the_process_that_reads_ends_with_the_one_that_made_it() -> None:
    dataset = configured("dataset=digits").dataset.model_dump_json()
    code = f"import os; from pipeline.sweep.data import begin_to_read; begin_to_read({dataset!r}); os._exit(9)"
    # The pictures are more than a pipe holds: the process that sends them would keep these pipes open for ever.
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (9, b"")
