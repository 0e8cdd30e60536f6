"""``lightning.fabric``: the names beside ``Fabric`` itself."""

from __future__ import annotations

_F = "lightning.fabric"
_U = f"{_F}.utilities"
_PL = "lightning.pytorch"
_OWN = "leyden_lightning.utilities"
_NO_FABRIC = "!Leyden has no Fabric; write the loop in torch, or use leyden.Trainer."


def _same(family: str, modules: dict[str, str]) -> dict[str, dict[str, str]]:
    """Pages whose classes are those of ``lightning.pytorch``."""
    pages: dict[str, dict[str, str]] = {f"{_F}.{family}": {}}
    for module, name in modules.items():
        pages[f"{_F}.{family}.{module}"] = {name: f"{_PL}.{family}:{name}"}
        pages[f"{_F}.{family}"][name] = f"{_PL}.{family}:{name}"
    return pages


_RANK_ZERO = ("rank_zero_deprecation", "rank_zero_info", "rank_zero_only", "rank_zero_warn")
_ACCELERATORS = {
    "accelerator": "Accelerator",
    "cpu": "CPUAccelerator",
    "cuda": "CUDAAccelerator",
    "mps": "MPSAccelerator",
    "xla": "XLAAccelerator",
}
_STRATEGIES = {
    "ddp": "DDPStrategy",
    "deepspeed": "DeepSpeedStrategy",
    "fsdp": "FSDPStrategy",
    "model_parallel": "ModelParallelStrategy",
    "parallel": "ParallelStrategy",
    "single_device": "SingleDeviceStrategy",
    "single_xla": "SingleDeviceXLAStrategy",
    "strategy": "Strategy",
    "xla": "XLAStrategy",
}
_ENVIRONMENTS = {
    "cluster_environment": "ClusterEnvironment",
    "kubeflow": "KubeflowEnvironment",
    "lightning": "LightningEnvironment",
    "lsf": "LSFEnvironment",
    "mpi": "MPIEnvironment",
    "slurm": "SLURMEnvironment",
    "torchelastic": "TorchElasticEnvironment",
    "xla": "XLAEnvironment",
}
_PRECISIONS = {
    "amp": "MixedPrecision",
    "bitsandbytes": "BitsandbytesPrecision",
    "deepspeed": "DeepSpeedPrecision",
    "double": "DoublePrecision",
    "fsdp": "FSDPPrecision",
    "half": "HalfPrecision",
    "precision": "Precision",
    "transformer_engine": "TransformerEnginePrecision",
    "xla": "XLAPrecision",
}
_SHARDED = "!it works on Fabric's own FSDP wrapper, which Leyden does not have; use FSDPStrategy."

PAGES: dict[str, dict[str, str]] = {
    _F: {
        "Fabric": _NO_FABRIC,
        "is_wrapped": _NO_FABRIC,
        "__version__": "leyden_lightning.metadata:VERSION",
        "disable_possible_user_warnings": f"{_U}.warnings",
        "seed_everything": "leyden.api.rng",
    },
    f"{_F}.__about__": {"__version__": "leyden_lightning.metadata:VERSION"},
    **_same("accelerators", _ACCELERATORS),
    **_same("strategies", _STRATEGIES),
    **_same("plugins.environments", _ENVIRONMENTS),
    **_same("plugins.precision", _PRECISIONS),
    **_same("plugins.io", {"checkpoint_io": "CheckpointIO", "torch_io": "TorchCheckpointIO", "xla": "XLACheckpointIO"}),
    f"{_F}.loggers": {
        "CSVLogger": f"{_PL}.loggers",
        "Logger": f"{_PL}.loggers.logger",
        "TensorBoardLogger": f"{_PL}.loggers",
    },
    f"{_F}.loggers.csv_logs": {"CSVLogger": f"{_PL}.loggers"},
    f"{_F}.loggers.logger": {
        "Logger": f"{_PL}.loggers.logger",
        "rank_zero_experiment": f"{_PL}.loggers.logger",
    },
    f"{_F}.loggers.tensorboard": {"TensorBoardLogger": f"{_PL}.loggers"},
    _U: {
        **{name: f"{_U}.rank_zero" for name in _RANK_ZERO},
        "AttributeDict": f"{_PL}.utilities.parsing",
        "LightningEnum": f"{_U}.enums",
        "Throughput": f"{_U}.throughput",
        "ThroughputMonitor": f"{_U}.throughput",
        "disable_possible_user_warnings": f"{_U}.warnings",
        "is_shared_filesystem": f"{_U}.distributed",
        "measure_flops": f"{_U}.throughput",
        "move_data_to_device": f"{_U}.apply_func",
        "suggested_max_num_workers": f"{_U}.data",
    },
    f"{_U}.apply_func": {"*": f"{_OWN}.apply_func"},
    f"{_U}.cloud_io": {"*": f"{_OWN}.cloud_io"},
    f"{_U}.data": {"*": f"{_OWN}.data", "AttributeDict": f"{_PL}.utilities.parsing"},
    f"{_U}.device_parser": {"*": f"{_OWN}.devices"},
    f"{_U}.distributed": {"*": f"{_OWN}.distributed"},
    f"{_U}.enums": {"LightningEnum": f"{_OWN}.enums"},
    f"{_U}.exceptions": {"MisconfigurationException": f"{_PL}.utilities.exceptions"},
    f"{_U}.imports": {"*": f"{_OWN}.imports"},
    f"{_U}.logger": {"*": f"{_OWN}.logger"},
    f"{_U}.optimizer": {name: f"{_OWN}.optimizer" for name in ("_optimizer_to_device", "_optimizers_to_device")},
    f"{_U}.rank_zero": {
        name: f"{_OWN}.rank_zero"
        for name in (
            *_RANK_ZERO, "LightningDeprecationWarning", "WarningCache", "_get_rank", "rank_prefixed_message",
            "rank_zero_debug",
        )
    },
    f"{_U}.registry": {"_register_classes": "!Leyden's components are registered by entry points."},
    f"{_U}.seed": {"*": f"{_OWN}.seed"},
    f"{_U}.spike": {
        "SpikeDetection": f"{_PL}.callbacks.spike",
        "TrainingSpikeException": "@callbacks:SpikeDetection>TrainingSpikeException",
    },
    f"{_U}.throughput": {
        "measure_flops": f"{_OWN}.flops",
        **{
            name: f"@callbacks:ThroughputMonitor>{name}"
            for name in ("Throughput", "ThroughputMonitor", "get_available_flops")
        },
    },
    f"{_U}.types": {"*": f"{_OWN}.types"},
    f"{_U}.warnings": {
        "PossibleUserWarning": f"{_PL}.utilities.warnings",
        "disable_possible_user_warnings": f"{_PL}.utilities.warnings",
    },
}  # fmt: skip
for _name in (
    "_get_all_visible_cuda_devices",
    "find_usable_cuda_devices",
    "is_cuda_available",
    "num_cuda_devices",
):
    PAGES[f"{_F}.accelerators.cuda"][_name] = f"{_OWN}.devices"
PAGES[f"{_F}.accelerators"]["find_usable_cuda_devices"] = f"{_OWN}.devices"
PAGES[f"{_F}.accelerators"]["ACCELERATOR_REGISTRY"] = "leyden_lightning.registries:AcceleratorRegistry"
PAGES[f"{_F}.strategies"]["STRATEGY_REGISTRY"] = "leyden_lightning.registries:StrategyRegistry"
PAGES[f"{_F}.plugins.environments.lightning"]["find_free_network_port"] = f"{_OWN}.devices"
for _name in ("_get_full_state_dict_context", "_setup_activation_checkpointing"):
    PAGES[f"{_F}.strategies.fsdp"][_name] = _SHARDED
PAGES[f"{_F}.plugins"] = {
    name: target
    for page in ("environments", "precision", "io")
    for name, target in PAGES[f"{_F}.plugins.{page}"].items()
}
