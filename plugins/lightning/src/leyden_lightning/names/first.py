"""Pages and names that Lightning had in its first generation alone, for programs that still import them."""

from __future__ import annotations

_PL = "lightning.pytorch"
_P = f"{_PL}.profilers"
_PROFILERS = {
    **dict.fromkeys(("AdvancedProfiler", "PassThroughProfiler", "PyTorchProfiler", "SimpleProfiler"), _P),
    **dict.fromkeys(("BaseProfiler", "Profiler"), f"{_P}:Profiler"),
}
_RESULT = "!Return the loss, or a dict with it, from the step, and log with self.log(name, value)."

PAGES: dict[str, dict[str, str]] = {
    f"{_PL}.metrics": {"*": "leyden.metrics", "F1": "leyden.metrics:F1Score"},
    f"{_PL}.metrics.functional": {
        "*?": "torchmetrics.functional",
        "accuracy": "leyden_lightning.utilities.metrics",
    },
    f"{_PL}.profiler": _PROFILERS,
    f"{_PL}.profiler.profilers": _PROFILERS,
    f"{_PL}.callbacks.progress.base": {"ProgressBarBase": f"{_PL}.callbacks.progress:ProgressBar"},
    f"{_PL}.utilities.cli": {"*?": "leyden_cli"},
}
"""Pages of their own."""

MORE: dict[str, dict[str, str]] = {
    _PL: {"EvalResult": _RESULT, "TrainResult": _RESULT},
    f"{_PL}.callbacks": {"ProgressBarBase": f"{_PL}.callbacks.progress:ProgressBar"},
    f"{_PL}.callbacks.progress": {"ProgressBarBase": f"{_PL}.callbacks.progress:ProgressBar"},
    f"{_PL}.loggers": {"LightningLoggerBase": f"{_PL}.loggers.logger:Logger"},
    f"{_PL}.plugins": {"DDPPlugin": f"{_PL}.strategies:DDPStrategy"},
}
"""Names on pages that are still there."""
