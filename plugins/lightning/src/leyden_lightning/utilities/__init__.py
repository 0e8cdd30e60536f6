"""What Lightning's utility modules offer beside what the kernel and its plugins have."""

from __future__ import annotations
