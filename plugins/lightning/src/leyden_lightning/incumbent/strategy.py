"""What packages read off a strategy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any


def connecting(connect: Callable[..., None]) -> Callable[..., None]:
    """``strategy.connect(model)`` beside the kernel's own ``connect(accelerator=…, …)``."""

    @wraps(connect)
    def both(self: Any, model: Any = None, **components: Any) -> None:
        if components:
            connect(self, **components)
        else:
            self.module = self.model = model

    return both


class StrategyMembers:
    """Members for ``Strategy``."""

    module: Any
    model: Any
    precision: Any
    environment: Any

    @property
    def lightning_module(self) -> Any:
        """The module."""
        return self.module

    @property
    def _lightning_module(self) -> Any:
        return self.module

    @_lightning_module.setter
    def _lightning_module(self, module: Any) -> None:
        self.module = module

    @property
    def precision_plugin(self) -> Any:
        """The precision."""
        return self.precision

    @precision_plugin.setter
    def precision_plugin(self, precision: Any) -> None:
        self.precision = precision

    @property
    def cluster_environment(self) -> Any:
        """Where ranks come from."""
        return self.environment

    @property
    def restore_checkpoint_after_setup(self) -> bool:
        """Whether checkpoints are loaded after the module was wrapped."""
        return bool(self.restore_after_setup)  # type: ignore[attr-defined]

    @property
    def lr_scheduler_configs(self) -> list[Any]:
        """The schedulers with their settings."""
        trainer = getattr(self.module, "_trainer", None)
        return trainer.lr_scheduler_configs if trainer is not None else []

    @property
    def launcher(self) -> None:
        """Strategies start their processes themselves."""

    def lightning_module_state_dict(self) -> dict[str, Any]:
        """The module's full state."""
        return self.module_state_dict()  # type: ignore[attr-defined, no-any-return]

    def load_model_state_dict(self, checkpoint: dict[str, Any], strict: bool = True) -> None:
        """Give the module the state in a checkpoint."""
        self.load_module_state_dict(checkpoint["state_dict"], strict)  # type: ignore[attr-defined]

    def load_optimizer_state_dict(self, checkpoint: dict[str, Any]) -> None:
        """Give the optimizers the states in a checkpoint."""
        for optimizer, state in zip(self.optimizers, checkpoint["optimizer_states"], strict=True):  # type: ignore[attr-defined]
            self.load_optimizer_state(optimizer, state)  # type: ignore[attr-defined]

    def _io(self) -> Any:
        from leyden.api.loading import default_io

        if self.checkpoint_io is None:  # type: ignore[has-type]
            self.checkpoint_io = default_io()
        return self.checkpoint_io

    def save_checkpoint(self, checkpoint: dict[str, Any], filepath: Any, storage_options: Any = None) -> None:
        """Write a checkpoint on rank zero."""
        if self.is_global_zero:  # type: ignore[attr-defined]
            self._io().save_checkpoint(checkpoint, filepath, storage_options)

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> dict[str, Any]:
        """Read a checkpoint."""
        found: dict[str, Any] = self._io().load_checkpoint(checkpoint_path, "cpu", weights_only is not False)
        return found

    def remove_checkpoint(self, filepath: Any) -> None:
        """Remove a checkpoint on rank zero."""
        if self.is_global_zero:  # type: ignore[attr-defined]
            self._io().remove_checkpoint(filepath)

    def model_to_device(self) -> None:
        """Move the module to the device of this process."""
        self.module.to(self.root_device)  # type: ignore[attr-defined]

    def optimizer_step(
        self, optimizer: Any, closure: Callable[[], Any], model: Any = None, **kwargs: Any
    ) -> Any:
        """Step an optimizer as the precision does it."""
        return self.precision.step_with_closure(optimizer, closure)

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        """Run ``training_step`` through wrapper and precision."""
        return self.bind_step("training_step")(*args, **kwargs)  # type: ignore[attr-defined]

    def validation_step(self, *args: Any, **kwargs: Any) -> Any:
        """Run ``validation_step`` through wrapper and precision."""
        return self.bind_step("validation_step")(*args, **kwargs)  # type: ignore[attr-defined]

    def test_step(self, *args: Any, **kwargs: Any) -> Any:
        """Run ``test_step`` through wrapper and precision."""
        return self.bind_step("test_step")(*args, **kwargs)  # type: ignore[attr-defined]

    def predict_step(self, *args: Any, **kwargs: Any) -> Any:
        """Run ``predict_step`` through wrapper and precision."""
        return self.bind_step("predict_step")(*args, **kwargs)  # type: ignore[attr-defined]

    def process_dataloader(self, dataloader: Any) -> Any:
        """A loader as it is: the run shards it."""
        return dataloader

    def tensor_init_context(self, empty_init: bool | None = None) -> AbstractContextManager[Any]:
        """What holds while parameters are created."""
        return self.init_context(empty_init)  # type: ignore[attr-defined, no-any-return]

    def model_sharded_context(self) -> AbstractContextManager[Any]:
        """What holds while ``configure_model`` runs."""
        return self.init_context()  # type: ignore[attr-defined, no-any-return]
