from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leyden_callback_checkpoint.manifest import FINISHED, INTERRUPTED, Manifest


def path(folder: Path, name: str = "a.ckpt", *, write: bool = False) -> str:
    file = folder / name
    if write:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return str(file)


def made(folder: Path, name: str = "a.ckpt") -> tuple[Manifest, str]:
    manifest = Manifest(str(folder))
    assert manifest.claim(path(folder, name), 1)
    return manifest, path(folder, name, write=True)


def test_nothing_is_made_before_the_first_claim(tmp_path: Path) -> None:
    manifest = Manifest(str(tmp_path / "x"))
    assert not manifest.owns(path(tmp_path / "x")) and manifest.owner(path(tmp_path / "x")) is None
    manifest.end(FINISHED, 3)
    assert list(tmp_path.iterdir()) == []


def test_a_name_belongs_to_one_run(tmp_path: Path) -> None:
    one, file = made(tmp_path)
    other = Manifest(str(tmp_path))
    assert one.owns(file) and not other.owns(file)
    assert not other.claim(file, 1)
    other.release(file)
    assert one.owns(file)


def test_a_name_is_taken_before_its_file_is_there(tmp_path: Path) -> None:
    one, other = Manifest(str(tmp_path)), Manifest(str(tmp_path))
    assert one.claim(path(tmp_path), 1)
    assert not other.claim(path(tmp_path), 1)


def test_a_file_without_a_record_is_somebodys(tmp_path: Path) -> None:
    manifest = Manifest(str(tmp_path))
    assert not manifest.claim(path(tmp_path, write=True), 1)
    assert manifest.owner(path(tmp_path)) is None
    (tmp_path / "link.ckpt").symlink_to("nowhere")
    assert not manifest.claim(path(tmp_path, "link.ckpt"), 1)


def test_a_released_name_is_free(tmp_path: Path) -> None:
    one, file = made(tmp_path)
    os.unlink(file)
    one.release(file)
    assert Manifest(str(tmp_path)).claim(file, 1)


@pytest.mark.parametrize("status", [FINISHED, INTERRUPTED])
def test_the_name_of_a_file_that_was_removed_by_hand_is_free_when_its_run_is_over(
    tmp_path: Path, status: str
) -> None:
    one, file = made(tmp_path)
    os.unlink(file)
    assert not Manifest(str(tmp_path)).claim(file, 1)
    one.end(status, 1)
    other = Manifest(str(tmp_path))
    assert other.claim(file, 1) and other.owns(file) and not one.owns(file)


def test_one_of_two_takes_over_an_abandoned_name(tmp_path: Path) -> None:
    one, file = made(tmp_path)
    os.unlink(file)
    one.end(INTERRUPTED, 1)
    takers = [Manifest(str(tmp_path)) for _ in range(3)]
    assert [taker.claim(file, 1) for taker in takers] == [True, False, False]


def test_a_run_that_was_killed_is_over(tmp_path: Path) -> None:
    _, file = made(tmp_path)
    as_if_by(tmp_path, pid=dead_process())
    os.unlink(file)
    assert Manifest(str(tmp_path)).claim(file, 1)


def test_a_run_on_another_machine_may_still_write(tmp_path: Path) -> None:
    _, file = made(tmp_path)
    as_if_by(tmp_path, host="elsewhere")
    os.unlink(file)
    assert not Manifest(str(tmp_path)).claim(file, 1)


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def as_if_by(folder: Path, **changes: Any) -> None:
    for record in (folder / ".leyden-manifest" / "runs").iterdir():
        record.write_text(json.dumps({**json.loads(record.read_text()), **changes}))


def adopted(folder: Path, file: str, step: int) -> bool:
    heir = Manifest(str(folder))
    heir.adopt([file], step)
    return heir.owns(file)


def test_the_files_of_an_interrupted_run_are_taken_over(tmp_path: Path) -> None:
    one, file = made(tmp_path)
    one.end(INTERRUPTED, 10)
    assert adopted(tmp_path, file, step=4)
    assert not one.owns(file)


def test_not_those_of_a_run_that_is_going_on(tmp_path: Path) -> None:
    one, file = made(tmp_path)
    assert not adopted(tmp_path, file, step=4)
    assert one.owns(file)


def test_those_of_a_killed_run_are(tmp_path: Path) -> None:
    _, file = made(tmp_path)
    as_if_by(tmp_path, pid=dead_process())
    assert adopted(tmp_path, file, step=4)


def test_those_of_a_run_that_was_moved_to_another_machine_are(tmp_path: Path) -> None:
    _, file = made(tmp_path)
    as_if_by(tmp_path, host="elsewhere")
    assert adopted(tmp_path, file, step=4)


@pytest.mark.parametrize(("step", "taken"), [(9, False), (10, True), (11, True)])
def test_those_of_a_finished_run_only_from_its_end(tmp_path: Path, step: int, taken: bool) -> None:
    one, file = made(tmp_path)
    one.end(FINISHED, 10)
    assert adopted(tmp_path, file, step) is taken


def test_files_from_before_there_were_manifests_are_taken_over(tmp_path: Path) -> None:
    assert adopted(tmp_path, path(tmp_path, write=True), step=1)


def test_what_a_killed_run_wrote_later_is_taken_over(tmp_path: Path) -> None:
    one, early = made(tmp_path, "early.ckpt")
    late = path(tmp_path, "deep/late.ckpt", write=False)
    assert one.claim(late, 7)
    heir = Manifest(str(tmp_path))
    assert heir.adopt_unfinished(one.run, 1) == set()
    as_if_by(tmp_path, pid=dead_process())
    assert heir.adopt_unfinished(one.run, 1) == {late}
    assert heir.owns(late) and one.owns(early)


@pytest.mark.parametrize("status", [FINISHED, INTERRUPTED])
def test_not_what_a_run_wrote_that_ended_by_itself(tmp_path: Path, status: str) -> None:
    one, _ = made(tmp_path)
    one.end(status, 5)
    assert Manifest(str(tmp_path)).adopt_unfinished(one.run, 0) == set()
    assert Manifest(str(tmp_path)).adopt_unfinished(None, 0) == set()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_damaged_record_belongs_to_nobody_and_stays(tmp_path: Path, text: str) -> None:
    _, file = made(tmp_path)
    (record,) = (tmp_path / ".leyden-manifest" / "files").iterdir()
    record.write_text(text)
    assert Manifest(str(tmp_path)).owner(file) == ""
    assert not adopted(tmp_path, file, step=1)
    os.unlink(file)
    assert not Manifest(str(tmp_path)).claim(file, 1)


def test_records_are_no_checkpoints(tmp_path: Path) -> None:
    made(tmp_path, "deep/er/a-v1.ckpt")
    assert [one.name for one in tmp_path.rglob("*.ckpt")] == ["a-v1.ckpt"]
    assert not [one for one in tmp_path.rglob("*") if one.name.endswith((".part", ".lock"))]


CLAIMS = """
import sys
from leyden_callback_checkpoint.manifest import Manifest
assert "torch" not in sys.modules
manifest = Manifest(sys.argv[1])
for number in range(40):
    version = 0
    while not manifest.claim(f"{sys.argv[1]}/{number}-v{version}.ckpt", 1):
        version += 1
    open(f"{sys.argv[1]}/{number}-v{version}.ckpt", "x").close()
    print(f"{number}-v{version}")
"""


@pytest.mark.multiprocess
def test_processes_never_share_a_name(tmp_path: Path) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", CLAIMS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    names = [name for process in started for name in process.communicate()[0].split()]
    assert [process.returncode for process in started] == [0] * 4
    assert sorted(names) == sorted(f"{number}-v{version}" for number in range(40) for version in range(4))
