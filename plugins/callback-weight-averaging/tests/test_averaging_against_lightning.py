"""The same fits with Lightning: the same weights, validation losses and checkpoints."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn


def epochs(bench: Any) -> Any:
    class Epochs(bench.callbacks.WeightAveraging):  # type: ignore[misc]
        def should_update(self, step_idx: Any = None, epoch_idx: Any = None) -> bool:
            return epoch_idx is not None and epoch_idx > 0

    return Epochs()


CASES: dict[str, Any] = {
    "mean": lambda bench: bench.callbacks.WeightAveraging(),
    "no buffers": lambda bench: bench.callbacks.WeightAveraging("cpu", use_buffers=False),
    "multi": lambda bench: bench.callbacks.WeightAveraging(
        multi_avg_fn=get_ema_multi_avg_fn(0.5), use_buffers=False
    ),
    "epochs": epochs,
    "ema": lambda bench: bench.callbacks.EMAWeightAveraging(decay=0.75),
    "ema every": lambda bench: bench.callbacks.EMAWeightAveraging(
        decay=0.5, update_every_n_steps=2, update_starting_at_step=3
    ),
    "ema epochs": lambda bench: bench.callbacks.EMAWeightAveraging(
        decay=0.5, update_every_n_steps=0, update_starting_at_epoch=1
    ),
}


def contents(bench: Any, path: Any) -> dict[str, Any]:
    saved = torch.load(path, weights_only=True)
    found = {
        key: {name: value.tolist() for name, value in saved[key].items()}
        for key in ("state_dict", "current_model_state", "averaging_state")
    }
    return {
        **found,
        "callbacks": {key: one for key, one in saved["callbacks"].items() if "Saving" not in key},
    }


def saving(bench: Any, at: tuple[int, int]) -> Any:
    class Saving(bench.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, trainer: Any, *args: Any) -> None:
            if (trainer.current_epoch, args[-1]) == at:
                trainer.save_checkpoint(bench.folder / "a.ckpt")

    return Saving()


@pytest.mark.parametrize("norm", [False, True], ids=["plain", "batchnorm"])
@pytest.mark.parametrize("case", list(CASES))
def test_fits(both: Any, make: Any, weights: Any, data: Any, case: str, norm: bool) -> None:
    found = []
    for bench in both:
        module, callback = make(bench, norm=norm), CASES[case](bench)
        trainer = bench.fit(
            module, callback, saving(bench, (1, 1)), val=data(2), max_epochs=3, accumulate_grad_batches=2
        )
        found.append((weights(module), module.seen, contents(bench, bench.folder / "a.ckpt")))
        found[-1] += (callback.state_dict(), trainer.global_step)
    assert found[0] == found[1]


@pytest.mark.parametrize("case", ["mean", "ema every"])
def test_each_resumes_the_file_of_the_other(both: Any, make: Any, weights: Any, data: Any, case: str) -> None:
    """At the end of an epoch, where Lightning resumes exactly as well."""
    found = []
    for index, bench in enumerate(both):
        other = both[1 - index]
        module, path = make(other, norm=True), other.folder / "b.ckpt"
        trainer = other.fit(module, CASES[case](other), val=data(2), max_epochs=2)
        trainer.save_checkpoint(path)
        resumed = make(bench, norm=True)
        bench.fit(resumed, CASES[case](bench), val=data(2), max_epochs=4, ckpt_path=path)
        found.append(weights(resumed))
    assert found[0] == found[1]


def test_testing_the_averaged_weights_of_a_file(both: Any, make: Any, weights: Any) -> None:
    """After a fit with the same callback, Lightning loads the unaveraged weights instead."""
    found = []
    for bench in both:
        module, callback = make(bench), bench.callbacks.WeightAveraging()
        trainer = bench.fit(module, callback, saving(bench, (0, 2)))
        saved = torch.load(bench.folder / "a.ckpt", weights_only=True)
        bench.test(trainer, module, bench.folder / "a.ckpt")
        found.append(
            [
                all(torch.equal(one, saved[key][name]) for name, one in module.state_dict().items())
                for key in ("state_dict", "current_model_state")
            ]
        )
    assert found == [[True, False], [False, True]]
