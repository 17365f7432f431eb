"""What `pipeline.processes.preload` loads for a sweep: all that a worker needs, so that it begins with it."""

from pipeline import tensorflow_setup

tensorflow_setup.load()

from pipeline import trainer, trial  # noqa: E402, F401
