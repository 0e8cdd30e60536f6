"""The registry as a library."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from kernel.tests.api.tiny import Linear, numbers, quiet

import leyden
from leyden import Callback
from leyden.api.warn import LeydenWarning
from leyden.errors import ConfigurationError, PluginBlockedError, PluginConflictError, PluginNotFoundError
from leyden.plugins import active, catalogue, register, resolve, unregister
from leyden.plugins.catalogue import REGISTERED, refresh
from leyden.testing import FakeDists


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    REGISTERED.clear()
    refresh()


class Heard:
    """A hook plugin."""

    times = 0

    def on_train_start(self) -> None:
        type(self).times += 1


class Marks(Callback):
    """A callback of the program."""

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        pass


def test_a_registered_hook_plugin_takes_part_until_it_is_taken_out() -> None:
    Heard.times = 0
    register("plugins", "heard", Heard)
    quiet().fit(Linear(), numbers())
    unregister("plugins", "heard")
    quiet().fit(Linear(), numbers())
    assert Heard.times == 1


def test_a_module_serves_as_well() -> None:
    module = type(sys)("of_this_program")
    module.on_train_start = lambda trainer: heard.append(trainer)  # type: ignore[attr-defined]
    heard: list[Any] = []
    register("plugins", "module", module)
    quiet().fit(Linear(), numbers())
    assert len(heard) == 1


def test_a_registered_component_answers_to_its_names() -> None:
    register("callbacks", "marks", Marks)
    assert resolve("callbacks", "marks") is Marks
    assert leyden.callbacks.Marks is Marks
    assert "marks" in {entry.name for entry in catalogue().group("leyden.callbacks")}


def test_a_star_brings_all_that_works(fake_dist: FakeDists) -> None:
    register("callbacks", "marks", Marks)
    fake_dist(
        "acme-bad", {"leyden.callbacks": {"bad": "acme_bad:Bad"}}, {"acme_bad": "raise LookupError('here')"}
    )
    found: dict[str, Any] = {}
    with pytest.warns(LeydenWarning, match=r"\[plugin-broken\].*here.*left out of leyden\.callbacks"):
        exec("from leyden.callbacks import *", found)
    assert found["Marks"] is Marks and found["Callback"] is leyden.Callback
    assert "Bad" not in found


def test_a_name_is_registered_once() -> None:
    register("callbacks", "marks", Marks)
    with pytest.raises(PluginConflictError, match="unregister"):
        register("callbacks", "marks", Marks)


def test_what_cannot_be() -> None:
    with pytest.raises(ConfigurationError, match="family='callback'.*Did you mean 'callbacks'"):
        register("callback", "marks", Marks)
    register("callbacks", "marks", Marks)
    with pytest.raises(PluginNotFoundError, match="Did you mean 'marks'"):
        unregister("callbacks", "mark")


def test_the_deny_list_holds_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    register("callbacks", "marks", Marks)
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "marks")
    with pytest.raises(PluginBlockedError, match="LEYDEN_DISABLE_PLUGINS"):
        resolve("callbacks", "marks")


def test_who_takes_part_and_why() -> None:
    class Configured(Callback):
        def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
            pass

    register("plugins", "heard", Heard)
    trainer = quiet(callbacks=[Marks()], plugins=[Heard()], max_time="00:01:00:00")
    trainer.fit(Linear(configure_callbacks=lambda _: Configured()), numbers())
    found = {(one.kind, one.name): one for one in active(trainer)}
    assert found["callback", "Marks"].why == "the Trainer's keyword 'callbacks'"
    assert found["callback", "Marks"].hooks == ("on_fit_start",)
    assert found["callback", "Configured"].why == "configure_callbacks"
    assert found["callback", "Timer"].why == "the Trainer's keyword 'max_time'"
    assert found["callback", "Timer"].origin.startswith("leyden-callback-timer ")
    assert found["plugin", "heard"].why == "leyden.plugins.register"
    assert "Trainer(plugins=…)" in {one.why for one in found.values()}
    assert found["module", "Linear"].why == "it is run"
