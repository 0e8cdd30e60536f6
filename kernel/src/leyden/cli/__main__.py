"""``python -m leyden.cli``."""

from __future__ import annotations

import sys

from leyden.cli.app import main

sys.exit(main())
