"""How a command ends, and how a stage reads its command line."""

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from errno import ENOSPC
from math import inf

from pipeline.system.errors import UserError


def run_command(main: Callable[[], int | None]) -> None:
    """Run a command's `main`. A `UserError` ends the process with ``Error: <message>`` and exit code 1, Ctrl-C with 130.

    Everywhere else errors are exceptions, which a script, a notebook or a server can catch.

    If nobody reads the output to its end, as with ``| head``, the process ends with exit code 1 and says nothing:
    https://docs.python.org/3/library/signal.html#note-on-sigpipe. A disk that is full is told like a `UserError`.
    """
    try:
        try:
            code = main()
        finally:
            print(end="", flush=True)  # at Python's end it would be too late to catch a broken pipe
    except UserError as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)  # as a shell has it
    except BrokenPipeError:
        _write_no_more()
        sys.exit(1)
    except OSError as error:
        if error.errno != ENOSPC:
            raise
        _write_no_more()
        sys.exit(f"Error: the disk is full: {error}. Make room, and run the command again.")
    if code:
        sys.exit(code)


def _write_no_more() -> None:
    """Let what is still to be written go nowhere: at its end Python would try once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def number_argument(least: float, most: float = inf) -> Callable[[str], float]:
    """The `type` of an argument that is a number in these bounds; a whole one if the lower bound is."""
    kind: type[int] | type[float] = int if isinstance(least, int) else float

    def parse(text: str) -> float:
        with suppress(ValueError):
            if least <= (value := kind(text)) <= most:
                return value
        bounds = f"from {least} to {most}" if most < inf else f"of at least {least}"
        raise argparse.ArgumentTypeError(f"a {'whole ' * (kind is int)}number {bounds} is expected, not {text!r}")

    return parse


def parse_stage(name: str, description: str | None) -> None:
    """Read the command line of a stage, which has no options but ``--help``.

    An argument ends the process with exit code 2, as argparse has it. For an override, the message names the commands that
    take one. The description of the stage, in a sentence, is the docstring of its module.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m pipeline.{name}",
        description=f"{(description or '').replace('``', '')} The configuration is params.yaml. `dvc repro` runs the stage "
        "when what it depends on has changed.",
    )
    _, given = parser.parse_known_args()
    overrides = [word.lstrip("-") for word in given if "=" in word or word.startswith("~")]
    if overrides:
        words = shlex.join(overrides)
        parser.error(
            f"a stage takes no overrides, for params.yaml is its configuration; received {words}. Nothing was run.\n"
            f"To keep the value:            python -m pipeline.compose {words} && dvc repro\n"
            f"To try it as an experiment:   dvc exp run {' '.join(f'-S {shlex.quote(word)}' for word in overrides)}"
        )
    if given:
        parser.error(f"a stage takes no arguments, and received {shlex.join(given)}. Nothing was run.")
