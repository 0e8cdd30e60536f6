"""Utilities and demos: what they return is what the real package's return."""

from __future__ import annotations

import argparse
import operator
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import leyden
from leyden_lightning import utilities

real: Any = pytest.importorskip("pytorch_lightning")

UTILITIES = utilities.__name__
THEIRS = {
    "apply_func": "lightning_fabric.utilities.apply_func",
    "cloud_io": "lightning_fabric.utilities.cloud_io",
    "compile": "pytorch_lightning.utilities.compile",
    "data": "pytorch_lightning.utilities.data",
    "devices": "lightning_fabric.utilities.device_parser",
    "enums": "pytorch_lightning.utilities.enums",
    "fabric data": "lightning_fabric.utilities.data",
    "flops": "lightning_fabric.utilities.throughput",
    "grads": "pytorch_lightning.utilities.grads",
    "logger": "lightning_fabric.utilities.logger",
    "loggers": "pytorch_lightning.loggers.logger",
    "memory": "pytorch_lightning.utilities.memory",
    "model_helpers": "pytorch_lightning.utilities.model_helpers",
    "parameter_tying": "pytorch_lightning.utilities.parameter_tying",
    "parsing": "pytorch_lightning.utilities.parsing",
    "rank_zero": "lightning_fabric.utilities.rank_zero",
    "saving": "pytorch_lightning.core.saving",
    "signature_utils": "pytorch_lightning.utilities.signature_utils",
}
OURS = {"fabric data": "data", "loggers": "logger"}


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)
        self.b.weight = self.a.weight


def with_gradients() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    model(torch.ones(4, 3)).sum().backward()
    return model


def loader(data: Any, **arguments: Any) -> Any:
    return torch.utils.data.DataLoader(data, **arguments)


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self) -> Any:
        return iter(range(3))


def hook(self: Any, batch: Any, batch_idx: int = 0) -> None: ...


def anything(*args: Any) -> None: ...


Case = tuple[str, str, tuple[Any, ...]]
CASES: list[Case] = [
    ("data", "extract_batch_size", (torch.zeros(4, 2),)),
    ("data", "extract_batch_size", ({"a": [torch.zeros(3), torch.zeros(3, 5)]},)),
    ("data", "extract_batch_size", (torch.tensor(1.0),)),
    ("fabric data", "sized_len", ([1, 2],)),
    ("fabric data", "sized_len", (loader(Stream()),)),
    ("fabric data", "has_len", ([1],)),
    ("fabric data", "has_iterable_dataset", (loader(Stream()),)),
    ("fabric data", "has_iterable_dataset", (loader([1]),)),
    ("fabric data", "suggested_max_num_workers", (1,)),
    ("data", "_is_dataloader_shuffled", (loader([1, 2], shuffle=True),)),
    ("data", "_is_dataloader_shuffled", (loader([1, 2]),)),
    ("apply_func", "convert_tensors_to_scalars", ({"a": torch.tensor(2), "b": [torch.tensor([0.5])]},)),
    ("apply_func", "convert_to_tensors", ({"a": 1, "b": [0.5, True]}, torch.device("cpu"))),
    ("devices", "_normalize_parse_gpu_string_input", ("0, 2",)),
    ("devices", "_normalize_parse_gpu_string_input", ("-1",)),
    ("devices", "_normalize_parse_gpu_string_input", ("3",)),
    ("devices", "_determine_root_gpu_device", ([1, 2],)),
    ("devices", "_parse_gpu_ids", (0,)),
    ("cloud_io", "_is_local_file_protocol", ("file:///x",)),
    ("cloud_io", "_is_local_file_protocol", ("s3://x",)),
    ("logger", "_flatten_dict", ({"a": {"b": 1}, "c": argparse.Namespace(d=2)},)),
    ("logger", "_sanitize_params", ({"a": [1], "b": 2.0, "c": None},)),
    ("logger", "_sanitize_callable_params", ({"a": lambda: 3, "b": operator.add, "c": 1},)),
    ("logger", "_add_prefix", ({"a": 1.0}, "p", "-")),
    ("logger", "_convert_params", (argparse.Namespace(a=1),)),
    ("logger", "_convert_json_serializable", ({"a": {1}, "b": 1},)),
    ("loggers", "merge_dicts", ([{"a": 1.0, "b": {"c": 2.0}}, {"a": 3.0}],)),
    ("loggers", "merge_dicts", ([{"a": 1.0}, {"a": 3.0}], {"a": max})),
    ("memory", "recursive_detach", ({"a": torch.ones(1), "b": [1]},)),
    ("memory", "is_oom_error", (RuntimeError("CUDA out of memory. Tried to allocate"),)),
    ("memory", "is_out_of_cpu_memory", (RuntimeError("DefaultCPUAllocator: can't allocate memory"),)),
    ("memory", "is_oom_error", (ValueError("x"),)),
    ("parsing", "is_picklable", (1,)),
    ("parsing", "is_picklable", (lambda: 1,)),
    ("parsing", "parse_class_init_keys", (nn.Linear,)),
    ("parameter_tying", "find_shared_parameters", (Two(),)),
    ("parameter_tying", "find_shared_parameters", (nn.Linear(1, 1),)),
    ("rank_zero", "rank_prefixed_message", ("text", 3)),
    ("rank_zero", "rank_prefixed_message", ("text", None)),
    ("saving", "convert", ("1e-3",)),
    ("saving", "convert", ("word",)),
    ("signature_utils", "is_param_in_hook_signature", (hook, "batch_idx")),
    ("signature_utils", "is_param_in_hook_signature", (hook, "nothing")),
    ("signature_utils", "is_param_in_hook_signature", (anything, "batch", True)),
    ("signature_utils", "is_param_in_hook_signature", (anything, "batch")),
    ("signature_utils", "is_param_in_hook_signature", (hook, "x", True, 2)),
]


def plain(value: Any) -> Any:
    """Tensors as lists, so that results can be compared."""
    if isinstance(value, torch.Tensor):
        return [str(value.dtype), value.tolist()]
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def both(module: str) -> tuple[Any, Any]:
    return import_module(f"{UTILITIES}.{OURS.get(module, module)}"), import_module(THEIRS[module])


@pytest.mark.parametrize(
    ("module", "name", "arguments"), CASES, ids=[f"{i}-{one[1]}" for i, one in enumerate(CASES)]
)
def test_the_same_result(module: str, name: str, arguments: tuple[Any, ...]) -> None:
    ours, theirs = both(module)
    assert plain(getattr(ours, name)(*arguments)) == plain(getattr(theirs, name)(*arguments))


WRONG: list[Case] = [
    ("data", "extract_batch_size", ({"a": "text"},)),
    ("apply_func", "convert_tensors_to_scalars", (torch.ones(2),)),
    ("devices", "_check_data_type", (1.5,)),
    ("devices", "_check_unique", ([1, 1],)),
    ("grads", "grad_norm", (nn.Linear(1, 1), 0)),
    ("saving", "save_hparams_to_yaml", ("/nowhere/at/all/x.yaml", {})),
    ("compile", "to_uncompiled", (nn.Linear(1, 1),)),
    ("fabric data", "suggested_max_num_workers", (0,)),
]


@pytest.mark.parametrize(("module", "name", "arguments"), WRONG, ids=[one[1] for one in WRONG])
def test_the_same_refusal(module: str, name: str, arguments: tuple[Any, ...]) -> None:
    ours, theirs = both(module)
    with pytest.raises(Exception) as expected:
        getattr(theirs, name)(*arguments)
    kind: Any = type(expected.value)
    kind = leyden.errors.LeydenError if kind.__name__ == "MisconfigurationException" else kind
    with pytest.raises(kind):
        getattr(ours, name)(*arguments)


@pytest.mark.parametrize("norm", [1, 2.0, "inf"])
def test_norms_of_gradients(norm: Any) -> None:
    model = with_gradients()
    ours, theirs = (one.grad_norm(model, norm) for one in both("grads"))
    assert list(ours) == list(theirs)
    assert all(torch.allclose(ours[key], theirs[key]) for key in theirs)


def test_floating_point_operations() -> None:
    ours, theirs = both("flops")
    model, batch = nn.Linear(4, 3), torch.ones(2, 4)
    for loss in (None, torch.sum):
        counts = [one.measure_flops(model, lambda: model(batch), loss) for one in (ours, theirs)]
        assert counts[0] == counts[1] > 0


def test_shared_parameters_are_tied_again() -> None:
    ours, _ = both("parameter_tying")
    model = Two()
    names = ours.find_shared_parameters(model)
    model.b.weight = nn.Parameter(torch.zeros(2, 2))
    ours.set_shared_parameters(model, names)
    assert model.b.weight is model.a.weight


def test_enumerations_of_strings() -> None:
    ours, theirs = (one.GradClipAlgorithmType for one in both("enums"))
    for kind in (ours, theirs):
        assert kind.NORM == "norm" == kind.NORM.value and kind("value") is kind.VALUE
        assert kind.supported_type("norm") and not kind.supported_type("x")
        assert hash(kind.NORM) == hash(kind("norm"))
    assert ours.supported_types() == theirs.supported_types()
    assert [str(one) for one in ours] == [str(one) for one in theirs]


def test_overridden_methods() -> None:
    ours, _ = both("model_helpers")

    class Mine(leyden.LightningModule):
        def training_step(self, batch: Any) -> Any:
            return batch

    assert ours.is_overridden("training_step", Mine())
    assert not ours.is_overridden("validation_step", Mine())
    assert not ours.is_overridden("training_step", None)
    assert ours.is_overridden("setup", type("C", (leyden.Callback,), {"setup": anything})())
    with pytest.raises(ValueError, match="parent"):
        ours.is_overridden("forward", nn.Linear(1, 1))
    with pytest.raises(ValueError, match="define the method"):
        ours.is_overridden("step", type("M", (Mine,), {"step": anything})(), leyden.LightningModule)


def test_attributes_of_module_hparams_and_data(installed: None, off: dict[str, Any]) -> None:
    ours, _ = both("parsing")
    model = leyden.LightningModule()
    model.hparams["lr"] = 0.1
    assert ours.lightning_hasattr(model, "lr") and ours.lightning_getattr(model, "lr") == 0.1
    ours.lightning_setattr(model, "lr", 0.2)
    assert model.hparams.lr == 0.2
    with pytest.raises(AttributeError, match="nothing"):
        ours.lightning_getattr(model, "nothing")


def test_arguments_of_a_constructor() -> None:
    found: list[Any] = []

    def make(get: Callable[..., Any]) -> None:
        class A:
            def __init__(self, a: int, *args: Any, b: int = 2, **kwargs: Any) -> None:
                import inspect

                super().__init__()
                found.append(get(inspect.currentframe()))

        A(1, 5, c=3)

    for one in both("parsing"):
        make(one.get_init_args)
    assert found[0] == found[1] == {"a": 1, "b": 2, "c": 3}


def test_hyper_parameters_in_files(tmp_path: Path) -> None:
    ours, theirs = both("saving")
    values = {"a": 1, "b": "two", "c": [1, 2]}
    for write, read in ((ours, theirs), (theirs, ours)):
        write.save_hparams_to_yaml(tmp_path / "h.yaml", values)
        assert read.load_hparams_from_yaml(tmp_path / "h.yaml", use_omegaconf=False) == values
        write.save_hparams_to_tags_csv(tmp_path / "h.csv", {"a": 1, "b": "two"})
        assert dict(read.load_hparams_from_tags_csv(tmp_path / "h.csv")) == {"a": 1, "b": "two"}
    with pytest.warns(RuntimeWarning, match="Missing"):
        assert ours.load_hparams_from_yaml(tmp_path / "none.yaml") == {}


def test_rank_zero_only_has_the_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    from leyden.api import rank_zero as kernel

    ours, _ = both("rank_zero")
    monkeypatch.setattr(kernel._Rank, "value", 0)
    called = []
    say = ours.rank_zero_only(called.append)
    say("zero")
    ours.rank_zero_only.rank = 1
    say("one")
    assert kernel.rank() == 1 == ours.rank_zero_only.rank and called == ["zero"]


def test_warnings_are_said_once() -> None:
    ours, _ = both("rank_zero")
    cache = ours.WarningCache()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cache.warn("here")
        cache.warn("here")
        cache.deprecation("soon")
    assert [str(one.message) for one in caught] == ["here", "soon"]
    assert issubclass(caught[1].category, DeprecationWarning)


def test_version_constants() -> None:
    ours = import_module(f"{UTILITIES}.imports")
    theirs = import_module("lightning_fabric.utilities.imports")
    for name in (
        "_TORCH_GREATER_EQUAL_2_4",
        "_TORCH_GREATER_EQUAL_2_6",
        "_TORCH_LESS_EQUAL_2_6",
        "_IS_WINDOWS",
    ):
        assert getattr(ours, name) == getattr(theirs, name)
    with pytest.raises(AttributeError):
        _ = ours._TORCH_GREATER_EQUAL_X


@pytest.mark.parametrize("version", ["1.2.0", "1.5.10", "1.9.5"])
def test_old_checkpoints_are_brought_up_to_date(version: str) -> None:
    from leyden_lightning.utilities.migration import migrate_checkpoint

    theirs = import_module("pytorch_lightning.utilities.migration")
    made = [
        {
            "epoch": 2,
            "global_step": 12,
            "pytorch-lightning_version": version,
            "state_dict": {},
            "optimizer_states": [{}],
            "callbacks": {"EarlyStopping": {"wait_count": 1}},
        }
        for _ in range(2)
    ]
    if version == "1.9.5":
        for one in made:
            one["loops"] = {
                "fit_loop": {
                    "epoch_loop.batch_loop.optimizer_loop.optim_progress": {
                        "optimizer": {},
                        "optimizer_position": 0,
                    },
                    "epoch_loop.batch_loop.manual_loop.state_dict": {},
                    "epoch_loop.batch_loop.manual_loop.optim_step_progress": {},
                    "epoch_loop.state_dict": {},
                }
            }
    ours, _ = migrate_checkpoint(made[0], "2.0.0")
    expected, _ = theirs.migrate_checkpoint(made[1], "2.0.0")
    assert ours["epoch"] == expected["epoch"] and ours["global_step"] == expected["global_step"]
    assert ours["callbacks"] == expected["callbacks"]
    fit, theirs_fit = ours["loops"]["fit_loop"], expected["loops"]["fit_loop"]
    kept = [one for one in theirs_fit if "batch_loop" not in one and one in fit]
    assert "epoch_loop.state_dict" in kept
    assert not any("batch_loop" in one for one in fit)


def test_a_migrated_checkpoint_can_be_resumed(off: dict[str, Any], tmp_path: Path) -> None:
    from leyden_lightning.demos.boring_classes import BoringModel
    from leyden_lightning.utilities.migration import migrate_checkpoint

    model = BoringModel()
    trainer = leyden.Trainer(max_epochs=1, limit_train_batches=3, limit_val_batches=0, **off)
    trainer.fit(model)
    trainer.save_checkpoint(tmp_path / "new.ckpt")
    old = torch.load(tmp_path / "new.ckpt", weights_only=True)
    for key in [one for one in old if one in ("loops", "leyden")]:
        del old[key]
    old["pytorch-lightning_version"] = "1.4.0"
    torch.save(migrate_checkpoint(old)[0], tmp_path / "old.ckpt")
    again = leyden.Trainer(max_epochs=2, limit_train_batches=3, limit_val_batches=0, **off)
    again.fit(BoringModel(), ckpt_path=tmp_path / "old.ckpt")
    assert (again.current_epoch, again.global_step) == (2, 6)


DEMOS = ("BoringModel", "ManualOptimBoringModel", "DemoModel")


@pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning")
@pytest.mark.parametrize("name", DEMOS)
def test_demos_train_to_the_same_weights(name: str, off: dict[str, Any]) -> None:
    weights = []
    for package, home in (
        (leyden, "leyden_lightning.demos.boring_classes"),
        (real, f"{real.__name__}.demos.boring_classes"),
    ):
        demos = import_module(home)
        package.seed_everything(1, verbose=False)
        model = getattr(demos, name)()
        data = {} if name != "DemoModel" else {"train_dataloaders": loader(demos.RandomDataset(32, 8))}
        package.Trainer(max_epochs=1, limit_train_batches=4, limit_val_batches=0, **off).fit(model, **data)
        weights.append(list(model.parameters()))
    assert all(torch.equal(one, other) for one, other in zip(*weights, strict=True))


@pytest.mark.parametrize("name", ["BoringDataModule", "BoringDataModuleNoLen", "IterableBoringDataModule"])
@pytest.mark.parametrize("stage", ["fit", "validate", "test", "predict"])
def test_demo_data_has_the_same_sizes(name: str, stage: str) -> None:
    counts = []
    for home in ("leyden_lightning.demos.boring_classes", "pytorch_lightning.demos.boring_classes"):
        module = getattr(import_module(home), name)()
        module.setup(stage)
        prefix = {"fit": "train", "validate": "val"}.get(stage, stage)
        made = getattr(module, f"{prefix}_dataloader")()
        counts.append([sum(1 for _ in one) for one in (made if isinstance(made, list) else [made])])
    assert counts[0] == counts[1]


def test_random_data_has_the_same_shapes() -> None:
    for home in ("leyden_lightning.demos.boring_classes", "pytorch_lightning.demos.boring_classes"):
        demos = import_module(home)
        item = demos.RandomDictDataset(3, 2)[1]
        assert torch.equal(item["b"], item["a"] + 2)
        assert len(demos.RandomIterableDatasetWithLen(3, 5)) == 5
        assert next(iter(demos.RandomIterableDataset(3, 5))).shape == (3,)
        assert demos.Net()(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
