"""Trainer arguments one at a time: wrong type, out of range, nonsense, NaN, in the wrong container."""

from __future__ import annotations

from math import inf, nan

import torch

from .table import NOT_A_COUNT, NOT_A_LIMIT, Row, count, flag, limit

HARDWARE = (
    Row(
        "accelerator",
        {
            "unknown": "cpux",
            "upper case": "CPU",
            "empty": "",
            "number": 17,
            "list": ["cpu"],
            "dict": {"name": "cpu"},
            "device": torch.device("cpu"),
        },
        ("cpu", "auto"),
        "build",
    ),
    Row(
        "strategy",
        {
            "unknown": "dddp",
            "empty": "",
            "number": 0,
            "bool": True,
            "list": ["ddp"],
            "accelerator": "cpu",
            "wrapper class": torch.nn.parallel.DistributedDataParallel,
        },
        ("auto",),
        "build",
    ),
    Row(
        "devices",
        {
            "zero": 0,
            "zero text": "0",
            "empty": [],
            "negative": -7,
            "word": "many",
            "list text": "1,b",
            "fraction": 2.75,
            "bool": True,
            "names": ["first"],
            "nan": nan,
        },
        (1, "auto", "1"),
        "build",
    ),
    Row(
        "num_nodes",
        {**NOT_A_COUNT, "zero": 0, "negative": -7},
        (1,),
        "build",
    ),
    Row(
        "precision",
        {
            "unknown text": "float16",
            "misspelled": "bf16-mixd",
            "half a name": "mixed",
            "upper case": "BF16-mixed",
            "unsupported width": 17,
            "negative": -16,
            "bool": True,
            "list": [32],
            "dtype": torch.float32,
            "nan": nan,
        },
        ("32-true", "bf16-mixed", 32, "64-true", None),
    ),
    flag("sync_batchnorm"),
    flag("use_distributed_sampler"),
)

LENGTH = (
    count("max_epochs", (1, 0, None), {"negative": -7, "inf": inf}, also={"max_steps": 8}),
    count("min_epochs", (1, None), {"negative": -7}),
    count("max_steps", (2, 0), {"negative": -7}, also={"max_epochs": -1}),
    count("min_steps", (1, None), {"negative": -7}),
    Row(
        "max_time",
        {
            "half a text": "1:00",
            "word": "soon",
            "number": 17,
            "negative": -7,
            "misspelled key": {"second": 1},
            "text in a dict": {"seconds": "soon"},
            "list": [17],
            "bool": True,
            "nan": nan,
        },
        ("00:01:00:00", {"minutes": 1}, None),
    ),
    Row(
        "fast_dev_run",
        {"negative": -7, "word": "yes", "fraction": 2.75, "nan": nan, "list": [17], "dict": {"batches": 17}},
        (True, False, 2, 0),
    ),
    limit("limit_train_batches", "fit"),
    limit("limit_val_batches", "fit"),
    limit("limit_test_batches", "test", "negative", "more than all", "word", "too small", "bool"),
    limit("limit_predict_batches", "predict", "negative", "more than all", "word", "too small", "bool"),
    Row("overfit_batches", NOT_A_LIMIT, (1, 0.5, 0.0)),
)

WHEN = (
    Row(
        "val_check_interval",
        {
            "negative": -7,
            "negative fraction": -0.75,
            "zero": 0,
            "more than all": 2.75,
            "more than the epoch": 17,
            "word": "often",
            "half a time": "1:2",
            "misspelled key": {"second": 1},
            "nan": nan,
            "inf": inf,
            "bool": True,
            "list": [17],
        },
        (1, 0.5, 1.0, "00:01:00:00", {"minutes": 1}),
    ),
    count("check_val_every_n_epoch", (1, 2), {"zero": 0, "negative": -7}),
    count("num_sanity_val_steps", (0, 1, -1), {"negative": -7}),
    count("log_every_n_steps", (1, 0), {"negative": -7}),
    count("reload_dataloaders_every_n_epochs", (0, 1), {"negative": -7, "none": None}),
)

OPTIMIZATION = (
    count(
        "accumulate_grad_batches",
        (1, 2),
        {"zero": 0, "negative": -7, "none": None, "text keys": {"first": 17}},
    ),
    Row(
        "gradient_clip_val",
        {
            "negative": -7.0,
            "numeric text": "2.75",
            "word": "norm",
            "nan": nan,
            "list": [2.75],
            "dict": {"value": 2.75},
            "bool": True,
            "complex": 1j,
        },
        (1, 0.5, 0, None),
    ),
    Row(
        "gradient_clip_algorithm",
        {
            "unknown": "l2",
            "plural": "norms",
            "empty": "",
            "number": 17,
            "bool": True,
            "list": ["norm"],
            "function": torch.nn.utils.clip_grad_norm_,
        },
        ("norm", "value", None),
        also={"gradient_clip_val": 1.0},
    ),
    Row(
        "deterministic",
        {"misspelled": "warning", "text": "yes", "number": 17, "list": [True], "half": 0.5},
        (True, False, "warn"),
        why="only its truth value counts: 'warning' makes it strict",
    ),
    flag("benchmark", (True, False, None), name="auto"),
    flag("inference_mode", number=17),
    flag("detect_anomaly", number=17),
)

SURROUNDINGS = (
    flag("enable_checkpointing", number=17, list=[True]),
    flag("enable_progress_bar", number=17),
    flag("enable_model_summary"),
    flag("enable_autolog_hparams"),
    flag("barebones", (False,)),
    Row(
        "logger",
        {
            "number": 17,
            "unknown": "no-such-logger",
            "half": 0.5,
            "list of numbers": [17],
            "list of none": [None],
            "module": torch.nn.Linear(1, 1),
        },
        (False, True),
    ),
    Row(
        "callbacks",
        {
            "number": 17,
            "unknown": "no-such-callback",
            "bool": True,
            "list of numbers": [17],
            "list of none": [None],
            "list of text": ["no-such-callback"],
            "function": [print],
            "module": torch.nn.Linear(1, 1),
        },
        ([], None),
        why="it has no hook, so it is never called",
    ),
    Row(
        "profiler",
        {"misspelled": "simpel", "number": 17, "bool": True, "list": ["simple"]},
        (None, "simple"),
    ),
    Row(
        "plugins",
        {
            "number": 17,
            "unknown": "no-such-plugin",
            "list of numbers": [17],
            "list of none": [None],
            "dict": {"io": 17},
        },
        ([], None),
    ),
    Row(
        "default_root_dir",
        {"number": 17, "fraction": 2.75, "list": ["runs"], "bool": True, "dict": {"path": "runs"}},
        (None,),
    ),
    Row("model_registry", {"number": 17, "list": ["name"], "bool": True}, (None,), "build"),
)

TABLE = (*HARDWARE, *LENGTH, *WHEN, *OPTIMIZATION, *SURROUNDINGS)
CASES = tuple(case for row in TABLE for case in row.cases())
CONTROLS = tuple(control for row in TABLE for control in row.controls())
