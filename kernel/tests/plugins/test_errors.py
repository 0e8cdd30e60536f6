"""What errors are made of."""

from __future__ import annotations

import pytest

from leyden import errors
from leyden.plugins.errors import did_you_mean, listed, nearest, shown


def test_every_error_is_leydens_and_a_built_in_one() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(kind, errors.LeydenError) for kind in kinds)
    concrete = [kind for kind in kinds if kind not in (errors.LeydenError, errors.PluginError)]
    assert all(issubclass(kind, ValueError | TypeError | RuntimeError) for kind in concrete)


def test_about_names_argument_value_what_is_allowed_and_the_remedy() -> None:
    error = errors.ArgumentTypeError.about("devices", 0, "an int of at least 1", "Leave it out.")
    assert str(error) == "devices=0 is not possible: allowed is an int of at least 1. Leave it out."
    assert type(error) is errors.ArgumentTypeError
    assert isinstance(error, TypeError)
    assert isinstance(error, ValueError)


def test_a_long_value_is_shortened() -> None:
    assert shown("a" * 500) == "'" + "a" * 118 + "…"
    assert len(shown(list(range(1000)), limit=20)) == 20


def test_a_value_without_a_readable_repr_can_be_shown_all_the_same() -> None:
    class Shy:
        def __repr__(self) -> str:
            return "<shy>"

    assert shown(Shy()) == "<shy>"


def test_names_are_listed_in_order() -> None:
    assert listed({"b", "a"}) == "'a', 'b'"
    assert listed([]) == "none"


@pytest.mark.parametrize(
    ("name", "found"),
    [("cpuu", "cpu"), ("CPU", "cpu"), ("32true", "32-true"), ("tpu", "cpu"), ("nothing", None)],
)
def test_the_nearest_name(name: str, found: str | None) -> None:
    assert nearest(name, ["cpu", "cuda", "32-true"]) == found
    assert did_you_mean(name, ["cpu", "cuda", "32-true"]) == (f"Did you mean {found!r}?" if found else "")
