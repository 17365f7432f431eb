"""The plots of a sweep."""

from pathlib import Path

import optuna
from optuna.trial import TrialState

PLOTS = ("plot_optimization_history", "plot_parallel_coordinate", "plot_param_importances")  # functions of Optuna


def write_plots(study: optuna.Study, objective: str, folder: Path) -> None:
    """Write optimization history, importances and parallel coordinates as ``sweep.html``."""
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not finished:
        return
    from optuna import visualization

    html: list[str] = []
    for name in PLOTS:
        if name != "plot_param_importances" or len({trial.value for trial in finished}) > 1:  # else no key has any
            figure = getattr(visualization, name)(study, target_name=objective)
            html.append(figure.to_html(full_html=False, include_plotlyjs=not html))
    page = "<!doctype html><meta charset='utf-8'><title>Sweep</title>" + "\n".join(html)
    (folder / "sweep.html").write_text(page, encoding="utf-8")
