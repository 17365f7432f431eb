"""One execution of the pipeline is one MLflow run, written by all its stages.

Stages are separate processes, and any of them may be the first that DVC runs. They find each other's run by the process that
all of them descend from: the ``dvc`` that is executing. The run is closed after every stage, as finished or failed, and
opened again by the next, so that only a process that was killed with its recorder leaves one open; the next start closes that.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from omegaconf import OmegaConf

from pipeline.config.check import flatten, short
from pipeline.config.schema import Configuration, Tracking
from pipeline.config.stages import STAGES, TRAIN
from pipeline.images.arrays import CLASSES, SIDE
from pipeline.system.errors import UserError
from pipeline.system.paths import CHECKOUT, MLFLOW_DATABASE, PARAMETERS, PROJECT, md5
from pipeline.system.processes import describe

if TYPE_CHECKING:
    import keras

MOST_NAMED = 3  # differences in the name of a run
DATASET_KEYS = ("name", "validation_fraction", "split_seed", "training_limit")


class StageRun:
    """The MLflow run of this execution, written by a process of its own.

    Only `wait_for_store` and `end` wait for the store.
    """

    def __init__(self, beginning: dict[str, Any]) -> None:
        self._is_open = False
        self._result: dict[str, Any] = {"metrics": {}}
        command = [sys.executable, "-m", "pipeline.tracking.recorder"]
        self._recorder = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._send(beginning)

    def wait_for_store(self) -> None:
        """Wait until the store has the run: call this before any work that would be lost without.

        Raises:
            UserError: the store can't be used.

        """
        self._is_open = self._is_open or bool(self._receive())

    def metrics(self, step: int = 0, **values: float) -> None:
        """Log values: points of curves if `step` is given, single values else."""
        if not step:
            self._result["metrics"] |= values
        self._send({"metrics": values, "step": step})

    def artifacts(self, folder: str, *paths: Path) -> None:
        """Log files below the artifact folder `folder`, ``""`` for the root."""
        self._send({"artifacts": [str(path) for path in paths], "folder": folder})

    def model(self, network: "keras.Model", folder: Path) -> None:
        """Log a network as a model that ``mlflow.keras.load_model`` loads. `folder` holds it until the run has ended."""
        import mlflow.keras  # takes a second
        from mlflow.models import infer_signature

        signature = infer_signature(np.zeros((1, SIDE, SIDE, 1), np.float32), np.zeros((1, CLASSES), np.float32))
        requirements = ["mlflow", *(f"{name}=={version(name)}" for name in ("tensorflow", "keras"))]
        mlflow.keras.save_model(network, str(folder / "model"), signature=signature, pip_requirements=requirements)
        self._send({"model": str(folder / "model")})

    def dataset(self, name: str, sha256: str) -> None:
        """Log what the run's network was trained on."""
        self._result["dataset"] = {"name": name, "sha256": sha256}
        self._send({"dataset": self._result["dataset"]})

    def end(self, status: str, made: tuple[str, Path] | None = None) -> None:
        """Wait until everything is written.

        Args:
            status: of MLflow.
            made: the stage that has finished, and the file whose hash tells what it made: by that hash a later run finds this
                one, and takes over what is told here.

        Raises:
            UserError: the store can't be used.

        """
        if made:
            stage, path = made
            self._send({"tags": {f"{stage}_md5": md5(path), f"{stage}_result": json.dumps(self._result)}})
        self._send({"end": status})
        try:
            if self._recorder.stdin:
                self._recorder.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.wait_for_store()
            self._receive()
        finally:
            self._recorder.wait()
            if self._recorder.stdout:
                self._recorder.stdout.close()

    def _send(self, message: dict[str, Any]) -> None:
        if self._recorder.stdin:
            try:
                self._recorder.stdin.write(json.dumps(message) + "\n")
                self._recorder.stdin.flush()
            except BrokenPipeError:  # it ended with an error, which `wait_for_store` and `end` tell
                pass

    def _receive(self) -> dict[str, str]:
        line = self._recorder.stdout.readline() if self._recorder.stdout else ""
        answer: dict[str, str] = json.loads(line or '{"error": "the process that writes to MLflow has died: see above why."}')
        if "error" in answer:
            raise UserError(answer["error"])
        return answer


def uri(tracking: Tracking) -> str:
    """The store: what the configuration says, else ``MLFLOW_TRACKING_URI``, else SQLite at the root of the project."""
    return tracking.uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{PROJECT / MLFLOW_DATABASE}"


@contextmanager
def stage(name: str, configuration: Configuration) -> Iterator[StageRun]:
    """The run of this execution, open while the stage works.

    The run is tagged with the hash of what the stage made. By that hash a run for which DVC leaves an earlier stage as it was,
    or restores it from its cache, finds the run that made it, and tells what that run told.

    Raises:
        UserError: the store can't be used. What the stage has written stays.

    """
    names = list(STAGES)
    earlier = {other: CHECKOUT / STAGES[other].output for other in names[: names.index(name)]}
    run = StageRun(_beginning(name, configuration, {other: md5(path) for other, path in earlier.items() if path.exists()}))
    try:
        yield run
    except BaseException as error:
        with suppress(UserError):  # what ended the stage is told
            run.end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    try:
        run.end("FINISHED", (name, CHECKOUT / STAGES[name].output))
    except UserError as error:
        raise UserError(f"{error}\nNo training is lost: the same command goes on from its last epoch.") from None


def restored(made: dict[str, str], configuration: Configuration) -> None:
    """Log the run of an execution that runs no stage: `made` has the hash of what each stage made when it ran.

    Raises:
        UserError: the store can't be used.

    """
    beginning = _beginning("compose", configuration, made)
    StageRun(beginning | {"tags": beginning["tags"] | {"restored": "true"}}).end("FINISHED")


def _beginning(name: str, configuration: Configuration, made: dict[str, str]) -> dict[str, Any]:
    return {
        "stage": name,
        "uri": uri(configuration.tracking),
        "experiment": configuration.tracking.experiment,
        "project": str(PROJECT),
        "name": os.environ.get("DVC_EXP_NAME") or run_name(configuration),
        "parameters": parameters(configuration),
        "configuration": str(PARAMETERS),
        "tags": tags(configuration),
        "made": made,
    }


def run_name(configuration: Configuration) -> str:
    """The configuration's name, and what of it is not as it was committed: ``default, dropout=0.3, seed=1``."""
    try:
        committed: Any = OmegaConf.to_container(OmegaConf.create(git("show", "HEAD:./params.yaml")))
        before, after = flatten(_tuned(committed)), flatten(_tuned(configuration.model_dump()))
        if committed["name"] != configuration.name:
            return configuration.name
    except Exception:  # there is none, or it is broken, which is no matter here
        return configuration.name
    changed = [f"{key.removesuffix('.name')}={after[key]}" for key in after if before.get(key) != after[key]]
    named = short(changed[:MOST_NAMED])
    return ", ".join(filter(None, [configuration.name, named, "…" if len(changed) > MOST_NAMED else ""]))


def parameters(configuration: Configuration) -> dict[str, Any]:
    """What a person tunes, flat and few: of what is set; and of all blocks in one, ``model.blocks.filters = 24, 64, 96``.

    The name of a group's option is called like the group: ``optimizer = adadelta``.
    """
    together: dict[str, list[Any]] = {}
    for key, value in flatten(_tuned(configuration.model_dump())).items():
        if value is not None:
            together.setdefault(re.sub(r"\.\d+(?=\.)", "", key).removesuffix(".name"), []).append(value)
    return {key: ", ".join(map(str, values)) for key, values in together.items()}


def _tuned(values: dict[str, Any]) -> dict[str, Any]:
    """Of a configuration what a person tunes."""
    dataset = values.get("dataset") or {}
    return {group: values.get(group) for group in TRAIN.groups} | {"dataset": {key: dataset.get(key) for key in DATASET_KEYS}}


def tags(configuration: Configuration) -> dict[str, str]:
    """Who makes a run, from what: the process, the configuration's name, dataset and commit."""
    commit, dirty = git_state()
    tags = {
        "execution": describe(_executor()),
        "process": describe(psutil.Process()),
        "configuration": configuration.name,
        "dataset": configuration.dataset.name,
        "mlflow.source.name": "dvc",
        "mlflow.source.git.commit": commit,
        "git_commit": commit,
        "git_dirty": str(dirty).lower(),
    }
    if name := os.environ.get("DVC_EXP_NAME"):
        tags |= {"dvc_experiment": name, "dvc_baseline": os.environ.get("DVC_EXP_BASELINE_REV", "")}
    return tags


def git_state() -> tuple[str, bool]:
    """The commit that is checked out, and whether tracked files differ from it; an empty commit outside of git."""
    # What a run itself writes is no change of the code.
    own = [":!params.yaml", ":!dvc.lock", ":!reports"]
    return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no", "--", ".", *own))


def git(*arguments: str) -> str:
    """What git says of the checkout; nothing if it fails."""
    done = subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, encoding="utf-8", check=False)
    return done.stdout.strip()


def _executor() -> psutil.Process:
    """The ``dvc`` process that runs this stage; without DVC, this process itself."""
    process = psutil.Process()
    if "DVC_STAGE" in os.environ:
        for ancestor in process.parents():
            process = ancestor
            if "DVC_STAGE" not in ancestor.environ():  # it set the variable for its children
                break
    return process
