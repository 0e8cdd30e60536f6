"""``torch.export`` programs, and AOTInductor packages of them, written and verified."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import torch

from leyden.errors import ConfigurationError
from leyden.interfaces import Inputs, VerifiedExporter

PACKAGE = ".aoti.pt2"


class TorchExportExporter(VerifiedExporter):
    """Writes a module's ``forward`` as a ``.pt2`` file (torch.export's ``ExportedProgram``).

    Options beside those of :class:`leyden.interfaces.VerifiedExporter`:

    * ``dynamic_shapes``: which dimensions vary, as ``torch.export.export`` takes them, instead of the batch alone;
    * ``strict``: trace with TorchDynamo, as ``torch.export.export`` takes it;
    * ``aot_inductor``: also compile for the module's device and write ``<name>.aoti.pt2``, which is verified, too;
    * ``inductor_configs``: settings of the compiler for that.

    Source: https://docs.pytorch.org/docs/stable/export.html
    """

    format: ClassVar[str] = "torch-export"
    suffix: ClassVar[str] = ".pt2"
    option_names: ClassVar[tuple[str, ...]] = ("dynamic_shapes", "strict", "aot_inductor", "inductor_configs")

    def convert(self, model: Any, path: Any, sample: Any = None, **options: Any) -> Any:
        """As the base; ``.pt2`` is added to a path without it, because torch asks for that ending."""
        if isinstance(path, str | Path) and str(path) and not str(path).endswith(self.suffix):
            path = f"{path}{self.suffix}"
        return super().convert(model, path, sample, **options)

    def check(self, options: dict[str, Any]) -> None:
        for name in ("strict", "aot_inductor"):
            if not isinstance(options.get(name, False), bool):
                raise ConfigurationError.about(name, options[name], "True or False")
        if options.get("inductor_configs") is not None and not options.get("aot_inductor"):
            raise ConfigurationError.about(
                "inductor_configs", options["inductor_configs"], "None without aot_inductor=True"
            )

    def write(
        self, model: Any, inputs: Inputs | None, path: Path, options: dict[str, Any]
    ) -> torch.export.ExportedProgram:
        assert inputs is not None  # needs_sample
        shapes = options.get("dynamic_shapes")
        if shapes is None and self.is_dynamic(path, options):
            inputs = inputs.resized(max(2, inputs.batch_size or 2))  # torch takes a size of 1 for a constant
            shapes = inputs.shapes(model, torch.export.Dim("batch", min=1))
        program = torch.export.export(
            model,
            inputs.args,
            inputs.kwargs or None,
            dynamic_shapes=shapes,
            strict=options.get("strict", False),
        )
        torch.export.save(program, path)
        if options.get("aot_inductor"):
            configs = options.get("inductor_configs")
            place = str(_package(path))
            torch._inductor.aoti_compile_and_package(program, package_path=place, inductor_configs=configs)
        return program

    def reload(
        self, path: Path, model: Any, inputs: Inputs, options: dict[str, Any]
    ) -> Callable[[Inputs], Any]:
        program = torch.export.load(path).module()
        return lambda batch: batch(program)

    def verify(
        self, model: Any, inputs: Inputs | None, path: Path, options: dict[str, Any]
    ) -> dict[str, Any]:
        report = super().verify(model, inputs, path, options)
        if options.get("aot_inductor"):
            compiled = _Compiled().verify(model, inputs, _package(path), options)
            report["aot_inductor"] = {"max_error": compiled["max_error"], "device": _device(model)}
            report["max_error"] = max(report["max_error"], compiled["max_error"])
        return report


class _Compiled(TorchExportExporter):
    """Verifies the compiled package as the program is verified."""

    def reload(
        self, path: Path, model: Any, inputs: Inputs, options: dict[str, Any]
    ) -> Callable[[Inputs], Any]:
        package = torch._inductor.aoti_load_package(str(path))
        return lambda batch: batch(package)

    def verify(
        self, model: Any, inputs: Inputs | None, path: Path, options: dict[str, Any]
    ) -> dict[str, Any]:
        return super(TorchExportExporter, self).verify(model, inputs, path, options)


def _package(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".pt2") + PACKAGE)


def _device(model: Any) -> str:
    first = next(model.parameters(), None)
    return "cpu" if first is None else str(first.device)
