"""The logger that writes to Comet."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from leyden.api.flags import flag
from leyden.api.hparams_file import plain
from leyden.api.logger import NoLogger, as_mapping, check_metrics
from leyden.api.rank_zero import rank, rank_zero_only
from leyden.api.warn import LeydenDeprecationWarning, warn
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.loggers import Logger

if TYPE_CHECKING:
    from torch import Tensor

    from leyden import LightningModule

FRAMEWORK = "leyden"
MODES = (None, "get_or_create", "get", "create")
RENAMED = {"experiment_name": "name", "project_name": "project", "save_dir": "offline_directory"}


class CometLogger(Logger):
    """Writes into an experiment of Comet. Comet's own thread talks to its server, so no step waits for the network.

    Args:
        api_key: of the account; Comet's configuration when ``None``.
        workspace: the workspace; the account's own when ``None``.
        project: the project; Comet's ``general`` when ``None``.
        experiment_key: of the experiment: 32 to 50 letters and digits; one that exists is continued.
        mode: ``"get_or_create"``, ``"get"`` an experiment that exists, or ``"create"`` a new one.
        online: ``False`` writes an archive into ``offline_directory``, which ``comet upload`` sends later.
        prefix: put before the name of every metric, with a ``_`` between.
        kwargs: of ``comet_ml.ExperimentConfig``, e.g. ``name``, ``tags``, ``log_code``, ``offline_directory``.

    Raises:
        leyden.errors.ConfigurationError: an argument cannot be; nothing was created.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        workspace: str | None = None,
        project: str | None = None,
        experiment_key: str | None = None,
        mode: Literal["get_or_create", "get", "create"] | None = None,
        online: bool | None = None,
        prefix: str | None = None,
        **kwargs: Any,
    ) -> None:
        if mode not in MODES:
            raise ConfigurationError.about("mode", mode, "'get_or_create', 'get', 'create' or None")
        flag("online", online)
        for name, one in {"project": project, "experiment_key": experiment_key, "prefix": prefix}.items():
            if one is not None and not isinstance(one, str):
                raise ArgumentTypeError.about(name, one, "a string, or None")
        given = {"project": project, "online": online}
        kwargs = _renamed(kwargs, given)
        self._start = {
            "api_key": api_key, "workspace": workspace, "project": given["project"], "experiment_key": experiment_key,
            "mode": mode, "online": given["online"],
        }  # fmt: skip
        self._config, self._prefix = kwargs, prefix
        self._experiment: Any = None

    @property
    def experiment(self) -> Any:
        """The experiment of ``comet_ml``, begun when first asked for; other ranks get one that discards.

        Raises:
            leyden.errors.ArgumentTypeError: ``ExperimentConfig`` has no such argument.
        """
        if rank():
            return NoLogger().experiment
        # Comet has one experiment open in a process; another logger's ends it.
        if self._experiment is None or self._experiment.ended:
            self._experiment = self._begin()
        return self._experiment

    def _begin(self) -> Any:
        # comet_ml reads it when it is imported; unasked, it would log what torch does.
        os.environ.setdefault("COMET_DISABLE_AUTO_LOGGING", "1")
        import comet_ml

        config = dict(self._config)
        if config.get("offline_directory") is not None:
            # Comet resolves it when it writes the archive, maybe at the end of the program and in another folder.
            config["offline_directory"] = os.path.abspath(config["offline_directory"])
        try:
            settings = comet_ml.ExperimentConfig(**config)
        except TypeError as error:
            raise ArgumentTypeError(f"CometLogger: {error}") from error
        self._end_other(comet_ml.get_running_experiment())
        experiment = comet_ml.start(**self._start, experiment_config=settings)  # type: ignore[arg-type]
        self._start.update(experiment_key=experiment.get_key(), mode="get")
        self._start["project"] = experiment.project_name or self._start["project"]
        experiment.log_other("Created from", FRAMEWORK)
        return experiment

    def _end_other(self, running: Any) -> None:
        """End another logger's experiment; Comet would do it too, and not wait until what was logged is written."""
        if running is None or running.ended:
            return
        key = self._start["experiment_key"]
        if self._start["mode"] == "create" or key not in (None, running.get_key()):
            _secure(running, "Another logger began", True)
            running.end()

    @property
    def name(self) -> str | None:
        """The project."""
        return self._start["project"]  # type: ignore[return-value]

    @property
    def version(self) -> str | None:
        """The experiment's key; before it has begun the one that was given, maybe ``None``."""
        return self._start["experiment_key"]  # type: ignore[return-value]

    @property
    def save_dir(self) -> str | None:
        """Where archives of offline experiments go, where that was said."""
        return self._config.get("offline_directory")

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace | None = None) -> None:
        """Write hyper-parameters; nested ones become ``outer|inner``."""
        self.experiment.log_parameters(plain(as_mapping(params)), nested_support=True)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Write metrics.

        Args:
            metrics: numbers, or tensors of one element, by name; ``epoch`` is Comet's own x-axis.
            step: the x-axis.
        """
        check_metrics(metrics, step)
        values = {name: one.item() if hasattr(one, "item") else one for name, one in metrics.items()}
        epoch = values.pop("epoch", None)
        self.experiment.log_metrics(values, step=step, epoch=epoch, prefix=self._prefix)

    @rank_zero_only
    def log_graph(self, model: LightningModule, input_array: Tensor | None = None) -> None:
        """Write the module's structure."""
        self.experiment.set_model_graph(str(model))

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Send what is left. The experiment stays open; ``experiment.end()`` or the end of the program closes it.

        Args:
            status: how the run ended; it is the experiment's ``Status``.
        """
        if self._experiment is not None and not self._experiment.ended:
            _secure(self._experiment, "Status", status)
            self._experiment.flush()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_experiment": None}


def _secure(experiment: Any, name: str, value: Any) -> None:
    """Make sure that the end of an experiment loses nothing.

    An offline experiment that ends may drop the message that its thread has just taken out of the queue. That shall be
    this one, and none of what was logged.
    """
    experiment.log_other(name, value)


def _renamed(kwargs: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Take arguments by the names that they had before Lightning 2.5.1, with a warning."""
    old = {name: kwargs.pop(name) for name in (*RENAMED, "offline") if name in kwargs}
    for name, value in old.items():
        new, value = ("online", not value) if name == "offline" else (RENAMED[name], value)
        target = given if new in given else kwargs
        if target.get(new) is not None:
            raise ConfigurationError.about(
                name, old[name], f"only the new name, {new}, which is given as well"
            )
        target[new] = value
        text = f"CometLogger({name}=…) is called {new} now" + (
            ", and means the opposite." if new == "online" else "."
        )
        warn("comet-renamed", text, LeydenDeprecationWarning, stacklevel=4)
    return kwargs
