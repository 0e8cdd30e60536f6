"""Exports: who writes this format?"""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import Any

from leyden.interfaces.exporter import Exported
from leyden.kernel.state import TrainerStatus
from leyden.plugins.components import resolve
from leyden.plugins.errors import LeydenError


def export(
    model: Any,
    path: Any,
    format: str,
    sample: Any = None,
    options: dict[str, Any] | None = None,
    trainer: Any = None,
) -> tuple[str, ...]:
    """Export a module, through a Trainer's plugins or the installed exporter of that name.

    Args:
        model: the module.
        path: the file to write.
        format: the exporter's name.
        sample: an input; ``model.example_input_array`` when ``None``.
        options: the exporter's own.
        trainer: whose hooks take part; the one that runs the module when ``None``.

    Returns:
        The files, the main one first.

    Raises:
        leyden.errors.PluginNotFoundError: no exporter of that name is installed.
        leyden.errors.ExportMismatchError: what was written is not the module.
    """
    return convert(model, path, format, sample, options, trainer).paths


def convert(
    model: Any,
    path: Any,
    format: str,
    sample: Any = None,
    options: dict[str, Any] | None = None,
    trainer: Any = None,
) -> Exported:
    """As :func:`export`; returns the format's own object as well. Rank zero alone writes."""
    trainer = trainer if trainer is not None else getattr(model, "_trainer", None)
    hooks = trainer.session.hooks if trainer is not None and trainer.session is not None else None
    options = options or {}
    written = (
        hooks.leyden_export(trainer, model, path, format, sample, options)
        if hooks and hooks.leyden_export
        else None
    )
    if written is not None:
        done = Exported(tuple(written))
    else:
        exporter = resolve("exporters", format)()
        done = _on_rank_zero(lambda: exporter.convert(model, path, sample, **options), trainer)
    if hooks and hooks.leyden_export_end:
        hooks.leyden_export_end(trainer, model, done.paths, format)
    return done


def usual_suffix(format: str) -> str:
    """The usual end of the name of a format's files, e.g. ``".onnx"``.

    Raises:
        leyden.errors.PluginNotFoundError: no exporter of that name is installed.
    """
    return getattr(resolve("exporters", format), "suffix", "") or f".{format}"


def _on_rank_zero(work: Callable[[], Exported], trainer: Any) -> Exported:
    """Let rank zero of a running Trainer export, and every rank end alike."""
    if trainer is None or trainer.world_size == 1 or trainer.state.status != TrainerStatus.RUNNING:
        return work()
    done, failure = Exported(()), None
    if trainer.is_global_zero:
        try:
            done = work()
        except Exception as error:
            failure = error
    paths, text = trainer.strategy.broadcast((done.paths, None if failure is None else str(failure)))
    if failure is not None:
        raise failure
    if text is not None:
        raise LeydenError(f"Rank zero could not export: {text}")
    return done if done.paths else Exported(tuple(paths))


class ExportMethods:
    """The exports of a LightningModule."""

    def to_onnx(
        self, file_path: str | PathLike[str] | Any = None, input_sample: Any = None, **kwargs: Any
    ) -> Any:
        """Export to ONNX, verified with onnxruntime, through the exporter of that name.

        The batch is dynamic only where ``dynamic_axes``, ``dynamic_shapes`` or ``dynamic_batch=True`` say so.

        Args:
            file_path: the file, an open binary file, or ``None`` to write none.
            input_sample: an input of ``forward``; ``example_input_array`` when ``None``.
            kwargs: those of ``torch.onnx.export``, and the exporter's options.

        Returns:
            The ``ONNXProgram``; ``None`` with ``dynamo=False``.

        Raises:
            leyden.errors.ConfigurationError: there is no sample, or an argument is unknown.
            leyden.errors.ExportMismatchError: the file's outputs are not the module's.
        """
        static = {"dynamic_batch": False, "external_data": kwargs.get("dynamo", True)}
        return convert(self, file_path, "onnx", input_sample, {**static, **kwargs}).program

    def to_torchscript(
        self,
        file_path: str | PathLike[str] | None = None,
        method: str | None = "script",
        example_inputs: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Compile to TorchScript, in evaluation mode, through the exporter of that name.

        Args:
            file_path: the file; ``None`` writes none.
            method: ``"script"`` or ``"trace"``.
            example_inputs: what to trace with; ``example_input_array`` when ``None``.
            kwargs: those of ``torch.jit.script`` or ``torch.jit.trace``, and the exporter's options.

        Returns:
            The ``ScriptModule``.

        Raises:
            leyden.errors.ConfigurationError: the method is unknown, or there is nothing to trace with.
            leyden.errors.ExportMismatchError: the file's outputs are not the module's.
        """
        return convert(self, file_path, "torchscript", example_inputs, {"method": method, **kwargs}).program

    def to_tensorrt(
        self,
        file_path: str | PathLike[str] | Any = None,
        input_sample: Any = None,
        ir: str = "default",
        output_format: str = "exported_program",
        retrace: bool = False,
        default_device: Any = "cuda",
        **compile_kwargs: Any,
    ) -> Any:
        """Compile with TensorRT through an installed exporter named ``tensorrt``; there is no official one.

        Args:
            file_path: the file; ``None`` writes none.
            input_sample: an input of ``forward``; ``example_input_array`` when ``None``.
            ir: ``"default"``, ``"dynamo"`` or ``"ts"``.
            output_format: ``"exported_program"`` or ``"torchscript"``.
            retrace: trace the compiled module again.
            default_device: where to compile a module that is on no GPU.
            compile_kwargs: those of ``torch_tensorrt.compile``.

        Raises:
            leyden.errors.PluginNotFoundError: no exporter named ``tensorrt`` is installed.
        """
        given = {
            "ir": ir,
            "output_format": output_format,
            "retrace": retrace,
            "default_device": default_device,
        }
        return convert(self, file_path, "tensorrt", input_sample, {**given, **compile_kwargs}).program
