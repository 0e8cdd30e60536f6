"""What packages read off a callback."""

from __future__ import annotations


class CallbackMembers:
    """Members for ``Callback``."""

    @property
    def _legacy_state_key(self) -> type:
        return type(self)
