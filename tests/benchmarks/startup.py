"""Import, first fit and memory of fresh processes: ``python -m tests.benchmarks.startup`` prints a table.

Processes take turns in every round; the table shows the medians of the rounds' ratios.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

from tests.benchmarks import subjects

BY_HAND = "by hand"
IMPORTS = {
    BY_HAND: "import torch",
    "leyden": "from leyden import LightningModule, Trainer\nfrom leyden.callbacks import ModelCheckpoint",
    "lightning": "from pytorch_lightning import LightningModule, Trainer\n"
    "from pytorch_lightning.callbacks import ModelCheckpoint",
}
DATA = """
import torch, warnings
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
warnings.simplefilter("ignore")
torch.manual_seed(0)
loader = DataLoader(TensorDataset(torch.randn(4, 32), torch.randint(2, (4,))), batch_size=4)
"""
HAND = """
network = nn.Linear(32, 2)
optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
for x, y in loader:
    optimizer.zero_grad()
    nn.functional.cross_entropy(network(x), y).backward()
    optimizer.step()
"""
FIT = """
class Net(LightningModule):
    def __init__(self):
        super().__init__()
        self.network = nn.Linear(32, 2)

    def training_step(self, batch, batch_idx):
        return nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

import logging
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
Trainer(accelerator="cpu", devices=1, max_epochs=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False).fit(Net(), loader)
"""
MEASURE = (
    "\nimport resource as r\nu = r.getrusage(r.RUSAGE_SELF)\nprint(u.ru_utime + u.ru_stime, u.ru_maxrss)"
)


def programs() -> dict[str, dict[str, str]]:
    """By what is measured, then by framework: the program of a process."""
    names = [BY_HAND, *subjects.available()]
    fits = {name: IMPORTS[name] + DATA + (HAND if name == BY_HAND else FIT) for name in names}
    return {"import": {name: IMPORTS[name] for name in names}, "first fit": fits}


def cost(program: str) -> tuple[float, float]:
    """Seconds of processor time of a fresh process, and its largest memory in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", program + MEASURE], capture_output=True, text=True, check=True
    )
    seconds, kibibytes = done.stdout.split()[-2:]
    return float(seconds), float(kibibytes) / 1024


def main(rounds: int = 5) -> dict[str, dict[str, float]]:
    """Print and return the ratios."""
    found: dict[str, dict[str, float]] = {}
    frameworks = subjects.available()
    print(f"| processor time of a process | {BY_HAND} | " + " | ".join(frameworks) + " |")
    print("|---" * (2 + len(frameworks)) + "|")
    memory: dict[str, float] = {}
    for title, ones in programs().items():
        table = [{name: cost(program) for name, program in ones.items()} for _ in range(rounds)]
        found[title] = {
            name: statistics.median(row[name][0] / row[BY_HAND][0] for row in table) for name in frameworks
        }
        memory = {
            name: statistics.median(row[name][1] - row[BY_HAND][1] for row in table) for name in frameworks
        }
        base = statistics.median(row[BY_HAND][0] for row in table)
        cells = " | ".join(f"{one:.2f}" for one in found[title].values())
        print(f"| {title} | {base:.2f} s | {cells} |", flush=True)
    print("| memory after it | | " + " | ".join(f"+{one:.0f} MiB" for one in memory.values()) + " |")
    return {**found, "memory": memory}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
