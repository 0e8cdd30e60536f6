"""Version folders, as the CSV and TensorBoard loggers share them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leyden.api import rank_zero
from leyden.api.version_dir import VersionDir, below, next_version
from leyden.errors import ArgumentTypeError, ConfigurationError

CLAIMS = 25
CLAIM_MANY = f"""
import pathlib, sys, time
from leyden.api.version_dir import VersionDir
folder, me = pathlib.Path(sys.argv[1]), sys.argv[2]
(folder / f"ready_{{me}}").touch()
while not (folder / "go").exists():
    time.sleep(0.001)
print(*(VersionDir(folder / "logs", "mine", None).version for _ in range({CLAIMS})))
"""


@pytest.fixture
def second_rank() -> Iterator[None]:
    before = rank_zero.rank()
    rank_zero.set_rank(1)
    yield
    rank_zero.set_rank(before)


@pytest.mark.multiprocess
def test_four_processes_at_once_never_share_a_number(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CLAIM_MANY, str(tmp_path)]
    processes = [
        subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, text=True) for number in range(4)
    ]
    while len(list(tmp_path.glob("ready_*"))) < 4:
        assert all(process.poll() is None for process in processes)
    (tmp_path / "go").touch()
    claimed = [int(word) for process in processes for word in process.communicate()[0].split()]
    assert sorted(claimed) == list(range(4 * CLAIMS))
    assert len(list((tmp_path / "logs" / "mine").iterdir())) == 4 * CLAIMS


def test_nothing_is_created_before_it_is_needed(tmp_path: Path) -> None:
    folder = VersionDir(tmp_path, "mine", None)
    assert folder.root == tmp_path / "mine"
    assert list(tmp_path.iterdir()) == []
    assert folder.version == 0
    assert folder.path.is_dir()
    assert folder.version == 0


def test_numbers_go_on_after_the_highest(tmp_path: Path) -> None:
    for name in ("version_3", "version_10", "version_x", "version_12_old", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "version_11").touch()
    assert VersionDir(tmp_path, None, None).version == 12
    assert next_version(tmp_path / "missing") == 0


def test_a_named_version_is_shared(tmp_path: Path) -> None:
    four: Any = np.int64(4)
    first, second = VersionDir(tmp_path, "n", "mine"), VersionDir(tmp_path, "n", "mine")
    assert first.make() == second.make() == tmp_path / "n" / "mine"
    assert VersionDir(tmp_path, "n", four).make("sub/dir") == tmp_path / "n" / "version_4" / "sub" / "dir"


def test_home_and_variables_are_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RUNS", "r")
    assert VersionDir("~/$RUNS", "n", 1).make() == tmp_path / "r" / "n" / "version_1"


@pytest.mark.usefixtures("second_rank")
def test_other_ranks_look_and_claim_nothing(tmp_path: Path) -> None:
    (tmp_path / "version_4").mkdir()
    assert VersionDir(tmp_path, None, None).version == 5
    assert [path.name for path in tmp_path.iterdir()] == ["version_4"]


@pytest.mark.parametrize("value", ["../..", "a/../../b", "..", os.sep + "etc", "a\0b"])
def test_names_stay_below_save_dir(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^name=.*save_dir"):
        VersionDir(tmp_path, value, None)
    with pytest.raises(ConfigurationError, match=r"^version="):
        VersionDir(tmp_path, "n", value)
    with pytest.raises(ConfigurationError, match=r"^sub_dir="):
        below("sub_dir", value)


@pytest.mark.parametrize("version", [1.0, True, b"a", [1]])
def test_versions_of_a_wrong_type(tmp_path: Path, version: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=r"^version=.*number from 0 on"):
        VersionDir(tmp_path, "n", version)


@pytest.mark.parametrize("version", [-1, "", ".", np.int32(-2)])
def test_versions_that_name_no_folder(tmp_path: Path, version: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^version=.*number from 0 on"):
        VersionDir(tmp_path, "n", version)


@pytest.mark.parametrize("save_dir", [None, 3, b"logs"])
def test_save_dirs_of_a_wrong_type(save_dir: Any) -> None:
    with pytest.raises(ArgumentTypeError, match=r"^save_dir=.*local folder"):
        VersionDir(save_dir, "n", None)


def test_a_save_dir_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"^save_dir=.*This is a file"):
        VersionDir(tmp_path / "file", "n", None)
    with pytest.raises(ConfigurationError, match=r"^save_dir=.*cannot be created"):
        VersionDir(tmp_path / "file" / "below", "n", None).make()
    with pytest.raises(ConfigurationError, match=r"^save_dir=.*is a file"):
        VersionDir(tmp_path, None, "file").make()


def test_what_the_file_system_refuses_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^save_dir=.*cannot be created: File name too long"
    ) as caught:
        VersionDir(tmp_path, "n" * 300, None).make()
    assert isinstance(caught.value.__cause__, OSError)
