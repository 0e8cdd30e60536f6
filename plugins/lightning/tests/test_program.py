"""``python -m leyden_lightning``, and what reaches the processes that a program starts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

Program = Callable[..., "subprocess.CompletedProcess[str]"]
TRAINS = """
import pickle, sys
import leyden
import pytorch_lightning as pl
from lightning.pytorch.demos.boring_classes import BoringDataModule, BoringModel

class Model(BoringModel):
    def training_step(self, batch, batch_idx):
        loss = self.step(batch)
        self.log("train_loss", loss)
        return loss

class Note(pl.Callback):
    pass

trainer = pl.Trainer(max_epochs=1, limit_train_batches=2, limit_val_batches=1, accelerator="cpu", logger=False,
                     enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
                     callbacks=[Note()])
trainer.fit(Model(), datamodule=BoringDataModule())
assert type(trainer) is leyden.Trainer
assert pickle.loads(pickle.dumps(Note())).__class__ is Note
print(sys.argv[1:], __name__, "train_loss" in trainer.callback_metrics, sys.path[0])
"""


def test_a_script_with_arguments(program: Program, tmp_path: Path) -> None:
    ended = program(TRAINS, "--lr", "0.1")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == f"['--lr', '0.1'] __main__ True {tmp_path}"


def test_a_module(program: Program, tmp_path: Path) -> None:
    (tmp_path / "trains").mkdir()
    (tmp_path / "trains" / "__init__.py").write_text("")
    (tmp_path / "trains" / "__main__.py").write_text(
        "import sys, leyden_lightning\nprint(sys.argv[1:], leyden_lightning.installed())"
    )
    ended = program("", python=("-m", "leyden_lightning", "-m", "trains"))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1].endswith("True")


def test_exit_status_and_traceback_are_the_scripts(program: Program) -> None:
    assert program("raise SystemExit(3)").returncode == 3
    ended = program("raise KeyError('here')")
    assert ended.returncode == 1 and "KeyError: 'here'" in ended.stderr and "program.py" in ended.stderr


def test_wrong_usage(program: Program) -> None:
    assert program("", python=("-m", "leyden_lightning", "missing.py")).returncode == 2
    assert program("", python=("-m", "leyden_lightning", "--nothing")).returncode == 2
    assert "usage" in program("", python=("-m", "leyden_lightning", "--help")).stdout


@pytest.mark.multiprocess
def test_child_processes_see_the_same(program: Program) -> None:
    ended = program(
        "import subprocess, sys\n"
        "code = 'import pytorch_lightning as pl, leyden; print(pl.Trainer is leyden.Trainer)'\n"
        "print(subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout)\n"
    )
    assert "True" in ended.stdout, ended.stderr


@pytest.mark.multiprocess
def test_spawned_processes_unpickle_what_stands_under_lightnings_names(program: Program) -> None:
    ended = program(
        "import multiprocessing\n"
        "import pytorch_lightning as pl\n"
        "def work(callback):\n"
        "    import leyden\n"
        "    return type(callback) is leyden.callbacks.EarlyStopping\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(work, [pl.callbacks.EarlyStopping('x')]))\n"
    )
    assert "[True]" in ended.stdout, ended.stderr


def test_the_shadow_stands_aside_where_leyden_is_missing(program: Program, tmp_path: Path) -> None:
    real = tmp_path / "site"
    (real / "lightning").mkdir(parents=True)
    (real / "lightning" / "__init__.py").write_text("real = True")
    from leyden_lightning.children import FOLDER

    ended = program(
        "import sys\nsys.modules['leyden_lightning'] = None\nimport lightning\nprint(lightning.real)\n",
        python=("-S",),
        PYTHONPATH=f"{FOLDER}:{real}",
    )
    assert ended.stdout.strip() == "True", ended.stderr


@pytest.mark.parametrize(
    ("ways", "environment"),
    [
        (("-p", "leyden_lightning"), {}),
        (("-p", "leyden_lightning.pytest_option", "--leyden-lightning"), {}),
        (("-p", "leyden_lightning.pytest_option"), {"LEYDEN_LIGHTNING": "1"}),
    ],
    ids=["-p", "option", "variable"],
)
def test_pytest_is_told(
    program: Program, tmp_path: Path, ways: tuple[str, ...], environment: dict[str, str]
) -> None:
    (tmp_path / "conftest.py").write_text("import leyden_lightning\nassert leyden_lightning.installed()\n")
    (tmp_path / "test_it.py").write_text("def test_it():\n    pass\n")
    quiet = ("-q", "-p", "no:cacheprovider", "test_it.py")
    # without the plugins of whatever else is installed, which take their time
    ended = program(
        "", python=("-m", "pytest", *ways, *quiet), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", **environment
    )
    assert "1 passed" in ended.stdout, ended.stdout + ended.stderr


def test_pytest_knows_the_option_and_is_left_alone_without_it(program: Program, tmp_path: Path) -> None:
    (point,) = entry_points(group="pytest11", name="leyden-lightning")
    assert point.value == "leyden_lightning.pytest_option"
    (tmp_path / "test_it.py").write_text(
        "import sys\ndef test_it():\n    assert 'leyden' not in sys.modules\n"
    )
    quiet = ("-q", "-p", "no:cacheprovider", "-p", "leyden_lightning.pytest_option", "test_it.py")
    ended = program("", python=("-m", "pytest", *quiet), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert "1 passed" in ended.stdout, ended.stdout + ended.stderr
