from __future__ import annotations

from leyden.testing import OptionContract


class TestExport(OptionContract):
    entry_point = "export"
    # Good values name exporters, which are other distributions; test_export.py runs them.
    bad = ("", [], {}, {"onnx": 3}, [1])
