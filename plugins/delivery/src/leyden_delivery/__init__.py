"""A bounded queue between a logger and a backend that may be slow, hang, or be gone."""

from __future__ import annotations

from leyden_delivery.command import resend
from leyden_delivery.delivery import Delivery
from leyden_delivery.errors import DeliveryError
from leyden_delivery.kept import Kept, read

__all__ = ["Delivery", "DeliveryError", "Kept", "read", "resend"]
