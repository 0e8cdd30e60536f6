"""What LightningCLI does, the same in Leyden and in the real Lightning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*(num_workers|is an instance of `nn.Module`|log_every_n_steps).*"),
    pytest.mark.filterwarnings("ignore:.*(isinstance|overridden|litlogger|tensorboardX).*"),
    pytest.mark.filterwarnings("ignore:.*cli-optimizers.*"),
]


def config_of(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_runs_and_saves_its_configuration(both: Any, quiet: list[str], tmp_path: Path) -> None:
    args = ["fit", *quiet, "--trainer.logger=CSVLogger", f"--trainer.logger.save_dir={tmp_path}", "--optimizer=Adam",
            "--optimizer.lr=0.02", "--model.size=3", "--data.size=3", "--data.batch_size=8"]  # fmt: skip
    cli = both.cli.LightningCLI(both.own.Plain, both.own.Data, seed_everything_default=5, args=args)
    assert cli.trainer.global_step == 2
    assert type(cli.trainer.optimizers[0]) is torch.optim.Adam
    assert cli.trainer.optimizers[0].param_groups[0]["lr"] == 0.02
    saved = config_of(Path(cli.trainer.log_dir) / "config.yaml")
    assert saved["seed_everything"] == 5
    assert saved["model"] == {"size": 3, "encoder": None, "tags": []}
    assert saved["data"] == {"size": 3, "batch_size": 8}
    assert saved["trainer"]["max_epochs"] == 1
    assert saved["optimizer"]["init_args"]["lr"] == 0.02
    assert {"ckpt_path", "weights_only", "lr_scheduler"} <= set(saved)


def test_any_model_any_data_from_a_file(both: Any, quiet: list[str], tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump({
        "seed_everything": 3,
        "trainer": {"max_epochs": 1, "logger": False, "enable_checkpointing": False,
                    "callbacks": [{"class_path": f"{both.name}.Note", "init_args": {"text": "a"}}]},
        "model": {"class_path": f"{both.name}.Own",
                  "init_args": {"encoder": {"class_path": f"{both.name}.Wide", "init_args": {"depth": 3}}}},
        "data": {"class_path": f"{both.name}.Data"},
    }))  # fmt: skip
    cli = both.cli.LightningCLI(args=["fit", "--config", str(file), *quiet[1:]], save_config_callback=None)
    assert type(cli.model).__name__ == "Own" and type(cli.datamodule).__name__ == "Data"
    assert type(cli.model.encoder).__name__ == "Wide" and cli.model.encoder.depth == 3
    assert [one.text for one in cli.trainer.callbacks if type(one).__name__ == "Note"] == ["a"]


@pytest.mark.parametrize("command", ["validate", "test", "predict"])
def test_evaluates(both: Any, quiet: list[str], command: str) -> None:
    args = [command, *quiet, "--trainer.logger=false"]
    calls = []

    class CLI(both.cli.LightningCLI):
        def before_validate(self) -> None:
            calls.append("before validate")

        def after_test(self) -> None:
            calls.append("after test")

        def before_predict(self) -> None:
            calls.append("before predict")

    CLI(both.own.Plain, both.own.Data, args=args, save_config_callback=None)
    assert calls == [f"{'after' if command == 'test' else 'before'} {command}"]


def test_only_makes_objects(both: Any) -> None:
    cli = both.cli.LightningCLI(
        both.own.Plain, both.own.Data, run=False, args=["--model.size=2"], seed_everything_default=False,
        trainer_defaults={"max_epochs": 4, "callbacks": both.own.Note("kept")}, save_config_callback=None,
    )  # fmt: skip
    assert cli.subcommand is None and cli.config["seed_everything"] is False
    assert cli.model.layer.in_features == 2
    assert cli.trainer.max_epochs == 4
    assert [one.text for one in cli.trainer.callbacks if type(one).__name__ == "Note"] == ["kept"]


def test_prints_its_configuration(both: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        both.cli.LightningCLI(
            both.own.Plain, both.own.Data, args=["fit", "--trainer.max_epochs=7", "--print_config"]
        )
    printed = yaml.safe_load(capsys.readouterr().out)
    assert ended.value.code == 0
    assert printed["trainer"]["max_epochs"] == 7
    assert printed["model"] == {"size": 4, "encoder": None, "tags": []}


def test_links_and_further_arguments(both: Any) -> None:
    class CLI(both.cli.LightningCLI):
        def add_arguments_to_parser(self, parser: Any) -> None:
            parser.add_argument("--note", default="none")
            parser.add_lightning_class_args(both.own.Note, "extra")
            parser.link_arguments("data.batch_size", "model.size")
            parser.link_arguments("data.num_classes", "extra.number", apply_on="instantiate")

    cli = CLI(
        both.own.Plain, both.own.Data, run=False, args=["--data.batch_size=6", "--extra.text=x", "--note=hello"],
        save_config_callback=None,
    )  # fmt: skip
    assert cli.model.layer.in_features == 6 and cli.config["note"] == "hello"
    note = next(one for one in cli.trainer.callbacks if type(one).__name__ == "Note")
    assert (note.text, note.number) == ("x", 5)


def test_optimizer_and_scheduler_groups(both: Any) -> None:
    class CLI(both.cli.LightningCLI):
        def add_arguments_to_parser(self, parser: Any) -> None:
            parser.add_optimizer_args(torch.optim.SGD)
            parser.add_lr_scheduler_args(torch.optim.lr_scheduler.StepLR)

    cli = CLI(both.own.Plain, run=False, save_config_callback=None,
              args=["--optimizer.lr=0.3", "--lr_scheduler.step_size=2"])  # fmt: skip
    [optimizer], [scheduler] = cli.model.configure_optimizers()
    assert type(optimizer) is torch.optim.SGD and optimizer.param_groups[0]["lr"] == 0.3
    assert scheduler.step_size == 2


def test_linked_optimizers_are_the_modules_arguments(both: Any) -> None:
    class CLI(both.cli.LightningCLI):
        def add_arguments_to_parser(self, parser: Any) -> None:
            parser.add_optimizer_args(torch.optim.SGD, nested_key="first", link_to="model.optim")
            parser.add_lr_scheduler_args(
                torch.optim.lr_scheduler.StepLR, nested_key="second", link_to="model.sched"
            )

    cli = CLI(both.own.Linked, run=False, save_config_callback=None,
              args=["--first.lr=0.3", "--second.step_size=2"], load_from_checkpoint_support=False)  # fmt: skip
    assert cli.model.optim["class_path"].rpartition(".")[2] == "SGD"
    optimizer = both.cli.instantiate_class(cli.model.parameters(), cli.model.optim)
    assert optimizer.param_groups[0]["lr"] == 0.3


def test_plateau_knows_its_metric(both: Any) -> None:
    cli = both.cli.LightningCLI(both.own.Plain, run=False, save_config_callback=None,
                                args=["--optimizer=SGD", "--optimizer.lr=0.1", "--lr_scheduler=ReduceLROnPlateau",
                                      "--lr_scheduler.monitor=val_loss"])  # fmt: skip
    made = cli.model.configure_optimizers()
    assert made["lr_scheduler"]["monitor"] == "val_loss"


def test_callables_make_optimizers_and_schedulers(both: Any) -> None:
    cli = both.cli.LightningCLI(both.own.Given, run=False, save_config_callback=None, auto_configure_optimizers=False,
                                args=["--model.optimizer=Adam", "--model.optimizer.lr=0.05",
                                      "--model.scheduler=StepLR", "--model.scheduler.step_size=3"])  # fmt: skip
    made = cli.model.configure_optimizers()
    assert type(made["optimizer"]) is torch.optim.Adam and made["lr_scheduler"].step_size == 3


def test_environment_variables(both: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PL_TRAINER__MAX_EPOCHS", "9")
    monkeypatch.setenv("PL_MODEL__SIZE", "7")
    cli = both.cli.LightningCLI(both.own.Plain, run=False, save_config_callback=None, args=["--model.size=8"],
                                parser_kwargs={"default_env": True})  # fmt: skip
    assert cli.trainer.max_epochs == 9 and cli.model.layer.in_features == 8


def test_checkpoints_hold_the_configuration(both: Any, quiet: list[str], tmp_path: Path) -> None:
    encoder = f"{both.name}.Wide"
    args = ["fit", *quiet, "--trainer.logger=false", "--optimizer=SGD", "--optimizer.lr=0.1",
            f"--model={both.name}.Plain", f"--model.encoder={encoder}", "--model.encoder.depth=5"]  # fmt: skip
    cli = both.cli.LightningCLI(
        both.own.Plain, both.own.Data, subclass_mode_model=True, args=args, save_config_callback=None
    )
    path = tmp_path / "kept.ckpt"
    cli.trainer.save_checkpoint(path)
    hparams = torch.load(path, weights_only=True)["hyper_parameters"]
    assert hparams["_instantiator"] == "pytorch_lightning.cli.instantiate_module"
    assert hparams["_class_path"] == f"{both.name}.Plain"
    assert hparams["encoder"] == {"class_path": encoder, "init_args": {"width": 8, "depth": 5}}
    for base in [both.own.Plain, *([both.package.LightningModule] if both.is_leyden else [])]:
        again = base.load_from_checkpoint(path)
        assert type(again).__name__ == "Plain" and again.encoder.depth == 5


def test_a_checkpoint_configures_the_model(both: Any, quiet: list[str], tmp_path: Path) -> None:
    own, cli = both.own, both.cli
    args = ["fit", *quiet, "--trainer.logger=false", "--optimizer=SGD", "--optimizer.lr=0.1", "--model.size=3",
            "--data.size=3"]  # fmt: skip
    fitted = cli.LightningCLI(own.Plain, own.Data, args=args, save_config_callback=None)
    fitted.trainer.save_checkpoint(tmp_path / "three.ckpt")
    again = [
        "test",
        *quiet,
        "--trainer.logger=false",
        f"--ckpt_path={tmp_path / 'three.ckpt'}",
        "--data.size=3",
    ]
    tested = cli.LightningCLI(own.Plain, own.Data, args=again, save_config_callback=None)
    assert tested.model.layer.in_features == 3


def test_a_class_that_is_none_of_ours_is_refused(both: Any) -> None:
    parser = both.cli.LightningArgumentParser()
    with pytest.raises(Exception, match="Trainer, LightningModule, LightningDataModule"):
        parser.add_lightning_class_args(int, "number")
