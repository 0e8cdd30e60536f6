from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from leyden import Trainer, seed_everything
from leyden.errors import ArgumentTypeError, ConfigurationError, DetachedError
from leyden.testing import TinyData, TinyModule
from leyden.testing.ranks import Ends
from leyden.testing.tiny import trained_by_hand
from leyden_distributed import RankFailureError
from leyden_strategy_ray import RayEnvironment, RayStrategy
from leyden_strategy_ray.environment import Place
from leyden_strategy_ray.launcher import RayLauncher, _set

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own


def quiet(**keywords: Any) -> Trainer:
    off = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return Trainer(**{"accelerator": "cpu", "devices": 2, "max_epochs": 1, **off, **keywords})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"placement": "PACKED"}, r"placement='PACKED' .*'PACK'"),
        ({"num_cpus_per_worker": -1}, "num_cpus_per_worker=-1"),
        ({"resources_per_worker": {"TPU": -2}}, "resources_per_worker=-2"),
        ({"join": 1}, "join=1"),
        ({"bucket_cap": 1}, "no argument 'bucket_cap'"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        RayStrategy(**arguments)


@pytest.mark.parametrize("name", ["start_method", "cluster_environment"])
def test_what_is_ray_s_own_is_refused(name: str) -> None:
    with pytest.raises(ArgumentTypeError, match=rf"'{name}': Ray starts the workers"):
        RayStrategy(**{name: None})


def test_outside_of_ray_train_the_environment_says_so() -> None:
    assert RayEnvironment.detect() is False
    with pytest.raises(DetachedError, match="none of its workers"):
        RayEnvironment().global_rank()


def test_inside_of_ray_train_ranks_are_ray_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a fake of Ray Train's context."""
    from ray import train

    context = SimpleNamespace(
        get_world_size=lambda: 4, get_world_rank=lambda: 3, get_local_rank=lambda: 1, get_node_rank=lambda: 1
    )
    monkeypatch.setattr(train, "get_context", lambda: context)
    trainer = quiet(strategy="ray", devices=1)
    environment = trainer.strategy.environment
    assert isinstance(environment, RayEnvironment)
    assert (trainer.world_size, trainer.global_rank, trainer.local_rank, trainer.node_rank) == (4, 3, 1, 1)
    assert environment.creates_processes_externally
    done = RayLauncher(trainer.strategy).launch(lambda: "in this process", trainer)
    assert done == "in this process"


def test_workers_of_a_machine_have_ranks_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray has placed four workers on two machines, alternately."""
    import ray
    import ray.util.placement_group

    strategy = RayStrategy()
    launcher = RayLauncher(strategy)
    table = {"bundles_to_node_id": {0: "a", 1: "b", 2: "a", 3: "b"}}
    nodes = [
        {"NodeID": "b", "NodeManagerAddress": "10.0.0.2"},
        {"NodeID": "a", "NodeManagerAddress": "10.0.0.1"},
    ]
    monkeypatch.setattr(sys.modules["ray.util.placement_group"], "placement_group_table", lambda group: table)
    monkeypatch.setattr(ray, "nodes", lambda: nodes)
    monkeypatch.setattr(ray, "get", lambda task: task)
    monkeypatch.setattr(launcher, "_task", lambda function, group, bundle: 1234 + bundle)
    assert launcher._places(None) == [
        (0, Place(0, 0, 0, 4, 2, "10.0.0.1", 1234)),
        (2, Place(1, 1, 0, 4, 2, "10.0.0.1", 1234)),
        (1, Place(2, 0, 1, 4, 2, "10.0.0.1", 1234)),
        (3, Place(3, 1, 1, 4, 2, "10.0.0.1", 1234)),
    ]


def test_a_worker_on_cuda_has_one_gpu_which_is_its_first() -> None:
    strategy = RayStrategy(num_cpus_per_worker=2, resources_per_worker={"fast": 0.5})
    strategy.devices = [torch.device("cuda", 0), torch.device("cuda", 1)]
    assert RayLauncher(strategy)._resources() == {"CPU": 2, "fast": 0.5, "GPU": 1}
    strategy.environment = RayEnvironment(Place(1, 1, 0, 2, 2, "127.0.0.1", 1))
    assert strategy.root_device == torch.device("cuda", 0)


class Killed(TinyModule):
    """The last process ends before it trains."""

    def on_train_start(self) -> None:
        if self.global_rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def by_value() -> Iterator[None]:
    """Workers cannot import this file."""
    from ray import cloudpickle

    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    yield
    cloudpickle.unregister_pickle_by_value(module)


@pytest.mark.multiprocess
@pytest.mark.usefixtures("ray_session", "by_value")
def test_a_worker_that_is_killed_is_said_to_be() -> None:
    trainer = quiet(strategy="ray")
    with pytest.raises(RankFailureError, match="rank 1"):
        trainer.fit(Killed(), datamodule=TinyData())
    assert trainer.interrupted
    module = TinyModule()
    quiet(strategy="ray").fit(module, datamodule=TinyData())  # the cluster is as good as before
    for name, weight in trained_by_hand(1, processes=2).items():
        torch.testing.assert_close(module.state_dict()[name], weight)


def runs_in_ray_train(told: dict[str, Any]) -> None:
    """What a worker of Ray Train does: a run that ends well, its validation, and a run that one worker fails in."""
    trainer, module = quiet(strategy="ray"), TinyModule()
    trainer.fit(module, datamodule=TinyData())
    trainer.validate(module, datamodule=TinyData(), verbose=False)
    place = f"{trainer.global_rank} of {trainer.world_size}, {type(trainer.strategy.environment).__name__}"
    torch.save({place: module.state_dict()}, Path(told["folder"], f"{trainer.global_rank}.pt"))
    quiet(strategy="ray", max_epochs=3).fit(Ends("error"), datamodule=TinyData())


@pytest.mark.multiprocess
@pytest.mark.usefixtures("ray_session", "by_value")
def test_the_trainer_takes_its_place_among_the_workers_of_ray_train(tmp_path: Path) -> None:
    """Ray has made the process group; what one of them raises reaches the calling program."""
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    told = {"folder": str(tmp_path)}
    workers, config = ScalingConfig(num_workers=2), RunConfig(storage_path=str(tmp_path / "ray"))
    with pytest.raises(Exception, match="only here"):
        TorchTrainer(
            runs_in_ray_train, train_loop_config=told, scaling_config=workers, run_config=config
        ).fit()
    for rank in range(2):
        ((place, found),) = torch.load(tmp_path / f"{rank}.pt", weights_only=True).items()
        assert place == f"{rank} of 2, RayEnvironment"
        for name, weight in trained_by_hand(1, processes=2).items():
            torch.testing.assert_close(found[name], weight)


def test_variables_of_a_run_are_not_those_of_the_worker_s_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_OF_THE_NODE", "1")
    monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)
    before = dict(os.environ)
    with _set({"LOCAL_RANK": "1", "LEYDEN_OF_THE_NODE": "2"}):
        seed_everything(4, verbose=False)
        assert (os.environ["LOCAL_RANK"], os.environ["LEYDEN_OF_THE_NODE"]) == ("1", "2")
    assert dict(os.environ) == before


@pytest.mark.multiprocess
@pytest.mark.usefixtures("ray_session")
def test_what_the_cluster_has_not_is_said() -> None:
    trainer = quiet(strategy=RayStrategy(num_cpus_per_worker=3, placement_timeout=1.0))
    with pytest.raises(ConfigurationError, match=r"needs 2 workers with \{'CPU': 3\} .*cluster's \{'CPU': 4"):
        trainer.fit(TinyModule(), datamodule=TinyData())
