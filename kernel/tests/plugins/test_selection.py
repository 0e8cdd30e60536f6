"""Which installed plugins may run: environment, pyproject.toml, pins."""

from __future__ import annotations

from pathlib import Path

import pytest

from leyden.errors import ConfigurationError
from leyden.plugins.selection import KERNEL, Selection, canonical

VARIABLES = ("LEYDEN_PLUGINS", "LEYDEN_DISABLE_PLUGINS", "LEYDEN_PLUGINS_STRICT")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project as working directory, and none of the variables set."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def project(folder: Path, text: str) -> None:
    """Write pyproject.toml."""
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def allowed(*names: str, version: str = "1.0") -> list[str]:
    """Those of some distributions (each with a plugin ``p``) that may run now."""
    selection = Selection.current()
    return [name for name in names if selection.refusal("p", name, version) is None]


def test_everything_may_run_by_default() -> None:
    selection = Selection.current()
    assert (selection.allow, selection.deny, selection.strict) == (None, (), False)
    assert allowed("a", "b") == ["a", "b"]


def test_the_allow_list_names_distributions_or_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_PLUGINS", " dist-a , q")
    selection = Selection.current()
    assert selection.refusal("p", "Dist_A", "1.0") is None
    assert selection.refusal("q", "dist-b", "1.0") is None
    assert selection.refusal("p", "dist-b", "1.0") == "it is not in the allow-list of LEYDEN_PLUGINS"


def test_an_empty_allow_list_allows_nothing_but_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_PLUGINS", "")
    assert allowed("a", KERNEL, "leyden_kernel") == [KERNEL, "leyden_kernel"]


def test_the_deny_list_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_PLUGINS", "a,b")
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "b")
    assert allowed("a", "b", "c") == ["a"]
    assert "LEYDEN_DISABLE_PLUGINS" in (Selection.current().refusal("p", "b", "1.0") or "")


def test_the_kernels_own_parts_cannot_be_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", f"{KERNEL},automatic")
    assert Selection.current().refusal("automatic", KERNEL, "1.0") is None


@pytest.mark.parametrize(("version", "may_run"), [("1.0", True), ("1.1", False)])
def test_a_pin_allows_one_version(version: str, may_run: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_PLUGINS", "a==1.0")
    assert (allowed("a", version=version) == ["a"]) is may_run


@pytest.mark.parametrize(("version", "may_run"), [("1.0", False), ("1.1", True)])
def test_a_pin_denies_one_version(version: str, may_run: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "a==1.0")
    assert (allowed("a", version=version) == ["a"]) is may_run


def test_a_pin_may_have_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "a == 1.0")
    assert allowed("a") == []


@pytest.mark.parametrize(("value", "strict"), [("1", True), ("0", False), ("True", True), ("false", False)])
def test_strict_comes_from_the_environment_before_the_project(
    value: str, strict: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(folder, f"[tool.leyden]\nstrict = {str(not strict).lower()}\n")
    assert Selection.current().strict is not strict
    monkeypatch.setenv("LEYDEN_PLUGINS_STRICT", value)
    assert Selection.current().strict is strict


def test_a_word_that_says_neither_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEYDEN_PLUGINS_STRICT", "very")
    with pytest.raises(
        ConfigurationError, match="LEYDEN_PLUGINS_STRICT='very' is not possible: allowed is 1 or 0"
    ):
        Selection.current()


def test_the_project_file_says_the_same(folder: Path) -> None:
    project(folder, '[tool.leyden]\nplugins = ["a", "b==2.0"]\ndisable_plugins = ["c"]\nstrict = true\n')
    selection = Selection.current()
    assert (selection.allow, selection.deny, selection.strict) == (("a", "b==2.0"), ("c",), True)
    assert str(folder / "pyproject.toml") in (selection.refusal("p", "d", "1.0") or "")


def test_the_environment_replaces_the_projects_allow_list_and_adds_to_its_deny_list(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(folder, '[tool.leyden]\nplugins = ["a"]\ndisable_plugins = ["c"]\n')
    monkeypatch.setenv("LEYDEN_PLUGINS", "b,c,d")
    monkeypatch.setenv("LEYDEN_DISABLE_PLUGINS", "d")
    assert allowed("a", "b", "c", "d") == ["b"]


def test_the_nearest_project_file_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(folder, '[tool.leyden]\nplugins = ["a"]\n')
    inner = folder / "inner" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert allowed("a", "b") == ["a"]
    project(inner, "[project]\nname = 'x'\n")
    assert allowed("a", "b") == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[tool.leyden]\nplugins = "a"\n', "plugins"),
        ("[tool.leyden]\ndisable_plugins = [1]\n", "disable_plugins"),
        ('[tool.leyden]\nstrict = "yes"\n', "strict"),
        ("[tool.leyden\n", "cannot be read"),
    ],
)
def test_a_wrong_project_file_is_a_configuration_error_that_names_it(
    text: str, named: str, folder: Path
) -> None:
    project(folder, text)
    with pytest.raises(ConfigurationError, match=named) as caught:
        Selection.current()
    assert "pyproject.toml" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[tool]\nleyden = 3\n", id="no table"),
        pytest.param('[tool.leyden]\nplugin = ["a"]\n', id="misspelled key"),
    ],
)
def test_what_cannot_be_meant_in_the_project_file_is_an_error(text: str, folder: Path) -> None:
    project(folder, text)
    with pytest.raises(ConfigurationError, match=r"pyproject\.toml"):
        Selection.current()


@pytest.mark.parametrize("name", ["a-b", "A_b", "a.B"])
def test_names_are_compared_in_their_normal_form(name: str) -> None:
    assert canonical(name) == "a-b"


def test_runs_of_separators_are_one() -> None:
    assert canonical("a-_.b") == "a-b"
