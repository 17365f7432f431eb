"""``python -m pipeline.sweep``: see `pipeline.sweep.command`."""

from pipeline.sweep.command import main
from pipeline.system.command_line import run_command

if __name__ == "__main__":
    run_command(main)
