from __future__ import annotations

import copy
import importlib.metadata
import importlib.util
import os
import pickle
import sys
from importlib import import_module
from typing import Any

import pytest
import torch
from packaging.version import Version

import leyden
import leyden_lightning
from leyden.api.callback import Callback
from leyden.errors import ArgumentTypeError, CheckpointError, ConfigurationError
from leyden_lightning.children import FOLDER


def test_all_names_are_one_class(installed: None) -> None:
    import lightning
    import lightning.pytorch
    import pytorch_lightning

    assert pytorch_lightning is lightning.pytorch
    assert pytorch_lightning.Trainer is lightning.pytorch.Trainer is lightning.Trainer is leyden.Trainer
    assert import_module("pytorch_lightning.callbacks.early_stopping") is import_module(
        "lightning.pytorch.callbacks.early_stopping"
    )
    assert import_module("lightning_fabric") is import_module("lightning.fabric")


def test_submodules_are_attributes(installed: None) -> None:
    import pytorch_lightning as pl

    assert pl.callbacks.EarlyStopping is leyden.callbacks.EarlyStopping
    assert pl.utilities.rank_zero.rank_zero_only is pl.utilities.rank_zero_only
    assert "Trainer" in dir(pl) and "callbacks" in dir(pl)


def test_star_import(installed: None) -> None:
    namespace: dict[str, Any] = {}
    exec("from lightning.pytorch.demos.boring_classes import *", namespace)
    assert {"BoringModel", "RandomDataset"} <= set(namespace)


def test_hasattr_says_no(installed: None) -> None:
    import pytorch_lightning as pl

    assert not hasattr(pl, "Nothing")
    assert not hasattr(pl.callbacks, "NoSuchCallback")
    assert not hasattr(pl.loggers, "LitLogger")


def test_an_absent_component_names_what_is_there(installed: None) -> None:
    with pytest.raises(ImportError, match="NoSuchCallback"):
        exec("from lightning.pytorch.callbacks import NoSuchCallback")


def test_version_is_accepted_by_version_checks(installed: None) -> None:
    import lightning
    import pytorch_lightning

    assert Version(pytorch_lightning.__version__) >= Version("2.6")
    assert lightning.__version__ == leyden_lightning.VERSION
    for name in ("lightning", "pytorch-lightning", "pytorch_lightning"):
        assert importlib.metadata.version(name) == leyden_lightning.VERSION


def test_modules_can_be_found_pickled_and_copied(installed: None) -> None:
    import pytorch_lightning as pl

    spec = importlib.util.find_spec("pytorch_lightning.callbacks")
    assert spec is not None and spec.submodule_search_locations is not None
    assert importlib.util.find_spec("lightning.pytorch.nothing") is None
    assert pickle.loads(pickle.dumps(pl)) is pl
    assert copy.deepcopy(pl) is pl


def test_installing_twice_and_taking_it_back() -> None:
    before = {name for name in sys.modules if name.partition(".")[0] in ("lightning", "pytorch_lightning")}
    path, variable = list(sys.path), os.environ.get("PYTHONPATH")
    leyden_lightning.install()
    leyden_lightning.install()
    import pytorch_lightning

    assert pytorch_lightning.Trainer is leyden.Trainer
    assert leyden.Trainer.__module__ == "lightning.pytorch.trainer.trainer"
    assert FOLDER in os.environ["PYTHONPATH"].split(os.pathsep)
    leyden_lightning.uninstall()
    leyden_lightning.uninstall()
    after = {name for name in sys.modules if name.partition(".")[0] in ("lightning", "pytorch_lightning")}
    assert after == before and sys.path == path and os.environ.get("PYTHONPATH") == variable
    assert leyden.Trainer.__module__ == "leyden.api.trainer"
    assert not hasattr(leyden.Trainer, "_accelerator_connector")


def test_the_real_package_comes_back() -> None:
    real = pytest.importorskip("pytorch_lightning")
    leyden_lightning.install()
    try:
        assert import_module("pytorch_lightning").Trainer is leyden.Trainer
    finally:
        leyden_lightning.uninstall()
    assert import_module("pytorch_lightning") is real
    assert real.Trainer is not leyden.Trainer


def test_public_classes_show_lightnings_modules(installed: None) -> None:
    import pytorch_lightning as pl

    for kind in (
        pl.Trainer,
        pl.LightningModule,
        pl.LightningDataModule,
        pl.Callback,
        pl.callbacks.EarlyStopping,
        pl.callbacks.ModelCheckpoint,
        pl.loggers.CSVLogger,
        pl.trainer.states.TrainerFn,
        pl.utilities.parsing.AttributeDict,
    ):
        assert kind.__module__.startswith("lightning.pytorch."), kind
        assert getattr(import_module(kind.__module__), kind.__qualname__) is kind
        assert pickle.loads(pickle.dumps(kind)) is kind
    # what its instances hold stands there as well
    reason = type(pl.callbacks.EarlyStopping("x").stopping_reason)
    assert reason.__module__ == "lightning.pytorch.callbacks.early_stopping"


def test_source_and_annotations_are_still_found(installed: None) -> None:
    import inspect
    import typing

    import pytorch_lightning as pl

    assert "class EarlyStopping" in inspect.getsource(pl.callbacks.EarlyStopping)
    assert "monitor" in typing.get_type_hints(pl.callbacks.EarlyStopping.__init__)


def test_which_distribution_a_class_belongs_to_is_still_known(installed: None) -> None:
    import pytorch_lightning as pl

    from leyden.plugins.catalogue import catalogue

    catalogue().group("leyden.callbacks")
    owner = catalogue().owner_of_object(pl.callbacks.EarlyStopping("x"))
    assert owner is not None and owner.distribution == "leyden-callback-early-stopping"


def test_classes_of_old_pickles_are_found(installed: None) -> None:
    text = b"cpytorch_lightning.callbacks.early_stopping\nEarlyStopping\n."
    assert pickle.loads(text) is leyden.callbacks.EarlyStopping
    text = b"clightning.pytorch.utilities.parsing\nAttributeDict\n."
    assert pickle.loads(text).__name__ == "AttributeDict"


def test_lists_of_safe_classes(installed: None, tmp_path: Any) -> None:
    from pytorch_lightning.utilities.parsing import AttributeDict

    torch.save({"value": AttributeDict}, tmp_path / "file")
    assert torch.serialization.get_unsafe_globals_in_checkpoint(tmp_path / "file") == [
        "lightning.pytorch.utilities.parsing.AttributeDict"
    ]


@pytest.mark.parametrize(
    "error",
    [ConfigurationError("x"), ArgumentTypeError("x"), CheckpointError("x")],
    ids=lambda one: type(one).__name__,
)
def test_misconfiguration_catches_leydens_errors(error: Exception, installed: None) -> None:
    from lightning.fabric.utilities.exceptions import MisconfigurationException as OfFabric
    from lightning.pytorch.utilities.exceptions import MisconfigurationException

    assert OfFabric is MisconfigurationException
    with pytest.raises(MisconfigurationException):
        raise error
    with pytest.raises(MisconfigurationException, match="two bars"):
        raise MisconfigurationException("two bars")


def test_strategies_and_accelerators_that_are_not_installed_can_be_named(
    installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "")
    import pytorch_lightning as pl

    absent = pl.accelerators.XLAAccelerator
    if absent.is_available():
        pytest.skip("a TPU")
    assert issubclass(absent, pl.accelerators.Accelerator)
    strategy = pl.strategies.SingleDeviceXLAStrategy
    assert issubclass(strategy, pl.strategies.Strategy)
    assert not isinstance(leyden.Trainer(logger=False).strategy, strategy)
    if strategy.__module__.startswith("leyden_lightning"):
        with pytest.raises(ImportError):
            strategy()


def test_callback_hooks_are_plain_functions(installed: None) -> None:
    import inspect

    hooks = [name for name, _ in inspect.getmembers(Callback, inspect.isfunction) if name.startswith("on_")]
    assert {"on_validation_end", "on_train_batch_end", "on_fit_start"} <= set(hooks)
