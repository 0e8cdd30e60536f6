"""Damaged checkpoints: cut off, flipped bits, zeroed blocks, other pickles, nothing at all.

``python -m tests.safety.damage NAMESPACE COUNT`` (``leyden`` or ``pytorch_lightning``) prints how many were loaded
with other weights than were saved, and how many errors did not name the file.
"""

from __future__ import annotations

import io
import os
import pickle
import random
import sys
import tempfile
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from tests.safety.payloads import scene

BLOCK = 512


def damaged(whole: bytes, kind: str, chance: random.Random) -> bytes:
    """A file's bytes, damaged."""
    place = chance.randrange(len(whole))
    match kind:
        case "cut off":
            return whole[:place]
        case "flipped bit":
            return whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :]
        case "zeroed block":
            return whole[:place] + bytes(min(BLOCK, len(whole) - place)) + whole[place + BLOCK :]
        case "repeated block":
            return whole[:place] + whole[place : place + BLOCK] + whole[place:]
        case "other bytes":
            return whole[:place] + chance.randbytes(BLOCK) + whole[place + BLOCK :]
    return OTHERS[kind]


def _torch(value: Any) -> bytes:
    held = io.BytesIO()
    torch.save(value, held)
    return held.getvalue()


OTHERS = {
    "empty": b"",
    "text": b"not a checkpoint\n" * 20,
    "a pickle": pickle.dumps({"state_dict": {}}),
    "another object": _torch([1, 2]),
    "no checkpoint": _torch({"weights": torch.zeros(2)}),
}
MUTATIONS = ("cut off", "flipped bit", "zeroed block", "repeated block", "other bytes")


def survey(name: str, count: int, folder: Path) -> dict[str, Any]:
    """Load so many damaged files, each in two ways."""
    namespace, chance = import_module(name), random.Random(0)
    trainer, module, data = scene(namespace)
    trainer.fit(module, data)
    path = folder / "damaged.ckpt"
    trainer.save_checkpoint(path)
    whole, weights = path.read_bytes(), {key: one.clone() for key, one in module.state_dict().items()}
    found: dict[str, Any] = {"loads": 0, "wrong": [], "unnamed": [], "unharmed": 0}
    kinds = [*MUTATIONS * (count // len(MUTATIONS)), *OTHERS]
    for kind in kinds:
        content = damaged(whole, kind, chance)
        if content == whole:
            continue
        path.write_bytes(content)
        for way in ("load_from_checkpoint", "fit"):
            found["loads"] += 1
            trainer, other, data = scene(namespace)
            try:
                if way == "fit":
                    trainer.limit_train_batches = 0
                    trainer.fit(other, data, ckpt_path=str(path))
                else:
                    other = type(other).load_from_checkpoint(path)
            except Exception as error:
                if path.name not in str(error):
                    found["unnamed"].append(f"{kind}, {way}: {type(error).__name__}: {str(error)[:80]}")
            else:
                same = all(torch.equal(one, weights[key]) for key, one in other.state_dict().items())
                found["unharmed"] += same
                found["wrong"] += [] if same else [f"{kind}, {way}"]
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        warnings.simplefilter("ignore")
        found = survey(sys.argv[1], int(sys.argv[2]), Path(name))
        print({key: len(one) if isinstance(one, list) else one for key, one in found.items()})
