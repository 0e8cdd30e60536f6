"""The LightningDataModule: everything about the data in one place."""

from __future__ import annotations

from inspect import signature
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Self

from leyden.api.data_hooks import DataHooks
from leyden.api.dialects import member, understanding
from leyden.api.hparams import HyperparametersMixin

if TYPE_CHECKING:
    from leyden.api.trainer import Trainer


class LightningDataModule(DataHooks, HyperparametersMixin):
    """Prepares data, makes the loaders of every stage, and moves batches.

    Attributes:
        name: an optional name.
        trainer: the Trainer that runs it.
    """

    name: str | None = None
    CHECKPOINT_HYPER_PARAMS_KEY: ClassVar[str] = "datamodule_hyper_parameters"
    CHECKPOINT_HYPER_PARAMS_NAME: ClassVar[str] = "datamodule_hparams_name"
    CHECKPOINT_HYPER_PARAMS_TYPE: ClassVar[str] = "datamodule_hparams_type"

    @understanding
    def __init__(self) -> None:
        self.trainer: Trainer | None = None

    if not TYPE_CHECKING:  # type checkers are to find misspelled attributes

        def __getattr__(self, name: str) -> Any:
            return member(type(self), self, name)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint must hold for the data."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the state back."""

    def on_exception(self, exception: BaseException) -> None:
        """The run ends with an exception."""

    @classmethod
    def from_datasets(
        cls,
        train_dataset: Any = None,
        val_dataset: Any = None,
        test_dataset: Any = None,
        predict_dataset: Any = None,
        batch_size: int = 1,
        num_workers: int = 0,
        **datamodule_kwargs: Any,
    ) -> Self:
        """Make a data module of datasets: the training data is shuffled unless it is iterable.

        Args:
            train_dataset: a dataset, or a sequence or mapping of datasets.
            val_dataset: a dataset or a sequence of them.
            test_dataset: a dataset or a sequence of them.
            predict_dataset: a dataset or a sequence of them.
            batch_size: samples a batch.
            num_workers: worker processes a loader.
            datamodule_kwargs: arguments of the constructor, which also gets ``batch_size`` and ``num_workers`` where
                it has them.
        """
        from leyden.api.loaders import loaders_of_datasets

        accepted = signature(cls.__init__).parameters.values()
        takes = {one.name for one in accepted if one.kind is not one.VAR_KEYWORD}
        everything = any(one.kind is one.VAR_KEYWORD for one in accepted)
        sizes = {"batch_size": batch_size, "num_workers": num_workers}
        own = {name: value for name, value in sizes.items() if everything or name in takes}
        module = cls(**{**datamodule_kwargs, **own})
        given = {"train": train_dataset, "val": val_dataset, "test": test_dataset, "predict": predict_dataset}
        for prefix, dataset in given.items():
            if dataset is not None:
                make = loaders_of_datasets(dataset, prefix == "train", batch_size, num_workers)
                setattr(module, f"{prefix}_dataloader", make)
        return module

    @classmethod
    def load_from_checkpoint(
        cls,
        checkpoint_path: str | PathLike[str],
        map_location: Any = None,
        hparams_file: str | PathLike[str] | None = None,
        weights_only: bool | None = None,
        **kwargs: Any,
    ) -> Self:
        """Make a data module from a checkpoint: its constructor arguments and its state."""
        from leyden.api.loading import load_datamodule

        made: Self = load_datamodule(cls, checkpoint_path, map_location, hparams_file, weights_only, kwargs)
        return made
