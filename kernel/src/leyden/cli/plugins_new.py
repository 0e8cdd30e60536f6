"""``leyden plugins new``: a distribution of its own, complete and tested, to be changed into what it is meant to be."""

from __future__ import annotations

import ast
import keyword
import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from string import Template

from leyden._version import __version__
from leyden.cli.families import WORDS, family_of, named
from leyden.plugins.catalogue import DIALECTS, OPTIONS, PREFIX, catalogue
from leyden.plugins.errors import ConfigurationError, listed
from leyden.plugins.selection import canonical

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
ENTRY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
TEXT = re.compile(r'[^"\\\x00-\x1f\x7f]+')
LONGEST = 40
"""Characters of a class or entry point, so that no line of a template grows too long."""
OWN = "leyden-"
TEMPLATES = files("leyden.cli").joinpath("templates")
COMMON = {
    ".github/workflows/test.yml": "test.yml.in",
    ".gitignore": "gitignore.in",
    "CHANGELOG.md": "CHANGELOG.md.in",
    "LICENSE": "LICENSE.in",
    "README.md": "README.md.in",
    "pyproject.toml": "pyproject.toml.in",
}
"""Files by their templates."""


def run(arguments: Namespace) -> int:
    """Write a plugin and say how to go on.

    Raises:
        leyden.errors.ConfigurationError: a name cannot be, the folder is not empty, or cannot be written.
    """
    plan = Plan.of(arguments)
    found = plan.files()
    try:
        for name, text in found.items():
            path = plan.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{plan.folder} cannot be written: {error}.") from error
    print(f"{plan.folder}: {len(found)} files; {family_of(plan.group)} {plan.entry!r}. Now:")
    print(f"  cd {plan.folder}")
    print('  pip install -e ".[dev]"')
    print(f"  pytest && leyden plugins check {plan.name}")
    return 0


def families() -> list[str]:
    """The words for the families that there are templates for."""
    return [WORDS[group] for group in WORDS if TEMPLATES.joinpath(group.removeprefix(PREFIX)).is_dir()]


@dataclass(frozen=True)
class Plan:
    """What is to be written.

    Attributes:
        name: the distribution.
        group: its entry-point group.
        entry: the entry point's name.
        cls: the class that it names.
        folder: where the files go.
        author: who holds the copyright.
        summary: one line; that of the template when it is empty.
    """

    name: str
    group: str
    entry: str
    cls: str
    folder: Path
    author: str
    summary: str = ""

    @classmethod
    def of(cls, arguments: Namespace) -> Plan:
        """Read and check a command line.

        Raises:
            leyden.errors.ConfigurationError: as for :func:`run`.
        """
        name, group = arguments.name, _group(arguments.family)
        if not NAME.fullmatch(name):
            raise ConfigurationError.about("NAME", name, "letters, digits, '-', '_' and '.' between them")
        entry = arguments.entry_point or _short(name, group)
        made = cls(
            name,
            group,
            entry,
            arguments.class_name or "".join(one.capitalize() for one in re.split(r"[^A-Za-z0-9]+", entry)),
            Path(arguments.path) / name,
            arguments.author or f"The authors of {name}",
            arguments.description or "",
        )
        made.check()
        return made

    @property
    def package(self) -> str:
        """The module that is imported."""
        return re.sub(r"[-_.]+", "_", self.name).lower()

    @cached_property
    def words(self) -> dict[str, str]:
        """What stands in the templates' places."""
        about = self._family("about.md.in")
        first, _, rest = about.partition("\n")
        words = {
            "name": self.name,
            "package": self.package,
            "entry": self.entry,
            "cls": self.cls,
            "author": self.author,
            "kernel": __version__,
            "upper": re.sub(r"\W", "_", self.entry).upper(),
            "description": self.summary or first,
            "entry_points": "\n\n".join(self._entry_points()),
        }
        return {**words, "about": Template(rest.strip()).substitute(words)}

    def check(self) -> None:
        """Refuse names that cannot be.

        Raises:
            leyden.errors.ConfigurationError: names the argument, the value and what is allowed.
        """
        if not self.package.isidentifier() or self.package in {*sys.stdlib_module_names, "leyden", "torch"}:
            allowed = "a name whose module can be imported and is not one of Python's or Leyden's own"
            raise ConfigurationError.about("NAME", self.name, allowed, "Put a word before it.")
        usable = self.entry.isidentifier() and not keyword.iskeyword(self.entry)
        if not (usable if self.group == OPTIONS else ENTRY.fullmatch(self.entry)):
            raise ConfigurationError.about("--entry-point", self.entry, "letters, digits and '_'")
        for argument, name in (("--entry-point", self.entry), ("--class", self.cls)):
            if len(name) > LONGEST:
                raise ConfigurationError.about(argument, name, f"{LONGEST} characters at most")
        if not self.cls.isidentifier() or keyword.iskeyword(self.cls):
            raise ConfigurationError.about(
                "--class", self.cls, "the name of a class", "Give one with --class."
            )
        for argument, text in (("--author", self.author), ("--description", self.summary or "-")):
            if not TEXT.fullmatch(text):
                raise ConfigurationError.about(
                    argument, text, "a line without quotation marks and backslashes"
                )
        owners = {one.distribution for one in catalogue().named(self.group, self.entry)}
        others = {one for one in owners if canonical(one) != canonical(self.name)}
        if others:
            text = f"a name that no installed {family_of(self.group)} has; {listed(others)} has this one"
            raise ConfigurationError.about("--entry-point", self.entry, text)
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            allowed = "a folder in which NAME is new or empty"
            raise ConfigurationError.about("--path", str(self.folder), allowed, "Remove it or name another.")

    def files(self) -> dict[str, str]:
        """The files by name.

        Raises:
            leyden.errors.ConfigurationError: the class's name is one that its module uses for something else.
        """
        own = {
            f"src/{self.package}/__init__.py": "plugin.py.in",
            "tests/test_contract.py": "contract.py.in",
            "tests/test_behaviour.py": "behaviour.py.in",
        }
        code = {path: Template(self._family(name)).substitute(self.words) for path, name in own.items()}
        for text in code.values():
            if list(_bound(text)).count(self.cls) > 1:
                allowed = "a name that the module does not use for something else"
                raise ConfigurationError.about("--class", self.cls, allowed, "Put a word before it.")
        common = {
            path: Template(TEMPLATES.joinpath("common", name).read_text(encoding="utf-8")).substitute(
                self.words
            )
            for path, name in COMMON.items()
        }
        return {**common, **code, f"src/{self.package}/py.typed": ""}

    def _family(self, name: str) -> str:
        return TEMPLATES.joinpath(self.group.removeprefix(PREFIX), name).read_text(encoding="utf-8")

    def _entry_points(self) -> Iterator[str]:
        targets = {self.group: self.cls}
        if self.group == PREFIX + "steps":
            targets[DIALECTS] = f"{self.cls}Dialect"
        for group, target in targets.items():
            yield f'[project.entry-points."{group}"]\n{self.entry} = "{self.package}:{target}"'


def _group(family: str) -> str:
    group = named(family)
    if family_of(group) not in families():
        raise ConfigurationError.about(
            "--family", family, listed(families()), "The others are written by hand."
        )
    return group


def _short(name: str, group: str) -> str:
    """A plugin's name after that of its distribution: ``leyden-logger-jsonl`` offers ``jsonl``."""
    short = canonical(name).removeprefix(OWN)
    for word in (family_of(group), family_of(group).split()[-1]):
        short = short.removeprefix(f"{word.replace(' ', '-')}-")
    return short.replace("-", "_")


def _bound(source: str) -> Iterator[str]:
    """The names that a module binds, as often as it does so."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (one.asname or one.name for one in node.names)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
