"""Values that present keywords of the Trainer took in Lightning 1.x."""

from __future__ import annotations

from typing import Any

from leyden.errors import ConfigurationError
from leyden_legacy.notes import note

STRATEGIES = (
    "dp",
    "ddp",
    "ddp2",
    "ddp_spawn",
    "ddp_cpu",
    "ddp_sharded",
    "ddp_sharded_spawn",
    "horovod",
    "deepspeed",
)
"""What ``accelerator`` and ``distributed_backend`` called strategies."""

ROWS = (
    ("Trainer(accelerator='ddp')", "Trainer(strategy='ddp')"),
    (
        "Trainer(accelerator='ddp_cpu', num_processes=…)",
        "Trainer(accelerator='cpu', strategy='ddp_spawn', devices=…)",
    ),
    ("Trainer(strategy='dp')", "Trainer(strategy='ddp')"),
    (
        "Trainer(accumulate_grad_batches={epoch: n})",
        "Trainer(callbacks=[GradientAccumulationScheduler({epoch: n})])",
    ),
    ("Trainer(max_steps=None)", "Trainer(max_steps=-1)"),
    ("Trainer(accelerator=None)", "Trainer(accelerator='auto')"),
    ("Trainer(plugins='ddp_sharded') or a strategy among plugins", "Trainer(strategy=…)"),
)
"""Older values and the present form, for the documentation."""


def translate(given: dict[str, Any]) -> None:
    """Change keywords that were given older values, in place."""
    for name in ("accelerator", "strategy", "devices"):
        if name in given and given[name] is None:
            given[name] = "auto"
    if "max_steps" in given and given["max_steps"] is None:
        given["max_steps"] = -1
    accelerator = given.get("accelerator")
    if isinstance(accelerator, str) and accelerator in STRATEGIES:
        given["accelerator"] = "auto"
        note(f"Trainer(accelerator={accelerator!r})", "Trainer(strategy=…)")
        distributed(accelerator, given, "accelerator")
    elif given.get("strategy") in ("dp", "ddp2", "ddp_cpu"):
        name = given.pop("strategy")
        note(f"Trainer(strategy={name!r})", "Trainer(strategy='ddp')")
        distributed(name, given, "strategy")
    _plugins(given)
    factors = given.get("accumulate_grad_batches")
    if isinstance(factors, dict):
        from leyden_legacy.options.base import add_callback

        if not factors or not all(type(one) is int for pair in factors.items() for one in pair):
            raise ConfigurationError.about(
                "accumulate_grad_batches", factors, "an int, or a dict {epoch: int}"
            )
        note("Trainer(accumulate_grad_batches={…})", "the callback GradientAccumulationScheduler")
        add_callback(given, "GradientAccumulationScheduler", scheduling=given.pop("accumulate_grad_batches"))


def distributed(name: str, given: dict[str, Any], keyword: str) -> None:
    """Put the strategy that a name stands for among the keywords.

    Raises:
        leyden.errors.ConfigurationError: it splits each batch over several GPUs in one process, which nobody offers.
    """
    from leyden_legacy.options.base import put

    if name in ("dp", "ddp2"):
        if _devices(given) > 1:
            raise ConfigurationError(
                f"{keyword}={name!r} splits each batch over several devices in one process, which is gone. "
                "Write strategy='ddp', with a process for each device and batches of the size that one gets."
            )
        return
    if name == "ddp_cpu":
        put(given, "accelerator", "cpu", f"{keyword}={name!r}")
        name = (
            "ddp_spawn"
            if given.get("num_processes", given.get("devices")) not in (None, 1, "auto")
            else "auto"
        )
    put(given, "strategy", name, f"{keyword}={name!r}")


def _devices(given: dict[str, Any]) -> int:
    """How many devices the keywords ask for; all GPUs where they say so, or leave it open."""
    asked = given.get("gpus", given.get("devices", "auto"))
    if isinstance(asked, list | tuple):
        return len(asked)
    if isinstance(asked, str) and "," in asked:
        return len([one for one in asked.split(",") if one.strip()])
    if asked not in (None, "auto", -1, "-1"):
        return int(asked)
    import torch

    return 1 if given.get("accelerator") == "cpu" else torch.cuda.device_count()


def _plugins(given: dict[str, Any]) -> None:
    """Strategies that stand among the plugins become the strategy."""
    from leyden.interfaces import Strategy

    plugins = given.get("plugins")
    ones = list(plugins) if isinstance(plugins, list | tuple) else [] if plugins is None else [plugins]
    found = [one for one in ones if isinstance(one, Strategy) or (isinstance(one, str) and one in STRATEGIES)]
    if found:
        note("a strategy among Trainer(plugins=…)", "Trainer(strategy=…)")
        given["plugins"] = [one for one in ones if not any(one is other for other in found)]
        if given.get("strategy") in (None, "auto", "ddp"):
            given["strategy"] = found[0]
