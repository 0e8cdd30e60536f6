"""Modules of Lightning's that have no counterpart."""

from __future__ import annotations

_VENDOR = "it belongs to a vendor's cloud product."
_DEMO = "this demo is not part of leyden-lightning; lightning.pytorch.demos.boring_classes is."

REASONS: dict[str, str] = {
    "lightning.app": _VENDOR,
    "lightning.data": "it is a package of its own: pip install litdata",
    "lightning.store": _VENDOR,
    "lightning.pytorch.serve": "Leyden has no server; export the module instead, see leyden.exporters.",
    "lightning.pytorch.utilities.model_registry": _VENDOR,
    "lightning.pytorch.demos.lstm": _DEMO,
    "lightning.pytorch.demos.mnist_datamodule": _DEMO,
    "lightning.pytorch.demos.transformer": _DEMO,
    "lightning.fabric.fabric": "Leyden has no Fabric; write the loop in torch, or use leyden.Trainer.",
    "lightning.fabric.wrappers": "Leyden has no Fabric; write the loop in torch, or use leyden.Trainer.",
    "lightning.fabric.cli": "Leyden has no Fabric; start scripts with torchrun.",
}
