"""The front door, ``python -m pipeline``, in a git worktree, on a machine that MNIST can't be had on."""

import re
from pathlib import Path

import pytest

from tests.conftest import STAGES, clone, edit, put_stand_ins, repro, run


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_without_mnist_the_front_door_says_both_remedies_and_uses_the_bundled_digits(tmp_path: Path) -> None:
    begin = clone(tmp_path / "no network")
    folder = tmp_path / "work tree"
    assert run(begin, "git", "worktree", "add", "-q", "-b", "other", str(folder)).returncode == 0
    edit(folder / "conf/dataset/mnist.yaml", "https://ossci-datasets.s3.amazonaws.com/mnist/", "http://127.0.0.1:9/")
    edit(folder / "conf/dataset/mnist.yaml", "https://storage.googleapis.com/cvdf-datasets/mnist/", "http://127.0.0.1:9/mnist/")
    put_stand_ins(folder, "train", "evaluate", "export")
    (tmp_path / "home").mkdir()
    done = run(folder, "python", "-m", "pipeline", HOME=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    for words in ("Error: mnist can't be had", "127.0.0.1:9/mnist/", "put these files into", "dataset=digits"):
        assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not [path for path in (folder / "data/raw").rglob("*") if path.is_file()]
    assert "mnist could not be had: running with dataset=digits instead." in done.stdout
    assert "Test accuracy on digits: 50.00% (40.00% to 60.00%)" in done.stdout
    assert "models/mnist.h5" in done.stdout
    assert re.findall(r"^Running stage '(\w+)'", done.stdout, re.MULTILINE) == STAGES
    assert repro(folder) == []
    assert (folder / "mlflow.db").exists()
    assert not (begin / "mlflow.db").exists()
