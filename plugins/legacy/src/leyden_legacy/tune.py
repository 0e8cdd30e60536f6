"""``trainer.tune`` and ``trainer.tuner``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from leyden.errors import ConfigurationError, PluginNotFoundError
from leyden.plugins.components import install


def tuner(trainer: Any) -> Any:
    """``leyden.tuner.Tuner(trainer)``.

    Raises:
        leyden.errors.PluginNotFoundError: no tuner is installed; says what to install.
    """
    try:
        from leyden.tuner import Tuner
    except (ImportError, PluginNotFoundError) as error:
        raise PluginNotFoundError(
            f"trainer.tune needs leyden.tuner.Tuner. {install('leyden-tuner')}"
        ) from error
    return Tuner(trainer)


def bound(trainer: Any) -> Callable[..., dict[str, Any]]:
    """``trainer.tune``."""

    def tune(
        model: Any,
        train_dataloaders: Any = None,
        val_dataloaders: Any = None,
        dataloaders: Any = None,
        datamodule: Any = None,
        scale_batch_size_kwargs: dict[str, Any] | None = None,
        lr_find_kwargs: dict[str, Any] | None = None,
        method: str = "fit",
        train_dataloader: Any = None,
    ) -> dict[str, Any]:
        """Search for a batch size and a learning rate, as ``auto_scale_batch_size`` and ``auto_lr_find`` say.

        Args:
            model: the module.
            train_dataloaders: training data.
            val_dataloaders: validation data.
            dataloaders: data for another method than fit.
            datamodule: a data module instead of loaders.
            scale_batch_size_kwargs: further arguments of ``Tuner.scale_batch_size``.
            lr_find_kwargs: further arguments of ``Tuner.lr_find``.
            method: the call to search for.
            train_dataloader: training data.

        Returns:
            The batch size under ``scale_batch_size`` and the finder under ``lr_find``, each if it was searched for.

        Raises:
            leyden.errors.ConfigurationError: neither was asked for.
        """
        rate, size = vars(trainer).get("auto_lr_find"), vars(trainer).get("auto_scale_batch_size")
        if not rate and not size:
            raise ConfigurationError(
                "trainer.tune has nothing to do: give Trainer auto_lr_find=True or auto_scale_batch_size=True, or "
                "use leyden.tuner.Tuner(trainer)."
            )
        train = train_dataloaders if train_dataloaders is not None else train_dataloader
        data = dict(train_dataloaders=train, val_dataloaders=val_dataloaders, dataloaders=dataloaders)
        data.update(datamodule=datamodule, method=method)
        found, search = {}, tuner(trainer)
        if size:
            further = {"mode": "power" if size is True else size, **(scale_batch_size_kwargs or {})}
            found["scale_batch_size"] = search.scale_batch_size(model, **data, **further)
        if rate:
            further = {"attr_name": rate if isinstance(rate, str) else "", **(lr_find_kwargs or {})}
            found["lr_find"] = search.lr_find(model, **data, **further)
        return found

    return tune
