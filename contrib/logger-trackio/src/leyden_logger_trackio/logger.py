"""The logger that writes to Trackio."""

from __future__ import annotations

import contextlib
import io
import secrets
import time
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from leyden.api.hparams_file import plain
from leyden.api.logger import NoLogger, add_prefix, as_mapping, check_metrics
from leyden.api.rank_zero import rank, rank_zero_only
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.loggers import Logger


class TrackioLogger(Logger):
    """Writes into a run of a Trackio project: on this machine, or on a server. Trackio's thread does the writing.

    Args:
        project: the project.
        name: the run's name; one that exists is continued. The time and a random number when ``None``, since Trackio
            gives runs that begin together the same name.
        group: runs that belong together.
        prefix: put before the name of every metric, with a ``-`` between.
        kwargs: further arguments of ``trackio.init``, e.g. ``space_id``, ``server_url``, ``auto_log_gpu``.

    Raises:
        leyden.errors.ConfigurationError: an argument cannot be; nothing was created.
    """

    LOGGER_JOIN_CHAR = "-"

    def __init__(
        self,
        project: str = "lightning_logs",
        name: str | None = None,
        group: str | None = None,
        prefix: str = "",
        **kwargs: Any,
    ) -> None:
        if not isinstance(project, str) or not project:
            raise ConfigurationError.about("project", project, "a name")
        for key, one in {"name": name, "group": group}.items():
            if one is not None and not isinstance(one, str):
                raise ArgumentTypeError.about(key, one, "a string, or None")
        if not isinstance(prefix, str):
            raise ArgumentTypeError.about("prefix", prefix, "a string")
        if "config" in kwargs or "resume" in kwargs:
            wrong = "config" if "config" in kwargs else "resume"
            remedy = "Hyper-parameters are logged with log_hyperparams; a run whose name exists is continued."
            raise ConfigurationError.about(wrong, kwargs[wrong], "not an argument of TrackioLogger", remedy)
        self._project, self._name, self._prefix = project, name, prefix
        self._init = {"group": group, "embed": False, **kwargs}
        self._run: Any = None
        self._params: dict[str, Any] = {}

    @property
    def experiment(self) -> Any:
        """The ``trackio.Run``, begun when first asked for; on ranks other than zero it discards.

        Raises:
            leyden.errors.ArgumentTypeError: ``trackio.init`` has no such argument.
        """
        if rank():
            return NoLogger().experiment
        if self._run is None:
            self._run = self._begin()
        return self._run

    def _begin(self) -> Any:
        import trackio

        name = self._name or f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # how to start the dashboard: the README says it
                run = trackio.init(self._project, name, resume="allow", config=self._params, **self._init)
        except TypeError as error:
            raise ArgumentTypeError(f"TrackioLogger: {error}") from error
        self._name = name
        return run

    @property
    def name(self) -> str:
        """The project."""
        return self._project

    @property
    def version(self) -> str | None:
        """The run's name; before it has begun the one that was given, maybe ``None``."""
        return self._name

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace | None = None) -> None:
        """Write hyper-parameters as the run's config, as plain values."""
        self._params.update(plain(as_mapping(params)))
        run = self.experiment
        run.config = {**run.config, **self._params}
        run._config_logged = False  # Trackio writes the config with the next metrics

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Write metrics.

        Args:
            metrics: numbers, tensors of one element, or Trackio's media, by name.
            step: the x-axis; one more than the last when ``None``.
        """
        check_metrics(metrics, step)
        values = {name: one.item() if hasattr(one, "item") else one for name, one in metrics.items()}
        self.experiment.log(add_prefix(values, self._prefix, self.LOGGER_JOIN_CHAR), step=step)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Finish the run; another use resumes it."""
        if self._run is not None:
            with contextlib.redirect_stdout(io.StringIO()):
                if not self._run._config_logged:
                    self._run.log({})
                self._run.finish()
            self._run = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_run": None}
