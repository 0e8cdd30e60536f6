"""``RayTuner``: Ray Tune behind Leyden's interface of tuners."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces import Tuner
from leyden.plugins.errors import did_you_mean, listed

if TYPE_CHECKING:
    from ray.tune import ResultGrid

OWN = ("resources", "init")


class RayTuner(Tuner):
    """Searches with Ray Tune; ``ray.tune.Tuner`` can be used as well, this saves its ceremony.

    Source: Liaw et al., "Tune: A Research Platform for Distributed Model Selection and Training", 2018.
    """

    name: ClassVar[str] = "ray"

    def tune(self, objective: Callable[[dict[str, Any]], Any], space: Any, **options: Any) -> ResultGrid:
        """Search, and return Ray's results.

        Args:
            objective: trains with one set of hyper-parameters. It reports with :class:`TuneReportCallback` (or
                ``ray.tune.report``), or returns a number, which is reported as ``metric``, or a dict of numbers.
            space: Ray's search space, e.g. ``{"lr": tune.loguniform(1e-4, 1e-1)}``.
            options: those of ``ray.tune.TuneConfig`` (``num_samples``, ``metric``, ``mode``, ``scheduler``,
                ``search_alg``, …) and of ``ray.tune.RunConfig`` (``name``, ``storage_path``, ``stop``, …);
                ``resources``, a dict for each trial, e.g. ``{"cpu": 1}``; ``init``, the arguments of ``ray.init`` where
                Ray is not running: it is then shut down afterwards.

        Raises:
            leyden.errors.ConfigurationError: an option is unknown, or the space is no dict.
            Exception: what the first failed trial raised.
        """
        if not isinstance(space, dict):
            raise ArgumentTypeError.about("space", space, "a dict of Ray's search space")
        from ray import tune

        search, run = _sorted(options)
        search.setdefault("metric", "objective")
        search.setdefault("mode", "min")
        run.setdefault("verbose", 0)
        trainable: Any = _Reporting(objective, search["metric"])
        if options.get("resources"):
            trainable = tune.with_resources(trainable.function(), options["resources"])
        else:
            trainable = trainable.function()
        with _running(options.get("init") or {}):
            results = tune.Tuner(
                trainable,
                param_space=space,
                tune_config=tune.TuneConfig(**search),
                run_config=tune.RunConfig(**run),
            ).fit()
        if results.errors:
            raise results.errors[0]
        return results


class _Reporting:
    """An objective that also reports what it returns."""

    def __init__(self, objective: Callable[[dict[str, Any]], Any], metric: str) -> None:
        self.objective, self.metric = objective, metric

    def function(self) -> Callable[[dict[str, Any]], None]:
        """A plain function, which is what Ray takes for a trainable."""
        objective, metric = self.objective, self.metric

        def trial(config: dict[str, Any]) -> None:
            from ray import tune

            found = objective(config)
            if found is not None:
                tune.report(dict(found) if isinstance(found, dict) else {metric: float(found)})

        return trial


def _sorted(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of TuneConfig and those of RunConfig."""
    from ray import tune

    search, run = ([*signature(one).parameters] for one in (tune.TuneConfig, tune.RunConfig))
    known = (*search, *run, *OWN)
    for name, value in options.items():
        if name not in known:
            raise ConfigurationError.about(
                f"tune option {name!r}", value, f"one of {listed(known)}", did_you_mean(name, known)
            )
    return (
        {name: value for name, value in options.items() if name in search},
        {name: value for name, value in options.items() if name in run},
    )


@contextmanager
def _running(arguments: dict[str, Any]) -> Iterator[None]:
    """Ray, started where it does not run already, and then stopped."""
    import ray

    if ray.is_initialized():
        yield
        return
    ray.init(**{"include_dashboard": False, "log_to_driver": False, **arguments})
    try:
        yield
    finally:
        ray.shutdown()
