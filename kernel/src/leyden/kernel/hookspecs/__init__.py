"""Every event of a run, declared as a function without a body.

A specification is a module-level function whose name is the hook's name and whose parameters are what the hook hands
over, in that order: first ``trainer`` and ``pl_module``, then the event's own data. Names are Lightning's; what
Lightning has no name for begins with ``leyden_``. The families are the modules of this package.

Docstrings share one skeleton: *When* it fires, in which *Order* listeners are called, on which *Ranks*, what it
*Returns*, and *Since* which version.
"""

from __future__ import annotations

from types import ModuleType

from leyden.kernel.hookspecs import checkpoint, epoch, export, run, step

FAMILIES: tuple[ModuleType, ...] = (run, epoch, step, checkpoint, export)

__all__ = ["FAMILIES", "checkpoint", "epoch", "export", "run", "step"]
