"""The stage ``export``: the trained network becomes ``models/mnist.h5``, which a window or anybody else's program opens."""

import tempfile
from pathlib import Path

from pipeline.system import tensorflow_setup
from pipeline.system.command_line import parse_stage, run_command
from pipeline.system.patches import end_at_once
from pipeline.system.paths import MODELS, TRAINED


def main() -> None:
    """Entry point of ``python -m pipeline.export``."""
    parse_stage("export", __doc__)
    from pipeline.config.check import load  # a second, with the others, that --help need not wait for
    from pipeline.config.stages import EXPORT
    from pipeline.data import prepared
    from pipeline.inference import exported, formats
    from pipeline.tracking import stage_run
    from pipeline.training.trained import NETWORK

    configuration = load()
    with tempfile.TemporaryDirectory() as folder, stage_run.stage("export", configuration) as run:
        tensorflow_setup.start()
        run.wait_for_store()
        network = exported.open_model(TRAINED / NETWORK)
        paths = formats.write(network, configuration.export, configuration.model_dump(include=set(EXPORT.groups)))
        run.artifacts("", *paths)
        run.model(network, prepared.load("test").images[:1], Path(folder))
    for path in paths:
        print(f"Exported {path.relative_to(MODELS.parent)}, {path.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    run_command(main)
    end_at_once()
