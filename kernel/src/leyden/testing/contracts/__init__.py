"""One contract a family: base classes whose tests a plugin's own test class inherits."""

from __future__ import annotations
