"""The contract of strategies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from leyden.api.callback import Callback
from leyden.testing.contracts.run import RunContract

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from leyden.testing.outcome import Outcome


class StrategyContract(RunContract):
    """A ``Strategy`` of ``leyden.strategies``.

    Attributes:
        processes: how many processes a run starts.
        tolerance: how far trained weights may be from those of a plain PyTorch loop.
        stop_at: the optimizer step after which the run that is resumed is saved.
        seconds: within which all processes end when one does.

    With several processes, a component that :meth:`make` returns must launch them by itself, from a test.
    """

    group: ClassVar[str] = "leyden.strategies"
    imports_torch: ClassVar[bool] = True
    spawns: ClassVar[bool] = True
    processes: ClassVar[int] = 1
    tolerance: ClassVar[float] = 1e-6
    stop_at: ClassVar[int] = 2
    seconds: ClassVar[float] = 45.0

    def keywords(self, component: Any) -> dict[str, Any]:
        """``strategy=component`` on :attr:`processes` devices."""
        return {"strategy": component, "devices": self.processes}

    def devices(self) -> list[torch.device]:
        """The devices for the tests that place a module in this process."""
        import torch

        return [torch.device("cpu")]

    def make_alone(self) -> Any:
        """A strategy for one process, where :meth:`make` gives one that is for several alone."""
        return self.make()

    def prepared(self, module: Any) -> Any:
        """A module as the strategy needs it, e.g. one that makes itself parallel; by default as it is."""
        return module

    def run(self, *stages: str, component: Any = None, **keywords: Any) -> Outcome:
        """Run stages with a component and a module that is :meth:`prepared`."""
        from leyden.testing.tiny import TinyModule

        module = self.prepared(keywords.pop("module", None) or TinyModule())
        return super().run(*stages, component=component, module=module, **keywords)

    def placed(self) -> tuple[Any, Any]:
        """A strategy after ``setup``, in this process, and the module that it placed."""
        from leyden.interfaces.precision import Precision
        from leyden.testing.host import HostAccelerator, HostCheckpointIO
        from leyden.testing.tiny import TinyModule

        strategy, module = self.make_alone(), self.prepared(TinyModule())
        strategy.connect(
            accelerator=HostAccelerator(),
            devices=self.devices(),
            num_nodes=1,
            precision=Precision(),
            checkpoint_io=HostCheckpointIO(),
        )
        strategy.setup_environment()
        strategy.setup(module)
        return strategy, module

    def test_writes_on_rank_zero_alone(self) -> None:
        """Ranks are the strategy's own: they are in range, and rank zero alone is global zero."""
        strategy, _ = self.placed()
        assert 0 <= strategy.global_rank < strategy.world_size
        assert 0 <= strategy.local_rank <= strategy.global_rank
        assert strategy.is_global_zero is (strategy.global_rank == 0)
        strategy.teardown()

    def test_places_the_module(self) -> None:
        """Parameters are on the root device, and ``module`` is the user's own."""
        strategy, module = self.placed()
        assert strategy.module is module
        assert {one.device for one in module.parameters()} == {strategy.root_device}
        strategy.teardown()

    def test_collectives(self) -> None:
        """In a run, every process finds that reducing, gathering and broadcasting do what they say."""
        outcome = self.run("fit", callbacks=[CollectivesCheck()]).ok()
        assert outcome.exception is None

    def test_trains_as_by_hand(self) -> None:
        """The weights after a run are those of a plain PyTorch loop over the same batches, those of all processes."""
        from leyden.testing.tiny import trained_by_hand

        state = self.run("fit", max_epochs=3).ok().module.state_dict()
        self.assert_weights(state, trained_by_hand(epochs=3, processes=self.processes))

    def assert_weights(self, found: Any, wanted: Any) -> None:
        """Two states are the same within :attr:`tolerance`."""
        import torch

        assert found.keys() == wanted.keys()
        for name, weight in wanted.items():
            torch.testing.assert_close(
                found[name].cpu(), weight.cpu(), rtol=self.tolerance, atol=self.tolerance
            )

    def test_evaluates_every_sample_once(self) -> None:
        """A metric over data that processes cannot share evenly is that of one process."""
        from leyden.testing.ranks import Odd, OddData

        outcome = self.run("validate", module=Odd(), data=OddData()).ok()
        assert outcome.result == [{"mean": OddData.MEAN, "sum": OddData.SUM, "max": OddData.MAX}]

    def test_processes_with_seeds_of_their_own_share_the_data(self) -> None:
        """However processes were seeded, their shares of shuffled data are all samples, each once."""
        from leyden.testing.ranks import Numbers, SeededApart

        if self.processes == 1:
            return
        self.run("fit", module=SeededApart(self.folder), data=Numbers()).ok()
        shares = {path.read_text() for path in self.folder.glob("seen-*")}
        assert sorted("".join(shares).split()) == [str(one) for one in range(8)]

    def test_ranks_are_numbered(self) -> None:
        """In a run, every process has a rank of its own, and rank zero alone is global zero."""
        from leyden.testing.ranks import Roll

        self.run("fit", callbacks=[Roll(self.folder)]).ok()
        found = sorted(path.read_text() for path in self.folder.glob("rank-*"))
        assert found == [f"{rank} {self.processes} {rank == 0}" for rank in range(self.processes)]

    def test_resumes_as_if_never_stopped(self) -> None:
        """A run that is resumed from a checkpoint ends with the weights of the uninterrupted one, to the bit."""
        from leyden.testing.ranks import Noisy, Save

        path = self.folder / "saved.ckpt"
        whole = self.run("fit", module=Noisy(), max_epochs=3, callbacks=[Save(path, step=self.stop_at)]).ok()
        assert path.exists()
        again = self.run("fit", module=Noisy(), max_epochs=3, ckpt_path=path).ok()
        assert again.trainer.global_step == whole.trainer.global_step
        for name, weight in whole.module.state_dict().items():
            assert again.module.state_dict()[name].equal(weight), name

    def test_checkpoints_are_those_of_the_plain_module(self) -> None:
        """A checkpoint of a run holds what one process would load: names and values of the module alone."""
        import torch

        from leyden.testing.ranks import Save
        from leyden.testing.tiny import TinyModule, trained_by_hand

        path = self.folder / "saved.ckpt"
        self.run("fit", max_epochs=2, callbacks=[Save(path)]).ok()
        saved = torch.load(path, weights_only=True)
        self.assert_weights(saved["state_dict"], trained_by_hand(epochs=2, processes=self.processes))
        TinyModule().load_state_dict(saved["state_dict"])
        assert len(saved["optimizer_states"]) == 1

    @pytest.mark.parametrize("how", ["error", "stop", "return", "none", "interrupt"])
    def test_what_ends_one_process_ends_all(self, how: str) -> None:
        """What the last process alone does ends all of them, in seconds.

        It raises, stops, ends its epoch early, has a step without a loss, or gets Ctrl-C.
        """
        import time

        from leyden.testing.ranks import Ends

        if self.processes == 1:
            return
        began = time.monotonic()
        outcome = self.run("fit", max_epochs=3, module=Ends(how), limit_val_batches=0)
        assert time.monotonic() - began < self.seconds
        if how == "interrupt":
            assert outcome.exception is None and outcome.trainer.interrupted
        else:
            wanted = "only here" if how == "error" else f"rank {self.processes - 1}"
            assert wanted.lower() in str(outcome.exception).lower(), repr(outcome.exception)
        self.assert_nothing_left(outcome)

    def test_state_is_that_of_the_plain_module(self) -> None:
        """Names and values are those of the module alone, and loading gives them back."""
        from leyden.testing.tiny import TinyModule

        strategy, _ = self.placed()
        plain = TinyModule().state_dict()
        state = {name: one.cpu().clone() for name, one in strategy.module_state_dict().items()}
        assert state.keys() == plain.keys()
        assert all(state[name].equal(one) for name, one in plain.items())
        strategy.load_module_state_dict({name: one + 1 for name, one in plain.items()})
        assert all(one.cpu().equal(plain[name] + 1) for name, one in strategy.module_state_dict().items())
        strategy.teardown()

    def test_optimizer_state_is_that_of_the_plain_optimizer(self) -> None:
        """A plain optimizer takes the state that the strategy gives, and the other way round."""
        import torch

        strategy, module = self.placed()
        (optimizer,) = strategy.setup_optimizers([torch.optim.Adam(module.parameters(), lr=0.1)])
        _step(strategy, optimizer)
        state = strategy.optimizer_state(optimizer)
        plain = torch.optim.Adam(type(module)().parameters(), lr=0.1)
        plain.load_state_dict(state)
        assert plain.state_dict()["state"][0]["step"] == 1
        strategy.load_optimizer_state(optimizer, plain.state_dict())
        assert strategy.optimizer_state(optimizer)["state"][0]["exp_avg"].equal(
            plain.state_dict()["state"][0]["exp_avg"]
        )
        strategy.teardown()

    def test_teardown_can_be_repeated(self) -> None:
        """A strategy can be torn down twice, and before anything was set up."""
        self.make().teardown()
        strategy, _ = self.placed()
        strategy.teardown()
        strategy.teardown()


def _step(strategy: Any, optimizer: Any) -> None:
    """One update through the strategy's verbs."""
    from leyden.testing.tiny import batches

    batch = strategy.batch_to_device(batches()[0])
    strategy.backward(strategy.module.loss(batch))
    strategy.clip_gradients(optimizer, 1.0, "norm")
    strategy.precision.step(optimizer)


class CollectivesCheck(Callback):
    """Checks in every process, when training starts, what its strategy's collectives return."""

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Raise ``AssertionError`` where one of them is wrong."""
        strategy = trainer.strategy
        size, rank = strategy.world_size, strategy.global_rank
        check_tensors(strategy, size, rank)
        strategy.barrier("leyden_contract")
        for source in {0, size - 1}:
            assert strategy.broadcast({"from": rank}, src=source) == {"from": source}
        assert strategy.reduce_boolean_decision(True, all=True) is True
        assert strategy.reduce_boolean_decision(False, all=False) is False
        assert strategy.reduce_boolean_decision(rank == 0, all=False) is True
        assert strategy.reduce_boolean_decision(rank == 0, all=True) is (size == 1)
        gathered = strategy.gather_object({"of": rank})
        assert gathered == ([{"of": one} for one in range(size)] if rank == 0 else None)
        strategy.agree("the contract", 0)


def check_tensors(strategy: Any, size: int, rank: int) -> None:
    """Check reductions and gathering of ``rank``, a float tensor of two elements."""
    import torch

    def own() -> Tensor:
        return torch.full((2,), float(rank), device=strategy.root_device)

    assert strategy.reduce(own(), reduce_op="sum").tolist() == [size * (size - 1) / 2] * 2
    assert strategy.reduce(own(), reduce_op="mean").tolist() == [(size - 1) / 2] * 2
    gathered = strategy.all_gather(own()).reshape(-1, 2)
    assert gathered.tolist() == [[float(one)] * 2 for one in range(size)]
