"""The front door, ``python -m pipeline``, in a git worktree, on a machine that MNIST can't be had on."""

import re
from pathlib import Path

import pytest
import yaml

from pipeline.config import check
from tests.conftest import STAGES, clone, edit, repro, run


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_without_mnist_repro_stops_with_both_remedies_and_the_front_door_uses_the_bundled_digits(
    tmp_path: Path, finished: Path
) -> None:
    begin = clone(tmp_path / "no network")
    folder = tmp_path / "work tree"
    assert run(begin, "git", "worktree", "add", "-q", "-b", "other", str(folder)).returncode == 0
    edit(folder / "conf/dataset/mnist.yaml", "https://ossci-datasets.s3.amazonaws.com/mnist/", "http://127.0.0.1:9/")
    edit(folder / "conf/dataset/mnist.yaml", "https://storage.googleapis.com/cvdf-datasets/mnist/", "http://127.0.0.1:9/mnist/")
    edit(folder / "conf/config.yaml", "model: cnn", "model: mlp")
    edit(folder / "conf/training/default.yaml", "epochs: ", "epochs: 2 # ")
    edit(folder / "conf/evaluation/default.yaml", "data/strokes/pen_digits_test.json.gz", "tests/strokes/pen_digits.json.gz")
    (tmp_path / "home").mkdir()
    done = run(folder, "dvc", "repro", HOME=str(tmp_path / "home"))
    assert done.returncode != 0
    for words in ("mnist can't be had", "127.0.0.1:9/mnist/", "put these files into", "dataset=digits"):
        assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert check.load(folder / "params.yaml").dataset.name == "mnist"
    assert not (folder / "data/prepared").exists()
    assert not [path for path in (folder / "data/raw").rglob("*") if path.is_file()]
    done = run(folder, "python", "-m", "pipeline", HOME=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    assert "mnist could not be had: running with dataset=digits instead." in done.stdout
    assert "Test accuracy on digits" in done.stdout
    assert "models/mnist.h5" in done.stdout
    assert re.findall(r"^Running stage '(\w+)'", done.stdout, re.MULTILINE) == STAGES
    assert repro(folder) == []
    assert (folder / "mlflow.db").exists()
    assert not (begin / "mlflow.db").exists()
    # and two runs with the same values leave the same files, wherever they are
    first, second = outputs(finished), outputs(folder)
    assert len(first) > 10
    assert first.pop("params.yaml") != second.pop("params.yaml")  # which holds the digest of another conf/
    assert first == second


def outputs(folder: Path) -> dict[str, str]:
    """The hashes of all that the stages of a project made."""
    stages = yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage["outs"]}
