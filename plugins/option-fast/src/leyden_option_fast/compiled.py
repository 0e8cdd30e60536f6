"""The training step through ``torch.compile``."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from leyden.api.arguments import step_arguments
from leyden.api.compiled import compile_steps, restore_steps
from leyden.api.steps import AutomaticStep
from leyden_option_fast.technique import Technique


class CompiledStep(Technique):
    """``compile``: model, loss, backward and the optimizer's step run as compiled code.

    Forward and loss are one graph, backward is another, and the optimizer's step a third, unless it has a fused kernel:
    then there is nothing to gain. The order of the step, hooks, clipping and schedulers stay outside of the graphs.
    With inductor, random numbers are those that the step would draw without it, so dropout drops the same.

    Args:
        backend: the backend of ``torch.compile``.
        mode: ``"default"``, ``"reduce-overhead"``, ``"max-autotune"`` or ``"max-autotune-no-cudagraphs"``; inductor's.
        dynamic: whether sizes may differ from batch to batch without a new compilation; found out when ``None``.
        optimizer: whether the optimizer's step is compiled, too.
    """

    name: ClassVar[str] = "compile"
    part: ClassVar[str] = "gradients"

    def __init__(
        self,
        backend: str = "inductor",
        mode: str = "default",
        dynamic: bool | None = None,
        optimizer: bool = True,
    ) -> None:
        self.backend, self.mode, self.dynamic, self.optimizer = backend, mode, dynamic, optimizer
        self.module: Any = None
        self.step: Any = None
        self.plain: Any = None
        self.compiled: Any = None
        self.count = Compilations()

    def obstacle(self, trainer: Any, module: Any) -> str | None:
        if not module.automatic_optimization:
            return "manual optimization: backward and the updates are part of training_step"
        if not isinstance(trainer.running.step, AutomaticStep):
            return f"the step scheme is {type(trainer.running.step).__name__}"
        if module._compiler_ctx is not None:
            return "torch.compile was given already"
        if self.backend == "inductor" and trainer.strategy.root_device.type == "cpu" and not compiler():
            return "inductor needs a C++ compiler, and neither $CXX, g++ nor clang++ is there"
        return None

    def begin(self, trainer: Any, module: Any) -> None:
        self.module, self.step = module, trainer.running.step
        self.count.begin()
        self.plain = self.step.training_step
        compile_steps(torch.compile(module, **self.settings()), names=("training_step",))
        bound = trainer.strategy.bind_step("training_step")
        self.compiled = self.around(step_arguments(module, "training_step", bound))
        self.step.training_step = self.compiled
        if self.optimizer and self.step.apply is None and not self.step.needs_closure:
            self.step.apply = self._update(self.step.optimizer)

    def around(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """What the run calls for a compiled step."""
        return step

    def end(self) -> None:
        if self.module is not None:
            restore_steps(self.module)
            self.step.training_step = self.plain
            if isinstance(self.step.apply, CompiledUpdate):
                self.step.apply = None
            self.count.end()
            self.module = self.step = self.plain = self.compiled = None

    def switch(self, on: bool) -> None:
        self.step.training_step = self.compiled if on else self.plain

    def report(self) -> str:
        return f"{self.name}: {self.count}"

    def settings(self) -> dict[str, Any]:
        """The arguments of ``torch.compile``."""
        found: dict[str, Any] = {"backend": self.backend, "dynamic": self.dynamic}
        if self.backend == "inductor":
            found["options"] = {"fallback_random": True, **torch._inductor.list_mode_options(self.mode)}
        return found

    def _update(self, optimizer: Optimizer) -> CompiledUpdate | None:
        groups = optimizer.param_groups
        hooked = optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks
        if hooked or any(
            group.get("fused") or (group.get("foreach") and not group.get("capturable")) for group in groups
        ):
            return None
        return CompiledUpdate(optimizer, {**self.settings(), "fullgraph": False})


class CompiledUpdate:
    """An optimizer's step, compiled. Learning rates go in as tensors, so that schedulers cause no new compilation.

    Args:
        optimizer: the optimizer.
        settings: the arguments of ``torch.compile``.
    """

    def __init__(self, optimizer: Optimizer, settings: dict[str, Any]) -> None:
        self.rates: dict[int, Tensor] = {}
        # without the profiler's and the scheduler's wrappers, which have nothing to do in a graph
        bare = getattr(type(optimizer).step, "__wrapped__", type(optimizer).step)
        self.compiled: Callable[..., Any] = torch.compile(torch.no_grad()(bare), **settings)

    def __call__(self, optimizer: Any) -> None:
        kept = [(group, group["lr"]) for group in optimizer.param_groups]
        for index, (group, rate) in enumerate(kept):
            if not isinstance(rate, Tensor):
                group["lr"] = self.rates.setdefault(index, torch.tensor(float(rate))).fill_(rate)
        try:
            self.compiled(optimizer)
        finally:
            for group, rate in kept:
                group["lr"] = rate
        optimizer._opt_called = True  # what schedulers look at


class CUDAGraphs(CompiledStep):
    """``cuda-graphs``: as ``compile``, and the kernels of a step are launched as recorded graphs.

    For steps that wait for Python rather than for the GPU. Shapes that were not met before are recorded anew.
    """

    name: ClassVar[str] = "cuda-graphs"

    def __init__(self, dynamic: bool | None = False, optimizer: bool = True) -> None:
        super().__init__("inductor", "reduce-overhead", dynamic, optimizer)

    def obstacle(self, trainer: Any, module: Any) -> str | None:
        device = trainer.strategy.root_device
        if device.type != "cuda":
            return f"it needs a CUDA device, and the run's is the {device.type}"
        return super().obstacle(trainer, module)

    def around(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def marked(batch: Any, batch_idx: int) -> Any:
            torch.compiler.cudagraph_mark_step_begin()  # what the last step computed may be overwritten
            return step(batch, batch_idx)

        return marked


class Compilations:
    """Counts what ``torch.compile`` does between :meth:`begin` and :meth:`end`."""

    def __init__(self) -> None:
        self.graphs = self.again = self.breaks = self.found = 0
        self.seconds = self._began = 0.0
        self.running = False

    def begin(self) -> None:
        """Count from now on."""
        from torch._dynamo.callback import callback_handler

        self.running = True
        callback_handler.register_start_callback(self._start)
        callback_handler.register_end_callback(self._end)
        self._before = self._counters()

    def end(self) -> None:
        """Count no more."""
        from torch._dynamo.callback import callback_handler

        if self.running:
            self.running = False
            callback_handler.remove_start_callback(self._start)
            callback_handler.remove_end_callback(self._end)
            now = self._counters()
            self.breaks, self.found = (one - other for one, other in zip(now, self._before, strict=True))

    def _start(self, args: Any) -> None:
        self._began = time.perf_counter()
        if args.callback_trigger.name == "DYNAMO":
            first = (
                str(args.compile_id).partition("_")[0].endswith("/0")
            )  # a frame's first compilation is n/0
            self.graphs, self.again = self.graphs + first, self.again + (not first)

    def _end(self, args: Any) -> None:
        self.seconds += time.perf_counter() - self._began

    @staticmethod
    def _counters() -> tuple[int, int]:
        from torch._dynamo.utils import counters

        return sum(counters["graph_break"].values()), counters["inductor"]["fxgraph_cache_hit"]

    def __str__(self) -> str:
        parts = [
            f"{self.graphs} pieces of code were compiled, and {self.again} times one anew for other inputs, "
            f"in {self.seconds:.1f} s"
        ]
        if self.breaks:
            parts.append(f"{self.breaks} graph breaks (TORCH_LOGS=graph_breaks says where)")
        if self.again:
            parts.append("TORCH_LOGS=recompiles says why again")
        if self.found:
            parts.append(f"{self.found} graphs were found in the cache of earlier runs")
        return "; ".join(parts)


def compiler() -> str | None:
    """The C++ compiler that inductor would find on the path."""
    wanted = (os.environ.get("CXX"), "g++", "clang++")
    return next((one for one in wanted if one and shutil.which(one)), None)
