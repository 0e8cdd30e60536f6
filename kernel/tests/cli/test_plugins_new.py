"""``leyden plugins new``: what it writes passes its own tests, ruff and mypy as it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import chdir
from importlib import import_module
from pathlib import Path

import pytest
from kernel.tests.cli.generated import ROOT, TEMPLATE, template_arguments

from leyden.cli import main
from leyden.cli.plugins_new import LONGEST, families
from leyden.plugins.catalogue import COMPONENTS

FAMILIES = families()
PYTEST_INI = (
    "[pytest]\naddopts = --import-mode=importlib -pno:cacheprovider -pno:xdist\nfilterwarnings = error\n"
)
READ = """
import pathlib, re, sys
for page in sys.argv[1:]:
    names = {}
    for code in re.findall(r"^```python\\n(.*?)^```$", pathlib.Path(page).read_text(), re.M | re.S):
        exec(compile(code, page, "exec"), names)
"""


def new(*arguments: str) -> int:
    return main(["plugins", "new", *arguments])


def named(family: str, start: str = "acme") -> str:
    return f"{start}-{family.replace(' ', '-')}"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugin of every family, each built as a wheel and unpacked into ``site``."""
    folder = tmp_path_factory.mktemp("plugins")
    build = import_module("hatchling.build").build_wheel
    for family in FAMILIES:
        assert new(named(family), "--family", family, "--path", str(folder)) == 0
        with chdir(folder / named(family)):
            wheel = build(str(folder))
        with zipfile.ZipFile(folder / wheel) as archive:
            archive.extractall(folder / "site")
    (folder / "pytest.ini").write_text(PYTEST_INI, encoding="utf-8")
    return folder


def run(workspace: Path, *command: str) -> None:
    """Run a tool in the workspace, with its plugins installed; it must succeed."""
    environment = {name: one for name, one in os.environ.items() if not name.startswith(("LEYDEN", "PYTEST"))}
    environment |= {"PYTHONPATH": str(workspace / "site"), "MYPYPATH": str(workspace / "site")}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=workspace,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def folders(workspace: Path) -> Iterator[Path]:
    return (workspace / named(family) for family in FAMILIES)


def test_there_is_a_template_for_every_family() -> None:
    assert set(FAMILIES) == {*COMPONENTS.values(), "hook plugin", "option", "command", "dialect"}


def test_a_plugin_is_complete(workspace: Path) -> None:
    for folder in folders(workspace):
        package = folder.name.replace("-", "_")
        files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        assert files == {
            ".github/workflows/test.yml",
            ".gitignore",
            "CHANGELOG.md",
            "LICENSE",
            "README.md",
            "pyproject.toml",
            f"src/{package}/__init__.py",
            f"src/{package}/py.typed",
            "tests/test_behaviour.py",
            "tests/test_contract.py",
        }
        text = (folder / "README.md").read_text(encoding="utf-8")
        headings = re.findall(r"^## (\w+)$", text, re.MULTILINE)
        assert headings == ["Install", "Use", "Options", "Disable", "Uninstall", "Develop"]
        assert "$" not in text


@pytest.mark.slow
def test_its_own_tests_pass(workspace: Path) -> None:
    # -P: the folders are named like the distributions and must not be taken for packages.
    run(
        workspace,
        "-P",
        "-m",
        "pytest",
        "-q",
        "-c",
        "pytest.ini",
        *(f"{one}/tests" for one in folders(workspace)),
    )


@pytest.mark.parametrize("length", ["short", "long"])
def test_ruff_has_nothing_to_say(workspace: Path, length: str, tmp_path: Path) -> None:
    paths = [str(one) for one in folders(workspace)]
    if length == "long":
        paths = [str(tmp_path / named(one)) for one in FAMILIES]
        for family in FAMILIES:
            entry = "a_" + "very_" * 7 + "xyz"
            assert len(entry) == LONGEST
            given = ("--entry-point", entry, "--class", "Very" * (LONGEST // 4))
            assert new(named(family), "--family", family, "--path", str(tmp_path), *given) == 0
    for action in (["check"], ["format", "--check"]):
        run(workspace, "-m", "ruff", *action, "--no-cache", *paths)


@pytest.mark.slow
def test_mypy_has_nothing_to_say(workspace: Path) -> None:
    checks = workspace / "checks"
    checks.mkdir()
    for folder in folders(workspace):
        for path in (folder / "tests").glob("*.py"):
            shutil.copy(path, checks / f"{folder.name.replace('-', '_')}_{path.name}")
    sources = [str(one / "src") for one in folders(workspace)]
    cache = ROOT / ".mypy_cache" / "generated"
    run(workspace, "-m", "mypy", "--strict", f"--cache-dir={cache}", *sources, str(checks))


def test_its_page_is_true_and_check_finds_nothing(workspace: Path, tmp_path: Path) -> None:
    pages = [str(one / "README.md") for one in folders(workspace)]
    with chdir(tmp_path):
        run(workspace, "-W", "ignore", "-c", READ, *pages)
    run(workspace, "-m", "leyden.cli", "plugins", "check", *(one.name for one in folders(workspace)))


def test_the_template_is_what_it_writes(tmp_path: Path) -> None:
    assert new(*template_arguments(tmp_path)) == 0
    ignored = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"}
    found, wanted = (
        {
            str(path.relative_to(folder)): path.read_text(encoding="utf-8")
            for path in folder.rglob("*")
            if path.is_file() and not ignored & set(path.parts)
        }
        for folder in (TEMPLATE, tmp_path / "leyden-plugin-template")
    )
    assert found == wanted, "run: python -m kernel.tests.cli.generated"


def test_what_is_given_stands_in_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--author", "Ada", "--description", "Says hello.", "--class", "Hello", "--entry-point", "hi")
    assert new("acme.says-hello", "--path", str(tmp_path), *given) == 0
    folder = tmp_path / "acme.says-hello"
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["authors"] == [{"name": "Ada"}] and project["description"] == "Says hello."
    assert project["entry-points"] == {"leyden.plugins": {"hi": "acme_says_hello:Hello"}}
    assert "Copyright Ada" in (folder / "LICENSE").read_text(encoding="utf-8")
    assert "* Says hello." in (folder / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"cd {folder}" in capsys.readouterr().out


def test_names_follow_from_the_distribution(tmp_path: Path) -> None:
    assert new("leyden-logger-json-lines", "--family", "loggers", "--path", str(tmp_path)) == 0
    text = (tmp_path / "leyden-logger-json-lines" / "pyproject.toml").read_text(encoding="utf-8")
    assert 'json_lines = "leyden_logger_json_lines:JsonLines"' in text


WRONG = {
    "no name": (["-x-"], "NAME='-x-'"),
    "a module of Python": (["json"], "NAME='json'"),
    "no module": (["1st"], "NAME='1st'"),
    "no family": (["acme", "--family", "calback"], "Did you mean 'callback'?"),
    "no family to write": (["acme", "--family", "name"], "written by hand"),
    "no class": (["acme", "--class", "1st"], "--class='1st'"),
    "a keyword of Python": (["acme", "--class", "class"], "--class='class'"),
    "a name of the module": (["acme", "--family", "logger", "--class", "Logger"], "Put a word before it"),
    "no entry point": (["acme", "--entry-point", "a b"], "--entry-point='a b'"),
    "no keyword": (["acme", "--family", "option", "--entry-point", "a-b"], "--entry-point='a-b'"),
    "too long": (["acme", "--entry-point", "a" * 41], "40 characters at most"),
    "quotation marks": (["acme", "--author", 'A "B" C'], "--author="),
    "two lines": (["acme", "--description", "a\nb"], "--description="),
    "taken": (["acme", "--family", "command", "--entry-point", "plugins"], "leyden-kernel"),
}


@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_said(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new(*arguments[1:], "--path", str(tmp_path), "--", arguments[0]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "thesis.tex").write_text("all of it")
    assert new("acme", "--path", str(tmp_path)) == 2
    assert "Remove it or name another" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "acme").iterdir()] == ["thesis.tex"]
    (tmp_path / "file").write_text("")
    assert new("acme", "--path", str(tmp_path / "file")) == 2
    assert "cannot be written" in capsys.readouterr().err
