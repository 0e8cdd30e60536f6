"""Workers that start anew, and programs that are run again; each is launched once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from leyden import LightningModule, Trainer
from leyden.errors import ConfigurationError
from leyden.testing import TinyData, TinyModule
from leyden_distributed.environment import find_free_network_port

pytestmark = pytest.mark.multiprocess

WORKERS = """
import warnings, torch, leyden
from leyden.strategies import DDPStrategy
from leyden.testing import TinyData, TinyModule
from leyden.testing.tiny import trained_by_hand

warnings.simplefilter("error")

def quiet(strategy):
    return leyden.Trainer(
        accelerator="cpu", devices=2, strategy=strategy, max_epochs=2, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )

{guard}
    trainer, module = quiet(DDPStrategy(start_method="{method}")), TinyModule()
    trainer.fit(module, datamodule=TinyData())
    for name, weight in trained_by_hand(2, processes=2).items():
        torch.testing.assert_close(module.state_dict()[name], weight)
    assert trainer.global_step == 2 and trainer.state.finished
    assert set(trainer.callback_metrics) == {{"train_loss", "val_loss"}}
    print("fine")
"""

FAILS = """
import sys, leyden
from leyden.testing import TinyData, TinyModule

class Fails(TinyModule):
    def training_step(self, batch, batch_idx):
        if self.global_rank == {rank}:
            raise ValueError("boom")
        return super().training_step(batch, batch_idx)

trainer = leyden.Trainer(
    accelerator="cpu", devices=2, strategy="ddp", max_epochs=1, logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False,
)
try:
    trainer.fit(Fails(), datamodule=TinyData())
except Exception as error:
    print(f"rank {{trainer.global_rank}}: {{type(error).__name__}}: {{error}}", flush=True)
    sys.exit(3)
"""


def script(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    path = folder / "train.py"
    path.write_text(text)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PL_", "MASTER"))}
    return subprocess.run(
        [sys.executable, str(path)],
        env=clean,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_that_start_anew(method: str, tmp_path: Path) -> None:
    done = script(tmp_path, WORKERS.format(method=method, guard='if __name__ == "__main__":'))
    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr[-3000:]


def test_without_a_main_guard_the_error_says_so(tmp_path: Path) -> None:
    done = script(tmp_path, WORKERS.format(method="spawn", guard="if True:"))
    assert done.returncode != 0
    assert "if __name__ == '__main__':" in done.stderr


def test_what_cannot_be_pickled_is_named() -> None:
    class Local(TinyModule):
        pass

    trainer = Trainer(
        accelerator="cpu", devices=2, strategy="ddp_spawn", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, max_epochs=1,
    )  # fmt: skip
    with pytest.raises(ConfigurationError, match=r"start_method='spawn' .*Local.*'popen' or 'fork'"):
        trainer.fit(Local(), datamodule=TinyData())


@pytest.mark.parametrize("rank", [0, 1])
def test_an_exception_on_one_rank_of_a_program_ends_both(rank: int, tmp_path: Path) -> None:
    done = script(tmp_path, FAILS.format(rank=rank))
    assert done.returncode == 3, done.stderr[-3000:]
    lines = sorted(done.stdout.splitlines())
    assert lines[rank] == f"rank {rank}: ValueError: boom"
    other = lines[1 - rank]
    assert other.startswith(f"rank {1 - rank}: RankFailureError: Rank {rank} raised ValueError")
    assert "in training_step, train epoch 0 batch 0" in other


def test_a_module_has_rank_and_device_of_its_trainer() -> None:
    trainer = Trainer(
        accelerator="cpu", devices=2, strategy="ddp_fork", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, max_epochs=1,
    )  # fmt: skip
    module: LightningModule = TinyModule()
    trainer.fit(module, datamodule=TinyData())
    assert (module.global_rank, module.local_rank) == (0, 0)
    assert trainer.strategy.num_processes == 2


HOLDS = """
import gc, sys, torch, torch.distributed as dist
from leyden_strategy_ddp import DDPStrategy
from leyden import Trainer
from leyden.testing import TinyData, TinyModule

gc.disable()
dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
live = [dist.group.WORLD]
live.append(live)
dead = [dist.group.WORLD]
dead.append(dead)
dist.destroy_process_group()
del dead


class Collects(TinyModule):
    def on_train_start(self):
        global live
        del live
        gc.collect()


trainer = Trainer(
    accelerator="cpu", devices=2, strategy="ddp_fork", max_epochs=1, logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False,
)
trainer.fit(Collects(), datamodule=TinyData())
print("fine")
"""


def test_forked_workers_never_collect_the_process_groups_of_the_one_that_forked(tmp_path: Path) -> None:
    """Their destructors would wait for threads that only that one has."""
    done = script(tmp_path, HOLDS)
    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr[-3000:]


OWN_GROUP = """
import torch.distributed as dist
dist.init_process_group("gloo")
"""


def test_in_a_group_that_the_program_has_made_an_exception_ends_both(tmp_path: Path) -> None:
    """It is used, closed where the others wait in it, and otherwise left to the program."""
    path = tmp_path / "train.py"
    path.write_text(OWN_GROUP + FAILS.format(rank=0))
    port = str(find_free_network_port())
    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "NODE_RANK": "0"}
    both = [
        subprocess.Popen(
            [sys.executable, str(path)],
            env={**os.environ, **told, "RANK": str(one), "LOCAL_RANK": str(one)},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
        )
        for one in range(2)
    ]
    said = [one.communicate(timeout=120)[0] for one in both]
    assert [one.returncode for one in both] == [3, 3]
    assert said[0] == "rank 0: ValueError: boom\n"
    assert said[1].startswith("rank 1: RankFailureError: Rank 0 raised ValueError")
