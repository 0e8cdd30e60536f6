"""Puts the web site together: the pages of this folder, and a page for every plugin from its README.

``python docs/site.py`` builds ``site/``; ``python docs/site.py serve`` shows it at http://127.0.0.1:8000.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs"
SOURCE = ROOT / "build" / "docs"
SETTINGS = ROOT / "build" / "mkdocs.yml"
FAMILIES = {
    "callbacks": "Callbacks",
    "loggers": "Loggers",
    "strategies": "Strategies",
    "accelerators": "Accelerators",
    "precisions": "Precisions",
    "environments": "Cluster environments",
    "checkpoint_ios": "Checkpoint io",
    "profilers": "Profilers",
    "exporters": "Exporters",
    "tuners": "Tuners",
    "metrics": "Metrics",
    "commands": "Commands",
    "options": "Trainer keywords",
}
"""Entry-point groups (without ``leyden.``) in the order in which a plugin is asked for one."""
GUIDE = ("quickstart", "concepts", "checkpoints", "configuration", "plugins")
LAST = ("differences", "hooks", "benchmarks")
Nav = list[dict[str, "str | Nav"]]


def main(arguments: list[str]) -> int:
    """Build, or serve, and return mkdocs' status."""
    if SOURCE.exists():
        shutil.rmtree(SOURCE)
    shutil.copytree(PAGES, SOURCE, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for page in SOURCE.rglob("*.md"):
        page.write_text(to_plugins(page.read_text(encoding="utf-8"), page.parent), encoding="utf-8")
    SETTINGS.write_text(json.dumps(settings(plugin_pages())), encoding="utf-8")
    # The variable silences an advertisement of the theme.
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        *(arguments or ["build"]),
        "--strict",
        "--config-file",
        str(SETTINGS),
    ]
    return subprocess.run(command, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=False).returncode


def to_plugins(text: str, home: Path) -> str:
    """A page whose links to READMEs of plugins lead to the site's pages made from them."""
    here = os.path.relpath(SOURCE / "plugin", home)
    return re.sub(r"\((?:\.\./)+(?:plugins|contrib)/([^/)]+)/README\.md", rf"({here}/\1.md", text)


def settings(plugins: Nav) -> dict[str, object]:
    """What mkdocs reads (YAML, of which JSON is a part)."""
    first = [{title(SOURCE / f"{one}.md"): f"{one}.md"} for one in GUIDE]
    known = {*GUIDE, *LAST, "index"}
    more = sorted(path for path in SOURCE.glob("*.md") if path.stem not in known)
    nav: Nav = [
        {"Start": "index.md"},
        *first,
        *[{title(path): path.name} for path in more],
        *folder("tutorials", "Tutorials"),
        {"Plugins in this repository": plugins},
        *[{title(SOURCE / f"{one}.md"): f"{one}.md"} for one in LAST],
        *folder("decisions", "Decisions"),
    ]
    return {
        "site_name": "Leyden",
        "docs_dir": str(SOURCE),
        "site_dir": str(ROOT / "site"),
        "use_directory_urls": False,
        "theme": {
            "name": "material",
            "font": False,
            "features": ["navigation.sections", "content.code.copy"],
        },
        "markdown_extensions": ["tables", "toc", "pymdownx.highlight", "pymdownx.superfences"],
        "plugins": ["search"],
        "nav": nav,
    }


def folder(name: str, shown: str) -> Nav:
    """The pages of a sub-folder; nothing where there is none."""
    pages = sorted((SOURCE / name).glob("*.md"))
    return [{shown: [{title(path): f"{name}/{path.name}"} for path in pages]}] if pages else []


def plugin_pages() -> Nav:
    """Write a page for each plugin, and list them by family."""
    (SOURCE / "plugin").mkdir()
    found: dict[str, Nav] = {shown: [] for shown in FAMILIES.values()}
    found["Others"] = []
    for project in sorted([*ROOT.glob("plugins/*/pyproject.toml"), *ROOT.glob("contrib/*/pyproject.toml")]):
        table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        groups = {one.removeprefix("leyden.") for one in table.get("entry-points", {})}
        shown = next((FAMILIES[one] for one in FAMILIES if one in groups), "Others")
        page = f"plugin/{project.parent.name}.md"
        text = (project.parent / "README.md").read_text(encoding="utf-8")
        (SOURCE / page).write_text(relinked(text, project.parent), encoding="utf-8")
        found[shown].append({table["name"]: page})
    return [{shown: pages} for shown, pages in found.items() if pages]


def relinked(text: str, home: Path) -> str:
    """A README with relative links that hold in ``plugin/``; those that leave the site become plain text."""

    def moved(link: re.Match[str]) -> str:
        shown, target = link[1], link[2]
        if re.match(r"[a-z]+:|#", target):
            return link[0]
        path, _, anchor = target.partition("#")
        place = (home / path).resolve()
        if place.is_relative_to(PAGES):
            return f"{shown}({os.path.relpath(place, PAGES / 'plugin')}{'#' + anchor if anchor else ''})"
        if place.name in ("README.md", place.parent.name) and (place / "README.md").is_file():
            return f"{shown}({place.name}.md)"
        if place.name == "README.md" and place.parent.parent.name in ("plugins", "contrib"):
            return f"{shown}({place.parent.name}.md)"
        return shown.strip("![]")

    return re.sub(r"(!?\[[^\]]*\])\(([^)\s]+)\)", moved, text)


def title(path: Path) -> str:
    """The first heading of a page."""
    found = re.search(r"^# (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].strip() if found else path.stem


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
