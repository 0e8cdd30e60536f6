"""A run that resumes sees what the uninterrupted one saw: the same samples, augmented with the same numbers."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Sampler

import leyden
from leyden.api.resumable import ResumableLoader
from leyden.api.rng import isolate_rng
from leyden.utilities import CombinedLoader
from leyden_option_exact_resume.tracked import TrackedLoader

EPOCHS, SIZE, BATCH = 2, 14, 2
Make = Callable[[], Any]


class Augmented(Dataset[torch.Tensor]):
    """Each item depends on its index and on all three generators."""

    def __len__(self) -> int:
        return SIZE

    def __getitem__(self, index: int) -> torch.Tensor:
        noise = [torch.rand(()).item(), numpy.random.rand(), random.random()]
        return torch.tensor([float(index), *noise])


class Generators(Dataset[torch.Tensor]):
    """Draws from generators of its own."""

    def __init__(self) -> None:
        self.rng = numpy.random.default_rng(1)
        self.transform = {"deep": [random.Random(2), torch.Generator().manual_seed(3)]}
        self.old = numpy.random.RandomState(4)

    def __len__(self) -> int:
        return SIZE

    def __getitem__(self, index: int) -> torch.Tensor:
        one, two = self.transform["deep"]
        noise = [self.rng.random(), one.random(), torch.rand((), generator=two).item(), self.old.rand()]
        return torch.tensor([float(index), *noise])


class Counting(Sampler[int]):
    """Another order in each pass, told apart by an attribute that it changes itself."""

    def __init__(self) -> None:
        self.passes = 0

    def __len__(self) -> int:
        return SIZE

    def __iter__(self) -> Iterator[int]:
        self.passes += 1
        return iter(torch.randperm(SIZE, generator=torch.Generator().manual_seed(self.passes)).tolist())


class Stream(IterableDataset[torch.Tensor]):
    """No length; draws from the process's generators."""

    def __iter__(self) -> Iterator[torch.Tensor]:
        for index in range(SIZE // 2):
            yield torch.tensor([float(index), torch.rand(()).item(), random.random()])


def collate(samples: list[torch.Tensor]) -> torch.Tensor:
    """Draws, too."""
    return torch.stack(samples) * torch.rand(())


def in_worker(worker: int) -> None:
    """A start of the user's own."""
    random.seed(worker)


def augmented(workers: int, **keywords: Any) -> DataLoader[Any]:
    keywords = {"shuffle": True, "batch_size": BATCH, **keywords}
    return DataLoader(Augmented(), num_workers=workers, **keywords)


def stateful(workers: int, dataset: Any = None, **keywords: Any) -> Any:
    loaders = pytest.importorskip("torchdata.stateful_dataloader")
    return loaders.StatefulDataLoader(
        Augmented() if dataset is None else dataset, batch_size=BATCH, num_workers=workers, **keywords
    )


class Positions(IterableDataset[torch.Tensor]):
    """A stream with a state."""

    def __init__(self) -> None:
        self.position = 0

    def __iter__(self) -> Iterator[torch.Tensor]:
        info = torch.utils.data.get_worker_info()
        while self.position < SIZE:
            self.position += 1
            yield torch.tensor([self.position + (100.0 * info.id if info else 0), torch.rand(()).item()])
        self.position = 0

    def state_dict(self) -> dict[str, Any]:
        return {"position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.position = state["position"]


class OwnLoader:
    """A loader of the user's own, with a state and without a length."""

    def __init__(self) -> None:
        self.order = torch.Generator().manual_seed(5)
        self.left: list[int] = []

    def __iter__(self) -> Iterator[torch.Tensor]:
        if not self.left:
            self.left = torch.randperm(SIZE // 2, generator=self.order).tolist()
        while self.left:
            yield torch.tensor([float(self.left.pop(0))])

    def state_dict(self) -> dict[str, Any]:
        return {"left": list(self.left), "order": self.order.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.left = list(state["left"])
        self.order.set_state(state["order"])


CASES: dict[str, Make] = {
    "no workers": lambda: augmented(0),
    "two workers": lambda: augmented(2),
    "three workers and a start": lambda: augmented(3, worker_init_fn=in_worker, collate_fn=collate),
    "persistent workers": lambda: augmented(2, persistent_workers=True),
    "more workers than needed": lambda: augmented(5, batch_size=5, prefetch_factor=1),
    "own generators": lambda: DataLoader(Generators(), BATCH, shuffle=True),
    "own generators in workers": lambda: DataLoader(Generators(), BATCH, shuffle=True, num_workers=2),
    "a loader's generator": lambda: augmented(2, generator=torch.Generator().manual_seed(1)),
    "a sampler that counts": lambda: augmented(0, shuffle=False, sampler=Counting()),
    "one by one": lambda: augmented(0, batch_size=None),
    "a combination": lambda: {
        "a": augmented(0, batch_size=5),
        "b": augmented(0),
        "c": augmented(2, batch_size=7),
    },
    "the shortest of a combination": lambda: CombinedLoader(
        [augmented(0, batch_size=3), augmented(0)], "min_size"
    ),
    "the longest of a combination": lambda: CombinedLoader(
        [augmented(0, batch_size=3), augmented(0)], "max_size"
    ),
    "a stateful loader": lambda: stateful(0, shuffle=True),
    "a stateful loader with workers": lambda: stateful(2, shuffle=True),
    "a stateful stream": lambda: stateful(0, Positions()),
    "a stateful stream with workers": lambda: stateful(2, Positions()),
    "an own loader": OwnLoader,
    "a stream": lambda: DataLoader(Stream(), BATCH),
    "a stream with workers": lambda: DataLoader(Stream(), BATCH, num_workers=2),
    "a list": lambda: [torch.tensor([float(i)]) for i in range(5)],
}


class Recording(leyden.LightningModule):
    """Notes what it sees, and draws random numbers itself."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        leaves = torch.utils._pytree.tree_leaves(batch)
        noise = [torch.rand(()).item(), random.random()]
        self.seen.append([one.flatten().tolist() if one is not None else None for one in leaves] + noise)
        return self.weight * 1.0

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.seen.append(["validation", batch.flatten().tolist()])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


class Stop(leyden.Callback):
    """Saves files as a fit goes by."""

    def __init__(self, folder: Path | None) -> None:
        self.folder, self.saved = folder, list[tuple[Path, int]]()

    def _save(self, trainer: leyden.Trainer, name: str) -> None:
        if self.folder is not None:
            path = self.folder / f"{name}-{trainer.current_epoch}-{trainer.global_step}.ckpt"
            trainer.save_checkpoint(path)
            self.saved.append((path, len(trainer.lightning_module.seen)))

    def on_train_batch_end(self, trainer: leyden.Trainer, *_: Any) -> None:
        self._save(trainer, "batch")

    def on_train_epoch_start(self, trainer: leyden.Trainer, pl_module: Any) -> None:
        self._save(trainer, "start")

    def on_train_epoch_end(self, trainer: leyden.Trainer, pl_module: Any) -> None:
        self._save(trainer, "end")


def fit(
    make: Make, folder: Path | None = None, path: Path | None = None, val: Make | None = None, **more: Any
) -> Any:
    with isolate_rng(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'set_vital' is deprecated|This DataLoader will create")
        warnings.filterwarnings("ignore", r"\[(inexact-resume|plugin-set|no-validation-data)\]")
        leyden.seed_everything(3 if path is None else 99, verbose=False)
        module, stop = Recording(), Stop(folder)
        loader = make()
        evaluated = val() if val is not None else None
        if path is None:
            leyden.seed_everything(4, verbose=False)
        quiet = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
        trainer = leyden.Trainer(max_epochs=EPOCHS, callbacks=[stop], logger=False, **quiet, **more)
        trainer.fit(module, loader, evaluated, ckpt_path=path)
    return module.seen, stop.saved


@cache
def some(case: str, count: int) -> bool:
    """Whether a stop point is tried: all without workers, some with them, which take a while to start."""
    return "worker" not in case or count % 6 == 2


@pytest.mark.parametrize("case", CASES)
def test_a_resumed_run_sees_the_rest(case: str, tmp_path: Path) -> None:
    whole, saved = fit(CASES[case], tmp_path)
    assert len(saved) >= 2 * EPOCHS
    plain, _ = fit(CASES[case])
    assert plain == whole, "saving changed the run"
    for index, (path, count) in enumerate(saved):
        if some(case, index):
            resumed, _ = fit(CASES[case], path=path)
            assert resumed == whole[count:], path.name


@pytest.mark.parametrize("workers", [0, 2])
def test_persistent_validation_workers_and_generators_go_on(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEYDEN_SILENCE", "shuffled-evaluation")  # which is what is resumed here

    def val() -> DataLoader[Any]:
        generator = torch.Generator().manual_seed(7)
        return augmented(workers, generator=generator, persistent_workers=workers > 0, batch_size=5)

    whole, saved = fit(lambda: augmented(0), tmp_path, val=val, val_check_interval=3)
    for path, count in saved[:: 1 if workers == 0 else 4]:
        resumed, _ = fit(lambda: augmented(0), path=path, val=val, val_check_interval=3)
        assert resumed == whole[count:], path.name


def test_a_limit_ends_passes_too(tmp_path: Path) -> None:
    for case in ("two workers", "a stateful loader with workers", "a combination"):
        whole, saved = fit(CASES[case], tmp_path, limit_train_batches=3)
        for path, count in saved[2::6]:
            resumed, _ = fit(CASES[case], path=path, limit_train_batches=3)
            assert resumed == whole[count:], (case, path.name)


class FromSeed(Sampler[int]):
    """Draws its order from a seed, as shares of several processes do."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __len__(self) -> int:
        return SIZE

    def __iter__(self) -> Iterator[int]:
        return iter(torch.randperm(SIZE, generator=torch.Generator().manual_seed(self.seed)).tolist())


@pytest.mark.parametrize("kind", [ResumableLoader, TrackedLoader])
def test_an_order_keeps_its_seed_when_the_program_has_another_now(kind: type[ResumableLoader]) -> None:
    before, after = (DataLoader(range(SIZE), 2, sampler=FromSeed(seed)) for seed in (3, 9))  # type: ignore[arg-type]
    kind(after).load_state_dict(kind(before).state_dict())
    assert [one.tolist() for one in after] == [one.tolist() for one in before]
