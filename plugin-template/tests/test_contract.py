from leyden.testing import PluginContract


class TestContract(PluginContract):
    entry_point = "stopwatch"
