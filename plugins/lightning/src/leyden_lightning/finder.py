"""The import names of Lightning, answered by Leyden."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any

from leyden_lightning.metadata import VERSION, Metadata
from leyden_lightning.names import PAGES, REASONS
from leyden_lightning.patched import give_back, replaced
from leyden_lightning.resolve import AbsentNameError, offered, resolve

__all__ = ["ROOTS", "VERSION", "Finder", "Page", "canonical"]

ROOTS = {
    "lightning": "lightning",
    "pytorch_lightning": "lightning.pytorch",
    "lightning_fabric": "lightning.fabric",
}
"""Top-level package → the name under which its modules are kept."""


EVERYWHERE = (
    ("lightning.pytorch.callbacks.callback", "Callback"),
    ("lightning.pytorch.callbacks.checkpoint", "Checkpoint"),
    ("lightning.pytorch.core.datamodule", "LightningDataModule"),
    ("lightning.pytorch.core.mixins.hparams_mixin", "HyperparametersMixin"),
    ("lightning.pytorch.core.module", "LightningModule"),
    ("lightning.pytorch.trainer.states", "RunningStage"),
    ("lightning.pytorch.trainer.states", "TrainerFn"),
    ("lightning.pytorch.trainer.states", "TrainerStatus"),
    ("lightning.pytorch.trainer.trainer", "Trainer"),
    ("lightning.pytorch.utilities.parsing", "AttributeDict"),
    ("lightning.pytorch.utilities.types", "LRSchedulerConfig"),
)
"""Classes whose instances programs hold without having named the class; they show Lightning's modules at once."""


def canonical(name: str) -> str | None:
    """The one name of a module that has two: ``pytorch_lightning.x`` is ``lightning.pytorch.x``."""
    root, dot, rest = name.partition(".")
    return f"{ROOTS[root]}{dot}{rest}" if root in ROOTS else None


class Page(ModuleType):
    """A module of Lightning's. Its names are looked up when they are used; its submodules are imported when used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in PAGES[self.__name__]:
            if name == "__all__":
                return self.__dir__()
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if f"{self.__name__}.{name}" in PAGES:
            return import_module(f"{self.__name__}.{name}")
        try:
            value = resolve(self, name)
        except AbsentNameError as error:
            # hasattr() must be able to say no; `from … import` asks the finder next, which raises the ImportError
            raise AttributeError(str(error)) from None
        vars(self)[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        """What a program puts in the place of a name (``mock.patch``) also stands where Leyden looks it up."""
        if not name.startswith("__") and not isinstance(value, ModuleType):
            for module in replaced(self, name):
                setattr(module, name, value)
        vars(self)[name] = value

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        give_back(self, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return import_module, (self.__name__,)

    def __dir__(self) -> list[str]:
        return sorted({*offered(self.__name__), *(one for one in vars(self) if not one.startswith("__"))})


class _Loader:
    """Makes a page, or hands out the one that exists under the other name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        if spec.name != self.name:
            return import_module(self.name)
        page = Page(self.name, f"Lightning's ``{self.name}``, answered by Leyden.")
        vars(page).update(__file__=None, __path__=[])
        return page

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is None or module.__spec__.name != self.name:
            module.__spec__ = _spec(self.name, self.name)
            return
        if self.name in ("lightning", "lightning.pytorch", "lightning.fabric"):
            from leyden_lightning.incumbent import attach

            attach()
            for page, name in EVERYWHERE:
                getattr(import_module(page), name)

    def is_package(self, name: str) -> bool:
        return True


def _spec(name: str, own: str) -> ModuleSpec:
    loader: Any = _Loader(own)
    spec = spec_from_loader(name, loader, is_package=True)
    assert spec is not None
    return spec


class Finder(DistributionFinder):
    """Stands first in ``sys.meta_path`` while the names are installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module of Lightning's.

        Raises:
            ImportError: it is known why there is none; says which distribution to install, or what to use instead.
        """
        name = canonical(fullname)
        if name is None:
            return None
        if name in PAGES:
            return _spec(fullname, name)
        if name in REASONS:
            raise ModuleNotFoundError(f"No module named {fullname!r}: {REASONS[name]}", name=fullname)
        parent, _, short = name.rpartition(".")
        if parent in PAGES and (short in PAGES[parent] or short != short.lower()):
            page = import_module(parent)
            try:
                resolve(page, short)
            except AbsentNameError as error:
                raise ImportError(
                    f"cannot import name {short!r} from {parent!r}: {error}", name=parent
                ) from None
        return None

    def find_distributions(self, context: Any = DistributionFinder.Context()) -> Iterable[Distribution]:  # noqa: B008
        """What ``importlib.metadata`` says of Lightning's distributions, when it is asked for them by name."""
        return Metadata.of(context.name)
