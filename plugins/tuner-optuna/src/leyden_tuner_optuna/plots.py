"""The plots that people look at after a study, as HTML files that need no network."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from leyden.api.rank_zero import rank_zero_info


def write_plots(study: optuna.Study, folder: str | os.PathLike[str]) -> list[str]:
    """Write history, importances and parallel coordinates; with several objectives the Pareto front as well.

    All pages share ``plotly.min.js``, which is written beside them.

    Args:
        study: the study.
        folder: where the pages go; made when it is not there.

    Returns:
        The paths of the pages. A plot that needs more completed trials than there are is left out, and that is said.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    written = []
    for name, plot, needed in _wanted(study):
        complete = _different(study)
        if complete < needed:
            rank_zero_info(
                f"{name} is not plotted: it needs {needed} different completed trials, not {complete}."
            )
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.filterwarnings("ignore", message="PedAnova")  # about targets, which are turned below
            figure = plot()
        path = os.path.join(folder, f"{name}.html")
        figure.write_html(path, include_plotlyjs="directory")
        written.append(path)
    return written


def _different(study: optuna.Study) -> int:
    """How many completed trials have values that are not all alike."""
    trials = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    return len({tuple(one.values) for one in trials})


def _wanted(study: optuna.Study) -> Iterator[tuple[str, Callable[[], Any], int]]:
    """Name, plot, and how many different completed trials it needs."""
    from optuna import visualization as draw

    count = len(study.directions)
    for index in range(count):
        end = "" if count == 1 else f"_{index}"

        def value(trial: Any, index: int = index) -> float:
            return float(trial.values[index])

        def low(trial: Any, index: int = index) -> float:
            better_high = study.directions[index] == optuna.study.StudyDirection.MAXIMIZE
            return -float(trial.values[index]) if better_high else float(trial.values[index])

        target = {} if count == 1 else {"target": value, "target_name": f"objective {index}"}
        yield f"history{end}", lambda t=target: draw.plot_optimization_history(study, **t), 1  # type: ignore[misc]
        turned = {**target, "target": low} if target else {}
        yield f"importances{end}", lambda t=turned: draw.plot_param_importances(study, **t), 2  # type: ignore[misc]
        yield (
            f"parallel_coordinates{end}",
            lambda t=target: draw.plot_parallel_coordinate(study, **t),  # type: ignore[misc]
            1,
        )
    if count in (2, 3):
        yield "pareto_front", lambda: draw.plot_pareto_front(study), 1
