"""Strategies that divide the parameters among processes."""

from __future__ import annotations

from typing import Any

from leyden.errors import ConfigurationError

SHARDING = ("DeepSpeedStrategy", "FSDPStrategy", "ModelParallelStrategy")


def refuse_sharding(strategy: Any, callback: Any) -> None:
    """Raise where no process holds all parameters, so that none can average them."""
    if any(base.__name__ in SHARDING for base in type(strategy).__mro__):
        raise ConfigurationError(
            f"{type(callback).__name__} does not work with {type(strategy).__name__}: it shards the parameters. Take "
            "another strategy (ddp), or leave the callback out."
        )
