"""What is said when something did not get through."""

from __future__ import annotations

from leyden.errors import LeydenError


class DeliveryError(LeydenError, RuntimeError):
    """A backend did not take everything; what is left stands in the file that the message names."""
