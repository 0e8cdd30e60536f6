"""One bad plugin never stops a run that did not name it; each is told with a remedy."""

from __future__ import annotations

import pytest
from kernel.tests.api.tiny import Linear, numbers, quiet

from leyden.api.warn import LeydenWarning
from leyden.errors import PluginBlockedError, PluginBrokenError
from leyden.kernel.events import EVENTS
from leyden.testing import FakeDists, Runner

BAD = {
    "syntax error": "def on_train_start(:",
    "broken import": "import no_such_module_anywhere",
    "exit at import": "raise SystemExit(3)",
    "*args": "def on_train_start(*args): pass",
    "keyword-only": "def on_train_start(*, trainer): pass",
    "wrong parameter": "def on_train_start(module): pass",
}


@pytest.mark.parametrize("source", BAD.values(), ids=BAD)
def test_a_bad_plugin_is_told_and_the_run_goes_on(source: str, fake_dist: FakeDists) -> None:
    fake_dist("acme-bad", {"leyden.plugins": {"bad": "acme_bad"}}, {"acme_bad": source})
    with pytest.warns(LeydenWarning, match=r"\[plugin-broken\].*LEYDEN_DISABLE_PLUGINS=acme-bad"):
        quiet().fit(Linear(), numbers())
    with pytest.raises(PluginBrokenError, match="LEYDEN_DISABLE_PLUGINS=acme-bad"):
        quiet(require_plugins=["bad"]).fit(Linear(), numbers())


def test_an_uninstalled_editable_is_told_and_the_run_goes_on(fake_dist: FakeDists) -> None:
    fake_dist("acme-gone", {"leyden.plugins": {"gone": "acme_gone"}}, {})
    with pytest.warns(LeydenWarning, match=r"No module named 'acme_gone'.*reinstall acme-gone"):
        quiet().fit(Linear(), numbers())


def test_an_incompatible_plugin_is_left_out(fake_dist: FakeDists) -> None:
    entry = {"leyden.plugins": {"old": "acme_old"}}
    fake_dist("acme-old", entry, {"acme_old": "raise RuntimeError"}, requires=["leyden-kernel<0.1"])
    quiet().fit(Linear(), numbers())
    with pytest.raises(PluginBlockedError, match=r"needs leyden-kernel<0\.1"):
        quiet(require_plugins=["old"]).fit(Linear(), numbers())


def test_plugins_that_require_each_other_run(fake_dist: FakeDists, leyden_run: Runner) -> None:
    for own, other in (("acme-one", "acme-two"), ("acme-two", "acme-one")):
        module = own.replace("-", "_")
        source = f"def on_train_start(): print({own!r})\n"
        requires = ["leyden-kernel~=0.1.0", other]
        fake_dist(own, {"leyden.plugins": {module: module}}, {module: source}, requires=requires)
    assert sorted(leyden_run("fit").ok().stdout.split()) == ["acme-one", "acme-two"]


FIRED = [
    name for name in EVENTS if name.startswith("on_") and "checkpoint" not in name and name != "on_exception"
]


@pytest.mark.parametrize("hook", FIRED)
def test_an_exception_in_a_hook_names_the_plugin(hook: str, fake_dist: FakeDists, leyden_run: Runner) -> None:
    source = f"def {hook}():\n    raise LookupError('here')\n"
    fake_dist("acme-raises", {"leyden.plugins": {"raises": "acme_raises"}}, {"acme_raises": source})
    failures = []
    for stage in ("fit", "validate", "test", "predict"):
        error = leyden_run(stage).exception
        if error is not None:
            failures.append(error)
            assert isinstance(error, LookupError)
            notes = [f"leyden: raised in {hook} of plugin 'raises' (acme-raises 1.0)"]
            assert error.__notes__ == notes
    assert failures
