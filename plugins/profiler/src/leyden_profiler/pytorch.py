"""torch.profiler around a run: operators, memory, traces."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn
from torch.autograd.profiler import emit_nvtx as nvtx
from torch.autograd.profiler import record_function
from torch.autograd.profiler_util import EventList
from torch.profiler import ProfilerAction, ProfilerActivity, profile, tensorboard_trace_handler

from leyden.api.warn import warn
from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.interfaces.profiler import Profiler

Schedule = Callable[[int], ProfilerAction]
_STEPS = ("training_step", "validation_step", "test_step", "predict_step")
_FEWEST = 5
"""Steps that the default schedule needs: one waits, one warms up, three are recorded."""


class RegisterRecordFunction:
    """Labels the forward of every submodule in a torch profile, for the body of a ``with`` statement.

    Args:
        model: the module whose submodules are labelled ``[pl][module]<class>: <name>``.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._open: dict[str, record_function] = {}
        self._handles: list[Any] = []

    def __enter__(self) -> None:
        for name, module in self._model.named_modules():
            if name:
                label = f"[pl][module]{type(module).__module__}.{type(module).__name__}: {name}"
                self._handles += [
                    module.register_forward_pre_hook(partial(self._begin, label)),
                    module.register_forward_hook(partial(self._end, label)),
                ]

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _begin(self, label: str, *_: Any) -> None:
        self._open[label] = record = record_function(label)
        record.__enter__()

    def _end(self, label: str, *_: Any) -> None:
        self._open.pop(label).__exit__(None, None, None)


class _StageSchedule:
    """A schedule that counts the steps of each stage apart, because a run may go from one to another and back.

    Args:
        wanted: the schedule of the steps of one stage.
    """

    def __init__(self, wanted: Schedule) -> None:
        self.wanted = wanted
        self.reset()

    def reset(self) -> None:
        """Forget what was counted."""
        self.counts = dict.fromkeys(_STEPS, 0)
        self.saved: set[str] = set()
        self.stage: str | None = None
        self.before: ProfilerAction | None = None

    @property
    def step(self) -> int:
        """The steps of the present stage."""
        return self.counts[self.stage] if self.stage else 0

    def __call__(self, _: int) -> ProfilerAction:
        if self.stage is None or self.stage in self.saved:
            return ProfilerAction.NONE
        if not (self.stage == "validation_step" and self.sanity_checking):
            self.counts[self.stage] += 1
        action = self.wanted(self.step)
        if self.before is ProfilerAction.RECORD and action is ProfilerAction.WARMUP:
            action = ProfilerAction.RECORD  # torch allows no way back; validation came first
        if action is ProfilerAction.RECORD_AND_SAVE:
            self.saved.add(self.stage)
        self.before = action
        return action

    sanity_checking = False


class PyTorchProfiler(Profiler):
    """Records operators with ``torch.profiler``, and writes a trace for each stage.

    Args:
        dirpath: where report and traces go; the run's ``log_dir`` when ``None``.
        filename: the report's name, without ``.txt``; ``None`` logs the report instead.
        group_by_input_shapes: group operators by shape, too; needs ``record_shapes=True``.
        emit_nvtx: emit NVTX ranges for an outside profiler instead (CUDA).
        export_to_chrome: write ``.pt.trace.json`` files, for Chrome's tracing page, Perfetto or TensorBoard.
        row_limit: rows of the table; -1 for all.
        sort_by_key: a key of :attr:`AVAILABLE_SORT_KEYS`; the total CPU time, or CUDA time where there is a GPU.
        record_module_names: label the forward of each submodule.
        table_kwargs: further arguments of ``EventList.table``.
        **profiler_kwargs: arguments of ``torch.profiler.profile`` (``schedule``, ``activities``, ``profile_memory``,
            ``with_stack``, ``on_trace_ready``, …), and ``export_to_flame_graph`` and ``metric`` for ``.stack`` files.

    Raises:
        leyden.errors.ConfigurationError: an unknown ``sort_by_key``; a schedule that is none.
        leyden.errors.ArgumentTypeError: an unknown key in ``table_kwargs``, an unknown keyword.
    """

    STEP_FUNCTIONS: ClassVar[set[str]] = set(_STEPS)
    AVAILABLE_SORT_KEYS: ClassVar[set[str]] = {
        "cpu_time",
        "cuda_time",
        "cpu_time_total",
        "cuda_time_total",
        "cpu_memory_usage",
        "cuda_memory_usage",
        "self_cpu_memory_usage",
        "self_cuda_memory_usage",
        "count",
    }

    def __init__(
        self,
        dirpath: str | os.PathLike[str] | None = None,
        filename: str | None = None,
        group_by_input_shapes: bool = False,
        emit_nvtx: bool = False,
        export_to_chrome: bool = True,
        row_limit: int = 20,
        sort_by_key: str | None = None,
        record_module_names: bool = True,
        table_kwargs: dict[str, Any] | None = None,
        **profiler_kwargs: Any,
    ) -> None:
        super().__init__(dirpath, filename)
        self._emit_nvtx, self._export_to_chrome, self._row_limit = emit_nvtx, export_to_chrome, row_limit
        self._group_by_input_shapes = group_by_input_shapes and bool(profiler_kwargs.get("record_shapes"))
        self._record_module_names = record_module_names
        self._flame_graph = bool(profiler_kwargs.pop("export_to_flame_graph", False))
        self._metric = profiler_kwargs.pop("metric", "self_cpu_time_total")
        known = set(inspect.signature(profile).parameters)
        for name in profiler_kwargs:
            if name not in known:
                raise ArgumentTypeError.about(
                    f"PyTorchProfiler({name})", profiler_kwargs[name], "an argument of torch.profiler.profile"
                )
        cuda = torch.cuda.is_available()
        self._sort_by_key = sort_by_key or f"{'cuda' if cuda else 'cpu'}_time_total"
        if self._sort_by_key not in self.AVAILABLE_SORT_KEYS:
            raise ConfigurationError.about(
                "sort_by_key", sort_by_key, ", ".join(sorted(self.AVAILABLE_SORT_KEYS))
            )
        self._table_kwargs = _table_arguments(table_kwargs or {})
        wanted = profiler_kwargs.pop("schedule", None)
        self._own_schedule = wanted is not None
        self._schedule: _StageSchedule | None = _StageSchedule(_checked(wanted))
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
        stacks = bool(profiler_kwargs.get("with_stack")) or self._flame_graph
        # each stage is a cycle of its own, and the table is to have them all
        keep = {"acc_events": True} if "acc_events" in known else {}
        self._profiler_kwargs = {"activities": activities, **keep, **profiler_kwargs, "with_stack": stacks}
        self.profiler: Any = None
        self.function_events: EventList | None = None
        self._lightning_module: Any = None
        self._around: AbstractContextManager[Any] | None = None
        self._register: RegisterRecordFunction | None = None
        self._recording_map: dict[str, record_function] = {}

    def start(self, action_name: str) -> None:
        if self.profiler is None:
            self._open()
        if self._register is None and self._record_module_names and self._lightning_module is not None:
            self._register = RegisterRecordFunction(self._lightning_module)
            self._register.__enter__()
        if action_name not in self._recording_map:
            self._recording_map[action_name] = record = record_function(f"[pl][profile]{action_name}")
            record.__enter__()

    def stop(self, action_name: str) -> None:
        record = self._recording_map.pop(action_name, None)
        if record is not None:
            record.__exit__(None, None, None)
        stage = next((one for one in _STEPS if action_name.endswith(one)), None)
        if stage is not None and self.profiler is not None and not self._emit_nvtx:
            self._step(stage, action_name)

    def _open(self) -> None:
        if self._emit_nvtx:
            self._around = torch.cuda.profiler.profile()
            self.profiler = nvtx()
        else:
            self.profiler = profile(**self._profiler_kwargs, schedule=self._schedule)
        self.profiler.__enter__()
        if self._around is not None:
            self._around.__enter__()

    def _step(self, stage: str, action_name: str) -> None:
        timetable = self._schedule
        if timetable is not None:
            timetable.stage = stage
            trainer = getattr(self._lightning_module, "_trainer", None)
            timetable.sanity_checking = bool(trainer is not None and trainer.sanity_checking)
            if not self._own_schedule and trainer is not None and _steps(trainer, stage) < _FEWEST:
                warn(
                    "profiler-schedule",
                    f"PyTorchProfiler records every step: its schedule needs {_FEWEST} of them, and a {stage} runs "
                    "less often.",
                )
                timetable = self._schedule = None
                self.profiler.schedule = _always
        if "on_trace_ready" not in self._profiler_kwargs:
            self.profiler.on_trace_ready = partial(self._write, action_name)
        if timetable is not None:
            self.profiler.step_num = timetable.step
        self.profiler.step()

    def _write(self, action_name: str, ready: Any) -> None:
        if self.dirpath is None:
            warn(
                "profiler-no-folder",
                "PyTorchProfiler writes no trace: it has no dirpath, and the run no logger.",
            )
            return
        if self._export_to_chrome:
            tensorboard_trace_handler(str(self.dirpath), self.file_name(action_name, ""))(ready)
        if self._flame_graph:
            path = Path(self.dirpath) / self.file_name(action_name, ".stack")
            path.parent.mkdir(parents=True, exist_ok=True)
            ready.export_stacks(str(path), metric=self._metric)

    def summary(self) -> str:
        if self._emit_nvtx:
            return ""
        self._close()
        if not self.function_events:
            return ""
        averages = self.function_events.key_averages(group_by_input_shapes=self._group_by_input_shapes)
        table = averages.table(sort_by=self._sort_by_key, row_limit=self._row_limit, **self._table_kwargs)
        return self.titled({"records": table})

    def _close(self) -> None:
        for action in list(self._recording_map):
            self._recording_map.pop(action).__exit__(None, None, None)
        if self.profiler is not None:
            self.profiler.__exit__(None, None, None)
            if getattr(self.profiler, "profiler", None) is not None:
                self.function_events = self.profiler.events()
            self.profiler = None
        if self._around is not None:
            self._around.__exit__(None, None, None)
            self._around = None
        if self._register is not None:
            self._register.__exit__()
            self._register = None
        if self._schedule is not None:
            self._schedule.reset()

    def teardown(self, stage: str | None) -> None:
        self._close()
        self._lightning_module = None


def _checked(wanted: Any) -> Schedule:
    if wanted is None:
        return _default
    if not callable(wanted):
        raise ConfigurationError(f"Schedule should be a callable. Found: {wanted}")
    action = wanted(0)
    if not isinstance(action, ProfilerAction):
        raise ConfigurationError(f"Schedule should return a `torch.profiler.ProfilerAction`. Found: {action}")
    return wanted  # type: ignore[no-any-return]


def _table_arguments(given: dict[str, Any]) -> dict[str, Any]:
    own = {"self", "sort_by", "row_limit"}
    allowed = set(inspect.signature(EventList.table).parameters) - own
    for name in given:
        if name in own:
            raise UnknownTableArgument(
                f"Found invalid table_kwargs key: {name}. This is already a positional argument of the Profiler."
            )
        if name not in allowed:
            raise UnknownTableArgument(f"Found invalid table_kwargs key: {name}. Should be within {allowed}.")
    return given


class UnknownTableArgument(ArgumentTypeError, KeyError):
    """``table_kwargs`` has a key that ``EventList.table`` does not take."""

    __str__ = Exception.__str__


def _steps(trainer: Any, stage: str) -> float:
    """How often a step runs in one pass of its stage."""
    if stage == "training_step":
        return float(trainer.num_training_batches)
    counts = {
        "validation_step": [trainer.num_val_batches, trainer.num_sanity_val_batches],
        "test_step": [trainer.num_test_batches],
        "predict_step": [trainer.num_predict_batches],
    }[stage]
    return float(sum(sum(one) if isinstance(one, list) else one for one in counts))


def _default(step: int) -> ProfilerAction:
    if step == 0:
        return ProfilerAction.NONE
    if step == 1:
        return ProfilerAction.WARMUP
    return ProfilerAction.RECORD if step < _FEWEST - 1 else ProfilerAction.RECORD_AND_SAVE


def _always(_: int) -> ProfilerAction:
    return ProfilerAction.RECORD
