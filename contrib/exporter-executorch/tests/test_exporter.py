from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from leyden.errors import ConfigurationError
from leyden_exporter_executorch import ExecuTorchExporter


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        z = self.layers(x + y)
        return z, z.sum(dim=1)


@pytest.mark.parametrize("backend", ["xnnpack", "portable"])
def test_both_backends(backend: str, tmp_path: Path) -> None:
    sample = (torch.randn(3, 4), torch.randn(3, 4))
    paths = ExecuTorchExporter().export(Net(), tmp_path / "net.pte", sample, backend=backend, max_batch=8)
    told = json.loads(Path(paths[1]).read_text())
    assert told["batch_sizes"] == [3, 4, 1]
    assert told["max_error"] < 1e-5
    assert (b"XnnpackBackend" in Path(paths[0]).read_bytes()) == (backend == "xnnpack")


@pytest.mark.parametrize(
    ("options", "name"), [({"backend": "coreml"}, "backend"), ({"max_batch": 1}, "max_batch")]
)
def test_options_are_checked(options: dict[str, Any], name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=name):
        ExecuTorchExporter().export(Net(), tmp_path / "net.pte", torch.randn(2, 4), **options)


def test_an_argument_that_is_none(tmp_path: Path) -> None:
    class Masked(nn.Module):
        def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
            return x + 1 if mask is None else x * mask

    sample = (torch.ones(2, 4), None)
    made = ExecuTorchExporter().convert(Masked(), tmp_path / "net.pte", sample, backend="portable")
    assert made.max_error == 0


PROGRAM = """
import contextlib, io, logging, os, sys, torch
from leyden_exporter_executorch import ExecuTorchExporter
from leyden_exporter_executorch.quiet import quiet

ExecuTorchExporter().export(torch.nn.Linear(4, 2), "net.pte", torch.ones(2, 4))
assert logging.getLogger().handlers == []
with quiet():
    os.write(2, b"[cpuinfo_utils.cpp:1] chatter\\n[method.cpp:2] error\\n")
with contextlib.redirect_stderr(io.StringIO()) as elsewhere, quiet():
    print("[cpuinfo_utils.cpp:1] chatter\\nerror", file=sys.stderr)
assert elsewhere.getvalue() == "error\\n"
"""


def test_stderr_holds_what_was_found_and_other_peoples_words_alone(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True)
    first, second = done.stderr.splitlines()
    assert first.startswith("net.pte: exported as executorch, verified: maximum error")
    assert second == "[method.cpp:2] error"
