"""``python -m pipeline.sweep``: try many configurations, and keep the best as an experiment.

Optuna chooses the configurations, Dask's workers train them, and MLflow tracks them. If a worker or this process is killed, at
most the running trials are lost: the same command resumes the study.
"""

import argparse
import signal
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from typing import TYPE_CHECKING

from pipeline.system.errors import ConfigurationError, UserError

if TYPE_CHECKING:  # importing these takes seconds, and `--help` needs none of them
    from pipeline.sweep.objective import Objective
    from pipeline.sweep.schema import SweepConfiguration
    from pipeline.sweep.search_space import Dimension
    from pipeline.sweep.study import Study
    from pipeline.sweep.sweep_logger import SweepLogger
    from pipeline.sweep.trial import Fit

TICK = 1.0  # between two looks at the clock of the display, seconds


def plan(overrides: list[str]) -> tuple["SweepConfiguration", list["Dimension"], list[str]]:
    """Read the command line.

    Returns:
        The checked configuration, the search space, and the overrides that hold for every trial.

    Raises:
        ConfigurationError: an override or a value is not valid, before anything runs.
    """
    from pipeline.config.composition import key_of, warn
    from pipeline.sweep import search_space

    varied, fixed = search_space.parse(overrides)
    for part in varied:
        if part.key.partition(".")[0] == "sweep":
            raise ConfigurationError(f"{part.key}: a sweep can't vary its own settings. Run one sweep with each value.")
    checked = _composed(fixed)
    chosen = {key_of(text) for text in fixed}  # on the command line, which overrides the file of the sweep
    own, constant = search_space.parse([f"{key}={value}" for key, value in checked.sweep.space.items() if key not in chosen])
    if constant:
        checked = _composed(constant + fixed)
    space = {part.key: part for part in own + varied}
    if not space:
        taken = ", ".join(sorted(chosen & checked.sweep.space.keys()))
        raise ConfigurationError(
            f"nothing is left that sweep={checked.sweep.name} could vary: {taken} is fixed. Leave it out, or vary it."
        )
    for_all = constant + [text for text in fixed if key_of(text).partition(".")[0] != "sweep"]
    _try_out(list(space.values()), for_all)
    warn(checked, space)
    return checked, list(space.values()), for_all


def _composed(overrides: list[str]) -> "SweepConfiguration":
    from pipeline.config.check import check_by
    from pipeline.config.composition import compose
    from pipeline.sweep.schema import SweepConfiguration

    return check_by(SweepConfiguration, compose(overrides, schema=SweepConfiguration))


def _try_out(space: list["Dimension"], for_all: list[str]) -> None:
    """Compose one corner of the space or the opposite one, so that an unknown key is reported before anything runs.

    Where the space varies a whole group, as in ``optimizer=choice(adadelta, adam)``, each option must have all keys. A value
    out of bounds is reported too; whether values go together is known when a trial has them.
    """
    from pipeline.config.check import check_bounds
    from pipeline.config.composition import compose, with_override
    from pipeline.system.paths import CONFIGURATION

    groups = [part for part in space if (CONFIGURATION / part.key).is_dir()]
    for options in product(*(part.values for part in groups)):
        chosen = {part.key: option for part, option in zip(groups, options, strict=True)}
        for end in (0, -1):
            try:
                values = compose(for_all + [part.override(chosen.get(part.key, part.ends[end])) for part in space])
                for part in space:
                    for value in () if part in groups else part.checked:
                        check_bounds(with_override(values, part.override(value)))
            except UserError as error:
                problem = str(error)
            else:
                break
        else:
            such = "".join(f"\n    with: {key}={option}" for key, option in chosen.items())
            keys = ", ".join(part.key for part in space)
            raise ConfigurationError(
                f"{problem}{such}\nThe sweep varies {keys}. To vary others, copy its file in conf/sweep/ and choose that: "
                "sweep=<its name>"
            )


class Display:
    """Shows how many trials are done, running, pruned and failed, the best value so far, and the time left."""

    #: Without the time of a trial, which an 80-column terminal has no room for.
    FORMAT = "{n_fmt}/{total_fmt} trials |{bar}| [{elapsed}<{remaining}{postfix}]"

    def __init__(self, study: "Study") -> None:
        from pipeline.system.progress import progress_bar

        self._study, count = study, study.count()
        self._bar = progress_bar(study.wanted, count.done, self.FORMAT)
        self._ended, self._ticking = threading.Event(), threading.Thread(target=self._tick, daemon=True)
        if count.done or count.queued:
            interrupted = f", {count.queued} were interrupted" if count.queued else ""
            self.say(f"Resuming {study.name}: {count.done} trials are done{interrupted}.")
        if count.running:
            self.say(f"{count.running} run elsewhere, or were killed so lately that they have not been given up yet.")

    def __enter__(self) -> "Display":
        self._ticking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._ticking.join()
        self._bar.close()

    def _tick(self) -> None:
        """Let the clock go on while nothing else changes: a trial may take minutes."""
        while not self._ended.wait(TICK):
            self._bar.refresh()

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._bar.write(line)
        sys.stdout.flush()

    def update(self) -> None:
        """Show the current state of the sweep."""
        count, best = self._study.count(), self._study.best()
        parts = {"running": count.running, "pruned": count.pruned, "failed": count.failed}
        told = [f"{number} {word}" for word, number in parts.items() if number]
        if best:
            told.append(f"best {self._study.shown(best.value or 0.0)}")
        self._bar.set_postfix_str(", ".join(told), refresh=False)
        self._bar.update(count.done - self._bar.n)
        self._bar.refresh()


def conclude(study: "Study", configuration: "SweepConfiguration", for_all: list[str]) -> str:
    """Write the best trial as an experiment, and return a message that says what to do next."""
    from pipeline.sweep import best_experiment

    sweep, best, count = configuration.sweep, study.best(), study.count()
    ended = f"\n{count.finished} finished, {count.pruned} pruned, {count.failed} failed."
    if best is None or best.value is None:
        return f"{ended} No trial finished, so there is no best one."
    if {part.key for part in study.space} == {"training.seed"}:
        finished = [trial for trial in study.ended() if trial.state.name == "COMPLETE"]
        # One value for each seed: two commands may have tried the same.
        values = {trial.params["training.seed"]: trial.value for trial in finished if trial.value is not None}
        told = spread(list(values.values()), sweep.objective)
        return f"{ended}\n{told}\nNo experiment was written: the best of several seeds is luck."
    score = f"{sweep.objective} {study.shown(best.value or 0.0)}"
    overrides = study.overrides(best.params)
    origin = f"{study.name},trial={best.number},{score.replace(' ', '=')}"
    path, kept = best_experiment.write(sweep.name, for_all + overrides, origin)
    return (
        f"{ended}\nBest: trial {best.number}, {score}: {' '.join(overrides)}\n"
        + (f"What was in conf/experiment/{path.name} is kept as {kept.name}.\n" if kept else "")
        + f"Written to conf/experiment/{path.name}. Make it a run of the whole pipeline:\n\n"
        f"  dvc exp run -S experiment={path.stem}\n\n"
        f"Before you branch or share that run, commit its file: git add conf/experiment/{path.name}"
    )


def spread(values: list[float], objective: str) -> str:
    """Mean, standard deviation and 95 % interval of the mean, by Student's t."""
    form = ".4%" if objective == "validation_accuracy" else ".6f"
    mean = statistics.fmean(values)
    if len(values) < 2:
        return f"{objective} over one seed: {mean:{form}}"
    from scipy.stats import t

    standard_deviation = statistics.stdev(values)
    half = float(t.ppf(0.975, len(values) - 1)) * standard_deviation / len(values) ** 0.5
    return (
        f"{objective} over {len(values)} seeds: mean {mean:{form}}, standard deviation {standard_deviation:{form}}, "
        f"95% interval of the mean {mean - half:{form}} to {mean + half:{form}}"
    )


def run(overrides: list[str], fit: "Fit | None" = None) -> str:
    """Run a sweep from its command line, and return the message for its end.

    To test and measure the sweep itself, `fit` is what a worker runs instead of a training.

    Raises:
        UserError: a value is wrong, a store or the cluster can't be used, or too many trials have failed.
    """
    begin = time.perf_counter()
    configuration, space, for_all = plan(overrides)
    from pipeline.config.parameters_file import tell_left_overrides
    from pipeline.sweep import study
    from pipeline.sweep.workers import workers
    from pipeline.system.paths import PROJECT
    from pipeline.tracking import recorder, stage_run

    tell_left_overrides([*for_all, *(part.key for part in space)], "sweep")
    tracking, storage = configuration.tracking, study.storage(configuration.sweep)
    recorder.open_store(stage_run.uri(tracking), tracking.experiment, PROJECT)  # before the workers start, which takes long
    with workers(configuration.sweep) as (client, starting):
        from distributed import wait

        from pipeline.sweep import data, trial
        from pipeline.sweep.objective import Objective
        from pipeline.sweep.sweep_logger import SweepLogger

        images = data.read(configuration.dataset.model_dump_json())
        wait(starting)
        trials = study.Study(configuration, space, images.sha256, storage)
        logger = SweepLogger(configuration, trials)
        with Display(trials) as display:
            objective = Objective(configuration, for_all, images, trials, logger, client, display.say, fit or trial.fit)
            try:
                with _signals(objective), _finishing(logger):
                    objective.optimize(display.update)
            except study.STORE_PROBLEMS as error:
                raise study.unusable(configuration.sweep.storage, error) from None
    took = f"\n{time.perf_counter() - begin:.1f} s, {objective.train_seconds:.1f} s of training."
    return conclude(trials, configuration, for_all) + took


@contextmanager
def _signals(objective: "Objective") -> Iterator[None]:
    """Let Ctrl-C and SIGTERM stop all trials in an orderly way.

    A KeyboardInterrupt that is raised at any point of the program would leave a trial half recorded.
    """

    def stop(*_: object) -> None:
        objective.error = objective.error or KeyboardInterrupt()

    both = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop) for number in both]
    try:
        yield
    finally:
        for number, handler in zip(both, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def _finishing(logger: "SweepLogger") -> Iterator[None]:
    """Close the MLflow run of the sweep, whatever ends it."""
    try:
        yield
    except BaseException as error:
        with suppress(Exception):  # the error that ended the sweep is raised
            logger.finish("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    logger.finish("FINISHED")


def main() -> None:
    """Entry point of ``python -m pipeline.sweep``."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.sweep",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Try many configurations and keep the best as an experiment. A sweep is a file of conf/sweep/.\n"
        "Killed or interrupted, the same command resumes with the remaining trials.",
        epilog="Examples:\n  python -m pipeline.sweep sweep=adadelta sweep.trials=40\n"
        "  python -m pipeline.sweep sweep=grid model=mlp dataset=digits\n"
        "  python -m pipeline.sweep sweep=seeds 'training.seed=range(0, 10)'\n"
        "  python -m pipeline.sweep sweep=adadelta sweep.scheduler=tcp://host:8786",
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="in Hydra's override grammar; sweeps are part of it")
    options, unknown = parser.parse_known_args()
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}\nSettings are written as KEY=VALUE, as in sweep.trials=40.")
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # SIGTERM ends the sweep like Ctrl-C
    try:
        print(run(options.overrides))
    except KeyboardInterrupt:
        print("\nStopped. Nothing is lost: the same command resumes with the remaining trials.")
        sys.exit(130)
