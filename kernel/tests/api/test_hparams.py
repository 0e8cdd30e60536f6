"""Hyper-parameters: every form of ``save_hyperparameters``."""

from __future__ import annotations

import inspect
from argparse import Namespace
from dataclasses import dataclass
from typing import Any

import pytest
from kernel.tests.api.tiny import Kept, Linear, numbers, quiet

from leyden import LightningDataModule, LightningModule
from leyden.api.hparams import HyperparametersMixin
from leyden.errors import ArgumentTypeError, ConfigurationError


def made(save: Any, **arguments: Any) -> dict[str, Any]:
    """The hyper-parameters of an object whose ``__init__`` calls ``save``."""

    class Mine(LightningModule):
        def __init__(self, a: int = 1, bb: int = 2, *rest: int, c: int = 3, **kwargs: Any) -> None:
            super().__init__()
            local = "not an argument"
            save(self, a, local, inspect.currentframe())

    return dict(Mine(**arguments).hparams)


@pytest.mark.parametrize(
    ("save", "kept"),
    [
        (lambda self, a, x, frame: self.save_hyperparameters(frame=frame), {"a": 1, "bb": 2, "c": 3, "d": 4}),
        (lambda self, a, x, frame: self.save_hyperparameters("a", frame=frame), {"a": 1}),
        (lambda self, a, x, frame: self.save_hyperparameters("c", "d", frame=frame), {"c": 3, "d": 4}),
        (lambda self, a, x, frame: self.save_hyperparameters(ignore="bb", frame=frame), {"a": 1, "c": 3, "d": 4}),
        (lambda self, a, x, frame: self.save_hyperparameters(ignore=["bb", "d"], frame=frame), {"a": 1, "c": 3}),
        (lambda self, a, x, frame: self.save_hyperparameters("a", "bb", ignore="bb", frame=frame), {"a": 1}),
        (lambda self, a, x, frame: self.save_hyperparameters({"x": 1}, frame=frame), {"x": 1}),
        (lambda self, a, x, frame: self.save_hyperparameters(Namespace(y=2), frame=frame), {"y": 2}),
        (lambda self, a, x, frame: self.save_hyperparameters(Plain(7), frame=frame), {"z": 7}),
    ],
    ids=["all", "named", "named among kwargs", "ignore one", "ignore several", "named and ignored", "a dict",
         "a namespace", "a dataclass"],
)  # fmt: skip
def test_what_is_kept(save: Any, kept: dict[str, Any]) -> None:
    assert made(save, d=4) == kept


@dataclass
class Plain:
    """Some settings."""

    z: int


class Directly(LightningModule):
    """Saves without naming its frame, as users do."""

    def __init__(self, width: int, depth: int = 2) -> None:
        super().__init__()
        self.save_hyperparameters()
        width = 99  # noqa: F841  # too late to be kept


def test_the_callers_frame_is_found() -> None:
    assert Directly(width=5).hparams == {"width": 5, "depth": 2}


class Derived(Directly):
    """Hands another width on."""

    def __init__(self, width: int, rate: float = 0.1, **kwargs: Any) -> None:
        super().__init__(width * 10, **kwargs)


def test_arguments_of_every_init_in_the_chain_are_kept_and_the_outermost_wins() -> None:
    assert Derived(5, depth=7).hparams == {"width": 5, "depth": 7, "rate": 0.1}


@dataclass
class Settings(HyperparametersMixin):
    """A class whose ``__init__`` is generated."""

    a: int
    b: int = 2

    def __post_init__(self) -> None:
        self.save_hyperparameters()


def test_a_dataclass_keeps_its_fields() -> None:
    assert Settings(1).hparams == {"a": 1, "b": 2}


def test_calls_add_up() -> None:
    def save(self: Any, a: int, x: str, frame: Any) -> None:
        self.save_hyperparameters("a", frame=frame)
        self.save_hyperparameters({"x": 1}, frame=frame)

    assert made(save) == {"a": 1, "x": 1}


def test_hparams_are_attributes_and_items_and_keep_changes() -> None:
    module = Directly(5)
    module.hparams.width = 6
    module.hparams["depth"] = 3
    assert (module.hparams["width"], module.hparams.depth) == (6, 3)
    assert module.hparams_initial == {"width": 5, "depth": 2}
    del module.hparams.depth
    assert "depth" not in module.hparams
    with pytest.raises(AttributeError, match="no hyper-parameter 'wdith'.*Did you mean 'width'"):
        module.hparams.wdith  # noqa: B018


def test_the_initial_values_are_copies_of_their_own() -> None:
    module = Linear()
    module.save_hyperparameters({"sizes": [1, 2]})
    module.hparams.sizes.append(3)
    assert module.hparams_initial.sizes == [1, 2]
    module.hparams_initial.sizes.append(4)
    assert module.hparams_initial.sizes == [1, 2]


def test_what_cannot_be_copied_is_kept_all_the_same() -> None:
    generator = (i for i in range(3))
    module = Linear()
    module.save_hyperparameters({"stream": generator, "a": 1})
    assert module.hparams_initial == {"stream": generator, "a": 1}


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        (("widht",), ConfigurationError, "'widht'.*it has 'depth', 'width'.*Did you mean 'width'"),
        (("width", 3), ArgumentTypeError, "names of arguments, or one mapping alone"),
        ((3,), ArgumentTypeError, "names of arguments, or one dict, Namespace or dataclass"),
    ],
)
def test_what_cannot_be_saved_is_refused(
    arguments: tuple[Any, ...], kind: type[Exception], text: str
) -> None:
    class Wrong(LightningModule):
        def __init__(self, width: int = 1, depth: int = 2) -> None:
            super().__init__()
            self.save_hyperparameters(*arguments)

    with pytest.raises(kind, match=text):
        Wrong()


def test_without_a_call_there_are_none() -> None:
    module = Linear()
    assert module.hparams == {}
    assert module.hparams_initial == {}


def test_loggers_get_what_was_kept_of_module_and_data_module() -> None:
    class Data(LightningDataModule):
        def __init__(self, size: int = 4) -> None:
            super().__init__()
            self.save_hyperparameters()

        def train_dataloader(self) -> Any:
            return numbers(self.hparams.size)

    module, logger = Linear(), Kept()
    module.save_hyperparameters({"rate": 0.1})
    quiet(logger=logger).fit(module, datamodule=Data())
    assert logger.params == [{"size": 4, "rate": 0.1}]


@pytest.mark.parametrize(
    ("logged", "trainer", "wanted"), [(False, True, []), (True, False, []), (True, True, [{"a": 1}])]
)
def test_loggers_can_be_left_out(logged: bool, trainer: bool, wanted: list[Any]) -> None:
    module, logger = Linear(), Kept()
    module.save_hyperparameters({"a": 1}, logger=logged)
    quiet(logger=logger, enable_autolog_hparams=trainer).fit(module, numbers())
    assert logger.params == wanted
