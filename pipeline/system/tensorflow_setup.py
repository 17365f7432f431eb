"""Starting TensorFlow without its messages. Start it before anything imports tensorflow or keras."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from pipeline.system import patches
from pipeline.system.errors import UserError

#: The process that has started it. TensorFlow's threads don't live on in a process that is forked from it, which would wait
#: for them forever.
_started_in: int | None = None


def start(deterministic: bool = False, is_own_process: bool = True) -> None:
    """Import TensorFlow and let it find its devices.

    Args:
        deterministic: whether only operations are allowed that give the same each time.
        is_own_process: whether all that the process does is known here. In a script or a notebook of others Keras finds all
            libraries that it has wrappers for.

    Raises:
        UserError: Keras was imported with another backend, or the process was forked from one that has TensorFlow.
    """
    global _started_in
    must_not_be_forked()
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    lean = patches.importing_without("matplotlib", "pandas", "scipy", "sklearn") if is_own_process else nullcontext()
    with lean, _quietly():
        import keras
        import tensorflow
    if (backend := keras.backend.backend()) != "tensorflow":
        raise UserError(f"Keras was imported with the backend {backend} here. Import keras after this, or in another process.")
    _started_in = os.getpid()
    import absl.logging

    absl.logging.set_verbosity(absl.logging.ERROR)  # Keras would warn at every export that HDF5 is old
    with _quietly():
        for gpu in tensorflow.config.list_physical_devices("GPU"):
            tensorflow.config.experimental.set_memory_growth(gpu, True)
    if deterministic:
        tensorflow.config.experimental.enable_op_determinism()


def must_not_be_forked() -> None:
    """Make sure that this process was not forked from one that has TensorFlow.

    Raises:
        UserError: it was.
    """
    if _started_in not in (None, os.getpid()):
        raise UserError(
            "this process was forked from one that reads already, and TensorFlow can't go on in both. "
            'Start processes anew: multiprocessing.get_context("spawn")'
        )


@contextmanager
def _quietly() -> Iterator[None]:
    """Show what is written to standard error only if the block fails: without a GPU, TensorFlow writes many lines."""
    if sys.stderr is None:  # as in a program without a console
        yield
        return
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        except BaseException:
            written.seek(0)
            os.write(screen, written.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)
