from __future__ import annotations

import csv
import io
import json
import re
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest

from leyden.api.export import usual_suffix
from leyden.cli import main
from leyden.plugins import catalogue
from leyden.testing import FakeDists
from leyden_demo.digits import Classifier

WRITTEN = ["best checkpoint", "last checkpoint", "TensorBoard logs", "CSV log", "hyper-parameters"]
EXPORTED = "What was exported, and how far it is from the module"
EXPORTERS = """
    from pathlib import Path
    from leyden.errors import ConfigurationError
    from leyden.interfaces import Exporter

    class Plain(Exporter):
        format = "plain"

        def export(self, model, path, sample=None, **options):
            Path(path).write_text(str(model))
            return (path,)

    class Choosy(Exporter):
        format = "choosy"

        def export(self, model, path, sample=None, **options):
            raise ConfigurationError("The sample is missing.")
"""


class Run(NamedTuple):
    """One run of the command."""

    status: int
    out: str
    err: str
    root: Path

    def rows(self, title: str) -> list[list[str]]:
        """The cells of the closing table below a title."""
        block = self.out.split(f"\n{title}\n")[1].split("\n\n")[0]
        return [re.split(r"\s{2,}", line.strip()) for line in block.splitlines()]


def run(root: Path, *arguments: str) -> Run:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(["demo", "--root", str(root), "--accelerator", "cpu", *arguments])
    return Run(status, out.getvalue(), err.getvalue(), root)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The whole demo, as a user runs it."""
    return run(tmp_path_factory.mktemp("demo"))


def test_it_ends_well_and_says_nothing_on_stderr(done: Run) -> None:
    assert (done.status, done.err) == (0, "")
    assert "\x1b" not in done.out


def test_what_it_says_was_written_is_there(done: Run) -> None:
    rows = done.rows("What was written")
    assert [name for name, _ in rows] == WRITTEN
    paths = [Path(path) for _, path in rows]
    assert all(path.exists() and path.is_relative_to(done.root) for path in paths)
    assert list(paths[2].glob("events.out.tfevents.*"))


def test_the_scores_are_those_of_the_log_and_of_the_reloaded_classifier(done: Run) -> None:
    scores = dict(done.rows("What it scored"))
    accuracy = float(re.findall(r"accuracy (\S+),", scores["test"])[0])
    right, digits = map(int, re.findall(r"\d+", scores["reloaded"]))
    assert accuracy >= 0.95
    assert round(right / digits, 4) == accuracy
    with open(dict(done.rows("What was written"))["CSV log"], newline="") as file:
        losses = [float(row["val_loss"]) for row in csv.DictReader(file) if row["val_loss"]]
    assert f"{min(losses):.4f}" in scores["best validation"]


def test_the_plugins_are_named_with_their_distributions_and_versions(done: Run) -> None:
    heading, *rows = done.rows("Which plugins took part")
    assert heading == ["plugin", "kind", "distribution", "version"]
    named = {"cpu", "single_device", "32-true", "tensorboard", "csv", "model_checkpoint", "early_stopping"}
    assert named | {"demo"} <= {name for name, *_ in rows}
    assert all(number == version(distribution) for _, _, distribution, number in rows)


def test_the_next_command_reads_the_logs(done: Run) -> None:
    assert done.out.endswith(f"tensorboard --logdir {done.root}\n")


def test_a_poor_accuracy_is_a_failure(tmp_path: Path) -> None:
    poor = run(tmp_path, "--max-epochs", "1")
    assert poor.status == 1
    assert "0.95 was expected" in poor.err
    assert "early stopping" not in dict(poor.rows("What it scored"))["training"]


def test_installed_exporters_are_used(tmp_path: Path, fake_dist: FakeDists) -> None:
    points = {"leyden.exporters": {"plain": "formats:Plain", "choosy": "formats:Choosy"}}
    fake_dist("formats", points, {"formats": EXPORTERS}, requires=["leyden-kernel"])
    rows = {name: rest for name, *rest in run(tmp_path, "--max-epochs", "1").rows(EXPORTED)}
    path, checked = rows["plain"]
    assert "Classifier" in Path(path).read_text() and Path(path).name == "digits.plain"
    assert checked == "not verified"
    assert rows["choosy"] == ["failed: The sample is missing."]


def test_exports_bear_the_ending_and_the_error_that_was_found(done: Run) -> None:
    names = [entry.name for entry in catalogue().group("leyden.exporters")]
    if not names:
        assert EXPORTED not in done.out
        return
    rows = done.rows(EXPORTED)
    assert [name for name, *_ in rows] == sorted(names)
    for name, path, checked in rows:
        assert path.endswith(f"digits{usual_suffix(name)}")
        error = json.loads(Path(f"{path}.json").read_text()).get("max_error")
        assert checked == ("weights are equal" if error is None else f"maximum error {error:.1e}")


def test_ctrl_c_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: Classifier, batch: object, batch_idx: int) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(Classifier, "training_step", interrupt)
    stopped = run(tmp_path)
    assert stopped.status == 130
    assert "What it scored" not in stopped.out


@pytest.mark.parametrize("given", ["0", "-1", "ten", "1.5"])
def test_the_number_of_epochs_is_checked(tmp_path: Path, given: str) -> None:
    refused = run(tmp_path, f"--max-epochs={given}")
    assert refused.status == 2
    assert "an int of at least 1" in refused.err
    assert not list(tmp_path.iterdir())
