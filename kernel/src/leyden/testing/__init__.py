"""The contract kit: what tests every plugin, and what plugin authors write their own tests with.

A plugin's whole test file may be::

    from leyden.testing import CallbackContract

    class TestContract(CallbackContract):
        entry_point = "my_callback"

The fixtures ``leyden_pm``, ``leyden_run``, ``hook_recorder``, ``fake_dist`` and ``both_packages`` come with the
pytest plugin that the kernel's distribution registers. Importing this package imports neither torch nor pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden.api._lazy import lazy

if TYPE_CHECKING:
    from leyden.testing.bench import Bench as Bench
    from leyden.testing.contracts.accelerator import AcceleratorContract as AcceleratorContract
    from leyden.testing.contracts.base import EntryContract as EntryContract
    from leyden.testing.contracts.callback import CallbackContract as CallbackContract
    from leyden.testing.contracts.checkpoint_io import CheckpointIOContract as CheckpointIOContract
    from leyden.testing.contracts.command import CommandContract as CommandContract
    from leyden.testing.contracts.dialect import DialectContract as DialectContract
    from leyden.testing.contracts.environment import EnvironmentContract as EnvironmentContract
    from leyden.testing.contracts.exporter import ExporterContract as ExporterContract
    from leyden.testing.contracts.logger import LoggerContract as LoggerContract
    from leyden.testing.contracts.metric import MetricContract as MetricContract
    from leyden.testing.contracts.migration import MigrationContract as MigrationContract
    from leyden.testing.contracts.option import OptionContract as OptionContract
    from leyden.testing.contracts.plugin import PluginContract as PluginContract
    from leyden.testing.contracts.precision import PrecisionContract as PrecisionContract
    from leyden.testing.contracts.profiler import ProfilerContract as ProfilerContract
    from leyden.testing.contracts.run import RunContract as RunContract
    from leyden.testing.contracts.step import StepContract as StepContract
    from leyden.testing.contracts.strategy import StrategyContract as StrategyContract
    from leyden.testing.contracts.tuner import TunerContract as TunerContract
    from leyden.testing.dists import FakeDist as FakeDist
    from leyden.testing.dists import FakeDists as FakeDists
    from leyden.testing.drive import Runner as Runner
    from leyden.testing.host import HostAccelerator as HostAccelerator
    from leyden.testing.host import HostCheckpointIO as HostCheckpointIO
    from leyden.testing.host import HostStrategy as HostStrategy
    from leyden.testing.outcome import Outcome as Outcome
    from leyden.testing.packages import Package as Package
    from leyden.testing.packages import quiet as quiet
    from leyden.testing.recorder import Call as Call
    from leyden.testing.recorder import HookRecorder as HookRecorder
    from leyden.testing.tiny import TinyData as TinyData
    from leyden.testing.tiny import TinyModule as TinyModule

_CONTRACTS = "leyden.testing.contracts"

__getattr__, __dir__, __all__ = lazy(
    __name__,
    {
        "AcceleratorContract": f"{_CONTRACTS}.accelerator",
        "Bench": "leyden.testing.bench",
        "Call": "leyden.testing.recorder",
        "CallbackContract": f"{_CONTRACTS}.callback",
        "CheckpointIOContract": f"{_CONTRACTS}.checkpoint_io",
        "CommandContract": f"{_CONTRACTS}.command",
        "DialectContract": f"{_CONTRACTS}.dialect",
        "EntryContract": f"{_CONTRACTS}.base",
        "EnvironmentContract": f"{_CONTRACTS}.environment",
        "ExporterContract": f"{_CONTRACTS}.exporter",
        "FakeDist": "leyden.testing.dists",
        "FakeDists": "leyden.testing.dists",
        "HookRecorder": "leyden.testing.recorder",
        "HostAccelerator": "leyden.testing.host",
        "HostCheckpointIO": "leyden.testing.host",
        "HostStrategy": "leyden.testing.host",
        "LoggerContract": f"{_CONTRACTS}.logger",
        "MetricContract": f"{_CONTRACTS}.metric",
        "MigrationContract": f"{_CONTRACTS}.migration",
        "OptionContract": f"{_CONTRACTS}.option",
        "Outcome": "leyden.testing.outcome",
        "Package": "leyden.testing.packages",
        "PluginContract": f"{_CONTRACTS}.plugin",
        "PrecisionContract": f"{_CONTRACTS}.precision",
        "ProfilerContract": f"{_CONTRACTS}.profiler",
        "RunContract": f"{_CONTRACTS}.run",
        "Runner": "leyden.testing.drive",
        "StepContract": f"{_CONTRACTS}.step",
        "StrategyContract": f"{_CONTRACTS}.strategy",
        "TinyData": "leyden.testing.tiny",
        "TinyModule": "leyden.testing.tiny",
        "TunerContract": f"{_CONTRACTS}.tuner",
        "quiet": "leyden.testing.packages",
    },
)
