"""What a component must be: one small abstract class a family.

A distribution that offers a component subclasses one of these and names its class in the family's entry-point group.
Importing an interface imports torch only where the interface speaks of tensors.
"""

from __future__ import annotations

from leyden.api._lazy import lazy

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "Accelerator": "leyden.interfaces.accelerator",
        "CheckpointIO": "leyden.interfaces.checkpoint_io",
        "ClusterEnvironment": "leyden.interfaces.environment",
        "Command": "leyden.interfaces.command",
        "Exporter": "leyden.interfaces.exporter",
        "Option": "leyden.interfaces.option",
        "Precision": "leyden.interfaces.precision",
        "Profiler": "leyden.interfaces.profiler",
        "StepScheme": "leyden.interfaces.step",
        "Strategy": "leyden.interfaces.strategy",
        "Tuner": "leyden.interfaces.tuner",
    },
)
