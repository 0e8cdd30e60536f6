"""The command ``leyden kfold``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import ClassVar

from leyden.interfaces.command import Command, named_object, pair


class KFoldCommand(Command):
    """Cross-validates a LightningModule on a dataset."""

    help: ClassVar[str] = (
        "cross-validate a LightningModule: k folds, and a table with mean ± standard deviation"
    )

    def configure(self, parser: ArgumentParser) -> None:
        """Add the arguments."""
        add = parser.add_argument
        add("module", metavar="PKG:MODEL", help="the module: package.module:Class, or file.py:Class")
        add(
            "--data", required=True, metavar="PKG:FUNCTION",
            help="a function that returns the dataset, or the dataset and its labels",
        )  # fmt: skip
        add(
            "--folds", type=int, default=5, metavar="N", help="how many (%(default)s); stratified with labels"
        )
        add("--batch-size", type=int, default=32, metavar="N", help="of the loaders (%(default)s)")
        add("--jobs", type=int, default=1, metavar="N", help="how many processes (%(default)s)")
        add("--seed", type=int, default=0, metavar="N", help="of splits, modules and shuffling (%(default)s)")
        add(
            "--trainer", action="append", default=[], type=pair, metavar="NAME=VALUE",
            help="a keyword of the Trainer; may be repeated",
        )  # fmt: skip
        add("--csv", metavar="FILE", help="also write the folds as CSV")

    def run(self, arguments: Namespace) -> int:
        """Train all folds and print the table.

        Raises:
            leyden.errors.LeydenError: an argument is not possible.
        """
        from leyden_kfold.crossing import cross_validate

        made = named_object("--data", arguments.data)()
        dataset, labels = made if isinstance(made, tuple) else (made, None)
        results = cross_validate(
            named_object("PKG:MODEL", arguments.module),
            dataset,
            arguments.folds,
            labels=labels,
            trainer=dict(arguments.trainer),
            loader={"batch_size": arguments.batch_size},
            seed=arguments.seed,
            n_jobs=arguments.jobs,
        )
        print(results)
        if arguments.csv:
            results.to_csv(arguments.csv)
        return 0
