"""One bad plugin never stops a run that did not name it; each is told with a remedy."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from kernel.tests.api.tiny import Linear, numbers, quiet

from leyden import Trainer
from leyden.api.component_choice import detected_environment
from leyden.api.warn import LeydenWarning
from leyden.errors import ConfigurationError, PluginBlockedError, PluginBrokenError, PluginConflictError
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


UNNAMED = {
    "import": "raise LookupError('here')",
    "creation": """
        from leyden import interfaces as found
        class Thing(found.Accelerator, found.ClusterEnvironment, found.Dialect, found.Migration, found.Option):
            def __new__(cls): raise LookupError("here")
            @staticmethod
            def detect(): raise LookupError("here")
    """,
    "another class": "class Thing: pass",
}
FAMILIES = ("accelerators", "dialects", "environments", "migrations", "defaults")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("source", UNNAMED.values(), ids=UNNAMED)
def test_what_takes_part_unnamed_is_told_and_the_run_goes_on(
    source: str, family: str, fake_dist: FakeDists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet(default_root_dir=tmp_path).fit(Linear(), numbers())
    entries = {f"leyden.{one}": {"thing": "acme_bad:Thing"} for one in (family, "options")}
    fake_dist("acme-bad", entries, {"acme_bad": source}, requires=["leyden-kernel~=0.1.0"])
    with pytest.warns(LeydenWarning, match=r"\[plugin-broken\].*LEYDEN_DISABLE_PLUGINS=acme-bad"):
        trainer = quiet(accelerator="auto", default_root_dir=tmp_path)
        detected_environment()
        trainer.fit(Linear(), numbers())
        trainer.save_checkpoint(tmp_path / "a.ckpt")
        Linear.load_from_checkpoint(tmp_path / "a.ckpt")
        inspect.signature(Trainer)
    monkeypatch.setenv("LEYDEN_PLUGINS_STRICT", "1")
    with pytest.raises(PluginBrokenError, match="LEYDEN_DISABLE_PLUGINS=acme-bad"):
        quiet(accelerator="auto", default_root_dir=tmp_path)
        detected_environment()
        Linear.load_from_checkpoint(tmp_path / "a.ckpt")


SHINY = """
from leyden.interfaces import Option
class Shiny(Option):
    def validate(self, value, given): return value
    def apply(self, value, trainer):
        {what}
"""


def test_a_default_that_fails_where_it_is_applied_is_told_and_the_run_goes_on(
    fake_dist: FakeDists, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = {f"leyden.{group}": {"shiny": "acme_shiny:Shiny"} for group in ("options", "defaults")}
    source = {"acme_shiny": SHINY.format(what="raise LookupError('here')")}
    fake_dist("acme-shiny", entries, source, requires=["leyden-kernel~=0.1.0"])
    told = r"its application failed with LookupError: here.*LEYDEN_DISABLE_PLUGINS=acme-shiny"
    with pytest.warns(LeydenWarning, match=rf"\[plugin-broken\].*{told}"):
        quiet().fit(Linear(), numbers())
    monkeypatch.setenv("LEYDEN_PLUGINS_STRICT", "1")
    with pytest.raises(PluginBrokenError, match=told):
        quiet()


def test_what_a_default_refuses_on_purpose_is_the_users_to_hear(fake_dist: FakeDists) -> None:
    entries = {f"leyden.{group}": {"shiny": "acme_refusing:Shiny"} for group in ("options", "defaults")}
    refusal = "from leyden.errors import ConfigurationError as C; raise C('not with that')"
    fake_dist(
        "acme-shiny",
        entries,
        {"acme_refusing": SHINY.format(what=refusal)},
        requires=["leyden-kernel~=0.1.0"],
    )
    with pytest.raises(ConfigurationError, match="not with that"):
        quiet()


def test_a_migration_that_fails_is_named_with_the_file(fake_dist: FakeDists, tmp_path: Path) -> None:
    trainer = quiet()
    trainer.fit(Linear(), numbers())
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    head = "from leyden.interfaces import Migration\nclass Old(Migration):"
    source = f"{head}\n    def migrate(self, content, path): content[0]"
    entries = {"leyden.migrations": {"old": "acme_old_format:Old"}}
    fake_dist("acme-old", entries, {"acme_old_format": source}, requires=["leyden-kernel~=0.1.0"])
    with pytest.raises(PluginBrokenError, match=r"migration of .*a\.ckpt failed with KeyError: 0.*=acme-old"):
        Linear.load_from_checkpoint(tmp_path / "a.ckpt")


def test_a_name_that_nobody_gave_is_the_projects_own(fake_dist: FakeDists, tmp_path: Path) -> None:
    taken = {
        "leyden.strategies": "single_device",
        "leyden.precisions": "32-true",
        "leyden.steps": "automatic",
        "leyden.loggers": "csv",
        "leyden.options": "enable_model_summary",
        "leyden.defaults": "enable_model_summary",
    }
    entries = {group: {name: "acme_same:Thing"} for group, name in taken.items()}
    fake_dist("acme-same", entries, {"acme_same": UNNAMED["import"]}, requires=["leyden-kernel~=0.1.0"])
    trainer = Trainer(max_epochs=1, default_root_dir=tmp_path, enable_progress_bar=False)
    trainer.fit(Linear(), numbers())
    assert trainer.global_step == 3 and trainer.logger is not None
    with pytest.raises(
        PluginConflictError, match=r"strategy 'single_device' is offered by acme-same 1\.0 and"
    ):
        Trainer(strategy="single_device")


def test_a_default_that_two_others_claim_is_left_out(
    fake_dist: FakeDists, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = {f"leyden.{group}": {"shiny": "acme:X"} for group in ("options", "defaults")}
    for name in ("acme-one", "acme-two"):
        fake_dist(name, entries, {"acme": "raise LookupError"}, requires=["leyden-kernel~=0.1.0"])
    with pytest.warns(LeydenWarning, match=r"\[plugin-conflict\].*acme-one 1\.0 and acme-two 1\.0"):
        quiet().fit(Linear(), numbers())
    monkeypatch.setenv("LEYDEN_PLUGINS_STRICT", "1")
    with pytest.raises(PluginConflictError, match="acme-one:shiny"):
        quiet()


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
