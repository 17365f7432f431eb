"""Reading the pictures of a sweep in a process of its own, which may fail, or be killed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from pipeline.errors import UserError
from pipeline.sweep_data import Reader, read
from tests.conftest import ROOT
from tests.test_datasets import configured


def test_pictures_that_are_read_in_another_process_are_the_same() -> None:
    dataset = configured("dataset=digits").dataset.model_dump_json()
    reader = Reader()
    reader.begin(dataset)
    found, expected = reader.wait(), read(dataset)
    assert found[2:] == expected[2:]
    np.testing.assert_array_equal(found.train.pictures, expected.train.pictures)
    np.testing.assert_array_equal(found.validation.labels, expected.validation.labels)


def test_what_is_wrong_with_the_pictures_is_told_by_the_process_that_asked(tmp_path: Path) -> None:
    dataset = configured("dataset=folder", f"dataset.folder={tmp_path}").dataset.model_dump_json()
    reader = Reader()
    reader.begin(dataset)
    with pytest.raises(UserError, match=r"^Error: [^E].* must hold folders 0 to 9 with pictures in them"):
        reader.wait()


@pytest.mark.parametrize("has_begun", [True, False])
def test_pictures_come_even_if_the_process_that_reads_them_is_killed(has_begun: bool) -> None:
    dataset = configured("dataset=digits").dataset.model_dump_json()
    before = psutil.Process().children()
    reader = Reader()
    (process,) = [child for child in psutil.Process().children() if child not in before]
    if has_begun:
        reader.begin(dataset)
    process.kill()
    process.wait()
    if not has_begun:
        reader.begin(dataset)
    assert reader.wait().sha256 == read(dataset).sha256


def test_the_process_that_reads_ends_with_the_one_that_made_it() -> None:
    code = "import os; from pipeline.sweep_data import Reader; Reader(); os._exit(9)"
    # The process that reads has the same output, and what runs here waits until nobody can write to it any more.
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert made.returncode == 9
