"""Measures sweeps: ``python benchmarks/sweep.py [overhead] [queue] [pruning] [thousand]``, in an environment of the project.

overhead: what twenty trials cost beside their training. queue: trials an hour, against ``dvc queue start -j 2`` of the same
configurations, one after the other. pruning: when the sweep ``adadelta`` with median pruning reaches the best of its unpruned
self. thousand: memory of the coordinator, and how long both stores take to read, after 1,000 trials of a trivial objective.
All in a temporary clone.
"""

import json
import math
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

from pipeline.config.schema import Configuration
from pipeline.sweep.trial import TrialResult

ROOT = Path(__file__).resolve().parent.parent
SMALL = ["training.epochs=2", "dataset.training_limit=6000"]


def run(folder: Path, *command: str) -> tuple[float, str]:
    """Run a command; return its seconds and what it printed."""
    with tempfile.TemporaryFile("w+") as output:  # a pipe would have it wait for processes that end after the command
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", *command], cwd=folder, stdout=output, check=True)
        seconds = time.perf_counter() - begin
        output.seek(0)
        return seconds, output.read()


def overhead(folder: Path) -> None:
    """Twenty trials on two workers, three times."""
    # Or the first would read a gigabyte of libraries from the disk.
    subprocess.run([sys.executable, "-c", "import tensorflow, mlflow"], capture_output=True, check=True)
    ratios = []
    for seed in range(3):
        options = ["sweep.pruner.name=none", "sweep.trials=20", f"sweep.sampler.seed={seed}"]
        seconds, text = run(folder, "pipeline.sweep", "sweep=adadelta", *options, *SMALL)
        training = float(re.findall(r"([\d.]+) s of training", text)[0])
        ratios.append(seconds / (training / 2) - 1)
        print(f"overhead: 20 trials in {seconds:.1f} s, training {training:.1f} s on 2 workers: {ratios[-1]:+.1%}", flush=True)
    print(f"overhead: median {statistics.median(ratios):+.1%}")


def queue(folder: Path) -> None:
    """Twenty learning rates as trials of a sweep, and as queued DVC experiments."""
    rates = [str(0.5 + number / 2) for number in range(20)]
    space = f"optimizer.learning_rate=choice({','.join(rates)})"
    swept, _ = run(folder, "pipeline.sweep", "sweep=seeds", "training.seed=0", space, *SMALL)
    run(folder, "pipeline.compose", *SMALL)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    subprocess.run(["git", "commit", "-qm", "small"], cwd=folder, check=True)
    for number, rate in enumerate(rates):
        overrides = [part for text in [*SMALL, f"optimizer.learning_rate={rate}"] for part in ("-S", text)]
        run(folder, "dvc", "exp", "run", "--queue", "-n", f"trial-{number}", *overrides)
    begin = time.perf_counter()
    run(folder, "dvc", "queue", "start", "-j", "2")
    while True:
        states = [row.split()[-1] for row in run(folder, "dvc", "queue", "status")[1].splitlines() if "trial-" in row]
        assert "Failed" not in states
        if states.count("Success") == len(rates):
            break
        time.sleep(5)
    seconds = time.perf_counter() - begin
    print(
        f"queue: {len(rates)} experiments in {seconds:.0f} s, by a sweep in {swept:.0f} s: {seconds / swept:.1f} times as fast"
    )


def pruning(folder: Path) -> None:
    """When the sweep `adadelta`, pruned, reaches the best of its unpruned self: as many trials, on 20,000 images; thrice.

    The best of twenty trials is partly luck: 0.05 points are two or three of the validation split's 5,000 images.
    """
    common = ["pipeline.sweep", "sweep=adadelta", "dataset.training_limit=20000", "sweep.trials=20"]
    parts = []
    for seed in range(3):
        begin = datetime.now()
        whole, _ = run(folder, *common, f"sweep.sampler.seed={seed}", "sweep.pruner.name=none")
        best = max(value for _, value in finished(folder, begin))
        begin = datetime.now()
        took, text = run(folder, *common, f"sweep.sampler.seed={seed}", "sweep.pruner.name=median")
        after = finished(folder, begin)
        reached = [seconds for seconds, value in after if value >= best - 0.0005 - 1e-9]
        parts.append(reached[0] / whole if reached else math.inf)
        pruned = re.findall(r"finished, (\d+) pruned", text)[0]
        print(
            f"pruning: 20 trials reach {best:.2%} in {whole:.0f} s; with pruning {max(value for _, value in after):.2%}, and "
            f"that (within 0.05 points) {f'after {parts[-1]:.0%} of the time' if reached else 'never'}; "
            f"all 20, {pruned} of them pruned, take {took / whole:.0%}",
            flush=True,
        )
    print(f"pruning: median {statistics.median(parts):.0%} of the time")


def finished(folder: Path, begin: datetime) -> list[tuple[float, float]]:
    """Seconds from `begin` and value of each trial of the latest study that was trained to its end, in the order they ended."""
    with closing(sqlite3.connect(folder / "sweeps.db")) as store:
        rows = store.execute(
            "select datetime_complete, value from trials join trial_values using (trial_id) "
            "where state = 'COMPLETE' and study_id = (select max(study_id) from studies) order by datetime_complete"
        ).fetchall()
    return [((datetime.fromisoformat(end) - begin).total_seconds(), value) for end, value in rows]


def trivial(configuration: Configuration, *_: object) -> TrialResult:
    """A trial that trains nothing."""
    return TrialResult(configuration.optimizer.learning_rate % 1, 0.0, 1, 0.0)


def thousand(folder: Path) -> None:
    """1,000 trials of `trivial`."""
    code = (
        "import resource, sys; sys.path[:0] = ['.', 'benchmarks']\n"
        "from pipeline.sweep.command import run\n"
        "from sweep import trivial\n"
        "if __name__ == '__main__':\n"
        "    run(['sweep=adadelta', 'dataset=digits', 'sweep.trials=1000', 'sweep.sampler.name=random'], trivial)\n"
        "    print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
    )
    (folder / "thousand.py").write_text(code, encoding="utf-8")
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "thousand.py"], cwd=folder, capture_output=True, text=True, check=True)
    took = time.perf_counter() - begin
    read = (
        "import optuna, time, json; begin = time.perf_counter()\n"
        "name = optuna.get_all_study_names('sqlite:///sweeps.db')[-1]\n"
        "study = optuna.load_study(study_name=name, storage='sqlite:///sweeps.db')\n"
        "print(json.dumps([len(study.trials), time.perf_counter() - begin]))\n"
    )
    found = subprocess.run([sys.executable, "-c", read], cwd=folder, capture_output=True, text=True, check=True)
    count, seconds = json.loads(found.stdout.splitlines()[-1])
    read = (
        "import time\nfrom pipeline.tracking.registry import RunRegistry\n"
        "store = RunRegistry(); begin = time.perf_counter(); print(len(store.runs()), time.perf_counter() - begin)\n"
    )
    found = subprocess.run([sys.executable, "-c", read], cwd=folder, capture_output=True, text=True, check=True)
    runs, listed = found.stdout.split()[-2:]
    peak = float(re.findall(r"peak ([\d.]+)", done.stdout)[0])
    print(
        f"thousand: {count} trials in {took:.0f} s, coordinator at most {peak:.0f} MiB; stores read in {seconds:.2f} s "
        f"(Optuna's) and {float(listed):.2f} s (MLflow's {runs} runs)"
    )


def main() -> None:
    """Measure what the command line names; everything, if it names nothing."""
    wanted = sys.argv[1:] or ["overhead", "queue", "pruning", "thousand"]
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above) / "clone"
        subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)
        if "overhead" in wanted:
            overhead(folder)
        if "thousand" in wanted:
            thousand(folder)
        if "pruning" in wanted:
            pruning(folder)
        if "queue" in wanted:
            queue(folder)


if __name__ == "__main__":
    main()
