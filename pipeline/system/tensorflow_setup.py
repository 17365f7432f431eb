"""Starting TensorFlow without its noise, and leaving it. Start it before anything imports tensorflow or keras."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from pipeline.system import importing


def load() -> None:
    """Import TensorFlow, and nothing more: no thread is started and no device touched, so that the process may be forked."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # It and Keras have wrappers and plots for these: half of the time that it takes.
    with importing.lightly("matplotlib", "pandas", "scipy", "sklearn"), _quietly():
        importing.in_one_piece(_import)
    import absl.logging

    absl.logging.set_verbosity(absl.logging.ERROR)  # or Keras says at every export that HDF5 is old


def _import() -> None:
    import tensorflow  # noqa: F401


def start(deterministic: bool = False) -> None:
    """Import TensorFlow and let it look for its devices.

    Args:
        deterministic: allow only operations that give the same result every time.

    """
    load()
    import tensorflow

    with _quietly():
        for gpu in tensorflow.config.list_physical_devices("GPU"):
            tensorflow.config.experimental.set_memory_growth(gpu, True)
    if deterministic:
        tensorflow.config.experimental.enable_op_determinism()


@contextmanager
def _quietly() -> Iterator[None]:
    """Show only on failure what is written to standard error meanwhile: without a GPU, TensorFlow says at length so."""
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as noise:
        os.dup2(noise.fileno(), 2)
        try:
            yield
        except BaseException:
            noise.seek(0)
            os.write(screen, noise.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)


def leave() -> NoReturn:
    """End the process well and at once: libraries take up to a second to take themselves apart, and all is written."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
