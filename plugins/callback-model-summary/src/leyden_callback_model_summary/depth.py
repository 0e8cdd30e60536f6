"""How deep a summary looks."""

from __future__ import annotations

from leyden.errors import ConfigurationError


def checked_depth(max_depth: object) -> int:
    """Return the depth.

    Raises:
        leyden.errors.ConfigurationError: it is no int of at least -1.
    """
    if not isinstance(max_depth, int) or isinstance(max_depth, bool) or max_depth < -1:
        allowed = "an int: -1 (everything), 0 (nothing), or the depth of submodules"
        raise ConfigurationError.about("max_depth", max_depth, allowed)
    return max_depth
