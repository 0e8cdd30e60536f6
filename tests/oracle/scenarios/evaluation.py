"""``validate``, ``test`` and ``predict``."""

from __future__ import annotations

from typing import Any

import torch

from tests.oracle.bench import Bench, loss_of
from tests.oracle.data import loader
from tests.oracle.scenarios._registry import scenario


def _listened(bench: Bench, **options: Any) -> Any:
    return bench.trainer(
        callbacks=[bench.callback("A"), bench.callback("B")], logger=bench.logger(), **options
    )


@scenario
def validate(bench: Bench) -> None:
    trainer = _listened(bench)
    bench.answer(trainer.validate(bench.module(full=True), loader(2), verbose=False))


@scenario
def test(bench: Bench) -> None:
    trainer = _listened(bench)
    bench.answer(trainer.test(bench.module(full=True), loader(2), verbose=False))


@scenario
def predict(bench: Bench) -> None:
    trainer = _listened(bench)
    bench.answer(trainer.predict(bench.module(full=True), loader(2)))


@scenario
def validate_several_loaders(bench: Bench) -> None:
    trainer = bench.trainer(logger=bench.logger())
    bench.answer(trainer.validate(bench.module(), [loader(2), loader(1, start=8)], verbose=False))


@scenario
def test_several_loaders(bench: Bench) -> None:
    trainer = bench.trainer()
    bench.answer(trainer.test(bench.module(), {"a": loader(1), "b": loader(2, start=8)}, verbose=False))


@scenario
def predict_several_loaders(bench: Bench) -> None:
    trainer = bench.trainer(callbacks=[bench.callback()])
    bench.answer(trainer.predict(bench.module(), [loader(2), loader(1, start=8)]))


@scenario
def predict_without_keeping(bench: Bench) -> None:
    bench.answer(bench.trainer().predict(bench.module(), loader(1), return_predictions=False))


@scenario
def predict_by_own_step(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        return {"sum": batch.sum().item(), "batch": batch_idx}

    bench.answer(bench.trainer().predict(bench.module(predict_step=step), loader(2)))


@scenario
def evaluation_limits(bench: Bench) -> None:
    limits = {"limit_val_batches": 1, "limit_test_batches": 0.5, "limit_predict_batches": 3}
    trainer, module = bench.trainer(**limits), bench.module()
    bench.answer(trainer.validate(module, loader(4), verbose=False))
    bench.answer(trainer.test(module, loader(4), verbose=False))
    bench.answer(trainer.predict(module, loader(4)))


@scenario
def evaluation_limited_to_nothing(bench: Bench) -> None:
    limits = {f"limit_{stage}_batches": 0 for stage in ("val", "test", "predict")}
    trainer, module = bench.trainer(**limits), bench.module()
    bench.answer(trainer.validate(module, loader(1), verbose=False))
    bench.answer(trainer.test(module, loader(1), verbose=False))
    bench.answer(trainer.predict(module, loader(1)))


@scenario
def evaluation_without_inference_mode(bench: Bench) -> None:
    trainer, module = bench.trainer(inference_mode=False), bench.module()
    bench.answer(trainer.validate(module, loader(1), verbose=False))
    bench.answer(trainer.predict(module, loader(1)))


@scenario
def evaluation_restores_modes(bench: Bench) -> None:
    left_alone = [
        f"on_{stage}_model_{mode}" for stage in ("validation", "test") for mode in ("eval", "train")
    ]
    trainer, module = bench.trainer(), bench.module(without=[*left_alone, "on_predict_model_eval"])
    module.layer.eval()
    for run in (trainer.validate, trainer.test):
        run(module, loader(1), verbose=False)
        bench.facts.setdefault("training", []).append([module.training, module.layer.training])
    trainer.predict(module, loader(1))
    bench.facts["training"].append([module.training, module.layer.training])


@scenario
def evaluation_after_fit(bench: Bench) -> None:
    module = bench.module()
    trainer = bench.fit(module=module, callbacks=[bench.callback()])
    bench.answer(trainer.validate(module, loader(2), verbose=False))
    bench.answer(trainer.test(module, loader(2), verbose=False))
    bench.facts["weight"] = module.layer.weight


@scenario
def evaluation_outputs(bench: Bench) -> None:
    def step(self: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        return None if batch_idx else {"loss": loss_of(self, batch), "all": torch.ones(3)}

    trainer, module = (
        bench.trainer(callbacks=[bench.callback()]),
        bench.module(validation_step=step, test_step=step),
    )
    bench.answer(trainer.validate(module, loader(2), verbose=False))
    bench.answer(trainer.test(module, loader(2), verbose=False))


@scenario
def evaluation_of_uneven_batches(bench: Bench) -> None:
    trainer = bench.trainer()
    bench.answer(trainer.test(bench.module(), loader(3, extra=1), verbose=False))


@scenario
def test_of_module_that_cannot_train(bench: Bench) -> None:
    lacking = ("training_step", "validation_step", "configure_optimizers", "predict_step")
    bench.answer(bench.trainer().test(bench.module(without=lacking), loader(1), verbose=False))
