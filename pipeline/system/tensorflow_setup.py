"""Starting TensorFlow without its messages. Start it before anything imports tensorflow or keras."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.system import patches


def start(deterministic: bool = False) -> None:
    """Import TensorFlow and let it find its devices. `deterministic` allows only operations that give the same each time."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with patches.importing_without("matplotlib", "pandas", "scipy", "sklearn"), _quietly():
        import keras  # noqa: F401
        import tensorflow
    import absl.logging

    absl.logging.set_verbosity(absl.logging.ERROR)  # Keras would warn at every export that HDF5 is old
    with _quietly():
        for gpu in tensorflow.config.list_physical_devices("GPU"):
            tensorflow.config.experimental.set_memory_growth(gpu, True)
    if deterministic:
        tensorflow.config.experimental.enable_op_determinism()


@contextmanager
def _quietly() -> Iterator[None]:
    """Show what is written to standard error only if the block fails: without a GPU, TensorFlow writes many lines."""
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
