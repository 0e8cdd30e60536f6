"""The command ``leyden export``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import ClassVar

from leyden.interfaces.command import Command, pair


class ExportCommand(Command):
    """Makes a module from a checkpoint and exports it, verified."""

    help: ClassVar[str] = "export a checkpoint to ONNX, TorchScript, torch.export, safetensors, and verify it"

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments."""
        add = parser.add_argument
        add("checkpoint", metavar="CHECKPOINT", help="a checkpoint of a Trainer")
        add("--format", required=True, metavar="NAME", help="an installed exporter, e.g. onnx")
        add(
            "--class", dest="module", metavar="PKG:MODEL",
            help="the LightningModule: package.module:Class, or file.py:Class (default: the checkpoint's)",
        )  # fmt: skip
        add(
            "--sample",
            metavar="FILE",
            help="inputs of forward: a .pt of tensors, or a .npy (default: the module's)",
        )
        add("--output", "-o", metavar="FILE", help="the file to write (default: the checkpoint's name)")
        add(
            "--option", "-O", action="append", default=[], type=pair, metavar="NAME=VALUE",
            help="an option of the exporter, e.g. dynamo=False; may be repeated",
        )  # fmt: skip
        add(
            "--hparam", action="append", default=[], type=pair, metavar="NAME=VALUE",
            help="a constructor argument that the checkpoint does not hold; may be repeated",
        )  # fmt: skip
        add("--map-location", default="cpu", metavar="DEVICE", help="where to load it (%(default)s)")
        add(
            "--unsafe", action="store_true",
            help="load the checkpoint with weights_only=False, which lets it run code",
        )  # fmt: skip

    def run(self, arguments: Namespace) -> int:
        """Export, and print each file; what was verified is told on stderr.

        Raises:
            leyden.errors.LeydenError: the class, the checkpoint, the sample or an option is not what it must be, or
                what was written does not compute what the module computes.
        """
        from leyden.api.export import convert, usual_suffix
        from leyden_command_export.loading import module_class, named_class, sample

        suffix = usual_suffix(arguments.format)
        name = arguments.module or named_class(arguments.checkpoint, arguments.unsafe)
        model = module_class(name).load_from_checkpoint(
            arguments.checkpoint,
            map_location=arguments.map_location,
            weights_only=not arguments.unsafe,
            **dict(arguments.hparam),
        )
        path = arguments.output or str(Path(arguments.checkpoint).with_suffix(suffix))
        inputs = None if arguments.sample is None else sample(arguments.sample)
        done = convert(model, path, arguments.format, inputs, dict(arguments.option))
        for one in done.paths:
            print(one)
        return 0
