"""``lightning`` and ``lightning.pytorch``: everything but components."""

from __future__ import annotations

_PL = "lightning.pytorch"
_U = f"{_PL}.utilities"
_T = f"{_PL}.trainer"
_C = f"{_T}.connectors"
_OWN = "leyden_lightning.utilities"
_MAIN = {
    "Trainer": f"{_T}.trainer",
    "LightningModule": f"{_PL}.core.module",
    "LightningDataModule": f"{_PL}.core.datamodule",
    "Callback": f"{_PL}.callbacks.callback",
    "seed_everything": "leyden.api.rng",
    "__version__": "leyden_lightning.metadata:VERSION",
}
_RANK_ZERO = {
    name: f"{_U}.rank_zero"
    for name in ("rank_zero_deprecation", "rank_zero_info", "rank_zero_only", "rank_zero_warn")
}
_PRIVATE_LOOP = "!the loop is Leyden's own; trainer.fit_loop and its siblings show its counters and limits."

PAGES: dict[str, dict[str, str]] = {
    "lightning": {
        **_MAIN,
        "Fabric": "!Leyden has no Fabric; write the loop in torch, or use leyden.Trainer.",
    },
    "lightning.__about__": {"__version__": "leyden_lightning.metadata:VERSION"},
    _PL: {
        **_MAIN,
        "disable_possible_user_warnings": f"{_U}.warnings",
        "_logger": "leyden.api.rank_zero:log",
    },
    f"{_PL}.__about__": {"__version__": "leyden_lightning.metadata:VERSION"},
    # -- core --------------------------------------------------------------------------------------------------------
    f"{_PL}.core": {
        "LightningDataModule": f"{_PL}.core.datamodule",
        "LightningModule": f"{_PL}.core.module",
        "LightningOptimizer": f"{_PL}.core.optimizer",
    },
    f"{_PL}.core.datamodule": {"LightningDataModule": "leyden.api.datamodule"},
    f"{_PL}.core.lightning": {"LightningModule": f"{_PL}.core.module"},
    f"{_PL}.core.module": {
        "LightningModule": "leyden.api.module",
    },
    f"{_PL}.core.hooks": {
        "CheckpointHooks": "leyden_lightning.hook_classes",
        "DataHooks": "leyden.api.data_hooks",
        "ModelHooks": "leyden.api.model_hooks",
    },
    f"{_PL}.core.memory": {"ModelSummary": f"{_U}.model_summary.model_summary"},
    f"{_PL}.core.mixins": {"HyperparametersMixin": f"{_PL}.core.mixins.hparams_mixin"},
    f"{_PL}.core.mixins.hparams_mixin": {
        "HyperparametersMixin": "leyden.api.hparams",
        "_given_hyperparameters": "!Leyden keeps no global of constructor arguments.",
    },
    f"{_PL}.core.optimizer": {
        "LightningOptimizer": "leyden.api.optimizers",
        "_MockOptimizer": "leyden.api.optimizers:NoOptimizer",
        "do_nothing_closure": "leyden_lightning.hook_classes",
    },
    f"{_PL}.core.saving": {"*": f"{_OWN}.saving", "get_filesystem": f"{_U}.cloud_io"},
    # -- demos -------------------------------------------------------------------------------------------------------
    f"{_PL}.demos": {
        name: f"{_PL}.demos.boring_classes" for name in ("BoringDataModule", "BoringModel", "DemoModel")
    },
    f"{_PL}.demos.boring_classes": {"*": "leyden_lightning.demos.boring_classes"},
    # -- loops -------------------------------------------------------------------------------------------------------
    f"{_PL}.loops": {
        name: _PRIVATE_LOOP
        for name in (
            "_AutomaticOptimization", "_EvaluationLoop", "_FitLoop", "_Loop", "_ManualOptimization",
            "_PredictionLoop", "_TrainingEpochLoop",
        )
    },
    f"{_PL}.loops.evaluation_loop": {"_EvaluationLoop": _PRIVATE_LOOP},
    f"{_PL}.loops.fetchers": {"_DataLoaderIterDataFetcher": _PRIVATE_LOOP, "_PrefetchDataFetcher": _PRIVATE_LOOP},
    f"{_PL}.loops.fit_loop": {"_FitLoop": _PRIVATE_LOOP},
    f"{_PL}.loops.loop": {"_Loop": _PRIVATE_LOOP},
    f"{_PL}.loops.optimization": {},
    f"{_PL}.loops.prediction_loop": {"_PredictionLoop": _PRIVATE_LOOP},
    f"{_PL}.loops.training_epoch_loop": {"_TrainingEpochLoop": _PRIVATE_LOOP},
    f"{_PL}.loops.utilities": {},
    # -- overrides ---------------------------------------------------------------------------------------------------
    f"{_PL}.overrides": {},
    f"{_PL}.overrides.distributed": {
        "DistributedSamplerWrapper": f"{_OWN}.distributed",
        "UnrepeatedDistributedSampler": "leyden_lightning.samplers",
        "UnrepeatedDistributedSamplerWrapper": "leyden_lightning.samplers",
    },
    # -- trainer -----------------------------------------------------------------------------------------------------
    _T: {"Trainer": f"{_T}.trainer", "seed_everything": "leyden.api.rng"},
    f"{_T}.trainer": {"Trainer": "leyden.api.trainer"},
    f"{_T}.states": {
        "RunningStage": "leyden.kernel.state",
        "TrainerFn": "leyden.kernel.state",
        "TrainerState": "leyden_lightning.incumbent.state",
        "TrainerStatus": "leyden.kernel.state",
    },
    f"{_T}.setup": {"_log_device_info": f"{_OWN}.info"},
    _C: {},
    f"{_C}.accelerator_connector": {
        "_AcceleratorConnector": "leyden_lightning.incumbent.connectors:AcceleratorConnector",
        "_IS_INTERACTIVE": f"{_OWN}.imports",
    },
    f"{_C}.callback_connector": {"_CallbackConnector": "leyden_lightning.incumbent.connectors:CallbackConnector"},
    f"{_C}.checkpoint_connector": {
        "_CheckpointConnector": "leyden_lightning.incumbent.connectors:CheckpointConnector"
    },
    f"{_C}.data_connector": {
        "_DataConnector": "leyden_lightning.incumbent.connectors:DataConnector",
        "suggested_max_num_workers": "leyden_lightning.incumbent.advice:suggested_max_num_workers",
    },
    f"{_C}.logger_connector": {"_LoggerConnector": "leyden_lightning.incumbent.connectors:LoggerConnector"},
    f"{_C}.logger_connector.logger_connector": {"_LoggerConnector": f"{_C}.logger_connector"},
    f"{_C}.logger_connector.result": {
        "_METRICS": "leyden_lightning.incumbent.results:LoggedMetrics",
        "_ResultCollection": "leyden_lightning.incumbent.results:ResultsView",
        "_ResultMetric": "leyden_lightning.incumbent.results:ResultMetric",
    },
    f"{_C}.signal_connector": {"_SignalConnector": "leyden_lightning.incumbent.connectors:SignalConnector"},
    # -- utilities ---------------------------------------------------------------------------------------------------
    _U: {
        **_RANK_ZERO,
        "AttributeDict": f"{_U}.parsing",
        "CombinedLoader": f"{_U}.combined_loader",
        "GradClipAlgorithmType": f"{_U}.enums",
        "LightningEnum": "lightning.fabric.utilities.enums",
        "disable_possible_user_warnings": f"{_U}.warnings",
        "find_shared_parameters": f"{_U}.parameter_tying",
        "grad_norm": f"{_U}.grads",
        "is_picklable": f"{_U}.parsing",
        "is_shared_filesystem": "lightning.fabric.utilities.distributed",
        "measure_flops": "lightning.fabric.utilities.throughput",
        "move_data_to_device": f"{_U}.apply_func",
        "set_shared_parameters": f"{_U}.parameter_tying",
        "suggested_max_num_workers": "lightning.fabric.utilities.data",
    },
    f"{_U}.apply_func": {"*": f"{_OWN}.apply_func"},
    f"{_U}.cloud_io": {"*": f"{_OWN}.cloud_io"},
    f"{_U}.combined_loader": {"CombinedLoader": "leyden.api.combined", "_SUPPORTED_MODES": "leyden.api.combined:MODES"},
    f"{_U}.compile": {"*": f"{_OWN}.compile"},
    f"{_U}.data": {"*": f"{_OWN}.data"},
    f"{_U}.distributed": {"*": f"{_OWN}.distributed", **_RANK_ZERO},
    f"{_U}.enums": {"GradClipAlgorithmType": f"{_OWN}.enums", "LightningEnum": "lightning.fabric.utilities.enums"},
    f"{_U}.exceptions": {
        "MisconfigurationException": "leyden.plugins.errors:LeydenError",
        "SIGTERMException": "leyden_lightning.exceptions",
        "_TunerExitException": "leyden_lightning.exceptions",
    },
    f"{_U}.grads": {"grad_norm": f"{_OWN}.grads"},
    f"{_U}.imports": {"*": f"{_OWN}.imports"},
    f"{_U}.memory": {"*": f"{_OWN}.memory"},
    f"{_U}.migration": {name: f"{_OWN}.migration" for name in ("migrate_checkpoint", "pl_legacy_patch")},
    f"{_U}.migration.utils": {name: f"{_OWN}.migration" for name in ("migrate_checkpoint", "pl_legacy_patch")},
    f"{_U}.model_helpers": {"*": f"{_OWN}.model_helpers"},
    f"{_U}.model_summary": {
        "LayerSummary": f"{_U}.model_summary.model_summary",
        "ModelSummary": f"{_U}.model_summary.model_summary",
        "get_formatted_model_size": f"{_U}.model_summary.model_summary",
        "get_human_readable_count": f"{_U}.model_summary.model_summary",
        "parse_batch_shape": f"{_U}.model_summary.model_summary",
        "summarize": f"{_U}.model_summary.model_summary",
    },
    f"{_U}.model_summary.model_summary": {
        "LayerSummary": "leyden_callback_model_summary.layer",
        "ModelSummary": "leyden_callback_model_summary.summary",
        "get_formatted_model_size": "leyden_callback_model_summary.counts:megabytes",
        "get_human_readable_count": "leyden_callback_model_summary.counts:human_readable_count",
        "parse_batch_shape": "leyden_callback_model_summary.layer:size_of",
        "summarize": "leyden_callback_model_summary.summary",
    },
    f"{_U}.parameter_tying": {"*": f"{_OWN}.parameter_tying"},
    f"{_U}.parsing": {
        "*": f"{_OWN}.parsing",
        "AttributeDict": "leyden.api.hparams",
        "_get_init_args": f"{_OWN}.parsing",
    },
    f"{_U}.rank_zero": {
        name: f"{_OWN}.rank_zero"
        for name in (
            "LightningDeprecationWarning", "WarningCache", "_get_rank", "rank_prefixed_message", "rank_zero_debug",
            "rank_zero_deprecation", "rank_zero_info", "rank_zero_only", "rank_zero_warn",
        )
    },
    f"{_U}.seed": {"*": f"{_OWN}.seed"},
    f"{_U}.signature_utils": {"*": f"{_OWN}.signature_utils"},
    f"{_U}.types": {"*": f"{_OWN}.types", "LRSchedulerConfig": "leyden.api.optimizers"},
    f"{_U}.upgrade_checkpoint": {"_upgrade": f"{_OWN}.migration", "main": f"{_OWN}.migration"},
    f"{_U}.warnings": {
        "PossibleUserWarning": f"{_OWN}.warnings",
        "disable_possible_user_warnings": f"{_OWN}.warnings",
    },
}  # fmt: skip
