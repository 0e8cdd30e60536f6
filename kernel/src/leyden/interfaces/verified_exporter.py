"""The frame of an exporter: write beside the target, read back, compare, and only then take the target's name."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from abc import abstractmethod
from collections.abc import Callable
from importlib.metadata import version
from io import IOBase
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

from leyden.api.rank_zero import rank_zero_info
from leyden.errors import ExportMismatchError
from leyden.interfaces.export_checks import Difference, compare, default_tolerance, numbers, undisturbed
from leyden.interfaces.export_failures import PASSED_ON, doubts, failure, outputs, told_once
from leyden.interfaces.export_inputs import Inputs
from leyden.interfaces.exporter import Exported, Exporter
from leyden.plugins.errors import ArgumentTypeError, ConfigurationError, did_you_mean, listed

COMMON = ("dynamic_batch", "tolerance", "batch_sizes")
_SHARDED = ("DTensor", "FlatParameter")


class VerifiedExporter(Exporter):
    """An exporter that writes into a folder beside the target, verifies there, and moves what is good into place.

    A subclass writes (:meth:`write`) and reads back (:meth:`reload`). Its outputs are compared with the module's on the
    sample and, with a dynamic batch, on batches of other sizes; beside the file stands ``<path>.json`` with the
    greatest difference. Options of every such exporter:

    * ``dynamic_batch`` (default ``True``): what is written takes batches of any size;
    * ``tolerance``: the greatest ``|found - wanted| / (1 + |wanted|)`` that passes; by default what the outputs' number
      format allows, 1e-4 for float32;
    * ``batch_sizes``: the sizes that are tried besides the sample's; by default one more than it, and 1.

    Attributes:
        option_names: the format's own options.
        packages: distributions whose versions are noted in the report.
        in_memory: whether the path may be ``None`` or an open binary file.
    """

    option_names: ClassVar[tuple[str, ...]] = ()
    packages: ClassVar[tuple[str, ...]] = ("torch",)
    in_memory: ClassVar[bool] = False

    @abstractmethod
    def write(self, model: Any, inputs: Inputs | None, path: Path, options: dict[str, Any]) -> Any:
        """Write the module (in evaluation mode) and return the format's own object, or ``None``."""

    @abstractmethod
    def reload(
        self, path: Path, model: Any, inputs: Inputs, options: dict[str, Any]
    ) -> Callable[[Inputs], Any]:
        """Read what was written and return what computes outputs with it."""

    def check(self, options: dict[str, Any]) -> None:
        """Raise a ConfigurationError for a value of the format's own options that cannot be."""

    def is_dynamic(self, path: Path, options: dict[str, Any]) -> bool:
        """Whether what was written takes batches of other sizes."""
        return options.get("dynamic_batch", True) is not False

    def export(
        self, model: Any, path: str | os.PathLike[str], sample: Any = None, **options: Any
    ) -> tuple[str, ...]:
        """Write the module, verified, and return the paths written; see :class:`Exporter`."""
        return self.convert(model, path, sample, **options).paths

    def convert(self, model: Any, path: Any, sample: Any = None, **options: Any) -> Exported:
        """As :meth:`export`; ``path`` may be ``None`` or a binary file where :attr:`in_memory` says so."""
        self._check_options(options)
        target = self._target(path)
        _check_whole(model)
        with undisturbed(model):
            inputs = Inputs.of(model, sample)
            if inputs is None and self.needs_sample:
                raise ConfigurationError(
                    f"Exporting {type(model).__name__} as {self.format!r} needs a sample: pass one, or set "
                    "example_input_array in the module."
                )
            with _folder_beside(target) as folder:
                written = Path(folder) / (Path(target).name if target else f"model{self.suffix}")
                with doubts() as doubtful:
                    program = self._made(model, inputs, written, options)
                    report = self.verify(model, inputs, written, options)
                    if inputs is not None and doubtful():
                        self._probe(model, inputs, written, options, doubtful()[0])
                paths = self._place(written, path, target, report)
        error = report.get("max_error")
        said = "weights are equal" if error is None else f"maximum error {error:.3g}"
        rank_zero_info(f"{target or type(model).__name__}: exported as {self.format}, verified: {said}.")
        return Exported(paths, program, error)

    def verify(
        self, model: Any, inputs: Inputs | None, path: Path, options: dict[str, Any]
    ) -> dict[str, Any]:
        """Compare outputs and return what the report says.

        Raises:
            leyden.errors.ExportMismatchError: they differ.
        """
        assert inputs is not None  # needs_sample
        run = self.reload(path, model, inputs, options)
        sizes = self._sizes(inputs, options) if self.is_dynamic(path, options) else []
        wanted = outputs(model, inputs)
        if not numbers(wanted):
            raise ConfigurationError(
                f"The forward of {type(model).__name__} returned no tensor for the sample, so nothing can be compared."
            )
        limit = _limit(wanted, options)
        found = self._compared(model, run, inputs, limit, "")
        tried = [inputs.batch_size]
        asked = options.get("dynamic_batch") or options.get("batch_sizes")
        for batch in map(inputs.resized, sizes):
            if asked or _takes(model, batch):
                found |= self._compared(model, run, batch, limit, " With dynamic_batch=False it need not.")
                tried.append(batch.batch_size)
        return {
            "checked": "outputs",
            "max_error": found.absolute,
            "max_relative_error": found.relative
            if isfinite(found.relative)
            else None,  # JSON has no infinity
            "tolerance": limit,
            "batch_sizes": tried,
        }

    def mismatch(self, text: str) -> ExportMismatchError:
        """The error for what is not the module."""
        return ExportMismatchError(f"The {self.format} export {text} Nothing was written under its name.")

    # -- parts ---------------------------------------------------------------------------------------------------

    def _made(self, model: Any, inputs: Inputs | None, path: Path, options: dict[str, Any]) -> Any:
        try:
            with told_once():
                return self.write(model, inputs, path, options)
        except PASSED_ON:
            raise
        except Exception as error:
            raise failure(model, inputs, self.format, error) from error

    def _probe(self, model: Any, inputs: Inputs, path: Path, options: dict[str, Any], doubt: str) -> None:
        """Where the tracer warned, other values than the sample's may take another way through ``forward``."""
        run = self.reload(path, model, inputs, options)
        for batch in inputs.varied():
            if _takes(model, batch):
                wanted = batch(model)
                result = compare(wanted, run(batch))
                if not result.excess <= _limit(wanted, options):
                    raise self.mismatch(
                        f"of {type(model).__name__} differs from the module by {result.absolute:.3g} for other values "
                        f"than the sample's, because tracing does not see how forward decides ({doubt})."
                    )

    def _check_options(self, options: dict[str, Any]) -> None:
        known = (*COMMON, *self.option_names)
        for name, value in options.items():
            if name not in known:
                raise ConfigurationError.about(
                    f"export option {name!r}", value, f"one of {listed(known)}", did_you_mean(name, known)
                )
        dynamic, tolerance = options.get("dynamic_batch", True), options.get("tolerance")
        if not isinstance(dynamic, bool):
            raise ConfigurationError.about("dynamic_batch", dynamic, "True or False")
        number = isinstance(tolerance, int | float) and not isinstance(tolerance, bool)
        if tolerance is not None and not (number and tolerance >= 0):
            raise ConfigurationError.about("tolerance", tolerance, "a number of at least 0, or None")
        sizes = options.get("batch_sizes")
        if sizes is not None and not (
            isinstance(sizes, list | tuple) and all(type(one) is int and one > 0 for one in sizes)
        ):
            raise ConfigurationError.about("batch_sizes", sizes, "ints of at least 1 in a list, or None")
        self.check(options)

    def _target(self, path: Any) -> str | None:
        """The main file as text; ``None`` for what is kept in memory."""
        if isinstance(path, str | os.PathLike) and str(path):
            return str(path)
        if self.in_memory and (path is None or isinstance(path, IOBase)):
            return None
        allowed = "a path, an open binary file, or None" if self.in_memory else "a path"
        raise ArgumentTypeError.about("path", path, allowed)

    def _sizes(self, inputs: Inputs, options: dict[str, Any]) -> list[int]:
        size, given = inputs.batch_size, options.get("batch_sizes")
        if size is None:
            return []
        return [one for one in ((size + 1, 1) if given is None else given) if one != size]

    def _compared(
        self, model: Any, run: Callable[[Inputs], Any], inputs: Inputs, limit: float, remedy: str
    ) -> Difference:
        size, name = inputs.batch_size, type(model).__name__
        try:
            wanted = inputs(model)
        except Exception as error:
            raise ConfigurationError(
                f"{name} itself takes no batch of {size}: {error}. Pass dynamic_batch=False to export it for the "
                "sample's size alone, or say in batch_sizes which sizes to try."
            ) from error
        try:
            found = run(inputs)
        except Exception as error:
            raise self.mismatch(
                f"of {name} cannot run a batch of {size}: {str(error).rstrip('.')}.{remedy}"
            ) from error
        result = compare(wanted, found)
        if not result.excess <= limit:
            raise self.mismatch(
                f"of {name} differs from the module by {result.absolute:.3g} on a batch of {size}, more than "
                f"tolerance={limit:g} allows."
            )
        return result

    def _place(self, written: Path, path: Any, target: str | None, report: dict[str, Any]) -> tuple[str, ...]:
        names = sorted(os.listdir(written.parent), key=lambda one: (one != written.name, one))
        if target is None:
            if path is not None:
                path.write(written.read_bytes())
            return ()
        facts = {"format": self.format, "files": names, **report, "versions": self._versions()}
        notes = written.parent / f"{written.name}.json"
        notes.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        moved = [_moved(written.parent / name, target) for name in [*names[1:], notes.name, names[0]]]
        return (moved[-1], *moved[:-1])

    def _versions(self) -> dict[str, str]:
        return {name: version(name) for name in ("leyden-kernel", *self.packages)}


def _limit(wanted: Any, options: dict[str, Any]) -> float:
    tolerance = options.get("tolerance")
    return default_tolerance(wanted) if tolerance is None else float(tolerance)


def _takes(model: Any, batch: Inputs) -> bool:
    """Whether the module itself takes a batch: one that does not cannot be asked what a file should compute."""
    try:
        batch(model)
    except Exception:
        return False
    return True


def _check_whole(model: Any) -> None:
    if any(type(one).__name__ in _SHARDED for one in model.parameters()):
        raise ConfigurationError(
            f"The parameters of {type(model).__name__} are spread over processes. Save a checkpoint and export the "
            f"module that {type(model).__name__}.load_from_checkpoint makes of it."
        )


def _folder_beside(target: str | None) -> tempfile.TemporaryDirectory[str]:
    """A folder in the target's file system, so that moving is renaming."""
    if target is None or "://" in target:
        return tempfile.TemporaryDirectory()
    parent = Path(target).absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix=".export-", dir=parent)


def _moved(file: Path, target: str) -> str:
    """Move a file, or copy it to remote storage, beside the target; returns where it is."""
    if "://" not in target:
        place = str(Path(target).with_name(file.name))
        os.replace(file, place)
        return place
    import fsspec

    place = f"{target.rpartition('/')[0]}/{file.name}"
    with fsspec.open(place, "wb") as remote, file.open("rb") as local:
        shutil.copyfileobj(local, remote)
    return place
