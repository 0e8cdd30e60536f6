"""What a search for the learning rate has found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from leyden.api.rank_zero import rank_zero_info
from leyden.errors import ConfigurationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


class LRFinder:
    """Losses over learning rates, and which rate they suggest.

    Attributes:
        mode: how the rate rose, ``"linear"`` or ``"exponential"``.
        lr_min: the first rate.
        lr_max: the last rate.
        num_training: how many rates were to be tried.
        results: ``"lr"``: the rates tried, ``"loss"``: the smoothed loss of each (NaN for a skipped batch).
    """

    def __init__(self, mode: str, lr_min: float, lr_max: float, num_training: int) -> None:
        self.mode, self.lr_min, self.lr_max, self.num_training = mode, lr_min, lr_max, num_training
        self.results: dict[str, list[float]] = {"lr": [], "loss": []}
        self._optimal_idx: int | None = None
        self._total_batch_idx = 0

    def suggestion(self, skip_begin: int = 10, skip_end: int = 1) -> float | None:
        """The learning rate at which the loss falls most steeply.

        Args:
            skip_begin: how many of the first points to leave out, where the smoothed loss is not settled.
            skip_end: how many of the last points to leave out, where the loss may be diverging.

        Returns:
            The rate, or ``None`` when fewer than two finite losses are left.
        """
        losses = torch.tensor(self.results["loss"])
        points = torch.arange(len(losses))[skip_begin:-skip_end]
        points = points[torch.isfinite(losses[points])]
        if len(points) < 2:
            rank_zero_info(
                f"The search for a learning rate has {len(points)} usable points and needs 2: no suggestion. "
                "Let it run longer (more data, max_epochs, num_training), or skip fewer."
            )
            self._optimal_idx = None
            return None
        rates = torch.tensor(self.results["lr"])[points]
        slopes = torch.gradient(losses[points], spacing=(rates,))[0]
        self._optimal_idx = int(points[int(torch.argmin(slopes))])
        return self.results["lr"][self._optimal_idx]

    def plot(
        self, suggest: bool = False, show: bool = False, ax: Axes | None = None
    ) -> Figure | SubFigure | None:
        """Draw the loss over the learning rate.

        Args:
            suggest: mark the suggested rate.
            show: open a window.
            ax: draw here; a new figure by default.

        Returns:
            The figure.

        Raises:
            leyden.errors.ConfigurationError: matplotlib is not installed.
        """
        pyplot = _pyplot()
        if ax is None:
            _, ax = pyplot.subplots()
        rates, losses = self.results["lr"], self.results["loss"]
        ax.plot(rates, losses)
        if self.mode == "exponential":
            ax.set_xscale("log")
        ax.set_xlabel("Learning rate")
        ax.set_ylabel("Loss")
        if suggest and self.suggestion() is not None and self._optimal_idx is not None:
            at = self._optimal_idx
            ax.plot(rates[at], losses[at], marker="o", markersize=10, color="red")
        if show:
            pyplot.show()
        return ax.figure


def _pyplot() -> Any:
    try:
        import matplotlib.pyplot as pyplot
    except ImportError as error:
        raise ConfigurationError(
            "LRFinder.plot needs matplotlib. Install it with: pip install 'leyden-tuner[plot]'"
        ) from error
    return pyplot
