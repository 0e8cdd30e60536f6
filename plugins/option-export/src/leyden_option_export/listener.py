"""What happens at the end of a fit: the best model is exported."""

from __future__ import annotations

import copy
import os
from typing import Any

from leyden.api.export import export, usual_suffix
from leyden.api.rank_zero import rank_zero_info
from leyden.errors import ConfigurationError, UserCodeError
from leyden.plugins.components import resolve


class ExportAtEnd:
    """Exports the best model when fitting has ended well.

    The best model has the weights of the checkpoint callback's ``best_model_path``; where nothing was saved, those of
    the end of the fit. They are loaded into a copy, so that the module that was fitted stays as it is.

    Args:
        formats: exporters and their options; ``path`` and ``sample`` are those of ``trainer.export``.
    """

    def __init__(self, formats: dict[str, dict[str, Any]]) -> None:
        self.formats = formats

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Look for what an export needs, before anything is trained.

        Raises:
            leyden.errors.ConfigurationError: a format needs a sample, and there is none.
        """
        for name, options in self.formats.items():
            needed = getattr(resolve("exporters", name), "needs_sample", True)
            if needed and options.get("sample") is None and pl_module.example_input_array is None:
                raise ConfigurationError(
                    f"export={name!r} needs a sample of {type(pl_module).__name__}'s inputs: set example_input_array "
                    f"in the module, or write export={{{name!r}: {{'sample': …}}}}."
                )

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Export, unless the fit was a dry run."""
        if trainer.fast_dev_run:
            return
        path = getattr(trainer.checkpoint_callback, "best_model_path", "")
        model = _best(trainer, pl_module, path) if path else pl_module
        rank_zero_info(f"Exporting {f'the weights of {path}' if path else 'the weights of the last step'}.")
        for name, options in self.formats.items():
            rest = {key: value for key, value in options.items() if key not in ("path", "sample")}
            target = options.get("path") or self._default_path(trainer, pl_module, name)
            export(model, target, name, options.get("sample"), rest, trainer=trainer)

    def _default_path(self, trainer: Any, module: Any, name: str) -> str:
        folder = trainer.log_dir or trainer.default_root_dir
        return os.path.join(folder, "exports", f"{type(module).__name__}{usual_suffix(name)}")


def _best(trainer: Any, module: Any, path: str) -> Any:
    """A copy of the module with a checkpoint's weights; on rank zero, which alone exports."""
    if not trainer.is_global_zero:
        return module
    contents = trainer.checkpoint_io().load_checkpoint(path, map_location=module.device)
    try:
        model = copy.deepcopy(module)
    except Exception as error:
        raise UserCodeError(
            f"{type(module).__name__} cannot be copied, so the weights of {path} were not exported: {error}. Export "
            "the checkpoint afterwards: leyden export CHECKPOINT."
        ) from error
    model.on_load_checkpoint(contents)
    model.load_state_dict(contents["state_dict"], strict=model.strict_loading)
    return model
