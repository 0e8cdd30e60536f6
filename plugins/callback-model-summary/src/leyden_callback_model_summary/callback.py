"""The callback that prints a summary."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from leyden import Callback
from leyden.errors import ConfigurationError
from leyden_callback_model_summary.depth import checked_depth

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer
    from leyden_callback_model_summary.summary import ModelSummary as Summary
    from leyden_callback_model_summary.table import Columns


class ModelSummary(Callback):
    """Prints a table of the module's layers to standard output when fitting begins.

    Override :meth:`summarize` to do something else with the summary.

    Args:
        max_depth: how deep to look: 1 shows the module's children, -1 everything, 0 prints nothing.
        **summarize_kwargs: further arguments of :meth:`summarize`, where a subclass has some.

    Raises:
        leyden.errors.ConfigurationError: the depth is no int of at least -1, or :meth:`summarize` has no
            such argument.
    """

    def __init__(self, max_depth: int = 1, **summarize_kwargs: Any) -> None:
        self._max_depth = checked_depth(max_depth)
        self._summarize_kwargs = self._accepted(summarize_kwargs)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._max_depth == 0:
            return
        # All ranks take part: where parameters are sharded, the example input passes through all of them.
        summary = self._summary(trainer, pl_module)
        if trainer.is_global_zero:
            self.summarize(  # overrides written for Lightning may name the first five as they like
                summary.columns(),
                summary.total_parameters,
                summary.trainable_parameters,
                summary.model_size,
                summary.total_training_modes,
                total_flops=summary.total_flops,
                **self._summarize_kwargs,
            )

    def _summary(self, trainer: Trainer, pl_module: LightningModule) -> Summary:
        from leyden_callback_model_summary.summary import summarize

        return summarize(pl_module, self._max_depth)

    @staticmethod
    def summarize(
        summary_data: Columns,
        total_parameters: int,
        trainable_parameters: int,
        model_size: float,
        total_training_modes: dict[str, int],
        total_flops: int,
    ) -> None:
        """Print a summary; the arguments are those of :func:`~leyden_callback_model_summary.table.text_table`."""
        from leyden_callback_model_summary.table import text_table

        sums = (total_parameters, trainable_parameters, model_size, total_training_modes, total_flops)
        print(text_table(summary_data, *sums), flush=True)

    def _accepted(self, given: dict[str, Any]) -> dict[str, Any]:
        parameters = inspect.signature(self.summarize).parameters
        anything = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
        for name, value in given.items():
            if name not in parameters and not anything:
                raise ConfigurationError.about(
                    f"{type(self).__name__}({name})",
                    value,
                    "max_depth and what summarize takes",
                    "Leave it out.",
                )
        return given
