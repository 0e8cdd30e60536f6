"""The callback that prints a summary by rich."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from leyden.errors import ConfigurationError
from leyden_callback_model_summary.callback import ModelSummary

if TYPE_CHECKING:
    from rich.style import Style

    from leyden_callback_model_summary.table import Columns


class RichModelSummary(ModelSummary):
    """Prints the summary in a frame and colours.

    Args:
        max_depth: how deep to look: 1 shows the module's children, -1 everything, 0 prints nothing.
        header_style: the style of the headings, in rich's notation.

    Raises:
        leyden.errors.ConfigurationError: rich is not installed, or an argument is not possible.
    """

    def __init__(self, max_depth: int = 1, **summarize_kwargs: Any) -> None:
        if find_spec("rich") is None:
            raise ConfigurationError(
                "RichModelSummary needs rich, which is not installed. Install it with: pip install rich "
                "(or use ModelSummary)."
            )
        super().__init__(max_depth, **summarize_kwargs)

    @staticmethod
    def summarize(
        summary_data: Columns,
        total_parameters: int,
        trainable_parameters: int,
        model_size: float,
        total_training_modes: dict[str, int],
        total_flops: int,
        header_style: str | Style = "bold magenta",
    ) -> None:
        """Print a summary.

        Args:
            summary_data: heading and cells of each column.
            total_parameters: all parameters.
            trainable_parameters: those that require gradients.
            model_size: megabytes of all parameters.
            total_training_modes: submodules in ``train`` and in ``eval`` mode.
            total_flops: floating-point operations of one call with the example input.
            header_style: the style of the headings, in rich's notation.
        """
        from leyden_callback_model_summary.frame import framed
        from leyden_callback_model_summary.table import totals

        sums = (total_parameters, trainable_parameters, model_size, total_training_modes, total_flops)
        framed(summary_data, totals(*sums), header_style)
