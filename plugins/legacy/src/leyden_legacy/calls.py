"""Keywords of calls that Lightning 1.x had."""

from __future__ import annotations

from typing import Any

from leyden import LightningDataModule, Trainer
from leyden.errors import ArgumentTypeError
from leyden_legacy.notes import note

CALLS = {
    ("fit", "train_dataloader"): "train_dataloaders",
    ("validate", "val_dataloaders"): "dataloaders",
    ("test", "test_dataloaders"): "dataloaders",
}
"""Method and older keyword, and the present keyword."""

TRANSFORMS = ("train_transforms", "val_transforms", "test_transforms", "dims")
"""What the constructor of a data module took and kept."""


def arguments(target: Any, method: str, given: dict[str, Any]) -> dict[str, Any] | None:
    """The keywords of a call as the method takes them.

    Raises:
        leyden.errors.ArgumentTypeError: a keyword is given in both spellings.
    """
    if isinstance(target, LightningDataModule) and method == "__init__":
        return _constructor(target, given)
    if not isinstance(target, Trainer):
        return None
    for (name, older), present in CALLS.items():
        if name == method and older in given:
            note(f"Trainer.{method}({older}=…)", f"Trainer.{method}({present}=…)")
            if given.get(present) is not None:
                raise ArgumentTypeError(
                    f"Trainer.{method} got both {older} and {present}. Leave {older} out."
                )
            given[present] = given.pop(older)
    return given


def _constructor(target: LightningDataModule, given: dict[str, Any]) -> dict[str, Any]:
    for name in TRANSFORMS:
        if name in given:
            note(f"LightningDataModule({name}=…)", f"self.{name} = … in __init__")
            setattr(target, name, given.pop(name))
    return given
