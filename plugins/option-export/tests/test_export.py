from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import leyden
from leyden.callbacks import ModelCheckpoint
from leyden.errors import ConfigurationError, PluginNotFoundError
from leyden.testing import FakeDists, TinyData, TinyModule

WRITER = """
    import torch
    from pathlib import Path
    from leyden.interfaces import VerifiedExporter

    class Pickled(VerifiedExporter):
        format = "pickled"
        suffix = ".pth"
        option_names = ("shift",)

        def write(self, model, inputs, path, options):
            torch.save(model.state_dict(), path)

        def reload(self, path, model, inputs, options):
            layer = torch.load(path)
            return lambda batch: torch.nn.functional.linear(
                batch.args[0], layer["layer.weight"], layer["layer.bias"] + options.get("shift", 0)
            )
"""


@pytest.fixture(autouse=True)
def _third_party(tmp_path: Path) -> Any:
    """An exporter of somebody else's: one distribution with one entry point."""
    with FakeDists(tmp_path / "dists") as dists:
        dists(
            "acme-pickled",
            {"leyden.exporters": {"pickled": "acme_pickled:Pickled"}},
            {"acme_pickled": WRITER},
            requires=["leyden-kernel~=0.1.0"],
        )
        yield


class Worsening(TinyModule):
    """Whose validation loss is least after the first epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.example_input_array = torch.ones(2, 4)
        self.seen: list[Tensor] = []

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val_loss", float(self.current_epoch))

    def on_validation_epoch_end(self) -> None:
        self.seen.append(self.layer.weight.detach().clone())


def fitted(tmp_path: Path, module: Any = None, callbacks: Any = (), **keywords: Any) -> Any:
    trainer = leyden.Trainer(
        max_epochs=3, logger=False, enable_progress_bar=False, enable_model_summary=False,
        num_sanity_val_steps=0, callbacks=list(callbacks), default_root_dir=tmp_path,
        **{"enable_checkpointing": bool(callbacks), **keywords},
    )  # fmt: skip
    module = module or Worsening()
    trainer.fit(module, TinyData())
    return trainer, module


def test_the_best_model_is_exported(tmp_path: Path) -> None:
    keeper = ModelCheckpoint(tmp_path / "kept", monitor="val_loss", mode="min")
    _, module = fitted(tmp_path, callbacks=[keeper], export="pickled")
    found = torch.load(tmp_path / "exports" / "Worsening.pth")
    assert torch.equal(found["layer.weight"], module.seen[0])
    assert not torch.equal(found["layer.weight"], module.layer.weight)
    assert (tmp_path / "exports" / "Worsening.pth.json").exists()


def test_without_checkpoints_the_last_weights_are_exported(tmp_path: Path) -> None:
    _, module = fitted(tmp_path, export={"pickled": str(tmp_path / "own.pth")})
    assert torch.equal(torch.load(tmp_path / "own.pth")["layer.weight"], module.layer.weight)


def test_options_and_a_sample_are_handed_on(tmp_path: Path) -> None:
    export = {"pickled": {"path": tmp_path / "own.pth", "sample": torch.ones(3, 4), "shift": 1}}
    with pytest.raises(leyden.errors.ExportMismatchError, match="by 1 on a batch of 3"):
        fitted(tmp_path, TinyModule(), export=export)


def test_the_hook_is_fired(tmp_path: Path) -> None:
    class Told:
        def __init__(self) -> None:
            self.paths: Any = None

        def leyden_export_end(self, paths: Any, format: str) -> None:
            self.paths = (format, *map(str, paths))

    told = Told()
    fitted(tmp_path, export=["pickled"], plugins=[told])
    assert told.paths[:2] == ("pickled", str(tmp_path / "exports" / "Worsening.pth"))


def test_a_missing_sample_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    module = TinyModule()
    with pytest.raises(ConfigurationError, match="example_input_array"):
        fitted(tmp_path, module, export="pickled")
    assert torch.equal(module.layer.weight, TinyModule().layer.weight)


def test_a_dry_run_and_a_failed_fit_export_nothing(tmp_path: Path) -> None:
    fitted(tmp_path, export="pickled", fast_dev_run=True)

    class Failing(Worsening):
        def on_train_epoch_end(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fitted(tmp_path, Failing(), export="pickled")
    assert not (tmp_path / "exports").exists()


def test_an_unknown_format_is_refused_when_the_trainer_is_made() -> None:
    with pytest.raises(PluginNotFoundError, match="no-such"):
        leyden.Trainer(max_epochs=1, export="no-such")


@pytest.mark.parametrize("failing", [False, True])
def test_rank_zero_writes_and_the_others_end_alike(failing: bool, tmp_path: Path) -> None:
    from leyden.testing.host import HostAccelerator, HostStrategy

    said: list[Any] = []

    class TwoRanks(HostStrategy):
        def broadcast(self, obj: Any, src: int = 0) -> Any:
            if not isinstance(obj, tuple):
                return obj
            if self.is_global_zero:
                said.append(obj)
            return said[0]

    options = {"sample": torch.ones(2, 4), "path": str(tmp_path / "own.pth"), "shift": int(failing)}
    for rank in (0, 1):
        error = (leyden.errors.ExportMismatchError, leyden.errors.LeydenError)[rank]
        ranked = {"accelerator": HostAccelerator(), "strategy": TwoRanks(rank, 2)}
        if failing:
            with pytest.raises(error, match="differs from the module by 1"):
                fitted(tmp_path, TinyModule(), export={"pickled": dict(options)}, **ranked)
        else:
            fitted(tmp_path, TinyModule(), export={"pickled": dict(options)}, **ranked)
            assert said == [((options["path"], f"{options['path']}.json"), None)]
            if rank == 0:
                (tmp_path / "own.pth").unlink()
    assert not (tmp_path / "own.pth").exists()  # rank one wrote nothing
