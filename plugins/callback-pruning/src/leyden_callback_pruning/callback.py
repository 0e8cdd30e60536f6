"""``ModelPruning``: prunes weights while training."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from leyden import Callback, LightningModule
from leyden.api.rank_zero import rank_zero_info
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.kernel.state import TrainerFn
from leyden_callback_pruning import masks
from leyden_callback_pruning.methods import amount_of, method_of, switch

if TYPE_CHECKING:
    from leyden import Trainer

KEY = "pruning"
CONTAINERS = (LightningModule, nn.Sequential, nn.ModuleList, nn.ModuleDict)


class ModelPruning(Callback):
    """Prunes parameters at the end of epochs with :mod:`torch.nn.utils.prune`.

    Args:
        pruning_fn: ``"l1_unstructured"``, ``"random_unstructured"``, ``"ln_structured"``, ``"random_structured"``, or a
            class of one's own, a ``BasePruningMethod``.
        parameters_to_prune: pairs of a module and the name of a parameter; all of ``parameter_names`` by default.
        parameter_names: of ``"weight"`` and ``"bias"``, those to prune; both by default.
        use_global_unstructured: prune all parameters together, else each for itself.
        amount: how much of what is left to prune: a fraction (float), a count (int), or a function of the epoch.
        apply_pruning: whether to prune, or a function of the epoch.
        make_pruning_permanent: let checkpoints and the trained module hold the pruned weights, else weights and masks.
        use_lottery_ticket_hypothesis: give what is left the values that it had before the fit (Frankle and Carbin,
            2019); or a function of the epoch.
        resample_parameters: give it fresh values instead.
        pruning_dim: the dimension of structured methods.
        pruning_norm: the norm of ``"ln_structured"``.
        verbose: 1 to say how much is pruned, 2 for each parameter.
        prune_on_train_epoch_end: at the end of training epochs, else of validation epochs.

    Raises:
        leyden.errors.ConfigurationError: an argument is not possible; in ``fit``, the module does not have a parameter.
    """

    PARAMETER_NAMES: ClassVar[tuple[str, ...]] = ("weight", "bias")

    def __init__(
        self,
        pruning_fn: Callable[..., Any] | str,
        parameters_to_prune: Sequence[tuple[nn.Module, str]] = (),
        parameter_names: list[str] | None = None,
        use_global_unstructured: bool = True,
        amount: int | float | Callable[[int], int | float] = 0.5,
        apply_pruning: bool | Callable[[int], bool] = True,
        make_pruning_permanent: bool = True,
        use_lottery_ticket_hypothesis: bool | Callable[[int], bool] = True,
        resample_parameters: bool = False,
        pruning_dim: int | None = None,
        pruning_norm: int | None = None,
        verbose: int = 0,
        prune_on_train_epoch_end: bool = True,
    ) -> None:
        self._use_global_unstructured = switch("use_global_unstructured", use_global_unstructured, False)
        self.pruning_fn, self._pruning_method_name = method_of(
            pruning_fn, use_global_unstructured, pruning_dim, pruning_norm
        )
        for name in parameter_names or ():
            if name not in self.PARAMETER_NAMES:
                raise ConfigurationError.about("parameter_names", parameter_names, "'weight' and 'bias'")
        self._given, self._parameter_names = parameters_to_prune, parameter_names or self.PARAMETER_NAMES
        self.amount = amount_of(amount)
        self._apply_pruning = switch("apply_pruning", apply_pruning)
        self._make_pruning_permanent = switch("make_pruning_permanent", make_pruning_permanent, False)
        self._use_lottery_ticket_hypothesis = switch(
            "use_lottery_ticket_hypothesis", use_lottery_ticket_hypothesis
        )
        self._resample_parameters = switch("resample_parameters", resample_parameters, False)
        if isinstance(verbose, bool) or verbose not in (0, 1, 2):
            raise ConfigurationError.about("verbose", verbose, "0, 1 or 2")
        self._verbose = verbose
        self._prune_on_train_epoch_end = switch("prune_on_train_epoch_end", prune_on_train_epoch_end, False)
        self._parameters_to_prune: masks.Parameters = []
        self._initial: dict[int, nn.Module] = {}
        self._loaded: dict[str, dict[str, Tensor]] | None = None
        self._hooks: list[Any] = []

    def filter_parameters_to_prune(self, parameters_to_prune: masks.Parameters = ()) -> masks.Parameters:  # type: ignore[assignment]
        """Override to leave parameters out."""
        return parameters_to_prune

    # -- hooks ---------------------------------------------------------------------------------------------------

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        found = self.sanitize_parameters_to_prune(pl_module, self._given, self._parameter_names)
        self._parameters_to_prune = list(self.filter_parameters_to_prune(found))
        self._loaded = None
        register: Any = pl_module.register_load_state_dict_pre_hook
        self._hooks = [register(self._read_masks(stage == "fit"))]
        if stage != "fit":
            return
        if not self._parameters_to_prune:
            raise ConfigurationError(f"ModelPruning: {type(pl_module).__name__} has nothing to prune.")
        if self._use_lottery_ticket_hypothesis:
            self._initial = {id(module): deepcopy(module) for module, _ in self._parameters_to_prune}

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        loaded, self._loaded = self._loaded, None
        if loaded is None:
            return
        # only now, because pruning changes the order of parameters, by which optimizers were made
        for key, (module, name) in masks.named(pl_module, self._parameters_to_prune).items():
            if key in loaded["masks"]:
                masks.apply(module, name, loaded["masks"][key], loaded["originals"][key])
            if key in loaded.get("initial", {}) and id(module) in self._initial:
                getattr(self._initial[id(module)], name).data.copy_(loaded["initial"][key])

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._prune_on_train_epoch_end:
            self._run_pruning(trainer.current_epoch)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        inside_fit = trainer.state.fn is TrainerFn.FITTING and not trainer.sanity_checking
        if inside_fit and not self._prune_on_train_epoch_end:
            self._run_pruning(trainer.current_epoch)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._make_pruning_permanent:
            self.make_pruning_permanent(pl_module)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        for one in self._hooks:
            one.remove()
        self._hooks = []

    # -- pruning -------------------------------------------------------------------------------------------------

    def _run_pruning(self, epoch: int) -> None:
        amount = self.amount(epoch) if callable(self.amount) else self.amount
        if not _asked(self._apply_pruning, epoch) or not amount:
            return
        self.apply_pruning(amount)
        if _asked(self._use_lottery_ticket_hypothesis, epoch):
            self.apply_lottery_ticket_hypothesis()

    def apply_pruning(self, amount: int | float) -> None:
        """Prune so much of what is left of the parameters."""
        before = [masks.zeros(*one) for one in self._parameters_to_prune] if self._verbose else []
        if self._use_global_unstructured:
            taken = inspect.signature(self.pruning_fn).parameters
            given = {"amount": amount} if "amount" in taken else {}
            prune.global_unstructured(self._parameters_to_prune, pruning_method=self.pruning_fn, **given)
        else:
            for module, name in self._parameters_to_prune:
                self.pruning_fn(module, name=name, amount=amount)
        if self._verbose:
            self._say(before, amount)

    def apply_lottery_ticket_hypothesis(self) -> None:
        """Give the parameters the values that they had before the fit, or fresh ones; masks stay."""
        fresh: dict[int, nn.Module] = {}
        for module, name in self._parameters_to_prune:
            source = self._initial[id(module)]
            if self._resample_parameters and callable(getattr(source, "reset_parameters", None)):
                if id(module) not in fresh:
                    fresh[id(module)] = deepcopy(source)
                    fresh[id(module)].reset_parameters()  # type: ignore[operator]
                source = fresh[id(module)]
            target = getattr(module, f"{name}_orig" if masks.is_pruned(module, name) else name)
            target.data = getattr(source, name).data.to(target.device, copy=True)

    def make_pruning_permanent(self, module: nn.Module) -> None:
        """Apply the masks of a module and its children for good."""
        for one in module.modules():
            for key, hook in list(one._forward_pre_hooks.items()):
                if isinstance(hook, prune.BasePruningMethod):
                    hook.remove(one)
                    del one._forward_pre_hooks[key]

    def _say(self, before: list[tuple[int, int]], amount: int | float) -> None:
        after = [masks.zeros(*one) for one in self._parameters_to_prune]
        total, method = sum(size for _, size in after), self._pruning_method_name
        counts = [sum(count for count, _ in each) for each in (before, after)]
        rank_zero_info(
            f"Applied `{method}`. Pruned: {counts[0]}/{total} ({counts[0] / total:.2%}) -> {counts[1]}/{total} "
            f"({counts[1] / total:.2%})"
        )
        if self._verbose == 2:
            for (module, name), (old, _), (new, size) in zip(
                self._parameters_to_prune, before, after, strict=True
            ):
                rank_zero_info(
                    f"Applied `{method}` to `{module!r}.{name}` with amount={amount}. Pruned: {old} "
                    f"({old / size:.2%}) -> {new} ({new / size:.2%})"
                )

    # -- checkpoints ---------------------------------------------------------------------------------------------

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        state, found, originals = masks.permanent(checkpoint["state_dict"])
        parameters = masks.named(pl_module, self._parameters_to_prune)
        initial = {
            key: getattr(self._initial[id(module)], name)
            for key, (module, name) in parameters.items()
            if id(module) in self._initial
        }
        held = {"masks": found, "originals": originals, "initial": initial}
        checkpoint[KEY] = {
            name: {key: one.detach().cpu() for key, one in each.items()} for name, each in held.items()
        }
        if self._make_pruning_permanent:
            checkpoint["state_dict"] = {
                key: one.cpu() if isinstance(one, Tensor) else one for key, one in state.items()
            }

    def leyden_write_checkpoint(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        checkpoint: dict[str, Any],
        path: str,
        storage_options: Any,
    ) -> None:
        # of a file with weights alone, callbacks are told nothing earlier
        if KEY not in checkpoint and self._make_pruning_permanent:
            checkpoint["state_dict"] = masks.permanent(checkpoint["state_dict"])[0]

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        if trainer.state.fn is TrainerFn.FITTING and KEY in checkpoint:
            self._loaded = checkpoint[KEY]

    def _read_masks(self, fitting: bool) -> Callable[..., None]:
        """Weights that are saved beside masks are loaded into a module that is not pruned yet."""

        def hook(module: nn.Module, state: dict[str, Any], prefix: str, *rest: Any) -> None:
            if any(masks.is_pruned(*one) for one in self._parameters_to_prune):
                return
            found, read, originals = masks.permanent(state)
            if read:
                for name in read:
                    del state[f"{name}_orig"], state[f"{name}_mask"]
                    state[name] = originals[name] if fitting else found[name]
                if fitting:
                    self._loaded = {"masks": read, "originals": originals}

        return hook

    @staticmethod
    def sanitize_parameters_to_prune(
        pl_module: LightningModule,
        parameters_to_prune: Sequence[tuple[nn.Module, str]] = (),
        parameter_names: Sequence[str] = (),
    ) -> masks.Parameters:
        """The parameters to prune of a module.

        Raises:
            leyden.errors.ConfigurationError: what was given is none of the module's.
        """
        names = parameter_names or ModelPruning.PARAMETER_NAMES
        modules = [one for one in pl_module.modules() if not isinstance(one, CONTAINERS)]
        if not parameters_to_prune:
            return [(one, name) for name in names for one in modules if _prunable(one, name)]
        allowed = "pairs of a module and the name of one of its parameters"
        if not isinstance(parameters_to_prune, list | tuple) or not all(
            isinstance(pair, list | tuple)
            and len(pair) == 2
            and isinstance(pair[0], nn.Module)
            and isinstance(pair[1], str)
            for pair in parameters_to_prune
        ):
            raise ArgumentTypeError.about("parameters_to_prune", parameters_to_prune, allowed)
        for module, name in parameters_to_prune:
            if not any(module is one for one in modules) or not _prunable(module, name):
                raise ConfigurationError(
                    f"parameters_to_prune: {type(pl_module).__name__} has no {name!r} in {module!r}; "
                    f"allowed are {allowed}."
                )
        return [(module, name) for module, name in parameters_to_prune]


def _asked(value: Any, epoch: int) -> bool:
    return bool(value(epoch) if callable(value) else value)


def _prunable(module: nn.Module, name: str) -> bool:
    return isinstance(module._parameters.get(name), torch.nn.Parameter) or masks.is_pruned(module, name)
