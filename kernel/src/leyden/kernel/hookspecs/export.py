"""The export: handing a trained module to something that is not Leyden."""

from __future__ import annotations

from typing import Any

from leyden.kernel.hookspecs._mark import spec


@spec(firstresult=True)
def leyden_export(
    trainer: Any, pl_module: Any, path: str, format: str, sample: Any, options: dict[str, Any]
) -> Any:
    """Who exports into this format?

    When: once an export; components of ``leyden.exporters`` answer when nobody else does.
    Order: as registered.
    Ranks: all.
    Returns: the paths written.
    Since: 0.1.
    """


@spec()
def leyden_export_end(trainer: Any, pl_module: Any, paths: tuple[str, ...], format: str) -> None:
    """An export is complete and verified.

    When: after the files stand under their names.
    Order: as registered.
    Ranks: all.
    Returns: nothing.
    Since: 0.1.
    """
