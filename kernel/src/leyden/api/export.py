"""Exports: who writes this format?"""

from __future__ import annotations

from typing import Any

from leyden.plugins.components import resolve


def export(
    model: Any, path: Any, format: str, sample: Any = None, options: dict[str, Any] | None = None
) -> Any:
    """Export a module, through a running Trainer's plugins or the installed exporter of that name.

    Args:
        model: the module.
        path: the file to write.
        format: the exporter's name.
        sample: an input; ``model.example_input_array`` when ``None``.
        options: the exporter's own.

    Returns:
        What the exporter returned.

    Raises:
        leyden.errors.PluginNotFoundError: no exporter of that name is installed.
    """
    options = options or {}
    trainer = getattr(model, "_trainer", None)
    hooks = trainer.session.hooks if trainer is not None and trainer.session is not None else None
    written = (
        hooks.leyden_export(trainer, model, path, format, sample, options)
        if hooks and hooks.leyden_export
        else None
    )
    if written is None:
        written = resolve("exporters", format)().export(model, path, sample, **options)
    if hooks and hooks.leyden_export_end:
        hooks.leyden_export_end(trainer, model, written, format)
    return written
