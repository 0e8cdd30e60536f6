"""The same fits with Lightning: the same weights, and the same in checkpoints."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.utils import prune


class EverySecond(prune.BasePruningMethod):
    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        mask = default_mask.clone()
        mask.view(-1)[::2] = 0
        return mask


def once(epoch: int) -> bool:
    return epoch == 1


CASES: dict[str, dict[str, Any]] = {
    "l1": {"pruning_fn": "l1_unstructured"},
    "L1 count": {"pruning_fn": "L1_unstructured", "amount": 3, "use_lottery_ticket_hypothesis": False},
    "random": {"pruning_fn": "random_unstructured", "amount": 0.3, "parameter_names": ["weight"]},
    "local": {"pruning_fn": "l1_unstructured", "use_global_unstructured": False, "amount": 0.25},
    "ln": {
        "pruning_fn": "ln_structured",
        "use_global_unstructured": False,
        "pruning_dim": 0,
        "pruning_norm": 2,
        "parameters_to_prune": [0],
        "amount": 0.25,
    },
    "random dim": {
        "pruning_fn": "random_structured",
        "use_global_unstructured": False,
        "pruning_dim": 1,
        "parameters_to_prune": [2],
        "amount": 1,
    },
    "resampled": {"pruning_fn": "l1_unstructured", "resample_parameters": True, "amount": 0.2},
    "functions": {
        "pruning_fn": "l1_unstructured",
        "amount": lambda epoch: 0.1 * epoch,
        "apply_pruning": lambda epoch: epoch != 2,
        "use_lottery_ticket_hypothesis": lambda epoch: epoch == 1,
    },
    "own": {"pruning_fn": EverySecond, "use_lottery_ticket_hypothesis": False},
    "not permanent": {"pruning_fn": "l1_unstructured", "make_pruning_permanent": False},
    "at validation": {"pruning_fn": "l1_unstructured", "prune_on_train_epoch_end": False},
    "never": {"pruning_fn": "l1_unstructured", "apply_pruning": False},
}


@pytest.mark.parametrize("case", list(CASES))
def test_fits(both: Any, make: Any, weights: Any, data: Any, case: str) -> None:
    found = []
    for bench in both:
        module, path = make(bench), bench.folder / "a.ckpt"
        arguments = {"use_lottery_ticket_hypothesis": once, **CASES[case]}
        if "parameters_to_prune" in arguments:
            arguments["parameters_to_prune"] = [
                (module.net[one], "weight") for one in CASES[case]["parameters_to_prune"]
            ]

        class Saving(bench.callbacks.Callback):  # type: ignore[misc]
            def on_train_batch_end(self, trainer: Any, *args: Any, path: Any = path) -> None:
                if trainer.current_epoch == 2:
                    trainer.save_checkpoint(path)

        callback = bench.callbacks.ModelPruning(**arguments)
        bench.fit(module, callback, Saving(), val=data(2), max_epochs=4, num_sanity_val_steps=0)
        saved = torch.load(path, weights_only=True)["state_dict"]
        kept = {name: one.tolist() for name, one in saved.items() if name != "user_mask"}
        found.append((weights(module), kept, callback.state_key))
    assert found[0] == found[1]


def test_tickets_of_several_epochs(both: Any, make: Any, data: Any) -> None:
    """In Lightning, the first reset ties the values from before the fit to the weights that train on."""
    found = []
    for bench in both:
        module = make(bench)
        before = module.net[0].weight.detach().clone()
        callback = bench.callbacks.ModelPruning("l1_unstructured", amount=0.1)
        bench.fit(module, callback, val=data(2), max_epochs=3)
        after = module.net[0].weight.detach()
        found.append(torch.equal(after, torch.where(after == 0, after, before)))
    assert found == [True, False]
