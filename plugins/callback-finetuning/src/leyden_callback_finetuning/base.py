"""``BaseFinetuning``: freezes modules before training, and lets them train later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from leyden import Callback
from leyden.api.warn import warn
from leyden.errors import ArgumentTypeError, ConfigurationError, UserCodeError
from leyden_callback_finetuning.frozen import Frozen

if TYPE_CHECKING:
    from leyden import LightningModule, Trainer

Modules = nn.Module | Iterable[Any]
"""A module, or modules in any nesting of iterables."""


class BaseFinetuning(Callback):
    """Calls :meth:`freeze_before_training` before a fit and :meth:`finetune_function` when each epoch begins.

    Override both. Checkpoints hold which parameters are frozen and the layout of the optimizers' parameter groups, so
    that a fit resumes with the groups that were added.

    Raises:
        leyden.errors.ConfigurationError: in ``fit``, the strategy cannot take further parameters.
    """

    def __init__(self) -> None:
        self._internal_optimizer_metadata: dict[int, list[dict[str, Any]]] = {}
        self._restarting = False
        self._frozen: dict[str, list[str]] | None = None
        self._module: LightningModule | None = None

    # -- what users override -------------------------------------------------------------------------------------

    def freeze_before_training(self, pl_module: LightningModule) -> None:
        """Freeze modules with :meth:`freeze`; before ``configure_optimizers``."""
        raise _not_overridden(self, "freeze_before_training(self, pl_module)")

    def finetune_function(self, pl_module: LightningModule, epoch: int, optimizer: Optimizer) -> None:
        """Unfreeze modules when it is time, with :meth:`unfreeze_and_add_param_group`; for each optimizer.

        Args:
            pl_module: the module.
            epoch: the epoch that begins.
            optimizer: one of its optimizers.
        """
        raise _not_overridden(self, "finetune_function(self, pl_module, epoch, optimizer)")

    # -- hooks ---------------------------------------------------------------------------------------------------

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage != "fit":
            return
        if any(base.__name__ == "DeepSpeedStrategy" for base in type(trainer.strategy).__mro__):
            raise ConfigurationError(
                f"{type(self).__name__} does not work with {type(trainer.strategy).__name__}, whose optimizer takes no "
                "further parameters. Take another strategy, or leave the callback out."
            )
        self._internal_optimizer_metadata, self._restarting, self._frozen = {}, False, None
        self._module = pl_module
        self.freeze_before_training(pl_module)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self._restarting:
            return
        self._restarting = False
        parameters = dict(pl_module.named_parameters())
        for index, optimizer in enumerate(trainer.optimizers):
            if index in self._internal_optimizer_metadata:
                saved = self._internal_optimizer_metadata[index]
                present = {id(one) for group in optimizer.param_groups for one in group["params"]}
                optimizer.param_groups = self._apply_mapping_to_param_groups(saved, parameters)
                for group in optimizer.param_groups:
                    for one in group["params"]:
                        one.requires_grad = one.requires_grad or id(one) not in present
        if self._frozen is not None:
            Frozen.restore(pl_module, self._frozen)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for index, optimizer in enumerate(trainer.optimizers):
            before = len(optimizer.param_groups)
            self.finetune_function(pl_module, trainer.current_epoch, optimizer)
            self._store(pl_module, index, before, optimizer.param_groups)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if self._module is not None:
            self._frozen, self._module = Frozen.of(self._module), None

    # -- state ---------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        module = None if self._restarting else self._module
        frozen = self._frozen if module is None else Frozen.of(module)
        return {"internal_optimizer_metadata": self._internal_optimizer_metadata, "frozen": frozen}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._restarting = True
        # the oldest files hold the groups and nothing else
        saved = state_dict.get("internal_optimizer_metadata", state_dict)
        self._internal_optimizer_metadata = {index: list(groups) for index, groups in saved.items()}
        self._frozen = state_dict.get("frozen")

    @staticmethod
    def _apply_mapping_to_param_groups(
        param_groups: Sequence[dict[str, Any]], mapping: dict[Any, Any]
    ) -> list[dict[str, Any]]:
        return [{**group, "params": [mapping[one] for one in group["params"]]} for group in param_groups]

    def _store(
        self, pl_module: LightningModule, index: int, before: int, groups: list[dict[str, Any]]
    ) -> None:
        """Remember the groups by the names of their parameters: all the first time, then those that are new."""
        known = self._internal_optimizer_metadata.setdefault(index, [])
        new = groups[before:] if known else groups
        if new:
            names = {parameter: name for name, parameter in pl_module.named_parameters()}
            known += self._apply_mapping_to_param_groups(new, names)

    # -- tools ---------------------------------------------------------------------------------------------------

    @staticmethod
    def flatten_modules(modules: Modules) -> list[nn.Module]:
        """The modules that have no children or parameters of their own, of a module or of several.

        Raises:
            leyden.errors.ArgumentTypeError: something in it is no module.
        """
        if isinstance(modules, nn.Module):
            return [one for one in modules.modules() if not list(one.children()) or one._parameters]
        if not isinstance(modules, Iterable) or isinstance(modules, str):
            raise ArgumentTypeError.about("modules", modules, "a module, or an iterable of modules")
        return [one for each in modules for one in BaseFinetuning.flatten_modules(each)]

    @staticmethod
    def filter_params(
        modules: Modules, train_bn: bool = True, requires_grad: bool = True
    ) -> Iterator[nn.Parameter]:
        """Parameters of modules.

        Args:
            modules: the modules.
            train_bn: with those of batch normalization.
            requires_grad: those that require gradients, or those that do not.
        """
        for module in BaseFinetuning.flatten_modules(modules):
            if train_bn or not isinstance(module, _BatchNorm):
                for one in module.parameters(recurse=False):
                    if one.requires_grad == requires_grad:
                        yield one

    @staticmethod
    def make_trainable(modules: Modules) -> None:
        """Let all parameters of modules require gradients, and batch normalization gather statistics."""
        for module in BaseFinetuning.flatten_modules(modules):
            _switch(module, True)

    @staticmethod
    def freeze_module(module: nn.Module) -> None:
        """Let a module's own parameters (not those of its children) require no gradients."""
        _switch(module, False)

    @staticmethod
    def freeze(modules: Modules, train_bn: bool = True) -> None:
        """Let parameters of modules require no gradients.

        Args:
            modules: the modules.
            train_bn: let batch normalization train all the same.
        """
        for module in BaseFinetuning.flatten_modules(modules):
            _switch(module, train_bn and isinstance(module, _BatchNorm))

    @staticmethod
    def filter_on_optimizer(optimizer: Optimizer, params: Iterable[nn.Parameter]) -> list[nn.Parameter]:
        """The parameters that an optimizer does not have yet; warns of those that it has."""
        present = {id(one) for group in optimizer.param_groups for one in group["params"]}
        given = list(params)
        new = [one for one in given if id(one) not in present]
        if len(new) < len(given):
            warn(
                "finetuning-present",
                f"{len(given) - len(new)} of {len(given)} parameters are in the optimizer already and stay in their "
                "group. To give them one of their own, let configure_optimizers pass only parameters that require "
                "gradients.",
            )
        return new

    @staticmethod
    def unfreeze_and_add_param_group(
        modules: Modules,
        optimizer: Optimizer,
        lr: float | None = None,
        initial_denom_lr: float = 10.0,
        train_bn: bool = True,
    ) -> None:
        """Let modules train, in a new parameter group.

        Args:
            modules: the modules.
            optimizer: what trains them.
            lr: the group's learning rate; that of the first group divided by ``initial_denom_lr`` when ``None``.
            initial_denom_lr: see ``lr``.
            train_bn: with the parameters of batch normalization.
        """
        present = {id(one) for group in optimizer.param_groups for one in group["params"]}
        trained = {id(one) for one in BaseFinetuning.filter_params(modules)} & present  # batch normalization
        BaseFinetuning.make_trainable(modules)
        rate = optimizer.param_groups[0]["lr"] / initial_denom_lr if lr is None else float(lr)
        params = BaseFinetuning.filter_params(modules, train_bn=train_bn, requires_grad=True)
        new = BaseFinetuning.filter_on_optimizer(optimizer, [one for one in params if id(one) not in trained])
        if new:
            optimizer.add_param_group({"params": new, "lr": rate})


def _switch(module: nn.Module, trainable: bool) -> None:
    if isinstance(module, _BatchNorm):
        module.track_running_stats = trainable
    for one in module.parameters(recurse=False):
        one.requires_grad = trainable


def _not_overridden(callback: BaseFinetuning, method: str) -> UserCodeError:
    return UserCodeError(f"{type(callback).__name__} does not override {method}, which says what to do.")
