from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from leyden.errors import ConfigurationError, ExportMismatchError, UserCodeError
from leyden.interfaces import Inputs, VerifiedExporter
from leyden.interfaces.command import pair

X = torch.arange(12.0).reshape(3, 4)


class Weights(VerifiedExporter):
    """Keeps the weights; what it computes with them is bent by a function of the outputs and the batch's size."""

    format = "weights"
    suffix = ".pth"

    def __init__(self, bent: Callable[[Any, int | None], Any] = lambda found, size: found) -> None:
        self.bent = bent

    def write(self, model: Any, inputs: Inputs | None, path: Path, options: dict[str, Any]) -> None:
        torch.save(model.state_dict(), path)

    def reload(self, path: Path, model: Any, inputs: Inputs, options: dict[str, Any]) -> Any:
        return lambda batch: self.bent(batch(model), batch.batch_size)


class Net(nn.Module):
    """With what an export could disturb: dropout, a norm's statistics, a counter, random numbers."""

    calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 2), nn.Dropout(0.5), nn.BatchNorm1d(2))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        random.random()
        return self.layers(x) + 0 * torch.rand(1)


@pytest.mark.parametrize(
    ("bent", "said"),
    [
        (lambda found, size: found + 0.5, "by 0.5 on a batch of 3"),
        (lambda found, size: found + 0.5 * (size == 4), "by 0.5 on a batch of 4"),
        (lambda found, size: found + 0.5 * (size == 1), "by 0.5 on a batch of 1"),
        (lambda found, size: found[:, :1], "by inf on a batch of 3"),
        (lambda found, size: (found, found), "by inf on a batch of 3"),
        (lambda found, size: found * float("nan"), "by inf on a batch of 3"),
    ],
)
def test_a_wrong_exporter_is_found_and_the_old_file_stays(bent: Any, said: str, tmp_path: Path) -> None:
    target = tmp_path / "net.pth"
    target.write_text("as it was")
    with pytest.raises(ExportMismatchError, match=said):
        Weights(bent).export(Net(), target, X)
    assert [one.name for one in tmp_path.iterdir()] == ["net.pth"] and target.read_text() == "as it was"


def test_the_greatest_error_is_stored_and_returned(tmp_path: Path) -> None:
    made = Weights(lambda found, size: found + 2e-5 * (size or 0)).convert(Net(), tmp_path / "net.pth", X)
    told = json.loads((tmp_path / "net.pth.json").read_text())
    assert told["batch_sizes"] == [3, 4, 1] and told["tolerance"] == 1e-4
    assert told["max_error"] == made.max_error == pytest.approx(8e-5, rel=0.05)


def test_the_report_is_plain_json_where_the_module_computes_zeros(tmp_path: Path) -> None:
    class Zeros(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 0 * x

    def refused(name: str) -> None:
        raise AssertionError(name)

    Weights(lambda found, size: found + 1e-6).export(Zeros(), tmp_path / "net.pth", X)
    told = json.loads((tmp_path / "net.pth.json").read_text(), parse_constant=refused)
    assert told["max_error"] == pytest.approx(1e-6) and told["max_relative_error"] is None


def test_the_live_module_is_as_it_was(tmp_path: Path) -> None:
    net = Net().train()
    net.layers[1].eval()
    net.layers(X).sum().backward()
    modes = [one.training for one in net.modules()]
    state = {name: one.clone() for name, one in net.state_dict().items()}
    places = [one.data_ptr() for one in net.state_dict().values()]
    grads = [one.grad.clone() for one in net.parameters() if one.grad is not None]
    drawn = (torch.get_rng_state(), random.getstate(), torch.is_grad_enabled())
    Weights().export(net, tmp_path / "net.pth", X)
    assert [one.training for one in net.modules()] == modes
    assert all(torch.equal(state[name], one) for name, one in net.state_dict().items())
    assert [one.data_ptr() for one in net.state_dict().values()] == places
    found = [one.grad for one in net.parameters() if one.grad is not None]
    assert len(found) == len(grads) and all(map(torch.equal, found, grads))
    assert torch.equal(torch.get_rng_state(), drawn[0])
    assert (random.getstate(), torch.is_grad_enabled()) == drawn[1:]


class Two(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a - b


class Whole(nn.Module):
    def forward(self, batch: Any) -> Tensor:
        return batch["a"] - batch["b"] if isinstance(batch, dict) else batch[0] - batch[1]


@pytest.mark.parametrize(
    ("module", "sample"),
    [
        (Two(), (X, X)), (Two(), [X, X]), (Two(), {"b": X, "a": X}),
        (Whole(), {"a": X, "b": X}), (Whole(), ({"a": X, "b": X},)), (Whole(), (X, X)),
    ],
)  # fmt: skip
def test_forms_of_a_sample(module: nn.Module, sample: Any, tmp_path: Path) -> None:
    assert Weights().convert(module, tmp_path / "net.pth", sample).max_error == 0


@pytest.mark.parametrize(
    ("module", "sample", "said"),
    [
        (Two(), {"a": X, "c": X}, "'c'"),
        (Two(), (X, X, X), "3 arguments"),
        (Two(), X, "missing 1 required positional argument: 'b'"),
        (Net(), X[:, :2], "does not take the sample"),
        (Net(), None, "example_input_array"),
        (Whole(), {"a": [], "b": X}, "does not take the sample"),
    ],
)
def test_a_sample_that_does_not_fit_is_named(
    module: nn.Module, sample: Any, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Weights().export(module, tmp_path / "net.pth", sample)
    assert not list(tmp_path.iterdir())


def test_without_a_batch_dimension_only_the_sample_is_compared(tmp_path: Path) -> None:
    class Scalar(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + 1

    Weights().export(Scalar(), tmp_path / "net.pth", torch.tensor(2.0))
    assert json.loads((tmp_path / "net.pth.json").read_text())["batch_sizes"] == [None]


class Fails(Weights):
    """Raises while writing."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, *args: Any) -> None:
        print("a graph", file=sys.stderr)
        raise self.error


def test_what_torch_raises_comes_with_its_place_and_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'Could not guard on data-dependent expression\n  File "net.py", line 6, in forward\n'
    with pytest.raises(UserCodeError, match=r"net\.py, line 6.*torch\.where") as caught:
        Fails(RuntimeError(text)).export(Net(), tmp_path / "net.pth", X)
    assert isinstance(caught.value.__cause__, RuntimeError)
    with pytest.raises(UserCodeError, match="dynamic_batch=False"):
        Fails(ValueError("specialized it to be a constant (3)")).export(Net(), tmp_path / "net.pth", X)
    assert capsys.readouterr().err == ""
    with pytest.raises(PermissionError):
        Fails(PermissionError("disk")).export(Net(), tmp_path / "net.pth", X)
    assert capsys.readouterr().err == "a graph\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("n=3", 3),
        ("f=1e-3", 1e-3),
        ("b=true", True),
        ("p=False", False),
        ("l=[1,2]", [1, 2]),
        ("s=a=b", "a=b"),
    ],
)
def test_pairs_of_a_command_line(text: str, wanted: Any) -> None:
    assert pair(text) == (text[0], wanted)
