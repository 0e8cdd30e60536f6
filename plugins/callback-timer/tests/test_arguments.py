from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from leyden.errors import ArgumentTypeError, ConfigurationError
from leyden.plugins.errors import shown
from leyden_callback_timer import MaxTime, Timer


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (None, None),
        ("00:00:00:00", timedelta(0)),
        ("01:02:03:04", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("100:00:00:00", timedelta(days=100)),
        (" 00:25:00:00 ", timedelta(hours=25)),
        (timedelta(weeks=2), timedelta(weeks=2)),
        ({"minutes": 1.5}, timedelta(seconds=90)),
        ({"hours": 1, "minutes": -1}, timedelta(minutes=59)),
    ],
)
def test_durations(given: Any, wanted: timedelta | None) -> None:
    assert Timer(given).duration == wanted
    assert MaxTime().validate(given, {}) == wanted


TYPES = [
    17,
    1.5,
    True,
    float("nan"),
    [17],
    ("00:00:00:01",),
    {"seconds": "1"},
    {"seconds": True},
    b"00:00:00:01",
]
VALUES = [
    "",
    "soon",
    "1:00",
    "00:00:01",
    "0:0:0:1",
    "-1:00:00:00",
    "00:00:00:01.5",
    "\u0660\u0661:\u0660\u0660:\u0660\u0660:\u0660\u0660",
    "99999999999:00:00:00",
    timedelta(microseconds=-1),
    {},
    {"second": 1},
    {1: 1},
    {"seconds": -1},
    {"days": float("inf")},
    {"days": float("nan")},
]


@pytest.mark.parametrize("value", [*TYPES, *VALUES], ids=repr)
def test_what_is_no_duration(value: Any) -> None:
    kind = ArgumentTypeError if value in TYPES or value != value else ConfigurationError
    for name, call in (("duration", Timer), ("max_time", lambda given: MaxTime().validate(given, {}))):
        with pytest.raises(ConfigurationError) as caught:
            call(value)
        assert type(caught.value) is kind
        assert f"{name}={shown(value)}" in str(caught.value)
        assert "'DD:HH:MM:SS', a timedelta" in str(caught.value)


def test_help_with_durations() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'seconds'"):
        Timer({"second": 1})
    with pytest.raises(ConfigurationError, match=r"For seconds, write \{'seconds': 30\}"):
        Timer(30)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("argument", "value", "kind", "text"),
    [
        ("interval", "batch", ConfigurationError, "'step' or 'epoch'"),
        ("interval", "steps", ConfigurationError, "Did you mean 'step'"),
        ("interval", None, ArgumentTypeError, "'step' or 'epoch'"),
        ("interval", 1, ArgumentTypeError, "'step' or 'epoch'"),
        ("verbose", "yes", ArgumentTypeError, "True or False"),
        ("verbose", None, ArgumentTypeError, "True or False"),
    ],
)
def test_other_arguments(argument: str, value: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text) as caught:
        Timer("00:00:00:01", **{argument: value})
    assert type(caught.value) is kind
    assert f"{argument}={value!r}" in str(caught.value)


@pytest.mark.parametrize("method", ["start_time", "end_time", "time_elapsed", "time_remaining"])
@pytest.mark.parametrize("stage", ["fit", "training", "tests", None, 1])
def test_unknown_stages(method: str, stage: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"stage=.*'predict', 'sanity_check', 'test', 'train'"):
        getattr(Timer("00:00:00:01"), method)(stage)


def test_it_is_importable_from_where_users_look() -> None:
    from leyden import callbacks

    assert callbacks.Timer is Timer
