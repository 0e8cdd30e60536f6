"""The contract of strategies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from leyden.api.callback import Callback
from leyden.testing.contracts.run import RunContract

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class StrategyContract(RunContract):
    """A ``Strategy`` of ``leyden.strategies``.

    Attributes:
        processes: how many processes a run starts.
        tolerance: how far trained weights may be from those of a plain PyTorch loop.
    """

    group: ClassVar[str] = "leyden.strategies"
    imports_torch: ClassVar[bool] = True
    spawns: ClassVar[bool] = True
    processes: ClassVar[int] = 1
    tolerance: ClassVar[float] = 1e-6

    def keywords(self, component: Any) -> dict[str, Any]:
        """``strategy=component`` on :attr:`processes` devices."""
        return {"strategy": component, "devices": self.processes}

    def devices(self) -> list[torch.device]:
        """The devices for the tests that place a module in this process."""
        import torch

        return [torch.device("cpu")]

    def placed(self) -> tuple[Any, Any]:
        """A strategy after ``setup``, in this process, and the module that it placed."""
        from leyden.interfaces.precision import Precision
        from leyden.testing.host import HostAccelerator, HostCheckpointIO
        from leyden.testing.tiny import TinyModule

        strategy, module = self.make(), TinyModule()
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
        """The weights after a run are those of a plain PyTorch loop over the same batches."""
        import torch

        from leyden.testing.tiny import trained_by_hand

        if self.processes == 1:
            state = self.run("fit", max_epochs=3).ok().module.state_dict()
            for name, weight in trained_by_hand(epochs=3).items():
                torch.testing.assert_close(
                    state[name].cpu(), weight, rtol=self.tolerance, atol=self.tolerance
                )

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


def check_tensors(strategy: Any, size: int, rank: int) -> None:
    """Check reductions and gathering of ``rank``, a float tensor of two elements."""
    import torch

    def own() -> Tensor:
        return torch.full((2,), float(rank), device=strategy.root_device)

    assert strategy.reduce(own(), reduce_op="sum").tolist() == [size * (size - 1) / 2] * 2
    assert strategy.reduce(own(), reduce_op="mean").tolist() == [(size - 1) / 2] * 2
    gathered = strategy.all_gather(own()).reshape(-1, 2)
    assert gathered.tolist() == [[float(one)] * 2 for one in range(size)]
