"""Slow, failing, hanging and vanishing backends."""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leyden_delivery import Delivery, DeliveryError, read

HEADER = {"logger": "fake", "arguments": {"url": "u"}}


class Backend:
    """Takes lists of items, unless something is wrong with it."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.calls = 0
        self.open = threading.Event()
        self.open.set()
        self.wrong: dict[int, Exception] = {}
        self.poison: set[Any] = set()

    def send(self, items: list[Any]) -> None:
        self.open.wait()
        self.calls += 1
        if self.calls in self.wrong:
            raise self.wrong[self.calls]
        if self.poison.intersection(items):
            raise ValueError("never")
        self.taken += items


@pytest.fixture
def backend() -> Iterator[Backend]:
    made = Backend()
    yield made
    made.open.set()


def queue(backend: Backend, tmp_path: Path, **options: Any) -> Delivery:
    options = {"linger": 0.0, "patience": 5.0, **options}
    return Delivery(backend.send, tmp_path / "kept" / "run.jsonl", HEADER, **options)


def test_everything_arrives_in_order_and_no_file_is_made(backend: Backend, tmp_path: Path) -> None:
    made = queue(backend, tmp_path, batch=7)
    for item in range(100):
        made.put(item)
    made.close()
    assert backend.taken == list(range(100))
    assert list(tmp_path.iterdir()) == []
    assert not [one for one in threading.enumerate() if one.name == "leyden-delivery"]


def test_lingering_makes_batches(backend: Backend, tmp_path: Path) -> None:
    made = queue(backend, tmp_path, linger=60.0, batch=50)
    for item in range(100):
        made.put(item)
    made.put("late")
    made.close()
    assert backend.taken == [*range(100), "late"]
    assert backend.calls <= 4


def test_a_backend_that_fails_now_and_then_is_tried_again(
    backend: Backend, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backend.wrong = {1: ConnectionError("gone"), 2: TimeoutError("slow"), 4: ConnectionError("gone")}
    made = queue(backend, tmp_path, batch=3)
    with caplog.at_level(logging.WARNING, "leyden.delivery"):
        for item in range(9):
            made.put(item)
        made.close()
    assert backend.taken == list(range(9))
    assert "ConnectionError: gone" in caplog.text


def test_putting_never_waits_and_memory_is_bounded(backend: Backend, tmp_path: Path) -> None:
    backend.open.clear()
    made = queue(backend, tmp_path, capacity=10, batch=5)
    for item in range(200):
        made.put(item)
    assert len(made) == 200
    assert len(made._memory) <= 10
    assert len(made._memory) + len(made._taken) <= 15
    assert made.file == tmp_path / "kept" / "run.jsonl"
    assert not made.flush(0.01)
    backend.open.set()
    assert made.flush()
    assert backend.taken == list(range(200))
    assert list((tmp_path / "kept").iterdir()) == []
    made.put("again")
    made.close()
    assert backend.taken[-1] == "again"


def test_what_a_hanging_backend_does_not_take_is_kept(backend: Backend, tmp_path: Path) -> None:
    made = queue(backend, tmp_path, capacity=10, batch=4, patience=0.1)
    made.put("before")
    assert made.flush()
    backend.open.clear()
    for item in range(30):
        made.put({"number": item, "nan": float("nan")})
    with pytest.raises(DeliveryError, match=r"30 records were not delivered.*leyden resend .*run\.jsonl"):
        made.close()
    header, items = read(made._path)
    assert header == HEADER
    assert [one["number"] for one in items] == list(range(30))
    backend.open.set()
    made.put("a new beginning")
    made.close()
    assert read(made._path)[1] == items, "the file is left alone"
    assert backend.taken[-1] == "a new beginning"


def test_a_backend_that_is_gone_is_said_with_its_reason(backend: Backend, tmp_path: Path) -> None:
    backend.wrong = dict.fromkeys(range(1, 1000), ConnectionError("refused"))
    for suffix in ("", "-2"):
        made = queue(backend, tmp_path, patience=0.1)
        made.put(1)
        with pytest.raises(DeliveryError, match=r"1 records .*ConnectionError: refused") as caught:
            made.close()
        assert f"run{suffix}.jsonl" in str(caught.value)
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["run-2.jsonl", "run.jsonl"]


def test_what_is_refused_for_good_does_not_hold_up_the_rest(backend: Backend, tmp_path: Path) -> None:
    backend.poison = {13, 14, 40}
    backend.wrong = {3: ConnectionError("now and then"), 9: ConnectionError("once more")}
    made = queue(backend, tmp_path, batch=10, lasting=lambda error: isinstance(error, ValueError))
    for item in range(50):
        made.put(item)
    with pytest.raises(DeliveryError, match=r"3 records were refused \(ValueError: never\)"):
        made.close()
    assert backend.taken == [item for item in range(50) if item not in backend.poison]
    assert read(tmp_path / "kept" / "run.refused.jsonl")[1] == [13, 14, 40]


def test_any_mixture_of_trouble_loses_and_repeats_nothing(tmp_path: Path) -> None:
    chance = random.Random(3)

    class Moody(Backend):
        def send(self, items: list[Any]) -> None:
            time.sleep(chance.choice([0, 0, 0.002]))
            if chance.random() < 0.3:
                raise ConnectionError("mood")
            super().send(items)

    backend = Moody()
    made = queue(backend, tmp_path, capacity=8, batch=3, patience=60.0)
    for item in range(120):
        made.put(item)
        if item % 50 == 0:
            made.flush(0.05)
    made.close()
    assert backend.taken == list(range(120))


def test_closing_an_empty_queue_does_nothing(backend: Backend, tmp_path: Path) -> None:
    made = queue(backend, tmp_path)
    made.close()
    made.close()
    assert made.flush()
    assert list(tmp_path.iterdir()) == []


PROGRAM = """
import sys, threading, time
from leyden_delivery import Delivery
taken, ready, ending = sys.argv[1], sys.argv[2], sys.argv[3]
def send(items):
    if ending in ("hang", "interrupt"):
        open(ready, "w").close()
        threading.Event().wait()
    time.sleep(0.05)
    with open(taken, "a") as file:
        file.writelines(f"{one}\\n" for one in items)
made = Delivery(send, taken + ".jsonl", {"logger": "fake", "arguments": {}}, batch=2, linger=0,
                patience=600 if ending == "interrupt" else 0.2 if ending == "hang" else 30)
for number in range(20):
    made.put(number)
if ending == "raise":
    raise RuntimeError("training failed")
if ending == "exit":
    sys.exit(3)
if ending == "interrupt":
    made.close()
"""


def program(tmp_path: Path, ending: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "taken"), str(tmp_path / "ready"), ending]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("ending", "status"), [("end", 0), ("raise", 1), ("exit", 3)])
def test_the_end_of_the_program_delivers(tmp_path: Path, ending: str, status: int) -> None:
    process = program(tmp_path, ending)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert (tmp_path / "taken").read_text().split() == [str(number) for number in range(20)]
    assert not (tmp_path / "taken.jsonl").exists()


def test_the_end_of_the_program_keeps_what_hangs(tmp_path: Path) -> None:
    process = program(tmp_path, "hang")
    _, err = process.communicate(timeout=60)
    assert "20 records were not delivered" in err
    assert read(tmp_path / "taken.jsonl")[1] == list(range(20))


def test_ctrl_c_ends_the_waiting_and_keeps_the_rest(tmp_path: Path) -> None:
    process = program(tmp_path, "interrupt")
    while not (tmp_path / "ready").exists():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in err
    assert read(tmp_path / "taken.jsonl")[1] == list(range(20))


def test_a_forked_process_has_a_queue_of_its_own(backend: Backend, tmp_path: Path) -> None:
    backend.open.clear()
    made = queue(backend, tmp_path, patience=0.1)
    for item in range(5):
        made.put(item)
    child = os.fork()
    if child == 0:  # no assertion may leave this block
        status = 1
        try:
            empty = len(made) == 0 and made.flush()
            made.close()
            made.put("of the child")
            try:
                made.close()
            except DeliveryError:
                status = 0 if empty and len(made) == 0 else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert read(tmp_path / "kept" / f"run-{child}.jsonl")[1] == ["of the child"]
    backend.open.set()
    made.close()
    assert backend.taken == list(range(5))


def test_half_a_line_of_a_killed_process_is_skipped(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text(json.dumps({"leyden-delivery": 1, **HEADER}) + '\n{"a":1}\n{"b":')
    assert read(file) == (HEADER, [{"a": 1}])
