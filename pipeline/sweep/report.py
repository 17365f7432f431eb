"""The table and the plots of a sweep."""

import csv
import warnings
from pathlib import Path

import matplotlib
import optuna
from optuna.trial import TrialState

from pipeline.sweep.study import ERROR, Study

STATES = {TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
PLOTS = {  # file names, and the names of Optuna's functions, which exist for matplotlib and for plotly
    "history": "plot_optimization_history",
    "parallel_coordinates": "plot_parallel_coordinate",
    "importances": "plot_param_importances",
}


def write_table(study: Study, path: Path) -> None:
    """Write all trials as CSV: number, state, value, seconds, one column for each key, error."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["trial", "state", "value", "seconds", *(part.key for part in study.space), "error"])
        for trial in study.ended():
            seconds = round(trial.duration.total_seconds(), 2) if trial.duration else ""
            set_to = [override.partition("=")[2] for override in study.overrides(trial.params)]
            value = trial.value if trial.state == TrialState.COMPLETE else ""
            writer.writerow([trial.number, STATES[trial.state], value, seconds, *set_to, trial.user_attrs.get(ERROR, "")])


def write_plots(study: optuna.Study, objective: str, folder: Path) -> None:
    """Write optimization history, importances and parallel coordinates, each as PNG and all together as ``sweep.html``."""
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not finished:
        return
    matplotlib.use("Agg")  # before pyplot is imported: draw without a screen
    from matplotlib import pyplot
    from optuna import visualization

    html: list[str] = []
    for name, function in PLOTS.items():
        if name == "importances" and len({trial.value for trial in finished}) == 1:  # then no key has any importance
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna calls some plots experimental
            axes = getattr(visualization.matplotlib, function)(study, target_name=objective)
        axes.figure.set_size_inches(9, 5)
        axes.figure.savefig(folder / f"{name}.png", dpi=110)
        pyplot.close(axes.figure)
        interactive = getattr(visualization, function)(study, target_name=objective)
        html.append(interactive.to_html(full_html=False, include_plotlyjs=not html))
    page = "<!doctype html><meta charset='utf-8'><title>Sweep</title>" + "\n".join(html)
    (folder / "sweep.html").write_text(page, encoding="utf-8")
