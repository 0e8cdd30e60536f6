"""The microkernel: hooks, their table, the state of a run, and the loops that fire them. Imports no torch."""

from __future__ import annotations
