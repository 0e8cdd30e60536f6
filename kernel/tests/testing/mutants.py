"""Plugins that keep their contract, and ways to break them."""

from __future__ import annotations

from dataclasses import dataclass, field

CALLBACK = """
from pathlib import Path
from leyden.api.callback import Callback

class Counter(Callback):
    def __init__(self):
        self.seen = 0
        self.file = None
    def state_dict(self):
        return {"seen": self.seen}
    def load_state_dict(self, state_dict):
        self.seen = state_dict["seen"]
    def setup(self, trainer, pl_module, stage):
        if trainer.is_global_zero:
            self.file = open(Path(trainer.default_root_dir, "seen.txt"), "a")
    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.seen += 1
    def on_predict_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
        self.seen += len(outputs) > 100
    def on_train_end(self, trainer, pl_module):
        pass
    def teardown(self, trainer, pl_module, stage):
        if self.file is not None:
            self.file.write(str(self.seen))
            self.file.close()
            self.file = None
"""

HOOKS = """
from time import monotonic

class Clock:
    def __init__(self):
        self.start = 0.0
    def on_train_epoch_start(self):
        self.start = monotonic()
    def on_train_epoch_end(self, trainer, pl_module):
        pl_module.log("epoch_seconds", monotonic() - self.start)
"""

LOGGER = """
import json, os
from pathlib import Path
from leyden.api.logger import Logger, as_mapping

class Lines(Logger):
    def __init__(self, save_dir="."):
        self._root = os.path.abspath(save_dir)
        self._version = None
        self._file = None
    name = "lines"
    @property
    def version(self):
        if self._version is None:
            self._version = sum(1 for one in Path(self._root).glob("version_*"))
            Path(self.log_dir).mkdir(parents=True)
        return self._version
    @property
    def save_dir(self):
        return self._root
    @property
    def log_dir(self):
        return os.path.join(self._root, f"version_{self.version}")
    def _write(self, what):
        if self._file is None:
            self._file = open(os.path.join(self.log_dir, "log.txt"), "a")
        self._file.write(json.dumps(what, default=str) + "\\n")
    def log_metrics(self, metrics, step=None):
        self._write({"step": step, **metrics})
    def log_hyperparams(self, params, *args, **kwargs):
        self._write(as_mapping(params))
    def save(self):
        if self._file is not None:
            self._file.flush()
    def finalize(self, status):
        if self._file is not None:
            self._file.close()
            self._file = None
    def __getstate__(self):
        return {**self.__dict__, "_file": None}
"""

OPTION = """
from leyden.errors import ConfigurationError
from leyden.interfaces.option import Option

class Patience(Option):
    annotation = int | None
    doc = "how long to wait"
    def validate(self, value, given):
        if value is not None and value < 0:
            raise ConfigurationError.about("patience", value, "None or an int of at least 0", "Wait 0 epochs.")
        return value
    def apply(self, value, trainer):
        trainer.patience = value
"""

COMMAND = """
from leyden.interfaces.command import Command

class Echo(Command):
    help = "print a word"
    def configure(self, parser):
        parser.add_argument("word")
    def run(self, arguments):
        print(arguments.word)
        return 0
"""

PRECISION = """
import torch
from leyden.interfaces.precision import Precision

class Double(Precision):
    def __init__(self, precision="64-true"):
        super().__init__(precision)
    def convert_module(self, module):
        return module.double()
    def convert_input(self, data):
        if isinstance(data, torch.Tensor):
            return data.double() if data.is_floating_point() else data
        if isinstance(data, (list, tuple)):
            return type(data)(self.convert_input(one) for one in data)
        if isinstance(data, dict):
            return {key: self.convert_input(one) for key, one in data.items()}
        return data
"""

STRATEGY = """
import torch
from leyden.interfaces.strategy import Strategy

class Here(Strategy):
    @property
    def root_device(self):
        return torch.device("cpu")
    def module_state_dict(self):
        return self.module.state_dict()
"""

ACCELERATOR = """
import torch
from leyden.errors import ConfigurationError
from leyden.interfaces.accelerator import Accelerator

class One(Accelerator):
    name = "one"
    @staticmethod
    def is_available():
        return True
    @staticmethod
    def auto_device_count():
        return 1
    def parse_devices(self, devices):
        if isinstance(devices, bool) or devices not in ("auto", 1, "1", -1, "-1", [0], "0,"):
            raise ConfigurationError.about("devices", devices, "1, -1, 'auto' or [0]")
        return [0]
    def get_parallel_devices(self, indices):
        return [torch.device("cpu")] * len(indices)
"""

CHECKPOINT_IO = """
import os, pickle, tempfile, zipfile
import torch
from leyden.errors import CheckpointError
from leyden.interfaces.checkpoint_io import CheckpointIO

class Files(CheckpointIO):
    def save_checkpoint(self, checkpoint, path, storage_options=None):
        folder = os.path.dirname(os.path.abspath(path))
        os.makedirs(folder, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException as error:
            os.unlink(part)
            raise CheckpointError(f"{path} cannot be written: {error}") from error
    def load_checkpoint(self, path, map_location=None, weights_only=True):
        try:
            return torch.load(path, map_location=map_location, weights_only=weights_only)
        except FileNotFoundError:
            raise
        except Exception as error:
            raise CheckpointError(f"{path} cannot be read: {error}") from error
    def remove_checkpoint(self, path):
        if os.path.exists(path):
            os.unlink(path)
"""

ENVIRONMENT = """
import os
from leyden.interfaces.environment import ClusterEnvironment

def number(name, default):
    return int(os.environ.get(name, default))

class Acme(ClusterEnvironment):
    @staticmethod
    def detect():
        return "ACME_RANK" in os.environ
    creates_processes_externally = True
    main_address = "localhost"
    main_port = 29500
    def world_size(self):
        return number("ACME_SIZE", 1)
    def global_rank(self):
        return number("ACME_RANK", 0)
    def local_rank(self):
        return number("ACME_LOCAL", 0)
    def node_rank(self):
        return number("ACME_NODE", 0)
"""

EXPORTER = """
import json
import torch
from leyden.errors import ConfigurationError
from leyden.interfaces.exporter import Exporter

class Weights(Exporter):
    format = "weights"
    def export(self, model, path, sample=None, **options):
        for name in options:
            raise ConfigurationError.about(name, options[name], "nothing: there are no options")
        torch.save(model.state_dict(), path)
        with open(f"{path}.json", "w") as file:
            json.dump({"format": "weights", "max_error": 0.0}, file)
        return (str(path), f"{path}.json")
"""

PROFILER = """
from collections import Counter
from leyden.interfaces.profiler import Profiler

class Counts(Profiler):
    def __init__(self):
        self.counts = Counter()
        self.running = set()
    def start(self, action_name):
        if action_name in self.running:
            raise ValueError(action_name)
        self.running.add(action_name)
    def stop(self, action_name):
        self.running.remove(action_name)
        self.counts[action_name] += 1
    def summary(self):
        return str(dict(self.counts))
"""

TUNER = """
from leyden.interfaces.tuner import Tuner

class Grid(Tuner):
    name = "grid"
    def tune(self, objective, space, **options):
        low, high = space["x"]
        points = [{"x": low + (high - low) * i / 4} for i in range(5)]
        return min(points, key=objective)
"""

METRIC = """
class Mean:
    def __init__(self):
        self.reset()
    def reset(self):
        self.total, self.count = 0.0, 0
    def update(self, value):
        self.total += value
        self.count += 1
    def compute(self):
        return self.total / self.count
"""

MIGRATION = """
import sys
from contextlib import contextmanager
from leyden.interfaces import Migration

class Loop(Migration):
    @contextmanager
    def names(self):
        sys.modules["acme_old"] = sys
        yield
        del sys.modules["acme_old"]
    def migrate(self, content, path):
        if "weights" in content:
            content["state_dict"] = content.pop("weights")
        return content
"""


@dataclass(frozen=True)
class Family:
    """A plugin that keeps its contract.

    Attributes:
        group: its entry-point group.
        name: its name there.
        attribute: what the entry point names.
        source: its module.
        contract: the contract's class.
        body: the body of the test class.
    """

    group: str
    name: str
    attribute: str
    source: str
    contract: str
    body: str = ""


FAMILIES = {
    "callback": Family("leyden.callbacks", "counter", "Counter", CALLBACK, "CallbackContract"),
    "hooks": Family("leyden.plugins", "clock", "Clock", HOOKS, "PluginContract"),
    "logger": Family("leyden.loggers", "lines", "Lines", LOGGER, "LoggerContract"),
    "option": Family(
        "leyden.options", "patience", "Patience", OPTION, "OptionContract", "good, bad = (1, 5), (-1, 'x')"
    ),
    "command": Family("leyden.commands", "echo", "Echo", COMMAND, "CommandContract", "arguments = ['word']"),
    "precision": Family(
        "leyden.precisions",
        "64-acme",
        "Double",
        PRECISION,
        "PrecisionContract",
        "make = lambda self: self.entry().load()()",
    ),
    "strategy": Family("leyden.strategies", "here", "Here", STRATEGY, "StrategyContract"),
    "accelerator": Family("leyden.accelerators", "one", "One", ACCELERATOR, "AcceleratorContract"),
    "environment": Family(
        "leyden.environments",
        "acme",
        "Acme",
        ENVIRONMENT,
        "EnvironmentContract",
        "variables = {'ACME_SIZE': '8', 'ACME_RANK': '5', 'ACME_LOCAL': '1', 'ACME_NODE': '2'}",
    ),
    "exporter": Family("leyden.exporters", "weights", "Weights", EXPORTER, "ExporterContract"),
    "profiler": Family("leyden.profilers", "counts", "Counts", PROFILER, "ProfilerContract"),
    "tuner": Family(
        "leyden.tuners", "grid", "Grid", TUNER, "TunerContract", "space = lambda self: {'x': (0.0, 10.0)}"
    ),
    "migration": Family(
        "leyden.migrations",
        "loop",
        "Loop",
        MIGRATION,
        "MigrationContract",
        body="""
    def older(self):
        return [{"weights": {}}]
""",
    ),
    "metric": Family(
        "leyden.metrics",
        "mean",
        "Mean",
        METRIC,
        "MetricContract",
        "updates = lambda self: [(1.0,), (2.0,), (6.0,)]",
    ),
    "checkpoint_io": Family("leyden.checkpoint_ios", "files", "Files", CHECKPOINT_IO, "CheckpointIOContract"),
}


@dataclass(frozen=True)
class Mutant:
    """A way to break a plugin.

    Attributes:
        family: which plugin.
        caught_by: a test that must fail.
        changes: pieces of the source and what stands there instead.
        before: what stands before the source.
        entry: another entry point value.
        requires: other requirements of the distribution.
    """

    family: str
    caught_by: str
    changes: dict[str, str] = field(default_factory=dict)
    before: str = ""
    entry: str = ""
    requires: tuple[str, ...] = ("leyden-kernel~=0.1.0",)

    def source(self) -> str:
        """The broken module."""
        text = FAMILIES[self.family].source
        for old, new in self.changes.items():
            assert old in text, f"{old!r} is not in the source"
            text = text.replace(old, new)
        return self.before + text


_SETUP = "def setup(self, trainer, pl_module, stage):\n"
_TRAIN_END = "def on_train_end(self, trainer, pl_module):\n        pass"
_BATCH_END = "outputs, batch, batch_idx):\n        self.seen += 1"

MUTANTS = {
    "drops a hook argument": Mutant(
        "callback", "test_is_what_its_family_asks_for", {"outputs, batch, batch_idx):": "outputs, batch):"}
    ),
    "misspells a hook": Mutant(
        "callback", "test_is_what_its_family_asks_for", {"on_train_end": "on_train_ende"}
    ),
    "writes on all ranks": Mutant(
        "callback", "test_writes_on_rank_zero_alone", {"trainer.is_global_zero": "True"}
    ),
    "prints on all ranks": Mutant(
        "callback", "test_writes_on_rank_zero_alone", {_BATCH_END: _BATCH_END + "\n        print(self.seen)"}
    ),
    "keeps global state": Mutant(
        "callback",
        "test_two_runs_share_nothing",
        {_BATCH_END: _BATCH_END + "\n        HISTORY.append(batch_idx)"},
        "HISTORY = []\n",
    ),
    "counts in the class": Mutant(
        "callback",
        "test_two_runs_share_nothing",
        {
            _BATCH_END: _BATCH_END + "\n        Counter.total += 1",
            "class Counter(Callback):": "class Counter(Callback):\n    total = 0",
        },
    ),
    "depends on earlier instances": Mutant(
        "callback",
        "test_two_runs_share_nothing",
        {"self.seen = 0": "self.seen = next(NUMBERS)"},
        "import itertools\nNUMBERS = itertools.count()\n",
    ),
    "prints when imported": Mutant("callback", "test_importing_it_is_silent", before="print('hello')\n"),
    "writes a file when imported": Mutant(
        "callback", "test_importing_it_is_silent", before="open('seen', 'w').close()\n"
    ),
    "starts a thread when imported": Mutant(
        "callback",
        "test_importing_it_is_silent",
        before="import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n",
    ),
    "sets an environment variable when imported": Mutant(
        "hooks", "test_importing_it_is_silent", before="import os\nos.environ['ACME'] = '1'\n"
    ),
    "imports torch when imported": Mutant("hooks", "test_importing_it_is_light", before="import torch\n"),
    "imports another plugin": Mutant(
        "callback", "test_importing_it_is_light", before="import acme_neighbour\n"
    ),
    "leaks a thread": Mutant(
        "callback",
        "test_runs_and_leaves_nothing",
        {_SETUP: _SETUP + "        threading.Thread(target=lambda: time.sleep(9), daemon=True).start()\n"},
        "import threading, time\n",
    ),
    "leaks a process": Mutant(
        "callback",
        "test_runs_and_leaves_nothing",
        {
            _SETUP: _SETUP
            + "        CHILDREN(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(9)']))\n"
        },
        "import subprocess, sys, pytest\nCHILDREN = lambda one: pytest.acme_children.append(one)\n",
    ),
    "leaves a file open": Mutant(
        "callback",
        "test_runs_and_leaves_nothing",
        {"self.file.close()\n            self.file = None": "self.old, self.file = self.file, None"},
    ),
    "leaves a file open after an exception": Mutant(
        "callback",
        "test_closes_after_an_exception",
        {"def teardown(self, trainer, pl_module, stage)": "def on_fit_end(self, trainer, pl_module)"},
    ),
    "leaves a signal handler": Mutant(
        "callback",
        "test_runs_and_leaves_nothing",
        {_SETUP: _SETUP + "        signal.signal(signal.SIGUSR2, signal.SIG_IGN)\n"},
        "import signal\n",
    ),
    "leaves torch in another mode": Mutant(
        "callback",
        "test_runs_and_leaves_nothing",
        {_SETUP: _SETUP + "        import torch; torch.set_default_dtype(torch.float64)\n"},
    ),
    "loses state": Mutant("callback", "test_state_round_trips", {'self.seen = state_dict["seen"]': "pass"}),
    "keeps state that only code can load": Mutant(
        "callback",
        "test_state_round_trips",
        {'return {"seen": self.seen}': 'return {"seen": self.seen, "at": Path("x")}'},
    ),
    "cannot be pickled": Mutant(
        "callback",
        "test_survives_spawn",
        {"self.file = None\n    def state": "self.file = lambda: 0\n    def state"},
    ),
    "breaks in one stage": Mutant(
        "callback", "test_runs_and_leaves_nothing", {"len(outputs) > 100": "outputs['y']"}
    ),
    "works once": Mutant(
        "callback",
        "test_two_runs_with_one_instance",
        {_SETUP: _SETUP + "        assert self.seen == 0, 'was used before'\n"},
    ),
    "changes its state key": Mutant(
        "callback",
        "test_has_a_state_key",
        {_TRAIN_END: "state_key = property(lambda _: str(next(KEYS)))"},
        "import itertools\nKEYS = itertools.count()\n",
    ),
    "takes *args": Mutant(
        "hooks",
        "test_is_what_its_family_asks_for",
        {"on_train_epoch_start(self)": "on_train_epoch_start(self, *args)"},
    ),
    "asks for what the hook does not have": Mutant(
        "hooks",
        "test_takes_part",
        {"on_train_epoch_end(self, trainer, pl_module)": "on_train_epoch_end(self, trainer, module)"},
    ),
    "names what is not there": Mutant("callback", "test_resolves", entry="acme_plugin:Missing"),
    "breaks when imported": Mutant("callback", "test_resolves", before="raise SystemExit(3)\n"),
    "requires no kernel": Mutant("callback", "test_requires_the_kernel_in_a_range", requires=()),
    "requires another kernel": Mutant("callback", "test_resolves", requires=("leyden-kernel>=99",)),
    "logger forgets new metrics": Mutant(
        "logger",
        "test_metrics_that_come_later_are_kept",
        {
            'self._write({"step": step, **metrics})': """
        self._names = getattr(self, "_names", set(metrics))
        self._write({name: one for name, one in metrics.items() if name in self._names})
"""
        },
    ),
    "logger does not close": Mutant(
        "logger",
        "test_finalizing_closes",
        {"            self._file.close()\n            self._file = None": "            self._file.flush()"},
    ),
    "loggers share a version": Mutant(
        "logger",
        "test_two_versions_at_once",
        {
            'sum(1 for one in Path(self._root).glob("version_*"))': "0",
            "mkdir(parents=True)": "mkdir(parents=True, exist_ok=True)",
        },
    ),
    "logger writes all anew": Mutant(
        "logger",
        "test_a_record_costs_the_same_all_along",
        {"self._file.flush()": "self._file.flush(); [json.dumps(one) for one in open(self._file.name)]"},
    ),
    "logger drops the hyper-parameters": Mutant(
        "logger", "test_a_run_is_written", {"self._write(as_mapping(params))": "pass"}
    ),
    "option takes anything": Mutant(
        "option",
        "test_refuses_what_is_bad",
        {"annotation = int | None": "annotation = object", "value is not None and value < 0": "False"},
    ),
    "option's error does not name it": Mutant(
        "option", "test_refuses_what_is_bad", {'"patience", value': '"it", value'}
    ),
    "option is not documented": Mutant("option", "test_is_documented", {'"how long to wait"': '""'}),
    "option leaks into other trainers": Mutant(
        "option",
        "test_two_runs_share_nothing",
        {
            "trainer.patience = value": "Option.default = Patience.values.append(value)",
            "class Patience(Option):": "class Patience(Option):\n    values = []",
        },
    ),
    "command imports torch": Mutant("command", "test_importing_it_is_light", before="import torch\n"),
    "command has no status": Mutant("command", "test_ends_with_a_status", {"return 0": "return 1"}),
    "command has no help": Mutant("command", "test_has_one_line_of_help", {'"print a word"': '""'}),
    "precision converts indices": Mutant(
        "precision", "test_converts_parameters_and_inputs", {" if data.is_floating_point() else data": ""}
    ),
    "precision computes in another type": Mutant(
        "precision",
        "test_computes_in_its_dtype",
        {"module.double()": "module", "data.double()": "data.float()"},
    ),
    "precision leaves the default dtype": Mutant(
        "precision",
        "test_contexts_are_left",
        {
            "    def convert_module": """
    def init_context(self):
        torch.set_default_dtype(torch.float64)
        return super().init_context()
    def convert_module"""
        },
    ),
    "precision scales and does not unscale": Mutant(
        "precision",
        "test_gradients_are_the_hand_written_ones",
        {
            "    def convert_module": "    def scale(self, loss):\n        return loss * 2\n    def convert_module"
        },
    ),
    "strategy prefixes the state": Mutant(
        "strategy",
        "test_state_is_that_of_the_plain_module",
        {"self.module.state_dict()": "{f'module.{k}': v for k, v in self.module.state_dict().items()}"},
    ),
    "strategy reduces wrongly": Mutant(
        "strategy",
        "test_collectives",
        {
            "    def module_state_dict": """
    def reduce(self, tensor, group=None, reduce_op="mean"):
        return tensor + 1
    def module_state_dict"""
        },
    ),
    "strategy steps twice": Mutant(
        "strategy",
        "test_trains_as_by_hand",
        {
            "    def module_state_dict": """
    def backward(self, loss, *args, **kwargs):
        (2 * loss).backward()
    def module_state_dict"""
        },
    ),
    "accelerator takes a bool": Mutant(
        "accelerator", "test_refuses_devices_that_mean_nothing", {"isinstance(devices, bool) or ": ""}
    ),
    "accelerator raises its own error": Mutant(
        "accelerator",
        "test_refuses_devices_that_mean_nothing",
        {
            'raise ConfigurationError.about("devices", devices, "1, -1, \'auto\' or [0]")': "raise KeyError(devices)"
        },
    ),
    "checkpoint io writes in place": Mutant(
        "checkpoint_io",
        "test_a_failing_save_keeps_the_previous_one",
        {
            "handle, part = tempfile.mkstemp(dir=folder)": """
        part = path
        handle = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)""",
            "            os.replace(part, path)\n": "",
        },
    ),
    "checkpoint io leaves a file behind": Mutant(
        "checkpoint_io",
        "test_a_failing_save_keeps_the_previous_one",
        {"            os.unlink(part)\n            raise": "            raise"},
    ),
    "checkpoint io runs code": Mutant(
        "checkpoint_io",
        "test_code_is_loaded_only_when_asked_for",
        {"weights_only=weights_only": "weights_only=False"},
    ),
    "checkpoint io hides what is damaged": Mutant(
        "checkpoint_io",
        "test_a_damaged_one_is_said_to_be_damaged",
        {'raise CheckpointError(f"{path} cannot be read: {error}") from error': "return {}"},
    ),
    "environment mixes up its ranks": Mutant(
        "environment", "test_knows_its_place", {'number("ACME_LOCAL", 0)': 'number("ACME_NODE", 0)'}
    ),
    "environment always detects itself": Mutant(
        "environment", "test_detects_itself", {'"ACME_RANK" in os.environ': "True"}
    ),
    "environment leaves a variable": Mutant(
        "environment",
        "test_teardown_undoes",
        {
            "main_port = 29500": "main_port = property(lambda self: int(os.environ.setdefault('ACME_PORT', '29500')))"
        },
    ),
    "exporter takes any option": Mutant(
        "exporter", "test_unknown_options_are_refused", {"for name in options:": "for name in ():"}
    ),
    "exporter leaves the module in another mode": Mutant(
        "exporter", "test_the_module_is_left_alone", {"torch.save(model": "torch.save(model.eval()"}
    ),
    "exporter names what it did not write": Mutant(
        "exporter", "test_writes_what_it_says", {"(str(path), f": "(str(path), 'other', f"}
    ),
    "exporter leaves no report": Mutant(
        "exporter", "test_a_report_stands_beside_it", {', f"{path}.json")': ",)"}
    ),
    "exporter lets a difference pass": Mutant(
        "exporter", "test_a_report_stands_beside_it", {'"max_error": 0.0': '"max_error": 0.5'}
    ),
    "profiler forgets to stop": Mutant(
        "profiler", "test_an_exception_ends_the_action", {"self.running.remove(action_name)": "pass"}
    ),
    "profiler counts in the class": Mutant(
        "profiler",
        "test_two_runs_share_nothing",
        {
            "class Counts(Profiler):": "KEPT = []\nclass Counts(Profiler):",
            "self.counts = Counter()": "KEPT.append(1); self.counts = Counter()",
        },
    ),
    "tuner leaves the space": Mutant("tuner", "test_searches_inside_the_space", {"i / 4}": "i / 3}"}),
    "tuner swallows exceptions": Mutant(
        "tuner",
        "test_an_exception_comes_out",
        {
            "return min(points, key=objective)": """
        try:
            return min(points, key=objective)
        except Exception:
            return points[0]
"""
        },
    ),
    "migration changes present files": Mutant(
        "migration",
        "test_leaves_the_present_format_alone",
        {"return content": "content['epoch'] = 0; return content"},
    ),
    "migration leaves names behind": Mutant(
        "migration", "test_names_are_known_only_while_a_file_is_read", {'del sys.modules["acme_old"]': "pass"}
    ),
    "metric keeps what it should forget": Mutant(
        "metric",
        "test_reset_forgets",
        {"self.total, self.count = 0.0, 0": "self.total, self.count = getattr(self, 'total', 0.0), 0"},
    ),
    "metric forgets when it is read": Mutant(
        "metric",
        "test_computing_twice_changes_nothing",
        {"return self.total / self.count": "self.count += 1; return self.total / (self.count - 1)"},
    ),
}

TYPICAL = (
    "drops a hook argument",
    "misspells a hook",
    "takes *args",
    "writes on all ranks",
    "prints on all ranks",
    "keeps global state",
    "counts in the class",
    "depends on earlier instances",
    "prints when imported",
    "writes a file when imported",
    "starts a thread when imported",
    "imports torch when imported",
    "imports another plugin",
    "leaks a thread",
    "leaks a process",
    "leaves a file open after an exception",
    "loses state",
    "keeps state that only code can load",
    "cannot be pickled",
    "requires no kernel",
)
"""Twenty mistakes that authors of plugins make; the rest of :data:`MUTANTS` is what single families get wrong."""
