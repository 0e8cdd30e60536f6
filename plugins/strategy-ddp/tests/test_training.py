"""Two processes, forked from the test: what they train, log, save and refuse."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import (
    bf16_compress_hook,
    fp16_compress_hook,
    fp16_compress_wrapper,
)
from torch.distributed.algorithms.ddp_comm_hooks.post_localSGD_hook import (
    PostLocalSGDState,
    post_localSGD_hook,
)
from torch.distributed.algorithms.ddp_comm_hooks.powerSGD_hook import PowerSGDState, powerSGD_hook
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, WeightedRandomSampler

from leyden import Callback, LightningModule, Trainer
from leyden.callbacks import EarlyStopping, ModelCheckpoint
from leyden.errors import ConfigurationError
from leyden_distributed import CollectiveTimeoutError, RankDisagreementError, RankFailureError
from leyden_strategy_ddp import DDPStrategy

pytestmark = pytest.mark.multiprocess


class Net(LightningModule):
    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        x, y = batch
        return (self(x) - y).square().mean()

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def data(size: int = 16, **options: Any) -> DataLoader[Any]:
    x = torch.linspace(-1, 1, size * 3).reshape(size, 3)
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), **{"batch_size": 2, **options})


def trainer(folder: Path, processes: int = 2, strategy: Any = None, **keywords: Any) -> Trainer:
    several = strategy if strategy is not None else DDPStrategy(start_method="fork")
    given: dict[str, Any] = {
        "accelerator": "cpu",
        "devices": processes,
        "strategy": several if processes > 1 else "single_device",
        "max_epochs": 2,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "default_root_dir": folder,
    }
    return Trainer(**{**given, **keywords})


def fitted(folder: Path, module: Net, loader: Any, *loaders: Any, **keywords: Any) -> Trainer:
    made = trainer(folder, **keywords)
    made.fit(module, loader, *loaders)
    return made


def same(one: nn.Module, other: nn.Module, tolerance: float = 1e-6) -> None:
    for name, weight in one.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], weight, rtol=tolerance, atol=tolerance)


class Tell(Callback):
    """Every process writes down what a function finds when training ends."""

    def __init__(self, folder: Path, find: Any) -> None:
        self.folder, self.find = folder, find

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        (self.folder / f"told-{trainer.global_rank}").write_text(json.dumps(self.find(trainer)))


def told(folder: Path) -> list[Any]:
    return [json.loads((folder / f"told-{rank}").read_text()) for rank in range(2)]


# -- weights -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gradient_as_bucket_view": True, "bucket_cap_mb": 1},
        {"static_graph": True},
    ],
    ids=["plain", "views", "static"],
)
@pytest.mark.parametrize("window", [1, 2])
def test_weights_are_those_of_one_process(options: dict[str, Any], window: int, tmp_path: Path) -> None:
    one, two = Net(), Net()
    fitted(tmp_path, one, data(batch_size=4), processes=1, accumulate_grad_batches=window)
    strategy = DDPStrategy(start_method="fork", **options)
    made = fitted(tmp_path, two, data(), strategy=strategy, accumulate_grad_batches=window)
    same(one, two)
    assert made.global_step == 8 // window
    assert (made.state.finished, made.current_epoch) == (True, 2)


def test_unused_parameters(tmp_path: Path) -> None:
    class Unused(Net):
        def __init__(self) -> None:
            super().__init__()
            self.other = nn.Linear(3, 1)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            x, y = batch
            part = self.other(x) if batch_idx % 2 else self.net(x)
            return {"loss": (part - y).square().mean()}

    one, two = Unused(), Unused()
    fitted(tmp_path, one, data(batch_size=4), processes=1)
    fitted(tmp_path, two, data(), strategy=DDPStrategy(start_method="fork", find_unused_parameters=True))
    same(one, two)
    with pytest.raises(RuntimeError, match="Expected to have finished reduction") as caught:
        fitted(tmp_path, Unused(), data())
    notes = "".join(caught.value.__notes__)
    assert "ddp_find_unused_parameters_true" in notes


def test_manual_optimization(tmp_path: Path) -> None:
    class Manual(Net):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False

        def training_step(self, batch: Any, batch_idx: int) -> None:
            optimizer = self.optimizers()
            for _ in range(2):
                optimizer.zero_grad()
                self.manual_backward(Net.training_step(self, batch, batch_idx))
                optimizer.step()

    one, two, static = Manual(), Manual(), Manual()
    fitted(tmp_path, one, data(batch_size=4), processes=1)
    fitted(tmp_path, two, data())
    same(one, two)
    fitted(tmp_path, static, data(), strategy=DDPStrategy(start_method="fork", find_unused_parameters=True))
    same(one, static)


def test_a_communication_hook(tmp_path: Path) -> None:
    one, two = Net(), Net()
    fitted(tmp_path, one, data(batch_size=4), processes=1)
    fitted(tmp_path, two, data(), strategy=DDPStrategy(start_method="fork", ddp_comm_hook=fp16_compress_hook))
    same(one, two, tolerance=2e-3)
    assert not torch.equal(one.net[0].weight, two.net[0].weight), "gradients had 16 bits"
    with pytest.raises((ConfigurationError, RankFailureError), match="ddp_comm_hook='bf16_compress_hook'"):
        fitted(
            tmp_path,
            Net(),
            data(),
            strategy=DDPStrategy(start_method="fork", ddp_comm_hook=bf16_compress_hook),
        )


def test_a_hook_with_a_state_in_a_wrapper(tmp_path: Path) -> None:
    state = PowerSGDState(process_group=None, matrix_approximation_rank=2, start_powerSGD_iter=3)
    one, two = Net(), Net()
    tell = Tell(tmp_path, lambda trainer: [each.tolist() for each in trainer.lightning_module.parameters()])
    strategy = DDPStrategy(
        start_method="fork", ddp_comm_state=state, ddp_comm_hook=powerSGD_hook,
        ddp_comm_wrapper=fp16_compress_wrapper,
    )  # fmt: skip
    fitted(tmp_path, one, data(batch_size=4), processes=1)
    fitted(tmp_path, two, data(), strategy=strategy, callbacks=[tell])
    zero, other = told(tmp_path)
    assert zero == other
    same(one, two, tolerance=0.05)
    assert not torch.equal(one.net[0].weight, two.net[0].weight), "gradients were approximated"


def test_post_local_sgd_averages_weights_in_the_end(tmp_path: Path) -> None:
    def local() -> DDPStrategy:
        state = PostLocalSGDState(process_group=None, subgroup=None, start_localSGD_iter=100)
        return DDPStrategy(
            start_method="fork",
            ddp_comm_state=state,
            ddp_comm_hook=post_localSGD_hook,
            model_averaging_period=2,
        )

    one, two = Net(), Net()
    fitted(tmp_path, one, data(batch_size=4), processes=1)
    fitted(tmp_path, two, data(), strategy=local())
    same(one, two)


def test_running_statistics_are_rank_zeros_in_validation(tmp_path: Path) -> None:
    class Normed(Net):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))

        def on_validation_epoch_end(self) -> None:
            means = self.all_gather(self.net[1].running_mean)
            assert means[0].equal(means[1])

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            assert self.all_gather(torch.tensor(batch_idx)).tolist() == [batch_idx] * 2

    fitted(tmp_path, Normed(), data(), data(9))


# -- data ----------------------------------------------------------------------------------------------------------


class Seen(Net):
    """Keeps the samples of every epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[int]] = []

    def on_train_epoch_start(self) -> None:
        self.seen.append([])

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        self.seen[-1] += [int(one) for one in batch[:, 0]]
        return self(batch).mean()


def numbers(size: int, **options: Any) -> DataLoader[Any]:
    rows: Any = torch.arange(float(size)).unsqueeze(1).repeat(1, 3)
    return DataLoader(rows, **{"batch_size": 2, **options})


def shares(folder: Path, loader: Any, **keywords: Any) -> list[Any]:
    tell = Tell(folder, lambda trainer: trainer.lightning_module.seen)
    fitted(folder, Seen(), loader, callbacks=[tell], **keywords)
    return told(folder)


def test_shares_are_those_of_torchs_distributed_sampler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PL_GLOBAL_SEED", "7")
    loader = numbers(9, shuffle=True)
    batch_sampler = loader.batch_sampler
    found = shares(tmp_path, loader)
    for rank in range(2):
        dataset: Any = loader.dataset
        sampler = torch.utils.data.DistributedSampler(dataset, 2, rank, shuffle=True, seed=7)
        for epoch in range(2):
            sampler.set_epoch(epoch)
            assert found[rank][epoch] == list(sampler)
    assert loader.batch_sampler is batch_sampler, "the user's loader is not touched"


def test_samplers_of_the_users_own_are_shared(tmp_path: Path) -> None:
    weighted = WeightedRandomSampler(torch.ones(10), 10, replacement=False)  # type: ignore[arg-type]
    found = shares(tmp_path, numbers(10, sampler=weighted))
    for epoch in range(2):
        assert sorted(found[0][epoch] + found[1][epoch]) == list(range(10))
    assert found[0][0] != found[0][1]


def test_batch_samplers_of_the_users_own_are_shared(tmp_path: Path) -> None:
    batches = [[0, 1], [2], [3, 4, 5], [6, 7]]
    loader = DataLoader(numbers(8).dataset, batch_sampler=batches)
    assert shares(tmp_path, loader, max_epochs=1) == [[[0, 1, 3, 4, 5]], [[2, 6, 7]]]


class Batches:
    """Batches of random order, without a sampler; it wants to know the epoch."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)

    def __len__(self) -> int:
        return 12

    def __iter__(self) -> Any:
        for index in torch.randperm(12).tolist():
            yield [index]


class Rows(Dataset[Any]):
    def __init__(self) -> None:
        self.epochs: list[int] = []

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> Tensor:
        return torch.full((3,), float(index))


def test_batch_samplers_and_data_sets_are_told_the_epoch(tmp_path: Path) -> None:
    rows, batches = Rows(), Batches()
    loader = DataLoader(rows, batch_sampler=batches)  # type: ignore[arg-type]
    tell = Tell(tmp_path, lambda trainer: [trainer.lightning_module.seen, batches.epochs, rows.epochs])
    fitted(tmp_path, Seen(), loader, callbacks=[tell], max_epochs=3)
    zero, one = told(tmp_path)
    assert zero[1:] == one[1:] == [[0, 1, 2], [0, 1, 2]]
    for first, second in zip(zero[0], one[0], strict=True):
        assert sorted(first + second) == list(range(12)), "shares do not overlap"
    assert len({tuple(first) for first in zero[0]}) == 3, "each epoch has an order of its own"


def test_without_it_every_process_has_all(tmp_path: Path) -> None:
    assert shares(tmp_path, numbers(4), use_distributed_sampler=False, max_epochs=1) == [[[0, 1, 2, 3]]] * 2


def test_several_loaders_are_shared_each(tmp_path: Path) -> None:
    class Both(Seen):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            self.seen[-1] += [int(one) for part in batch.values() for one in part[:, 0]]
            return self(batch["a"]).mean()

    tell = Tell(tmp_path, lambda trainer: trainer.lightning_module.seen)
    fitted(tmp_path, Both(), {"a": numbers(4), "b": numbers(8)}, callbacks=[tell], max_epochs=1)
    assert told(tmp_path) == [[[0, 2, 0, 2, 0, 2, 4, 6]], [[1, 3, 1, 3, 1, 3, 5, 7]]]


class Uneven(IterableDataset[Any]):
    """Three batches on rank zero, five on rank one."""

    def __iter__(self) -> Any:
        for _ in range(3 + 2 * dist.get_rank()):
            yield torch.ones(3), torch.ones(1)


def test_uneven_data_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(
        RankDisagreementError, match=r"after 3 batches.*rank 1 goes on with batch 4.*join=True"
    ):
        fitted(tmp_path, Net(), DataLoader(Uneven(), batch_size=1))
    assert time.monotonic() - began < 30


def test_join_trains_with_uneven_data(tmp_path: Path) -> None:
    class Validated(Net):
        def validation_step(self, batch: Any, batch_idx: int) -> None:
            x, y = batch
            self.log("val", (self(x) - y).square().mean(), sync_dist=True)

    tell = Tell(
        tmp_path, lambda trainer: [trainer.global_step, trainer.lightning_module.net[0].weight.tolist()]
    )
    strategy = DDPStrategy(start_method="fork", join=True)
    loader = DataLoader(Uneven(), batch_size=1)
    fitted(tmp_path, Validated(), loader, data(4), strategy=strategy, callbacks=[tell])
    zero, one = told(tmp_path)
    assert (zero[0], one[0]) == (6, 10)
    assert zero[1] == one[1]


# -- collectives ---------------------------------------------------------------------------------------------------


class Collectives:
    """Counts what torch.distributed is asked for in Python, in one process."""

    NAMES = ("all_reduce", "all_gather", "broadcast", "broadcast_object_list", "gather_object", "barrier")

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        for name in self.NAMES:
            setattr(dist, name, self.counted(name, getattr(dist, name)))

    def counted(self, name: str, function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.count[name] += 1
            return function(*args, **kwargs)

        return call


def test_no_step_has_a_collective_that_training_did_not_ask_for(tmp_path: Path) -> None:
    class Counting(Net):
        def on_train_start(self) -> None:
            self.collectives = Collectives()
            self.steps: list[int] = []

        def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
            self.steps.append(sum(self.collectives.count.values()))

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = super().training_step(batch, batch_idx)
            for name in ("a", "b", "c"):
                self.log(name, loss, sync_dist=True, on_step=True, on_epoch=True)
            return loss

    def counts(trainer: Any) -> Any:
        return [trainer.lightning_module.steps, dict(trainer.lightning_module.collectives.count)]

    tell = Tell(tmp_path, counts)
    fitted(tmp_path, Counting(), data(24), max_epochs=1, log_every_n_steps=4, callbacks=[tell])
    for steps, total in told(tmp_path):
        assert steps == [0, 0, 0, 0, 1, 1], "one in the fourth step, where the metrics are written"
        assert total == {"all_gather": 3}, "the written step, the last step, the epoch"


# -- metrics, callbacks, files -------------------------------------------------------------------------------------


class Logs(Net):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = super().training_step(batch, batch_idx)
        self.log("loss", loss, sync_dist=True, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        x, y = batch
        self.log("val", (self(x) - y).square().mean(), sync_dist=True)

    def on_train_epoch_end(self) -> None:
        self.log("rank", float(self.trainer.global_rank), sync_dist=True, reduce_fx="max")


def test_metrics_are_those_of_one_process(tmp_path: Path) -> None:
    one = fitted(tmp_path, Logs(), data(batch_size=4), data(9), processes=1)
    two = fitted(tmp_path, Logs(), data(), data(9))
    found = {name: float(value) for name, value in two.callback_metrics.items()}
    assert found.pop("rank") == 1.0
    wanted = {name: float(value) for name, value in one.callback_metrics.items() if name != "rank"}
    assert found == pytest.approx(wanted, rel=1e-5)


def test_callbacks_agree_and_come_back(tmp_path: Path) -> None:
    class Diverging(Logs):
        def on_train_epoch_end(self) -> None:
            # Bad on rank one alone from the second epoch on.
            bad = self.current_epoch >= 1 and self.global_rank == 1
            self.log("judged", 9.0 if bad else 1.0 - self.current_epoch)

    stopping = EarlyStopping("judged", divergence_threshold=5.0, patience=9)
    saving = ModelCheckpoint(tmp_path, "{epoch}", monitor="val", save_top_k=-1, save_last=True)
    tell = Tell(tmp_path, lambda trainer: [trainer.current_epoch, sorted(saving.best_k_models)])
    made = fitted(
        tmp_path, Diverging(), data(), data(9), callbacks=[stopping, saving, tell],
        enable_checkpointing=True, max_epochs=5,
    )  # fmt: skip
    assert made.current_epoch == 2, "one process decides, all stop"
    assert told(tmp_path)[0] == told(tmp_path)[1]
    names = sorted(path.name for path in tmp_path.glob("*.ckpt"))
    assert names == ["epoch=0.ckpt", "epoch=1.ckpt", "last.ckpt"]
    assert Path(saving.best_model_path).parent == tmp_path
    saved = torch.load(saving.best_model_path, weights_only=True)
    assert saved["leyden"]["world_size"] == 2
    assert len(saved["leyden"]["ranks"]) == 2
    made.validate(Diverging(), data(9), ckpt_path="best", verbose=False)
    Diverging().load_state_dict(saved["state_dict"])


@pytest.mark.parametrize("rank", [0, 1])
def test_a_checkpoint_on_exception_needs_no_other_rank(rank: int, tmp_path: Path) -> None:
    class Fails(Net):
        def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
            if batch_idx == 2 and self.global_rank == rank:
                raise ValueError("boom")

    saving = ModelCheckpoint(tmp_path, save_on_exception=True, every_n_epochs=1)
    with pytest.raises(ValueError, match="boom"):
        fitted(tmp_path, Fails(), data(), enable_checkpointing=True, callbacks=[saving])
    (path,) = tmp_path.glob("*.ckpt")
    assert torch.load(path, weights_only=True)["global_step"] in (2, 3)


def test_a_checkpoint_is_read_by_another_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Save(Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            trainer.save_checkpoint(tmp_path / f"{trainer.current_epoch}.ckpt")

    fitted(tmp_path, Net(), data(), callbacks=[Save()])
    one, two = Net(1), Net(1)
    monkeypatch.setenv("LEYDEN_SILENCE", "plugin-set")
    with pytest.warns(UserWarning, match=r"\[world-size\] .*2 process\(es\), and there are 1 now"):
        made = trainer(tmp_path, processes=1, max_epochs=2)
        made.fit(one, data(batch_size=4), ckpt_path=tmp_path / "0.ckpt")
    trainer(tmp_path, max_epochs=2).fit(two, data(), ckpt_path=tmp_path / "0.ckpt")
    assert made.global_step == 8
    same(one, two)


@pytest.mark.parametrize("processes", [1, 3])
def test_an_epoch_goes_on_with_the_samples_that_are_left_for_another_number_of_processes(
    processes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEYDEN_SILENCE", "world-size")
    monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)

    class Save(Callback):
        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            if trainer.global_step == 3:
                trainer.save_checkpoint(tmp_path / "middle.ckpt")

    whole = shares(tmp_path, numbers(24, shuffle=True), max_epochs=1)
    tell = Tell(tmp_path, lambda trainer: trainer.lightning_module.seen)
    fitted(tmp_path, Seen(), numbers(24, shuffle=True), callbacks=[Save()], max_epochs=1)
    strategy = DDPStrategy(start_method="fork")
    again = trainer(tmp_path, devices=processes, strategy=strategy, max_epochs=2, callbacks=[tell])

    class Begun(Seen):
        def on_train_start(self) -> None:
            self.seen.append([])

    again.fit(Begun(), numbers(24, shuffle=True), ckpt_path=tmp_path / "middle.ckpt")
    done = {one for share in whole for one in share[0][:6]}
    rest = [json.loads((tmp_path / f"told-{rank}").read_text()) for rank in range(processes)]
    assert sorted(done | {one for share in rest for one in share[0]}) == list(range(24))
    assert [len(share[0]) for share in rest] == [12 // processes] * processes
    second = [one for rank in zip(*(share[1] for share in rest), strict=True) for one in rank]
    wanted = torch.utils.data.DistributedSampler(range(24), 1, 0, shuffle=True, seed=0)
    wanted.set_epoch(1)
    assert second == list(wanted), "later epochs have the order that all numbers of processes share"


def test_what_all_ask_for_is_done_after_the_same_batch(tmp_path: Path) -> None:
    from leyden.api.soon import after_batch

    class Asks(Net):
        def __init__(self) -> None:
            super().__init__()
            self.done: list[Any] = []

        def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
            if batch_idx == (1 if self.global_rank == 0 else 3):
                for _ in range(2):
                    after_batch(self.trainer, "this", self.act)

        def act(self) -> None:
            self.done.append([self.trainer.global_step, self.all_gather(self.trainer.global_step).tolist()])

    tell = Tell(tmp_path, lambda trainer: trainer.lightning_module.done)
    fitted(tmp_path, Asks(), data(40), max_epochs=1, callbacks=[tell])
    assert told(tmp_path) == [[[6, [6, 6]]]] * 2


# -- failures ------------------------------------------------------------------------------------------------------


def test_a_process_that_is_killed(tmp_path: Path) -> None:
    class Killed(Net):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            if batch_idx == 1 and self.global_rank == 1:
                os.kill(os.getpid(), 9)
            return super().training_step(batch, batch_idx)

    began = time.monotonic()
    with pytest.raises(RankFailureError, match="rank 1 .*(SIGKILL|without a word)"):
        fitted(tmp_path, Killed(), data())
    assert time.monotonic() - began < 40


def test_a_timeout_names_rank_and_hook(tmp_path: Path) -> None:
    class Slow(Net):
        def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
            if batch_idx == 1 and self.global_rank == 1:
                until = time.monotonic() + 25
                while time.monotonic() < until:
                    time.sleep(0.1)

    began = time.monotonic()
    with pytest.raises(CollectiveTimeoutError, match=r"rank 1: in on_train_batch_end, train epoch 0 batch 1"):
        fitted(
            tmp_path, Slow(), data(), strategy=DDPStrategy(start_method="fork", timeout=timedelta(seconds=2))
        )
    assert time.monotonic() - began < 20, "the slow one is woken"


def test_steps_without_a_loss_are_left_out_if_all_ranks_leave_them_out(tmp_path: Path) -> None:
    class Skips(Net):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = super().training_step(batch, batch_idx)
            if self.skips(batch_idx):
                return None
            return loss

        def skips(self, batch_idx: int) -> bool:
            return batch_idx in (1, 3)

    class Windowed(Skips):
        def skips(self, batch_idx: int) -> bool:
            return batch_idx == 2 and self.global_rank == 1

    made = fitted(tmp_path, Skips(), data())
    assert made.state.finished
    made = fitted(tmp_path, Windowed(), data(), accumulate_grad_batches=2)
    assert made.state.finished, "within a window gradients stay in each process"
    with pytest.raises(
        RankDisagreementError, match=r"Rank 1 had no loss in training batch 3, and rank 0 had one"
    ):
        fitted(tmp_path, Windowed(), data())


def test_a_rank_that_is_late_for_the_sanity_check_is_waited_for(tmp_path: Path) -> None:
    class Late(Net):
        def on_fit_start(self) -> None:
            if self.global_rank == 0:
                time.sleep(1.5)

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("val", 1.0, sync_dist=True)

    assert fitted(tmp_path, Late(), data(), data(8)).state.finished


def test_collectives_of_one_rank_alone_do_not_hang(tmp_path: Path) -> None:
    class Alone(Net):
        def validation_step(self, batch: Any, batch_idx: int) -> None:
            if self.global_rank == 1 and batch_idx == 1:
                self.trainer.strategy.barrier("mine")

    with pytest.raises((RankFailureError, RuntimeError)):
        fitted(tmp_path, Alone(), data(), data(8), num_sanity_val_steps=0)


def test_what_runs_after_a_failure_starts_anew(tmp_path: Path) -> None:
    class Fails(Net):
        def __init__(self) -> None:
            super().__init__()
            self.fails = True

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            if self.fails and self.global_rank == 1:
                raise ValueError("boom")
            return super().training_step(batch, batch_idx)

    module, made = Fails(), trainer(tmp_path)
    with pytest.raises(ValueError, match="boom"):
        made.fit(module, data())
    module.fails = False
    made.fit(module, data())
    assert made.state.finished
