"""What a user does in an environment with few plugins; run by its path, in that environment.

``probe.py FOLDER KEYWORDS ...`` trains two steps for each dict of Trainer keywords and prints, as one line of
JSON, what happened.
"""

from __future__ import annotations

import ast
import json
import sys

import torch
from torch.utils.data import DataLoader, TensorDataset

import leyden


class Line(leyden.LightningModule):
    """A straight line."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
        loss: torch.Tensor = (self.layer(batch[0]) - batch[1]).square().mean()
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def train_dataloader(self) -> DataLoader[tuple[torch.Tensor, ...]]:
        return DataLoader(TensorDataset(torch.ones(8, 2), torch.zeros(8, 1)), batch_size=4)


def fit(folder: str, **keywords: object) -> dict[str, object]:
    """Train two steps and report how far it came, or which error ended it."""
    try:
        trainer = leyden.Trainer(**{"max_steps": 2, "default_root_dir": folder, **keywords})
        trainer.fit(Line())
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)}
    return {"steps": trainer.global_step}


def main(folder: str, *texts: str) -> list[dict[str, object]]:
    """One run for each set of keywords, given as a Python dict display."""
    return [fit(folder, **ast.literal_eval(text)) for text in texts]


if __name__ == "__main__":
    print("\n" + json.dumps(main(*sys.argv[1:])))  # a progress bar may have left its line open
