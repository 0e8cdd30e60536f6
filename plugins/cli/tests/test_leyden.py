"""What is particular to Leyden: names, errors, files, commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from leyden.cli import main
from leyden.errors import ConfigurationError

pytestmark = pytest.mark.filterwarnings(r"ignore:\[cli-optimizers\]")


def run(name: str, ours: Any, *args: str) -> int:
    data = [f"--model={ours.name}.Own", f"--data={ours.name}.Data"]
    quiet = [
        "--trainer.enable_progress_bar=false",
        "--trainer.enable_model_summary=false",
        "--trainer.max_epochs=1",
    ]
    return main([name, *data, *quiet, *args])


@pytest.mark.parametrize(
    ("argument", "remedy"),
    [
        ("--trainer.max_epoch=3", "trainer.max_epochs"),
        ("--trainer.max_epochs=-5", "trainer.max_epochs=-5 is not possible: allowed is None, -1"),
        ("--trainer.max_epochs=abc", "trainer.max_epochs='abc' is not possible"),
        ("--trainer.callbacks=EarlyStoping", "Did you mean 'EarlyStopping'?"),
        ("--trainer.logger=leyden.loggers.CSVLoger", "Did you mean 'CSVLogger'?"),
        ("--optimizer=Adamm", "Did you mean 'Adam'?"),
        ("--model.siez=3", "Did you mean 'size'?"),
        ("--trainer.gradient_clip_val=-1", "gradient_clip_val=-1.0 is not possible: allowed is"),
        ("--trainer.strategy=dpp", "Did you mean 'ddp'?"),
        ("--config=nothing.yaml", "nothing.yaml"),
    ],
)
def test_mistakes_are_answered_before_anything_is_made(
    ours: Any, capsys: pytest.CaptureFixture[str], argument: str, remedy: str
) -> None:
    assert run("fit", ours, argument) == 2
    captured = capsys.readouterr()
    assert remedy in captured.err
    assert "Traceback" not in captured.err and "Seed" not in captured.err + captured.out


def test_misspellings_in_files(ours: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.yaml").write_text("trainer:\n  max_epoch: 3\n")
    assert run("fit", ours, "--config=run.yaml") == 2
    assert "max_epochs" in capsys.readouterr().err


def test_help_shows_each_keyword_with_type_owner_and_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split()).replace("- ", "-")  # lines break after hyphens
    assert "--trainer.max_epochs" in text and "stop after so many epochs" in text
    assert "leyden-option-gradient-clipping" in text and "LEYDEN_FIT__TRAINER__MAX_EPOCHS" in text


def test_no_file_is_written_over(ours: Any, quiet: list[str], tmp_path: Path) -> None:
    for _ in range(3):
        args = ["fit", *quiet, "--trainer.logger=false", f"--trainer.default_root_dir={tmp_path / 'out'}"]
        cli = ours.cli.LightningCLI(ours.own.Own, ours.own.Data, args=args)
    names = sorted(one.name for one in (tmp_path / "out").glob("config*.yaml"))
    assert names == ["config.yaml", "config_1.yaml", "config_2.yaml"]
    over = {"overwrite": True}
    ours.cli.LightningCLI(ours.own.Own, ours.own.Data, args=args, save_config_kwargs=over)
    assert sorted(one.name for one in (tmp_path / "out").glob("config*.yaml")) == names
    assert cli.trainer.max_epochs == 1


def test_saving_nowhere_needs_a_save_config(ours: Any) -> None:
    with pytest.raises(ConfigurationError, match="save_to_log_dir"):
        ours.cli.SaveConfigCallback(None, None, save_to_log_dir=False)


def test_commands_run_a_saved_configuration_again(ours: Any, tmp_path: Path) -> None:
    assert run("fit", ours, "--trainer.logger=CSVLogger", f"--trainer.logger.save_dir={tmp_path}") == 0
    folder = tmp_path / "lightning_logs" / "version_0"
    [checkpoint] = (folder / "checkpoints").glob("*.ckpt")
    assert main(["test", "--config", str(folder / "config.yaml"), "--ckpt_path", str(checkpoint)]) == 0
    assert sorted(one.name for one in folder.parent.iterdir()) == ["version_0", "version_1"]


def test_defaults_from_environment_and_project(
    ours: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.leyden.cli]\nseed_everything = 11\n[tool.leyden.cli.trainer]\nmax_steps = 5\nmin_epochs = 1\n"
        f'[tool.leyden.cli.model]\nclass_path = "{ours.name}.Own"\n'
    )
    monkeypatch.setenv("LEYDEN_FIT__TRAINER__MAX_STEPS", "6")
    assert main(["fit", "--print_config"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["seed_everything"] == 11
    assert (printed["trainer"]["max_steps"], printed["trainer"]["min_epochs"]) == (6, 1)
    assert printed["model"]["class_path"] == f"{ours.name}.Own"


def test_a_file_imports_nothing(
    ours: Any, quiet: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_the_file_names_me.py").write_text(
        "import leyden\nclass Net(leyden.LightningModule): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    hparams = {"_class_path": "only_the_file_names_me.Net", "size": 3}
    torch.save({"state_dict": {}, "hyper_parameters": hparams}, tmp_path / "evil.ckpt")
    args = ["validate", f"--model={ours.name}.Plain", f"--ckpt_path={tmp_path / 'evil.ckpt'}", *quiet]
    with pytest.raises(
        ConfigurationError, match=r"evil\.ckpt\['hyper_parameters'\] wants an object of only_the_file"
    ):
        ours.cli.LightningCLI(args=args, save_config_callback=None)
    assert "only_the_file_names_me" not in sys.modules


def test_a_configuration_that_cannot_be_read_is_named(
    ours: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.yaml"
    for text in ("trainer: [\n", "model: !!python/name:os.system\n", "just text"):
        file.write_text(text)
        with pytest.raises(SystemExit):
            ours.cli.LightningCLI(ours.own.Plain, ours.own.Data, run=False, args=["--config", str(file)])
        assert f"This stands in the file '{file}'." in capsys.readouterr().err


def test_a_file_cannot_make_what_it_likes(ours: Any, tmp_path: Path) -> None:
    module = ours.own.Plain()
    contents = {"state_dict": module.state_dict(), "pytorch-lightning_version": "2.6.0", "hyper_parameters": {
        "_instantiator": "os.system", "tags": [{"class_path": "subprocess.Popen", "init_args": {"args": ["true"]}}],
    }}  # fmt: skip
    torch.save(contents, tmp_path / "evil.ckpt")
    with pytest.raises(ConfigurationError, match="subprocess.Popen, which may do anything"):
        ours.own.Plain.load_from_checkpoint(tmp_path / "evil.ckpt")


def test_unused_command_line_is_said(ours: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["program.py", "fit"])
    with pytest.warns(UserWarning, match=r"\[cli-args\]"):
        ours.cli.LightningCLI(ours.own.Own, run=False, args=[])


def test_errors_of_the_module_come_through(ours: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fit", ours, "--trainer.callbacks=ModelCheckpoint", "--trainer.callbacks.save_top_k=-7") == 2
    assert "save_top_k" in capsys.readouterr().err
