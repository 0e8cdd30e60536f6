"""``OptunaTuner``: a study over hyper-parameters."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import optuna
from optuna.trial import FrozenTrial, TrialState

from leyden.errors import ConfigurationError
from leyden.interfaces import Tuner
from leyden_tuner_optuna.plots import write_plots
from leyden_tuner_optuna.settings import Settings, made_storage
from leyden_tuner_optuna.suggestion import checked_space, suggest
from leyden_tuner_optuna.workers import run_in_processes


class OptunaTuner(Tuner):
    """Searches with Optuna, in this process or in several.

    Source: Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework", KDD 2019.
    """

    name: ClassVar[str] = "optuna"

    def tune(self, objective: Callable[[dict[str, Any]], Any], space: Any, **options: Any) -> optuna.Study:
        """Search, and return the study.

        Args:
            objective: trains with one set of hyper-parameters and returns the value, or a list of values in the order
                of ``direction``. What it gets is a :class:`Suggestion`, whose ``trial`` takes reports; it may raise
                ``optuna.TrialPruned``. :class:`ModuleObjective` is one.
            space: optuna's distributions by name, or a function from a trial to a dict of hyper-parameters.
            options: those of :class:`leyden_tuner_optuna.settings.Settings`.

        Raises:
            leyden.errors.ConfigurationError: an option, or the space, is not possible.
            Exception: what the objective raises, unless ``catch`` names it.
        """
        settings, space = Settings.of(options), checked_space(space)
        with _opened(settings) as storage, _bar(settings) as bar:
            study = _study(settings, storage)
            if settings.n_jobs == 1:
                study.optimize(
                    lambda trial: objective(suggest(trial, space)),
                    n_trials=settings.n_trials,
                    timeout=settings.timeout,
                    catch=settings.catch,
                    callbacks=[*settings.callbacks, bar],
                )
            else:
                run_in_processes(study, objective, space, settings, storage, bar)
            if settings.storage is None:
                study = _in_memory(study, settings)
        if settings.plots is not None:
            write_plots(study, settings.plots)
        return study


@contextmanager
def _opened(settings: Settings) -> Iterator[Any]:
    """The storage; a temporary journal where several processes share a study that nobody wants to keep."""
    if settings.storage is not None or settings.n_jobs == 1:
        storage = made_storage(settings.storage)
        try:
            yield storage
        finally:
            if isinstance(settings.storage, str) and hasattr(storage, "engine"):
                storage.engine.dispose()
        return
    with tempfile.TemporaryDirectory() as folder:
        yield made_storage(Path(folder) / "study.journal")


def _study(settings: Settings, storage: Any) -> optuna.Study:
    try:
        return optuna.create_study(
            storage=storage,
            sampler=settings.made_sampler(0),
            pruner=settings.made_pruner(),
            study_name=settings.study_name,
            directions=settings.directions,
            load_if_exists=settings.resume,
        )
    except optuna.exceptions.DuplicatedStudyError as error:
        raise ConfigurationError.about(
            "study_name",
            settings.study_name,
            f"a name that {settings.storage} does not hold yet",
            "Pass resume=True to go on with that study.",
        ) from error


def _in_memory(study: optuna.Study, settings: Settings) -> optuna.Study:
    """A study whose storage is about to go, with all its trials."""
    if settings.n_jobs == 1:
        return study
    copy = optuna.create_study(
        study_name=study.study_name,
        directions=settings.directions,
        sampler=study.sampler,
        pruner=study.pruner,
    )
    copy.add_trials(study.get_trials())
    return copy


@contextmanager
def _bar(settings: Settings) -> Iterator[Callable[[optuna.Study, FrozenTrial | None], None]]:
    """What is called after each trial: a progress bar, or nothing."""
    if not settings.show_progress_bar:
        yield lambda study, trial: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=settings.n_trials, desc="trials", unit="trial") as bar:
        before: list[int] = []

        def show(study: optuna.Study, trial: FrozenTrial | None) -> None:
            ended = sum(one.state.is_finished() for one in study.get_trials(deepcopy=False))
            if not before:
                before.append(ended - (trial is not None))
            bar.update(ended - before[0] - bar.n)
            best = [one for one in study.get_trials(deepcopy=False) if one.state is TrialState.COMPLETE]
            if best and len(study.directions) == 1:
                bar.set_postfix_str(f"best {study.best_value:.4g}")

        yield show
