"""What a component must be: one small abstract class a family.

A distribution that offers a component subclasses one of these and names its class in the family's entry-point group.
Importing an interface imports torch only where the interface speaks of tensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden.api._lazy import lazy

if TYPE_CHECKING:
    from leyden.interfaces.accelerator import Accelerator as Accelerator
    from leyden.interfaces.checkpoint_io import CheckpointIO as CheckpointIO
    from leyden.interfaces.command import Command as Command
    from leyden.interfaces.devices import device_indices as device_indices
    from leyden.interfaces.dialect import Dialect as Dialect
    from leyden.interfaces.environment import ClusterEnvironment as ClusterEnvironment
    from leyden.interfaces.export_inputs import Inputs as Inputs
    from leyden.interfaces.exporter import Exported as Exported
    from leyden.interfaces.exporter import Exporter as Exporter
    from leyden.interfaces.migration import Migration as Migration
    from leyden.interfaces.option import Option as Option
    from leyden.interfaces.precision import Precision as Precision
    from leyden.interfaces.profiler import Profiler as Profiler
    from leyden.interfaces.step import StepScheme as StepScheme
    from leyden.interfaces.strategy import Strategy as Strategy
    from leyden.interfaces.tuner import Tuner as Tuner
    from leyden.interfaces.verified_exporter import VerifiedExporter as VerifiedExporter

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "Accelerator": "leyden.interfaces.accelerator",
        "CheckpointIO": "leyden.interfaces.checkpoint_io",
        "ClusterEnvironment": "leyden.interfaces.environment",
        "Command": "leyden.interfaces.command",
        "Dialect": "leyden.interfaces.dialect",
        "device_indices": "leyden.interfaces.devices",
        "Exported": "leyden.interfaces.exporter",
        "Exporter": "leyden.interfaces.exporter",
        "Inputs": "leyden.interfaces.export_inputs",
        "Migration": "leyden.interfaces.migration",
        "Option": "leyden.interfaces.option",
        "Precision": "leyden.interfaces.precision",
        "Profiler": "leyden.interfaces.profiler",
        "StepScheme": "leyden.interfaces.step",
        "Strategy": "leyden.interfaces.strategy",
        "Tuner": "leyden.interfaces.tuner",
        "VerifiedExporter": "leyden.interfaces.verified_exporter",
    },
)
