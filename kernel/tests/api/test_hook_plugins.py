"""Installed hook plugins: active, isolated when broken, refused when that was asked for."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from kernel.tests.api.tiny import Linear, numbers, quiet

from leyden import Callback
from leyden.api.warn import LeydenWarning
from leyden.errors import (
    HookSignatureError,
    LeydenError,
    PluginBrokenError,
    PluginConflictError,
    PluginNotFoundError,
)
from leyden.plugins.adapt import from_plugin
from leyden.testing import FakeDists, HookRecorder

GOOD = "seen = []\ndef on_train_batch_end(batch_idx):\n    seen.append(batch_idx)\n"


def plugin(dists: FakeDists, name: str, source: str) -> str:
    """Install a hook plugin; returns its module's name."""
    module = name.replace("-", "_")
    dists(name, {"leyden.plugins": {"watch": module}}, {module: source})
    return module


def test_an_installed_hook_plugin_is_active(fake_dist: FakeDists) -> None:
    module = plugin(fake_dist, "acme-watch", GOOD)
    quiet().fit(Linear(), numbers())
    assert __import__(module).seen == [0, 1, 2]


def test_a_hook_plugin_of_one_trainer_alone() -> None:
    recorder = HookRecorder()

    class Counting:
        seen = 0

        def on_train_batch_end(self) -> None:
            self.seen += 1

    counting = Counting()
    trainer = quiet(plugins=[counting])
    trainer.add_listener(recorder)
    trainer.fit(Linear(), numbers())
    quiet().fit(Linear(), numbers())
    assert counting.seen == len(recorder.of("on_train_batch_end")) == 3


BROKEN = {
    "import": "raise RuntimeError('no')",
    "exit": "raise SystemExit(3)",
    "signature": "def on_train_start(*args): pass",
    "stray": "def on_nothing(): pass",
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_broken_hook_plugin_is_told_and_the_run_goes_on(
    source: str, fake_dist: FakeDists, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin(fake_dist, "acme-broken", source)
    module = plugin(fake_dist, "acme-good", GOOD)
    _rename(fake_dist)
    with pytest.warns(LeydenWarning, match=r"\[plugin-broken\].*acme-broken 1\.0"):
        quiet().fit(Linear(), numbers())
    assert __import__(module).seen == [0, 1, 2]
    monkeypatch.setenv("LEYDEN_PLUGINS_STRICT", "1")
    with pytest.raises(PluginBrokenError, match=r"acme-broken 1\.0"):
        quiet().fit(Linear(), numbers())


def _rename(dists: FakeDists) -> None:
    """Give every plugin a name of its own."""
    for number, made in enumerate(dists._made):
        (path,) = made.folder.glob("*.dist-info/entry_points.txt")
        path.write_text(path.read_text().replace("watch =", f"watch{number} ="))


def test_a_wrapper_that_is_no_generator_is_told_and_the_run_goes_on(fake_dist: FakeDists) -> None:
    source = "from leyden import hookimpl\n@hookimpl(wrapper=True)\ndef on_train_start(): pass\n"
    plugin(fake_dist, "acme-broken", source)
    with pytest.warns(LeydenWarning, match="plugin-broken"):
        quiet().fit(Linear(), numbers())


def test_two_hook_plugins_of_one_name_both_run_or_are_a_conflict_that_names_both(
    fake_dist: FakeDists,
) -> None:
    modules = [plugin(fake_dist, name, GOOD) for name in ("acme-one", "acme-two")]
    try:
        quiet().fit(Linear(), numbers())
    except PluginConflictError as error:
        assert all(name in str(error) for name in ("acme-one", "acme-two"))
    else:
        assert [__import__(module).seen for module in modules] == [[0, 1, 2]] * 2


def test_a_disabled_hook_plugin_is_not_imported(
    fake_dist: FakeDists, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = plugin(fake_dist, "acme-broken", "raise RuntimeError('imported')")
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "acme-broken")
    quiet().fit(Linear(), numbers())
    assert module not in sys.modules


def test_required_plugins_must_be_there_and_work(
    fake_dist: FakeDists, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PluginNotFoundError, match=r"require_plugins='acme-watch': not installed"):
        quiet(require_plugins=["acme-watch"]).fit(Linear(), numbers())
    plugin(fake_dist, "acme-watch", GOOD)
    for name in ("acme-watch", "watch"):
        quiet(require_plugins=[name]).fit(Linear(), numbers())
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "acme-watch")
    with pytest.raises(LeydenError, match="acme-watch 1.0 may not run"):
        quiet(require_plugins=["acme-watch"]).fit(Linear(), numbers())


def test_required_plugins_are_compared_in_their_normal_form(fake_dist: FakeDists) -> None:
    plugin(fake_dist, "acme-watch", GOOD)
    quiet(require_plugins=["Acme_Watch"]).fit(Linear(), numbers())


def test_a_callback_among_the_plugins_listens_to_what_it_overrides_or_is_refused() -> None:
    class Mine(Callback):
        def on_train_start(self, trainer: Any, pl_module: Any) -> None: ...

    try:
        participant = from_plugin("mine", Mine)
    except HookSignatureError:
        return
    assert set(participant.hooks) == {"on_train_start"}
