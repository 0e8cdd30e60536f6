"""What packages read off a module."""

from __future__ import annotations

from typing import Any

from leyden.errors import ConfigurationError


class ModuleMembers:
    """Members for ``LightningModule``."""

    _compiler_ctx: Any = None
    _fabric: Any = None
    _log_hyperparams: bool = False

    @property
    def _current_fx_name(self) -> str | None:
        trainer = self.__dict__.get("_trainer")
        return trainer.run_state.hook if trainer is not None else None

    @property
    def _param_requires_grad_state(self) -> dict[Any, bool]:
        found: dict[Any, bool] = self.__dict__.get("_toggled", {})
        return found

    @property
    def _metric_attributes(self) -> dict[int, str]:
        return {
            id(one): name
            for name, one in self.named_modules()  # type: ignore[attr-defined]
            if hasattr(one, "_forward_cache") and hasattr(one, "compute")
        }

    def _verify_is_manual_optimization(self, fn_name: str) -> None:
        if self.automatic_optimization:  # type: ignore[attr-defined]
            raise ConfigurationError(
                f"to use {fn_name}, please disable automatic optimization: set model property "
                "`automatic_optimization` as False"
            )

    def _apply_batch_transfer_handler(self, batch: Any, device: Any = None, dataloader_idx: int = 0) -> Any:
        batch = self._on_before_batch_transfer(batch, dataloader_idx)
        device = device if device is not None else self.device  # type: ignore[attr-defined]
        batch = self.transfer_batch_to_device(batch, device, dataloader_idx)  # type: ignore[attr-defined]
        return self.on_after_batch_transfer(batch, dataloader_idx)  # type: ignore[attr-defined]

    def _on_before_batch_transfer(self, batch: Any, dataloader_idx: int = 0) -> Any:
        return self.on_before_batch_transfer(batch, dataloader_idx)  # type: ignore[attr-defined]

    def _set_hparams(self, hp: Any) -> None:
        self.hparams = hp

    @staticmethod
    def _to_hparams_dict(hp: Any) -> Any:
        from leyden.api.hparams import AttributeDict
        from leyden.api.logger import as_mapping

        return AttributeDict(as_mapping(hp))
