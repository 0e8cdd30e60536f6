"""The catalogue: metadata alone, and every way in which a distribution can be wrong is a value."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from leyden._version import __version__
from leyden.errors import PluginBlockedError, PluginBrokenError
from leyden.plugins.catalogue import COMPONENTS, GROUPS, Catalogue, Entry, catalogue, official, refresh
from leyden.plugins.selection import Selection
from leyden.testing.dists import FakeDists

Scan = Callable[..., Catalogue]
GROUP = "leyden.callbacks"


def one(
    dists: FakeDists,
    scan: Scan,
    body: str = "class Thing: pass",
    requires: tuple[str, ...] = (),
    **allowed: object,
) -> Entry:
    """The entry of a distribution with one callback."""
    dists(
        "acme-thing",
        {GROUP: {"thing": "acme_thing:Thing"}},
        {"acme_thing": body},
        version="2.1",
        requires=requires,
    )
    return next(entry for entry in scan(**allowed).group(GROUP) if entry.name == "thing")


def test_an_entry_says_where_it_comes_from_without_being_imported(dists: FakeDists, scan: Scan) -> None:
    entry = one(dists, scan)
    assert (entry.module, entry.attribute, entry.origin) == ("acme_thing", "Thing", "acme-thing 2.1")
    assert entry.state == "found"
    assert "acme_thing" not in sys.modules


def test_loading_imports_once(dists: FakeDists, scan: Scan) -> None:
    entry = one(dists, scan)
    assert entry.load() is entry.load() is sys.modules["acme_thing"].Thing
    assert entry.state == "loaded"


def test_a_blocked_entry_is_never_imported(dists: FakeDists, scan: Scan) -> None:
    entry = one(dists, scan, deny=("acme-thing",))
    assert entry.state == "blocked"
    with pytest.raises(
        PluginBlockedError, match=r"'thing' of acme-thing 2\.1 may not run: it is disabled by"
    ):
        entry.load()
    assert "acme_thing" not in sys.modules


MAJOR = int(__version__.partition(".")[0])


@pytest.mark.parametrize(
    ("requires", "state"),
    [
        ((), "found"),
        ((f"leyden-kernel~={__version__}",), "found"),
        (("torch>=2", f"Leyden_Kernel (>={__version__})"), "found"),
        ((f"leyden-kernel>={MAJOR + 1}",), "incompatible"),
        (("leyden.kernel<0.0.1",), "incompatible"),
        (("leyden-kernel>=not.a.version",), "incompatible"),
        (("leyden-kernels==99",), "found"),
    ],
    ids=str,
)
def test_the_distributions_own_range_on_the_kernel_decides(
    requires: tuple[str, ...], state: str, dists: FakeDists, scan: Scan
) -> None:
    assert one(dists, scan, requires=requires).state == state


@pytest.mark.parametrize(
    ("requires", "state"),
    [
        pytest.param((f"leyden-kernel>={MAJOR + 1}; extra == 'next'",), "found", id="an extra's range"),
        pytest.param(
            (f"leyden-kernel>={MAJOR + 1}; python_version < '3'",), "found", id="another Python's range"
        ),
        pytest.param(
            ("leyden-kernel-kit", f"leyden-kernel>={MAJOR + 1}"), "incompatible", id="after a like name"
        ),
    ],
)
def test_only_the_requirement_that_applies_counts(
    requires: tuple[str, ...], state: str, dists: FakeDists, scan: Scan
) -> None:
    assert one(dists, scan, requires=requires).state == state


def test_an_incompatible_entry_is_not_imported_and_says_both_versions(dists: FakeDists, scan: Scan) -> None:
    entry = one(dists, scan, requires=(f"leyden-kernel>={MAJOR + 1}",))
    with pytest.raises(
        PluginBlockedError, match=f"it needs leyden-kernel>={MAJOR + 1}, and {__version__} is installed"
    ):
        entry.load()
    assert "acme_thing" not in sys.modules


BROKEN = {
    "no such dependency": ("import no_such_module_anywhere", ModuleNotFoundError),
    "syntax error": ("class Thing(:", SyntaxError),
    "exit at import": ("raise SystemExit(3)", SystemExit),
    "generator exit at import": ("raise GeneratorExit", GeneratorExit),
    "no such attribute": ("class Other: pass", AttributeError),
    "endless recursion": ("def f(): f()\nf()", RecursionError),
}


@pytest.mark.parametrize(("body", "cause"), BROKEN.values(), ids=BROKEN)
def test_a_broken_import_is_a_value_and_an_error_to_whoever_named_it(
    body: str, cause: type[BaseException], dists: FakeDists, scan: Scan
) -> None:
    entry = one(dists, scan, body)
    for _ in range(2):
        with pytest.raises(
            PluginBrokenError, match=f"'thing' of acme-thing 2.1 .*{cause.__name__}"
        ) as caught:
            entry.load()
        assert isinstance(caught.value.__cause__, cause)
        assert "LEYDEN_DISABLE_PLUGINS=acme-thing" in str(caught.value)
    assert entry.state == "broken"
    assert entry.failure is not None
    assert entry.failure[0] == "import"


def test_ctrl_c_during_an_import_is_ctrl_c(dists: FakeDists, scan: Scan) -> None:
    entry = one(dists, scan, "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        entry.load()
    assert entry.state == "found"


def test_one_broken_distribution_leaves_the_others_alone(dists: FakeDists, scan: Scan) -> None:
    dists("good", {GROUP: {"good": "good_one:Good"}}, {"good_one": "class Good: pass"})
    broken = one(dists, scan, "raise RuntimeError")
    found = scan()
    with pytest.raises(PluginBrokenError):
        broken.load()
    assert [entry.name for entry in found.group(GROUP)] == ["good", "thing"]
    assert found.group(GROUP)[0].load().__name__ == "Good"


def test_entry_points_that_outlive_their_editable_install_are_broken(dists: FakeDists, scan: Scan) -> None:
    entry = one(dists, scan)
    (dists._made[0].folder / "acme_thing.py").unlink()
    with pytest.raises(PluginBrokenError, match="No module named 'acme_thing'"):
        entry.load()
    assert entry.state == "broken"


def test_a_distribution_that_was_removed_is_gone_after_a_refresh(dists: FakeDists) -> None:
    made = dists("acme-thing", {GROUP: {"thing": "acme_thing:Thing"}}, {"acme_thing": "class Thing: pass"})
    assert "thing" in [entry.name for entry in catalogue().group(GROUP)]
    shutil.rmtree(made.folder)
    refresh()
    assert "thing" not in [entry.name for entry in catalogue().group(GROUP)]


def test_a_distribution_without_metadata_breaks_nothing_but_itself(dists: FakeDists, scan: Scan) -> None:
    dists("good", {GROUP: {"good": "good_one:Good"}}, {"good_one": "class Good: pass"})
    made = dists("acme-thing", {GROUP: {"thing": "acme_thing:Thing"}}, {"acme_thing": "class Thing: pass"})
    (made.folder / "acme_thing-1.0.dist-info" / "METADATA").unlink()
    assert "good" in [entry.name for entry in scan().group(GROUP)]


def test_of_two_copies_of_a_distribution_the_first_on_the_path_counts(dists: FakeDists) -> None:
    for version in ("1.0", "2.0"):
        body = f"class Thing: version = {version!r}"
        dists("acme-thing", {GROUP: {"thing": "acme_thing:Thing"}}, {"acme_thing": body}, version=version)
    (entry,) = catalogue().named(GROUP, "thing")
    assert entry.version == "2.0"
    assert entry.load().version == "2.0"


def test_entries_are_found_by_name_by_distribution_and_by_attribute(dists: FakeDists, scan: Scan) -> None:
    for name in ("acme-a", "acme_b"):
        module = name.replace("-", "_")
        dists(name, {GROUP: {"thing": f"{module}:Thing", f"{module}_alias": f"{module}:Thing"}}, {module: ""})
    found = scan()
    assert [entry.distribution for entry in found.named(GROUP, "thing")] == ["acme-a", "acme_b"]
    assert [entry.distribution for entry in found.named(GROUP, "acme-b:thing")] == ["acme_b"]
    assert found.named(GROUP, "acme-c:thing") == []
    assert {entry.value for entry in found.by_attribute(GROUP, "Thing")} == {"acme_a:Thing", "acme_b:Thing"}
    assert len(found.everything()) == 4


def test_the_owner_of_a_module_is_found_by_its_package(dists: FakeDists, scan: Scan) -> None:
    dists(
        "acme",
        {GROUP: {"thing": "acme.deep.inside:Thing"}},
        {"acme": "", "acme.deep": "", "acme.deep.inside": ""},
    )
    found = scan()
    found.everything()
    assert getattr(found.owner_of("acme.other"), "origin", None) == "acme 1.0"
    assert found.owner_of("acmesque") is None


def test_a_group_is_scanned_once_and_only_when_it_is_asked_for() -> None:
    scanned: list[str] = []

    def find(group: str) -> list[object]:
        scanned.append(group)
        return []

    found = Catalogue(Selection(), find)
    assert scanned == []
    assert found.group(GROUP) == found.group(GROUP) == []
    assert scanned == [GROUP]
    found.everything()
    assert sorted(scanned) == sorted(GROUPS)


def test_the_catalogue_of_the_process_follows_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    before = catalogue()
    assert catalogue() is before
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "nobody")
    assert catalogue() is not before
    assert catalogue().selection.deny[0] == "nobody"


def test_every_family_is_a_group_and_the_official_catalogue_knows_no_other() -> None:
    assert {f"leyden.{family}" for family in COMPONENTS} < set(GROUPS)
    assert set(official()) - {"prefer"} <= set(GROUPS)


def test_the_project_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.leyden]\nplugins = ['a']\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    catalogue()
    monkeypatch.setattr("leyden.plugins.selection.tomllib.loads", lambda text: pytest.fail("read again"))
    catalogue()
