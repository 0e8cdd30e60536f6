"""The command ``leyden tune``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any, ClassVar

from leyden.interfaces.command import Command, named_object, pair

if TYPE_CHECKING:
    import optuna


class TuneCommand(Command):
    """Searches the hyper-parameters of a LightningModule with Optuna."""

    help: ClassVar[str] = "search hyper-parameters of a LightningModule with Optuna"

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments."""
        add = parser.add_argument
        add("module", metavar="PKG:MODEL", help="the module: package.module:Class, or file.py:Class")
        add("--data", metavar="PKG:DATA", help="its data module (default: the module has the loaders)")
        add(
            "-p", "--param", action="append", default=[], required=True, metavar="SPEC",
            help="lr=1e-4..1e-1:log, width=8..64:8, act=relu,tanh; data.NAME and trainer.NAME for those; repeat it",
        )  # fmt: skip
        add(
            "--monitor",
            action="append",
            required=True,
            metavar="METRIC",
            help="what to improve; repeat for several",
        )
        add(
            "--direction", action="append", choices=("minimize", "maximize"), metavar="WORD",
            help="minimize (default) or maximize, once for each metric",
        )  # fmt: skip
        add("--trials", type=int, metavar="N", help="how many trials")
        add("--timeout", type=float, metavar="SECONDS", help="begin no further trial after this time")
        add("--jobs", type=int, default=1, metavar="N", help="how many processes (%(default)s)")
        add("--sampler", default="tpe", metavar="NAME", help="tpe, random, nsgaii, qmc or gp (%(default)s)")
        add(
            "--pruner", default="median", metavar="NAME",
            help="median, hyperband, successive-halving or none (%(default)s)",
        )  # fmt: skip
        add("--seed", type=int, metavar="N", help="of the sampler and of each trial")
        add("--storage", metavar="PATH", help="a journal file, or a URL such as sqlite:///study.db")
        add("--study", metavar="NAME", help="the study's name in the storage")
        add("--resume", action="store_true", help="go on with that study")
        add("--plots", metavar="DIR", help="write plots (HTML) into this folder")
        for name, what in (("trainer", "keyword of the Trainer"), ("argument", "argument of the module")):
            add(
                f"--{name}", action="append", default=[], type=pair, metavar="NAME=VALUE",
                help=f"a {what}; may be repeated",
            )  # fmt: skip
        add("--no-progress", action="store_true", help="show no progress bar")

    def run(self, arguments: Namespace) -> int:
        """Search, and print the best trial.

        Raises:
            leyden.errors.LeydenError: an argument is not possible.
        """
        import optuna

        from leyden_tuner_optuna.objective import ModuleObjective
        from leyden_tuner_optuna.tuner import OptunaTuner

        several = len(arguments.monitor) > 1
        objective = ModuleObjective(
            named_object("PKG:MODEL", arguments.module),
            arguments.monitor if several else arguments.monitor[0],
            None if arguments.data is None else named_object("--data", arguments.data),
            dict(arguments.trainer),
            dict(arguments.argument),
            seed=arguments.seed,
        )
        directions = arguments.direction or ["minimize"] * len(arguments.monitor)
        optuna.logging.set_verbosity(optuna.logging.ERROR)  # what fails is raised, and said once
        study = OptunaTuner().tune(
            objective,
            _space(arguments.param),
            n_trials=arguments.trials,
            timeout=arguments.timeout,
            direction=directions if several else directions[0],
            sampler=arguments.sampler,
            pruner=arguments.pruner,
            seed=arguments.seed,
            storage=arguments.storage,
            study_name=arguments.study,
            resume=arguments.resume,
            n_jobs=arguments.jobs,
            show_progress_bar=not arguments.no_progress,
            plots=arguments.plots,
        )
        print("\n".join(_told(study, arguments)))
        return 0


def _space(texts: list[str]) -> dict[str, Any]:
    from leyden.errors import ConfigurationError
    from leyden_tuner_optuna.suggestion import parsed

    try:
        return dict(parsed(one) for one in texts)
    except ValueError as error:
        raise ConfigurationError(f"--param: {error}") from error


def _told(study: optuna.Study, arguments: Namespace) -> list[str]:
    """What is printed: states, and the best trials with their values and hyper-parameters."""
    from collections import Counter

    from optuna.trial import TrialState

    states = Counter(one.state.name.lower() for one in study.trials)
    lines = [f"study {study.study_name}: {', '.join(f'{n} {name}' for name, n in sorted(states.items()))}"]
    complete = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    for trial in study.best_trials if complete else []:
        values = ", ".join(
            f"{name}={value:.6g}" for name, value in zip(arguments.monitor, trial.values, strict=True)
        )
        lines.append(f"trial {trial.number}: {values}")
        lines += [f"  {name} = {value}" for name, value in trial.params.items()]
    if arguments.plots:
        lines.append(f"plots: {arguments.plots}")
    return lines
