"""Every distribution alone: from its wheel, in an environment with nothing that it does not declare."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.architecture.repository import (
    ADD_ONS,
    ALL,
    CONTRIB,
    KERNEL,
    TEMPLATE,
    Distribution,
    contracts,
    label,
)
from tests.isolation.environments import OURS, Environment, Forks, build_wheels, environment_for

pytestmark = pytest.mark.isolation

PROBE = str(Path(__file__).with_name("probe.py"))
CPU = {"accelerator": "cpu"}
# Without these no run can be built; the error says what to install.
NEEDED_FOR_A_RUN = {"leyden-accelerator-cpu", "leyden-precision-full", "leyden-strategy-single-device"}
# What a run must not ask for when the distribution is gone.
UNASKED = {"leyden-checkpoint-io-torch": {"enable_checkpointing": False}}
KEYWORDS = {
    "leyden.accelerators": "accelerator",
    "leyden.precisions": "precision",
    "leyden.strategies": "strategy",
}
CATCH = "try:\n    {}\nexcept ImportError as error:\n    print(error)"
NAMES = sorted(one.name for one in ADD_ONS)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One wheel of every distribution."""
    return build_wheels(ALL, tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="module")
def store(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """All wheels installed by pip, and nothing else."""
    environment = Environment(tmp_path_factory.mktemp("store"), ())
    environment.install(*wheels.values())
    return environment


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Where programs run that need torch."""
    made = Forks(tmp_path_factory.mktemp("forks"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def bare(store: Environment, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The kernel without a plugin."""
    return environment_for(tmp_path_factory.mktemp("bare"), store, "leyden-kernel")


@pytest.fixture(scope="module")
def complete(store: Environment, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Everything in one environment."""
    return environment_for(tmp_path_factory.mktemp("complete"), store, "leyden", *NAMES)


@pytest.fixture(scope="module", params=NAMES)
def without(
    request: pytest.FixtureRequest, complete: Environment, store: Environment
) -> Iterator[tuple[str, Environment]]:
    """The complete environment less one plugin, and the plugin's name."""
    name = request.param
    complete.drop(name)
    try:
        yield name, complete
    finally:
        complete.take(store, name)


@pytest.fixture(scope="module")
def answers(
    without: tuple[str, Environment], forks: Forks, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """What became of a run without the plugin, and of one for each keyword that asks for it."""
    name, environment = without
    plain = {**CPU, **UNASKED.get(name, {})}
    arguments = PROBE, str(tmp_path_factory.mktemp("runs")), *map(repr, (plain, *_asking(name)))
    return _answers(forks.run(environment, *arguments))


def _fits(environment: Environment, folder: Path, *keywords: dict[str, Any]) -> list[dict[str, Any]]:
    """What became of a run for each set of Trainer keywords."""
    return _answers(environment.run(PROBE, str(folder), *map(repr, keywords)))


def _answers(done: CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stdout + done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return answers


def _leyden(environment: Environment, *arguments: str) -> CompletedProcess[str]:
    program = "import sys; from leyden.cli import main; sys.exit(main())"
    return environment.run("-c", program, *arguments)


def test_there_is_one_wheel_for_each_distribution(wheels: dict[str, Path]) -> None:
    assert wheels.keys() == OURS.keys()


@pytest.mark.parametrize("distribution", [*ADD_ONS, *TEMPLATE], ids=label)
def test_a_plugin_keeps_its_contract_beside_the_kernel_alone(
    distribution: Distribution, store: Environment, forks: Forks, tmp_path: Path
) -> None:
    classes = contracts(distribution)
    assert classes, "there is no contract to run"
    environment = environment_for(tmp_path / "env", store, distribution.name)
    done = forks.pytest(environment, *classes, "--basetemp", str(tmp_path / "tests"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_bare_kernel_lists_no_plugin(bare: Environment) -> None:
    done = _leyden(bare, "plugins", "list")
    assert done.returncode == 0, done.stderr
    assert not [name for name in NAMES if name in done.stdout]


def test_the_bare_kernel_says_in_one_sentence_what_to_install(bare: Environment, tmp_path: Path) -> None:
    (answer,) = _fits(bare, tmp_path, {})
    message = answer["message"]
    assert "pip install leyden" in message
    assert "\n" not in message
    assert message.rstrip(".").count(". ") == 0


def test_a_run_does_not_need_numpy(store: Environment, tmp_path: Path) -> None:
    environment = environment_for(tmp_path / "env", store, *NEEDED_FOR_A_RUN, besides=())
    assert "No module named 'numpy'" in environment.run("-c", "import numpy").stderr
    assert _fits(environment, tmp_path, CPU) == [{"steps": 2}]


def test_the_complete_environment_trains(complete: Environment, tmp_path: Path) -> None:
    assert _fits(complete, tmp_path, CPU) == [{"steps": 2}]


def test_pip_brings_and_removes_a_plugin(store: Environment, wheels: dict[str, Path], tmp_path: Path) -> None:
    environment = environment_for(tmp_path / "env", store, "leyden-kernel")
    environment.install(wheels["leyden-logger-csv"])
    assert "leyden-logger-csv" in _leyden(environment, "plugins", "list").stdout.split()
    environment.pip("uninstall", "--yes", "leyden-logger-csv")
    assert "leyden-logger-csv" not in _leyden(environment, "plugins", "list").stdout.split()
    assert not list(environment.site.glob("leyden_logger_csv*"))


def test_removing_a_plugin_leaves_the_rest_working(
    without: tuple[str, Environment], answers: list[dict[str, Any]]
) -> None:
    name, environment = without
    listing = _leyden(environment, "plugins", "list")
    assert listing.returncode == 0, listing.stderr
    assert name not in listing.stdout.split()
    if name in NEEDED_FOR_A_RUN:
        assert f"pip install {name}" in answers[0]["message"]
    else:
        assert answers[0] == {"steps": 2}


def _offers(name: str, *groups: str) -> list[tuple[str, str, str]]:
    """Group, name and attribute of a distribution's entry points."""
    tables = OURS[name].entry_points
    return [
        (group, entry, target.partition(":")[2])
        for group in groups or tables
        for entry, target in tables.get(group, {}).items()
    ]


def _asking(name: str) -> list[dict[str, Any]]:
    """Keywords, each of which asks for a distribution."""
    asked: list[dict[str, Any]] = [{KEYWORDS[group]: entry} for group, entry, _ in _offers(name, *KEYWORDS)]
    return asked + [{entry: 1} for _, entry, _ in _offers(name, "leyden.options")]


def test_a_keyword_that_asks_for_a_removed_plugin_names_it(
    without: tuple[str, Environment], answers: list[dict[str, Any]]
) -> None:
    name, _ = without
    for keywords, answer in zip(_asking(name), answers[1:], strict=True):
        assert f"pip install {name}" in answer.get("message", ""), f"{keywords}: {answer}"


def test_a_view_that_lacks_a_removed_plugin_names_it(without: tuple[str, Environment]) -> None:
    name, environment = without
    if name in {one.name for one in CONTRIB}:
        pytest.skip("the catalogue of official plugins leaves contrib out")
    views = [
        offer
        for offer in _offers(name)
        if (KERNEL.source / f"{offer[0].removeprefix('leyden.')}.py").exists()
    ]
    imports = dict.fromkeys(f"from {view} import {attribute}" for view, _, attribute in views)
    done = environment.run("-c", "\n".join(map(CATCH.format, imports)))
    for statement, message in zip(imports, done.stdout.splitlines(), strict=True):
        assert f"pip install {name}" in message, f"{statement}: {message}"


def test_a_command_of_a_removed_plugin_names_it(without: tuple[str, Environment]) -> None:
    name, environment = without
    for _, command, _ in _offers(name, "leyden.commands"):
        done = _leyden(environment, command)
        assert done.returncode != 0
        assert f"pip install {name}" in done.stderr
