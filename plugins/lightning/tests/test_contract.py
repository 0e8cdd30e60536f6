from __future__ import annotations

from pathlib import Path

import pytest

from leyden.errors import ConfigurationError
from leyden.testing import CommandContract
from leyden_lightning.command import LightningCommand, check


class TestContract(CommandContract):
    entry_point = "lightning"
    arguments = (str(Path(__file__).parent / "test_contract.py"),)

    def make(self) -> LightningCommand:
        return LightningCommand()


def run(tmp_path: Path, source: str, *more: str) -> int:
    (tmp_path / "program.py").write_text(source)
    command = LightningCommand()
    from argparse import ArgumentParser

    parser = ArgumentParser()
    command.configure(parser)
    return command.run(parser.parse_args([str(tmp_path), *more]))


def test_a_program_with_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = "import pytorch_lightning as pl\nif pl:\n    from lightning.pytorch.callbacks import ModelSummary, Timer\n"
    assert run(tmp_path, source, "--all") == 0
    printed = capsys.readouterr().out
    assert "there    lightning.pytorch.callbacks.ModelSummary" in printed and "3 names" in printed


def test_what_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "from lightning.fabric import Fabric\nimport lightning.data\nimport os\n") == 1
    printed = capsys.readouterr().out
    assert "Leyden has no Fabric" in printed and "litdata" in printed and "2 are missing" in printed


def test_wrong_paths(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no Python"):
        run(tmp_path, "def")
    with pytest.raises(ConfigurationError, match="PATH"):
        LightningCommand().run(type("A", (), {"paths": [str(tmp_path / "none")], "all": False}))  # type: ignore[arg-type]


def test_checking_leaves_the_names_as_they_were() -> None:
    import leyden_lightning

    assert check(["lightning.pytorch.Trainer"]) == {} and not leyden_lightning.installed()
