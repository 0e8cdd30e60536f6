from __future__ import annotations

import pytest

from leyden_callback_progress import Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_first_batch_is_due(clock: Clock) -> None:
    assert Throttle(1.0, clock=clock).due(1)


def test_nothing_is_due_before_the_interval_has_passed(clock: Clock) -> None:
    throttle = Throttle(1.0, clock=clock)
    throttle.drawn(clock.now)
    clock.now += 0.99
    assert not throttle.due(2)
    clock.now += 0.02
    assert throttle.due(2)


def test_only_multiples_are_due(clock: Clock) -> None:
    throttle = Throttle(0.0, every=3, clock=clock)
    assert [n for n in range(1, 10) if throttle.due(n)] == [3, 6, 9]


def test_slow_drawing_is_done_less_often(clock: Clock) -> None:
    throttle = Throttle(0.1, clock=clock)
    began = clock.now
    clock.now += 0.005
    throttle.drawn(began)
    assert throttle.next - clock.now == pytest.approx(0.5)


def test_very_slow_drawing_is_done_every_second(clock: Clock) -> None:
    throttle = Throttle(0.1, clock=clock)
    began = clock.now
    clock.now += 3
    throttle.drawn(began)
    assert throttle.next - clock.now == pytest.approx(1.0)


def test_an_interval_of_more_than_a_second_is_kept(clock: Clock) -> None:
    throttle = Throttle(30.0, clock=clock)
    throttle.drawn(clock.now - 5)
    assert throttle.next - clock.now == pytest.approx(30.0)


def test_expire_makes_the_next_batch_due_and_postpone_does_not(clock: Clock) -> None:
    throttle = Throttle(1.0, clock=clock)
    throttle.postpone()
    assert not throttle.due(1)
    throttle.expire()
    assert throttle.due(1)


def test_no_interval_is_no_limit(clock: Clock) -> None:
    throttle = Throttle(0.0, clock=clock)
    throttle.drawn(clock.now - 3)
    assert throttle.due(1)
