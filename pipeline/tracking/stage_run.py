"""One execution of the pipeline is one MLflow run, written by all its stages.

Stages are separate processes, and any of them may be the first that DVC runs. They find their common run by the ``dvc`` process
that started them. The run is closed after each stage, as finished or failed, and the next one opens it again. Only a stage that
was killed together with its recorder leaves its run open; the next stage that starts closes it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config.schema import Configuration, Tracking
from pipeline.config.stages import STAGES
from pipeline.system.errors import UserError
from pipeline.system.paths import CHECKOUT, MLFLOW_DATABASE, PARAMETERS, PROJECT, md5
from pipeline.tracking import dvc_plan
from pipeline.tracking.provenance import description, parameters, run_name, tags

if TYPE_CHECKING:
    import keras

    from pipeline.images.arrays import Images

#: The packages that a logged model needs to be loaded and served, which MLflow installs in the versions of this environment.
SERVING = ("mlflow", "tensorflow", "keras", "numpy", "h5py")

#: The tag of a run whose last stages did not run. If one runs after all, as with ``dvc repro --force``, its run is another.
RESTORED = {"restored": "true"}


class StageRun:
    """The MLflow run of this execution, written by another process (`pipeline.tracking.recorder`).

    Only `wait_for_store` and `end` wait for the store.
    """

    def __init__(self, beginning: dict[str, Any]) -> None:
        self._is_open = False
        self._result: dict[str, Any] = {"metrics": {}}
        command = [sys.executable, "-m", "pipeline.tracking.recorder"]
        self._recorder = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._recorder.stdin
        assert self._recorder.stdout
        self._messages, self._answers = self._recorder.stdin, self._recorder.stdout
        self._send(beginning)

    def wait_for_store(self) -> None:
        """Wait until the store has the run: call this before work that would be lost without the store.

        Raises:
            UserError: the store can't be used.
        """
        self._is_open = self._is_open or bool(self._receive())

    def metrics(self, step: int = 0, **values: float) -> None:
        """Log metrics: with `step`, points of curves; without, single values."""
        if not step:
            self._result["metrics"] |= values
        self._send({"metrics": values, "step": step})

    def artifacts(self, folder: str, *paths: Path) -> None:
        """Log files below the artifact folder `folder`, ``""`` for the root."""
        self._send({"artifacts": [str(path) for path in paths], "folder": folder})

    def model(self, network: "keras.Model", images: "Images", folder: Path) -> None:
        """Log a network as a model that MLflow loads and serves, with an example of its input, and its summary.

        The folder holds their files until the run has ended.
        """
        import mlflow.keras  # takes a second
        import numpy as np
        from mlflow.models import infer_signature

        from pipeline.images.arrays import CLASSES, network_input

        example, summary = network_input(images), folder / "model_summary.txt"
        signature = infer_signature(example, np.zeros((len(images), CLASSES), np.float32))
        requirements = [f"{name}=={version(name)}" for name in SERVING]
        model = folder / "model"
        model.mkdir()  # MLflow 3.17 writes the example into it before it makes it
        mlflow.keras.save_model(network, str(model), signature=signature, input_example=example, pip_requirements=requirements)
        with summary.open("w", encoding="utf-8") as file:
            network.summary(print_fn=lambda line: print(line, file=file))
        self.artifacts("", summary)
        self._send({"model": str(model)})

    def dataset(self, name: str, sha256: str) -> None:
        """Log the data that the network is trained on."""
        self._result["dataset"] = {"name": name, "sha256": sha256}
        self._send({"dataset": self._result["dataset"]})

    def take_over(self, made: dict[str, str]) -> None:
        """Copy the results of later stages, which will not run: `made` has the hash of the output of each."""
        self._send({"made": made, "tags": RESTORED})

    def end(self, status: str, made: tuple[str, Path] | None = None) -> None:
        """Wait until everything is written.

        Args:
            status: of the run, in MLflow's words.
            made: the stage that has finished, and its output. By the hash of the output a later run that doesn't run the stage
                finds this one, and copies its results.

        Raises:
            UserError: the store can't be used.
        """
        if made:
            stage, path = made
            self._send({"tags": {f"{stage}_md5": md5(path), f"{stage}_result": json.dumps(self._result)}})
        self._send({"end": status})
        with suppress(BrokenPipeError):
            self._messages.close()
        try:
            self.wait_for_store()
            self._receive()
        finally:
            self._recorder.wait()
            self._answers.close()

    def _send(self, message: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):  # the recorder ended with an error, which `wait_for_store` and `end` raise
            print(json.dumps(message), file=self._messages, flush=True)

    def _receive(self) -> dict[str, str]:
        line = self._answers.readline()
        answer: dict[str, str] = json.loads(
            line or '{"error": "the process that writes to MLflow has died; its last words are above."}'
        )
        if "error" in answer:
            raise UserError(answer["error"])
        return answer


def uri(tracking: Tracking) -> str:
    """The address of the store: of the configuration, else ``MLFLOW_TRACKING_URI``, else SQLite at the root of the project."""
    return tracking.uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{PROJECT / MLFLOW_DATABASE}"


@contextmanager
def stage(name: str, configuration: Configuration) -> Iterator[StageRun]:
    """The run of this execution, open while the stage works.

    It also gets the results of earlier stages that DVC didn't run, from the runs that made their outputs; and those of later
    ones, if none will run since this one made what it had made before.

    Raises:
        UserError: the store can't be used. What the stage has written stays.
    """
    names = list(STAGES)
    earlier = {other: CHECKOUT / STAGES[other].output for other in names[: names.index(name)]}
    run = StageRun(_beginning(name, configuration, {other: md5(path) for other, path in earlier.items() if path.exists()}))
    try:
        yield run
    except BaseException as error:
        with suppress(UserError):  # `error` is raised
            run.end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    if made := dvc_plan.unchanged_after(name):
        run.take_over(made)
    try:
        run.end("FINISHED", (name, CHECKOUT / STAGES[name].output))
    except UserError as error:
        kept = "\nNo training is lost: the same command resumes after its last epoch." if name == "train" else ""
        raise UserError(f"{error}{kept}") from None


def restored(made: dict[str, str], configuration: Configuration) -> None:
    """Log the run of an execution that runs no stage: `made` has the hash of each stage's output.

    Raises:
        UserError: the store can't be used.
    """
    beginning = _beginning("compose", configuration, made)
    StageRun(beginning | {"tags": beginning["tags"] | RESTORED}).end("FINISHED")


def _beginning(name: str, configuration: Configuration, made: dict[str, str]) -> dict[str, Any]:
    return {
        "stage": name,
        "uri": uri(configuration.tracking),
        "experiment": configuration.tracking.experiment,
        "project": str(PROJECT),
        "name": os.environ.get("DVC_EXP_NAME") or run_name(configuration),
        "description": description(configuration),
        "parameters": parameters(configuration),
        "configuration": str(PARAMETERS),
        "tags": tags(configuration, "dvc"),
        "made": made,
    }
