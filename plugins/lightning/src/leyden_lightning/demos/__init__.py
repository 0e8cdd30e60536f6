"""Small modules and data for tests, with the names, shapes and sizes of Lightning's."""

from __future__ import annotations
