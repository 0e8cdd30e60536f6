"""``leyden plugins lock``, and runs that obey one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kernel.tests.api.tiny import Linear, numbers, quiet

from leyden.cli import main
from leyden.errors import ConfigurationError, PluginBlockedError
from leyden.plugins.catalogue import catalogue, refresh
from leyden.plugins.components import resolve
from leyden.testing import FakeDists

HOOKS = "heard = []\ndef on_train_start(trainer): heard.append(trainer)\n"
LOGGER = "class Lines: ...\n"
NEEDS = ["leyden-kernel~=0.1.0"]
Leyden = Callable[..., tuple[int, str]]


@pytest.fixture
def leyden(capsys: pytest.CaptureFixture[str]) -> Leyden:
    """Run ``leyden plugins lock``; returns its status and output."""

    def run(*arguments: str) -> tuple[int, str]:
        refresh()
        status = main(["plugins", "lock", *arguments])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return run


@pytest.fixture
def lock(fake_dist: FakeDists, leyden: Leyden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock of what is installed, a hook plugin among it, in force."""
    fake_dist(
        "acme-hooks", {"leyden.plugins": {"watch": "acme_hooks"}}, {"acme_hooks": HOOKS}, requires=NEEDS
    )
    path = tmp_path / "leyden.lock"
    assert leyden("--file", str(path))[0] == 0
    monkeypatch.setenv("LEYDEN_PLUGINS_LOCK", str(path))
    return path


def late(fake_dist: FakeDists) -> None:
    entries = {"leyden.loggers": {"lines": "acme_late:Lines"}}
    fake_dist("acme-late", entries, {"acme_late": LOGGER}, requires=NEEDS)


def tamper(path: Path) -> None:
    """Change a file of the locked plugin."""
    source = next(Path(one) for one in sys.path if (Path(one) / "acme_hooks.py").is_file()) / "acme_hooks.py"
    source.write_text(source.read_text() + "\nprint('changed')\n", encoding="utf-8")
    refresh()


def states() -> dict[str, Any]:
    return {entry.distribution: entry.refusal for entry in catalogue().everything()}


def test_a_lock_holds_versions_and_hashes(lock: Path) -> None:
    plugins = json.loads(lock.read_text())["plugins"]
    assert {"leyden-kernel", "acme-hooks"} <= set(plugins)
    assert plugins["acme-hooks"]["version"] == "1.0"
    assert len(plugins["acme-hooks"]["packages"]["acme_hooks"]) == 64


def test_what_was_locked_runs(lock: Path, leyden: Leyden) -> None:
    assert not any(states().values())
    assert leyden("--verify", "--file", str(lock))[0] == 0
    quiet().fit(Linear(), numbers())
    assert len(sys.modules["acme_hooks"].heard) == 1


def test_what_came_later_is_refused_before_it_is_imported(
    lock: Path, leyden: Leyden, fake_dist: FakeDists
) -> None:
    late(fake_dist)
    assert "not in" in states()["acme-late"]
    with pytest.raises(PluginBlockedError, match="acme-late.*not in"):
        resolve("loggers", "lines")
    assert "acme_late" not in sys.modules
    with pytest.warns(UserWarning, match=r"\[lock\].*acme-late"):
        quiet().fit(Linear(), numbers())
    status, out = leyden("--verify", "--file", str(lock))
    assert status == 1 and out == "acme-late: installed, and not locked; runs refuse it\n"


def test_changed_files_are_refused(lock: Path, leyden: Leyden) -> None:
    tamper(lock)
    assert "files are not those" in states()["acme-hooks"]
    status, out = leyden("--verify", "--file", str(lock))
    assert status == 1 and out == "acme-hooks: the files of acme_hooks are not those locked\n"
    with pytest.raises(PluginBlockedError, match="acme-hooks"):
        quiet(require_plugins=["acme-hooks"]).fit(Linear(), numbers())
    assert "acme_hooks" not in sys.modules


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda plugins: plugins["acme-hooks"].update(version="9"), "version 9 is locked, 1.0 is installed"),
        (lambda plugins: plugins.update(gone=plugins["acme-hooks"]), "gone: locked, and not installed"),
    ],
    ids=["version", "uninstalled"],
)
def test_verify_says_what_differs(
    lock: Path, leyden: Leyden, change: Callable[[Any], None], said: str
) -> None:
    contents = json.loads(lock.read_text())
    change(contents["plugins"])
    lock.write_text(json.dumps(contents))
    status, out = leyden("--verify", "--file", str(lock))
    assert status == 1 and said in out


def test_pyproject_names_the_lock(lock: Path, monkeypatch: pytest.MonkeyPatch, fake_dist: FakeDists) -> None:
    monkeypatch.delenv("LEYDEN_PLUGINS_LOCK")
    (lock.parent / "pyproject.toml").write_text('[tool.leyden]\nlock = "leyden.lock"\n')
    monkeypatch.chdir(lock.parent)
    late(fake_dist)
    assert states()["acme-late"] and not states()["acme-hooks"]


@pytest.mark.parametrize(
    "text", ["", "{}", '{"format": 9, "plugins": {}}', '{"format": 1, "plugins": {"a": 1}}']
)
def test_a_file_that_is_no_lock(lock: Path, text: str) -> None:
    lock.write_text(text)
    with pytest.raises(ConfigurationError, match=r"leyden.lock is no lock.*leyden plugins lock"):
        states()


def test_a_missing_lock(lock: Path, leyden: Leyden, monkeypatch: pytest.MonkeyPatch) -> None:
    lock.unlink()
    with pytest.raises(ConfigurationError, match="LEYDEN_PLUGINS_LOCK"):
        states()
    monkeypatch.delenv("LEYDEN_PLUGINS_LOCK")
    status, out = leyden("--verify", "--file", str(lock))
    assert status == 2 and "leyden plugins lock" in out
