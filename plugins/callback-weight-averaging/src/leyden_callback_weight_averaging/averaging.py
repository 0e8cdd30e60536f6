"""``WeightAveraging``: keeps an average of the weights, updated after each optimizer step."""

from __future__ import annotations

import inspect
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from leyden import Callback
from leyden.api.rank_zero import rank_zero_info
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.kernel.state import TrainerFn
from leyden.plugins.errors import did_you_mean, listed
from leyden_callback_weight_averaging.sharded import refuse_sharding

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer

PREFIX = "module."
"""What ``AveragedModel`` puts before the names of the module it averages."""


class WeightAveraging(Callback):
    """Keeps a :class:`torch.optim.swa_utils.AveragedModel`, validates with it, and leaves its weights in the module.

    The average takes the module's place in each validation epoch of a fit, and for good when training ends. In a
    checkpoint, ``state_dict`` holds the average; ``current_model_state`` and ``averaging_state`` hold what resuming
    needs. Override :meth:`should_update` to choose when to update.

    Args:
        device: where the average is kept; the device of the run when ``None``.
        use_buffers: average the buffers, too (statistics of batch normalization); else they are copied at each update.
        kwargs: for ``AveragedModel``: ``avg_fn`` or ``multi_avg_fn``; the default weighs all updates equally.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible, or the strategy shards the parameters.
    """

    leyden_order: ClassVar[int] = -1  # what others save is then the average with the last update

    def __init__(
        self, device: torch.device | str | int | None = None, use_buffers: bool = True, **kwargs: Any
    ) -> None:
        self._device = as_device(device)
        if not isinstance(use_buffers, bool):
            raise ArgumentTypeError.about("use_buffers", use_buffers, "True or False")
        self._use_buffers = use_buffers
        self._kwargs = _checked(type(self).__name__, kwargs)
        self._average_model: AveragedModel | None = None
        self._saved: dict[str, Any] | None = None
        self._swapped = False
        self._latest_update_step = 0
        self._latest_update_epoch = -1

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """Whether to update the average now.

        Args:
            step_idx: the last optimizer step, counted from 0; ``None`` at the end of an epoch.
            epoch_idx: the epoch that ends, counted from 0; ``None`` after a step.
        """
        return step_idx is not None

    # -- hooks ---------------------------------------------------------------------------------------------------

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage == "fit":
            refuse_sharding(trainer.strategy, self)
            self._average_model, self._saved, self._swapped = None, None, False
            self._latest_update_step, self._latest_update_epoch = (
                trainer.global_step,
                trainer.current_epoch - 1,
            )

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        device = trainer.strategy.root_device if self._device is None else self._device
        average = AveragedModel(pl_module, device=device, use_buffers=self._use_buffers, **self._averaging())
        average.n_averaged = average.n_averaged.cpu()  # asking for it must not wait for the device
        self._average_model = average
        self._restore(pl_module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step = trainer.global_step
        if step > self._latest_update_step and self.should_update(step_idx=step - 1):
            self._average().update_parameters(pl_module)
            self._latest_update_step = step

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        epoch = trainer.current_epoch
        if epoch > self._latest_update_epoch and self.should_update(epoch_idx=epoch):
            self._average().update_parameters(pl_module)
            self._latest_update_epoch = epoch

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for average, current in self._pairs(pl_module):
            current.data.copy_(average.data)

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn is TrainerFn.FITTING:
            self._swap_models(pl_module)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._swapped:
            self._swap_models(pl_module)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        if self._swapped:
            self._swap_models(pl_module)

    # -- state ---------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return {"latest_update_step": self._latest_update_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._latest_update_step = state_dict["latest_update_step"]

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        if self._average_model is None or trainer.state.fn is not TrainerFn.FITTING:
            return
        current, average = checkpoint["state_dict"], self._average_model.state_dict()
        named = {name.removeprefix(PREFIX): one for name, one in average.items() if name.startswith(PREFIX)}
        if self._swapped:
            current, named = named, current
        checkpoint["current_model_state"], checkpoint["state_dict"] = current, named
        rest = {name: one for name, one in average.items() if not name.startswith(PREFIX)}
        checkpoint["averaging_state"] = rest

    def leyden_write_checkpoint(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        checkpoint: dict[str, Any],
        path: str,
        storage_options: Any,
    ) -> None:
        # of a file with weights alone, callbacks are told nothing earlier
        if "averaging_state" not in checkpoint:
            self.on_save_checkpoint(trainer, pl_module, checkpoint)
            checkpoint.pop("current_model_state", None)
            checkpoint.pop("averaging_state", None)

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        if trainer.state.fn is not TrainerFn.FITTING:
            return  # state_dict, which is loaded already, is the average
        self._saved = {
            name: checkpoint.get(name) for name in ("state_dict", "current_model_state", "averaging_state")
        }
        if self._average_model is not None:  # strategies that load after the module was placed
            self._restore(pl_module)

    def _restore(self, pl_module: LightningModule) -> None:
        saved, self._saved = self._saved, None
        if saved is None:
            return
        average, current = self._average(), saved["current_model_state"]
        if current is None or saved["averaging_state"] is None:
            rank_zero_info(
                "The checkpoint was written without a weight average: the average begins with its weights."
            )
            average.module.load_state_dict(saved["state_dict"], strict=bool(pl_module.strict_loading))
            return
        state = {PREFIX + name: one for name, one in saved["state_dict"].items()}
        average.load_state_dict(state | saved["averaging_state"])
        pl_module.load_state_dict(current)

    # -- the average ---------------------------------------------------------------------------------------------

    def _averaging(self) -> dict[str, Any]:
        return self._kwargs

    def _average(self) -> AveragedModel:
        assert self._average_model is not None
        return self._average_model

    def _pairs(self, pl_module: LightningModule) -> list[tuple[Tensor, Tensor]]:
        return list(zip(_tensors(self._average().module), _tensors(pl_module), strict=True))

    def _swap_models(self, pl_module: LightningModule) -> None:
        for average, current in self._pairs(pl_module):
            kept = average.data.clone()
            average.data.copy_(current.data)
            current.data.copy_(kept)
        self._swapped = not self._swapped


def as_device(device: Any) -> torch.device | None:
    """A device, if one is given.

    Raises:
        leyden.errors.ConfigurationError: torch knows no such device.
    """
    allowed = "a torch.device, its name such as 'cpu', the index of a device, or None"
    if device is None or isinstance(device, torch.device):
        return device
    if isinstance(device, bool) or not isinstance(device, str | int):
        raise ArgumentTypeError.about("device", device, allowed)
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise ConfigurationError.about("device", device, allowed, str(error).partition("\n")[0]) from error


def _tensors(module: nn.Module) -> Any:
    return chain(module.parameters(), module.buffers())


def _checked(owner: str, arguments: dict[str, Any]) -> dict[str, Any]:
    known = [one for one in inspect.signature(AveragedModel).parameters if one not in ("model", "device")]
    known.remove("use_buffers")
    for name, value in arguments.items():
        if name not in known:
            text = f"{owner} has no argument {name!r}; AveragedModel takes {listed(known)}."
            raise ArgumentTypeError(f"{text} {did_you_mean(name, known)}".rstrip())
        if value is not None and not callable(value):
            raise ArgumentTypeError.about(name, value, "a function, or None")
    if len([one for one in arguments.values() if one is not None]) > 1:
        raise ConfigurationError(f"{owner} takes avg_fn or multi_avg_fn, not both.")
    return arguments
