"""The same payloads in all other files that are read, and texts that name code.

Files of torch's old format, bare pickles, remote files, folders of shards, files of Lightning 1.x, data modules, the
asynchronous checkpoint io and the commands; ``hparams.yaml``, configurations of the command line, and class paths in
the plain data of checkpoints. ``python -m tests.safety.elsewhere`` prints how many ran, and what was not named.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

import leyden
from leyden.cli import main
from leyden.plugins.components import resolve
from leyden.testing import TinyData, TinyModule
from tests.safety.payloads import KINDS, TRAP, executed, forget

Load = Callable[[], Any]


class Read(NamedTuple):
    """A way to read a file.

    Attributes:
        load: reads it.
        file: what a refusal must name of it.
        key: what else it must name.
    """

    load: Load
    file: str
    key: str


def _trainer(**keywords: Any) -> leyden.Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return leyden.Trainer(max_epochs=1, enable_checkpointing=False, accelerator="cpu", **quiet, **keywords)


def _content(**more: Any) -> dict[str, Any]:
    return {"state_dict": TinyModule().state_dict(), "pytorch-lightning_version": "2.6.0", **more}


def _fit(path: Any, **keywords: Any) -> Load:
    return lambda: _trainer(**keywords).fit(TinyModule(), datamodule=TinyData(), ckpt_path=str(path))


def old_format(folder: Path, payload: Any, key: str = "callbacks") -> Read:
    """torch's format before 1.6."""
    path = folder / "old.ckpt"
    torch.save(_content(**{key: payload}), path, _use_new_zipfile_serialization=False)
    return Read(lambda: TinyModule.load_from_checkpoint(path), "old.ckpt", f"[{key!r}]")


def bare_pickle(folder: Path, payload: Any) -> Read:
    """No file of torch's at all."""
    path = folder / "bare.ckpt"
    path.write_bytes(pickle.dumps({"state_dict": {}, "more": payload}, protocol=2))
    return Read(_fit(path), "bare.ckpt", "['more']")


def remote(folder: Path, payload: Any) -> Read:
    """A file that fsspec fetches."""
    import fsspec

    held = io.BytesIO()
    torch.save(_content(hyper_parameters={"learning_rate": payload}), held)
    fsspec.filesystem("memory").pipe(f"/{folder.name}/remote.ckpt", held.getvalue())
    url = f"memory://{folder.name}/remote.ckpt"
    return Read(lambda: TinyModule.load_from_checkpoint(url), url, "['hyper_parameters']")


def asynchronous(folder: Path, payload: Any) -> Read:
    """A file that the asynchronous checkpoint io reads."""
    path = folder / "async.ckpt"
    torch.save(_content(loops=payload), path)
    return Read(_fit(path, plugins=[resolve("checkpoint_ios", "async")()]), "async.ckpt", "['loops']")


def data_module(folder: Path, payload: Any) -> Read:
    """A data module's hyper-parameters."""
    path = folder / "data.ckpt"
    torch.save(_content(datamodule_hyper_parameters=payload), path)
    return Read(lambda: TinyData.load_from_checkpoint(path), "data.ckpt", "['datamodule_hyper_parameters']")


def _shards(folder: Path) -> Path:
    path = folder / "shards.ckpt"
    resolve("checkpoint_ios", "distributed")().save_checkpoint(_content(), path)
    (path / "checksums.json").unlink(missing_ok=True)  # whoever writes payloads can compute checksums as well
    return path


def _fit_shards(path: Path) -> Load:
    return _fit(path, plugins=[resolve("checkpoint_ios", "distributed")()])


def rest_of_shards(folder: Path, payload: Any) -> Read:
    """What is no tensor, of a folder of shards."""
    path = _shards(folder)
    torch.save({"lr_schedulers": payload}, path / "meta.pt")
    return Read(_fit_shards(path), "meta.pt", "['lr_schedulers']")


def metadata_of_shards(folder: Path, payload: Any) -> Read:
    """The pickle that says which tensors there are."""
    from torch.distributed.checkpoint.metadata import Metadata

    path = _shards(folder)
    with open(path / ".metadata", "wb") as file:
        pickle.dump(Metadata({"model.weight": payload}), file)
    return Read(_fit_shards(path), ".metadata", "['model.weight']")


def shard(folder: Path, payload: Any) -> Read:
    """The tensors themselves."""
    path = _shards(folder)
    held = io.BytesIO()
    torch.save(payload, held)
    (path / "__0_0.distcp").write_bytes(held.getvalue())
    metadata = pickle.loads((path / ".metadata").read_bytes())
    for place in metadata.storage_data.values():
        place.offset, place.length = 0, len(held.getvalue())
    (path / ".metadata").write_bytes(pickle.dumps(metadata))
    return Read(_fit_shards(path), "__0_0.distcp", "['model.")


def old_lightning(folder: Path, payload: Any, key: str = "hparams") -> Read:
    """A file of Lightning 1.x."""
    path = folder / "lightning-1.ckpt"
    torch.save({**_content(**{key: payload}), "pytorch-lightning_version": "1.2.0"}, path)
    return Read(lambda: TinyModule.load_from_checkpoint(path), "lightning-1.ckpt", f"[{key!r}]")


def _command(*words: Any) -> Load:
    """A command, whose refusal is what it prints."""

    def run() -> None:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = main([str(one) for one in words])
        if status or "not loaded" in " ".join(said.getvalue().split()):
            raise RuntimeError(said.getvalue())

    return run


def commanded(folder: Path, payload: Any, action: str) -> Read:
    """``leyden checkpoint``."""
    path = folder / "given.ckpt"
    torch.save(_content(optimizer_states=[payload]), path)
    words: dict[str, list[Any]] = {
        "show": [],
        "convert": [folder / "new.ckpt"],
        "average": [path, "-o", folder / "mean.ckpt"],
    }
    command = _command("checkpoint", action, path, *words[action])
    return Read(command, "given.ckpt", "['optimizer_states']")


READERS: dict[str, Callable[..., Read]] = {
    "old format": old_format,
    "old format, weights": partial(old_format, key="more"),
    "bare pickle": bare_pickle,
    "remote": remote,
    "async": asynchronous,
    "data module": data_module,
    "meta.pt": rest_of_shards,
    ".metadata": metadata_of_shards,
    "shard": shard,
    "Lightning 1.x": old_lightning,
    "Lightning 1.x, callbacks": partial(old_lightning, key="callbacks"),
    "Lightning 0.x": partial(old_lightning, key="checkpoint_callback_best"),
    "show": partial(commanded, action="show"),
    "convert": partial(commanded, action="convert"),
    "average": partial(commanded, action="average"),
}

TAGS = {
    "a": "!!python/object/apply:os.mkdir [trap]",
    "b": "!!python/object/new:os.system [mkdir trap]",
    "c": "!!python/name:os.system",
    "d": "!!python/module:tests.safety.trap",
    "e": "!!python/object:tests.safety.payloads.Stateful {trap: trap}",
    "f": '!!python/object/apply:builtins.eval [\'__import__("os").mkdir("trap")\']',
    "g": "!!python/object/apply:subprocess.Popen [[mkdir, trap]]",
    "h": "!!python/object/apply:os.makedirs [trap]",
}
"""Values of YAML files that would run code."""
CALLS: dict[str, Any] = {
    "mkdir": {"class_path": "os.mkdir", "init_args": ["trap"]},
    "posix": {"class_path": "posix.mkdir", "init_args": {"path": "trap"}},
    "system": {"class_path": "os.system", "init_args": {"command": "mkdir trap"}},
    "Popen": {"class_path": "subprocess.Popen", "init_args": {"args": ["mkdir", "trap"]}},
    "eval": {"class_path": "builtins.eval", "init_args": ["__import__('os').mkdir('trap')"]},
    "import": {"class_path": "tests.safety.trap.Module", "init_args": {}},
    "function": {"object": "tests.safety.trap.function"},
    "member": {"class_path": "tests.safety.trap.Kind", "member": "ONE"},
}
"""Plain data that would be calls, or imports, if a file were believed."""


def hparams_file(folder: Path, tag: str) -> Read:
    """``hparams.yaml``."""
    path, file = folder / "plain.ckpt", folder / "hparams.yaml"
    torch.save(_content(), path)
    file.write_text(f"one: 1\n{tag}: {TAGS[tag]}\n")
    load = lambda: TinyModule.load_from_checkpoint(path, hparams_file=file)  # noqa: E731
    return Read(load, "hparams.yaml", "line 2")


def configuration(folder: Path, tag: str) -> Read:
    """A configuration of the command line."""
    from leyden.cli import LightningCLI

    file = folder / "config.yaml"
    file.write_text(f"seed_everything: 1\nmodel:\n  learning_rate: {TAGS[tag]}\n")

    def load() -> None:
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            try:
                args = ["--config", str(file)]
                LightningCLI(TinyModule, TinyData, run=False, args=args, save_config_callback=None)
            except SystemExit as error:
                raise RuntimeError(said.getvalue()) from error

    return Read(load, "config.yaml", "line 3")


class Model(TinyModule):
    """Takes what a file gives."""

    def __init__(self, learning_rate: float = 0.1, more: Any = None) -> None:
        super().__init__(learning_rate)
        self.save_hyperparameters()


def described(folder: Path, call: str) -> Read:
    """A hyper-parameter as class path and arguments."""
    path = folder / "described.ckpt"
    objects = {"hyper_parameters": {"more": CALLS[call]}}
    torch.save(_content(hyper_parameters={}, leyden_hyper_parameters=objects), path)
    return Read(lambda: Model.load_from_checkpoint(path), "described.ckpt", "more")


def configured(folder: Path, call: str, key: str = "more") -> Read:
    """A hyper-parameter that a configuration is said to have given."""
    path = folder / "configured.ckpt"
    hparams = {"_instantiator": "pytorch_lightning.cli.instantiate_module", "more": CALLS[call]}
    torch.save(_content(hyper_parameters=hparams), path)
    return Read(lambda: Model.load_from_checkpoint(path), "configured.ckpt", "more")


TEXTS: list[tuple[Callable[[Path, str], Read], str]] = [
    *((read, tag) for read in (hparams_file, configuration) for tag in TAGS),
    *((described, call) for call in CALLS),
    *((configured, call) for call in CALLS if "init_args" in CALLS[call]),
]


def _named(text: Callable[[Path, str], Read], name: str, folder: Path) -> Read:
    return text(folder, name)


def cases() -> Iterator[tuple[str, Callable[[Path], Read]]]:
    """All, by name."""
    for reader, make in READERS.items():
        for kind, payload in KINDS.items():
            yield f"{reader}: {kind}", partial(make, payload=payload())
    for text, name in TEXTS:
        yield f"{text.__name__}: {name}", partial(_named, text, name)


def survey(folder: Path) -> dict[str, Any]:
    """Read each; what ran, and which refusals do not name file or key."""
    found: dict[str, Any] = {"cases": 0, "executed": [], "silent": [], "not named": []}
    for name, make in cases():
        read = make(folder)
        forget(folder / TRAP)
        found["cases"] += 1
        said = refusal(read.load)
        found["silent"] += [name] if not said else []
        unnamed = [one for one in (read.file, read.key) if one not in said]
        found["not named"] += [(name, unnamed, said)] if said and unnamed else []
        found["executed"] += [name] if executed(folder / TRAP) else []
    return found


def refusal(load: Load) -> str:
    """What a load says: its error, and its warnings where it leaves out what it does not believe."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            load()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return " ".join(str(one.message) for one in heard if "hparams" in str(one.message))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
        numbers = {key: one if isinstance(one, int) else len(one) for key, one in survey(Path(place)).items()}
        print(numbers)
