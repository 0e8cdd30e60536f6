"""Components: callbacks, loggers, strategies, … of whatever distributions are installed."""

from __future__ import annotations

_PL = "lightning.pytorch"
_CALLBACKS = {
    "batch_size_finder": "BatchSizeFinder",
    "device_stats_monitor": "DeviceStatsMonitor",
    "early_stopping": "EarlyStopping",
    "finetuning": "BackboneFinetuning BaseFinetuning",
    "gradient_accumulation_scheduler": "GradientAccumulationScheduler",
    "lambda_function": "LambdaCallback",
    "lr_finder": "LearningRateFinder",
    "lr_monitor": "LearningRateMonitor",
    "model_checkpoint": "ModelCheckpoint",
    "model_summary": "ModelSummary",
    "on_exception_checkpoint": "OnExceptionCheckpoint",
    "prediction_writer": "BasePredictionWriter",
    "pruning": "ModelPruning",
    "rich_model_summary": "RichModelSummary",
    "spike": "SpikeDetection",
    "stochastic_weight_avg": "StochasticWeightAveraging",
    "throughput_monitor": "ThroughputMonitor",
    "timer": "Timer",
    "weight_averaging": "EMAWeightAveraging WeightAveraging",
    "progress.progress_bar": "ProgressBar",
    "progress.rich_progress": "RichProgressBar",
    "progress.tqdm_progress": "TQDMProgressBar",
}
_BESIDE = {
    "early_stopping": {"EarlyStoppingReason": "@callbacks:EarlyStopping>EarlyStoppingReason"},
    "finetuning": {"multiplicative": "@callbacks:BackboneFinetuning>multiplicative"},
    "prediction_writer": {"WriteInterval": "@callbacks:BasePredictionWriter>WriteInterval"},
    "model_checkpoint": {"time": "leyden_callback_checkpoint.trigger:time"},
    "timer": {"Interval": "@callbacks:Timer>Interval", "time": "leyden_callback_timer.clock:time"},
    "pruning": {
        name: f"@callbacks:ModelPruning>{name}"
        for name in ("_LayerRef", "_PYTORCH_PRUNING_FUNCTIONS", "_PYTORCH_PRUNING_METHOD")
    },
    "progress.progress_bar": {"get_standard_metrics": "leyden_lightning.utilities.info"},
    "progress.rich_progress": {
        name: f"@callbacks:RichProgressBar>{name}"
        for name in ("CustomProgress", "CustomTimeColumn", "MetricsTextColumn", "RichProgressBarTheme")
    },
    "progress.tqdm_progress": {
        name: f"@callbacks:TQDMProgressBar>{name}" for name in ("Tqdm", "_update_n", "convert_inf")
    },
}
_LOGGERS = {
    "comet": "CometLogger",
    "csv_logs": "CSVLogger",
    "litlogger": "LitLogger",
    "mlflow": "MLFlowLogger",
    "neptune": "NeptuneLogger",
    "tensorboard": "TensorBoardLogger",
    "wandb": "WandbLogger",
}
_NO_VENDOR = "!it writes to a vendor's cloud product, for which Leyden has no plugin."
_NO_NEPTUNE = "!Lightning has removed it, and Leyden has no plugin for it."
_STRATEGIES = {
    "ddp": "DDPStrategy",
    "deepspeed": "DeepSpeedStrategy",
    "fsdp": "FSDPStrategy",
    "model_parallel": "ModelParallelStrategy",
    "parallel": "ParallelStrategy",
    "single_device": "SingleDeviceStrategy",
    "single_xla": "SingleDeviceXLAStrategy",
    "xla": "XLAStrategy",
}
_ACCELERATORS = {
    "cpu": "CPUAccelerator",
    "cuda": "CUDAAccelerator",
    "mps": "MPSAccelerator",
    "xla": "XLAAccelerator",
}
_PRECISIONS = {
    "amp": "MixedPrecision",
    "bitsandbytes": "BitsandbytesPrecision",
    "deepspeed": "DeepSpeedPrecision",
    "double": "DoublePrecision",
    "fsdp": "FSDPPrecision",
    "half": "HalfPrecision",
    "transformer_engine": "TransformerEnginePrecision",
    "xla": "XLAPrecision",
}
_PROFILERS = {
    "advanced": "AdvancedProfiler",
    "base": "PassThroughProfiler",
    "pytorch": "PyTorchProfiler",
    "simple": "SimpleProfiler",
    "xla": "XLAProfiler",
}
_ENVIRONMENTS = {
    "kubeflow": "KubeflowEnvironment",
    "lightning": "LightningEnvironment",
    "lsf": "LSFEnvironment",
    "mpi": "MPIEnvironment",
    "slurm": "SLURMEnvironment",
    "torchelastic": "TorchElasticEnvironment",
    "xla": "XLAEnvironment",
}
_IOS = {
    "async_plugin": "AsyncCheckpointIO",
    "torch_plugin": "TorchCheckpointIO",
    "xla_plugin": "XLACheckpointIO",
}


def _family(
    page: str, family: str, modules: dict[str, str], base: dict[str, str], extra: dict[str, dict[str, str]]
) -> dict[str, dict[str, str]]:
    """The pages of a family: its package, which passes everything on, and a module for each of its classes."""
    pages: dict[str, dict[str, str]] = {page: {"@": family, **base}}
    for module, classes in modules.items():
        home = f"{page}.{module}"
        entries = dict.fromkeys(classes.split(), f"@{family}")
        pages[home] = {**entries, **extra.get(module, {})}
        pages[page].update(dict.fromkeys(classes.split(), home))
    return pages


_X = f"{_PL}.plugins"
_S = f"{_PL}.strategies"
_OLD = {
    "PrecisionPlugin": f"{_X}.precision.precision:Precision",
    "MixedPrecisionPlugin": f"{_X}.precision.amp:MixedPrecision",
    "DoublePrecisionPlugin": f"{_X}.precision.double:DoublePrecision",
    "HalfPrecisionPlugin": f"{_X}.precision.half:HalfPrecision",
}

PAGES: dict[str, dict[str, str]] = {
    **_family(
        f"{_PL}.callbacks",
        "callbacks",
        _CALLBACKS,
        {"Callback": f"{_PL}.callbacks.callback", "Checkpoint": f"{_PL}.callbacks.checkpoint"},
        _BESIDE,
    ),
    f"{_PL}.callbacks.base": {"Callback": f"{_PL}.callbacks.callback"},
    f"{_PL}.callbacks.callback": {"Callback": "leyden.api.callback"},
    f"{_PL}.callbacks.checkpoint": {"Checkpoint": "leyden.api.callback"},
    f"{_PL}.callbacks.progress": {
        "ProgressBar": f"{_PL}.callbacks.progress.progress_bar",
        "RichProgressBar": f"{_PL}.callbacks.progress.rich_progress",
        "TQDMProgressBar": f"{_PL}.callbacks.progress.tqdm_progress",
    },
    **_family(
        f"{_PL}.loggers",
        "loggers",
        _LOGGERS,
        {"Logger": f"{_PL}.loggers.logger"},
        {
            "csv_logs": {"ExperimentWriter": "@loggers:CSVLogger>ExperimentWriter"},
            "litlogger": {"LitLogger": _NO_VENDOR},
            "neptune": {"NeptuneLogger": _NO_NEPTUNE},
        },
    ),
    f"{_PL}.loggers.base": {"LightningLoggerBase": f"{_PL}.loggers.logger:Logger"},
    f"{_PL}.loggers.logger": {
        "DummyLogger": "leyden.api.logger:NoLogger",
        "Logger": "leyden.api.logger",
        "merge_dicts": "leyden_lightning.utilities.logger",
        "rank_zero_experiment": "leyden_lightning.utilities.logger",
    },
    f"{_PL}.loggers.utilities": {
        name: "leyden_lightning.utilities.logger" for name in ("_scan_checkpoints", "_version")
    },
    **_family(
        _S,
        "strategies",
        _STRATEGIES,
        {
            "Strategy": f"{_S}.strategy",
            "StrategyRegistry": "leyden_lightning.registries",
            "DDPFullyShardedStrategy": f"{_S}.fsdp:FSDPStrategy",
        },
        {},
    ),
    f"{_S}.launchers": {},
    f"{_S}.strategy": {"Strategy": "leyden.interfaces.strategy"},
    **_family(
        f"{_PL}.accelerators",
        "accelerators",
        _ACCELERATORS,
        {
            "Accelerator": f"{_PL}.accelerators.accelerator",
            "AcceleratorRegistry": "leyden_lightning.registries",
            "find_usable_cuda_devices": "leyden_lightning.utilities.devices",
        },
        {},
    ),
    f"{_PL}.accelerators.accelerator": {"Accelerator": "leyden.interfaces.accelerator"},
    **_family(
        f"{_X}.precision",
        "precisions",
        _PRECISIONS,
        {"Precision": f"{_X}.precision.precision", **_OLD},
        {},
    ),
    f"{_X}.precision.precision": {"Precision": "leyden.interfaces.precision"},
    **_family(
        f"{_X}.environments",
        "environments",
        _ENVIRONMENTS,
        {"ClusterEnvironment": f"{_X}.environments.cluster_environment"},
        {},
    ),
    f"{_X}.environments.cluster_environment": {"ClusterEnvironment": "leyden.interfaces.environment"},
    **_family(f"{_X}.io", "checkpoint_ios", _IOS, {"CheckpointIO": f"{_X}.io.checkpoint_plugin"}, {}),
    f"{_X}.io.checkpoint_plugin": {"CheckpointIO": "leyden.interfaces.checkpoint_io"},
    f"{_X}.io.wrapper": {},
    f"{_X}.layer_sync": dict.fromkeys(
        ("LayerSync", "TorchSyncBatchNorm"),
        "!Trainer(sync_batchnorm=True) asks for it, with leyden-distributed.",
    ),
    **_family(
        f"{_PL}.profilers",
        "profilers",
        _PROFILERS,
        {"Profiler": f"{_PL}.profilers.profiler"},
        {
            "pytorch": {
                name: f"@profilers:PyTorchProfiler>{name}"
                for name in ("RegisterRecordFunction", "ScheduleWrapper")
            }
        },
    ),
    f"{_PL}.profilers.profiler": {"Profiler": "leyden.interfaces.profiler"},
    # -- tuner and command line: whatever distribution has them ------------------------------------------------------
    f"{_PL}.tuner": {"Tuner": f"{_PL}.tuner.tuning"},
    f"{_PL}.tuner.tuning": {"Tuner": "@tuner"},
    f"{_PL}.tuner.lr_finder": {
        "_LRFinder": "@tuner:LRFinder",
        "_determine_lr_attr_name": "@tuner:Tuner>_determine_lr_attr_name",
    },
    f"{_PL}.tuner.batch_size_scaling": {},
    f"{_PL}.cli": {"*?": "leyden_cli"},
}
PAGES[_X] = {
    name: f"{page}:{name}"
    for page in (f"{_X}.precision", f"{_X}.environments", f"{_X}.io", f"{_X}.layer_sync")
    for name in PAGES[page]
    if name != "@"
}
