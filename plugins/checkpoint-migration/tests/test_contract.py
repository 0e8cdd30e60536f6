from __future__ import annotations

from typing import Any

import pytest
import torch

from leyden.testing import MigrationContract


@pytest.mark.filterwarnings(r"ignore:\[migration-early-stopping\]")
class TestContract(MigrationContract):
    entry_point = "lightning"

    def older(self) -> list[dict[str, Any]]:
        held = {"state_dict": {"weight": torch.ones(2)}, "epoch": 1, "global_step": 2, "optimizer_states": []}
        return [
            {**held, "early_stop_callback_wait": 2, "pytorch-lightning_version": "0.9.0"},
            {**held, "callbacks": {}, "pytorch-lightning_version": "1.4.0"},
            {**held, "callbacks": {}, "loops": {}, "pytorch-lightning_version": "1.9.0"},
        ]
