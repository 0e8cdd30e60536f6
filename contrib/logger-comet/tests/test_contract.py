from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, ClassVar
from zipfile import ZipFile

from leyden.testing import LoggerContract
from leyden_logger_comet import CometLogger


class TestContract(LoggerContract):
    # An experiment stays open after fit, with threads and files of its own.
    leaves: ClassVar[tuple[str, ...]] = (
        "COMET",
        "comet",
        "thread ",
        "open ",
        "Thread",
        "excepthook",
        "logging",
    )

    def make(self) -> CometLogger:
        return CometLogger(
            online=False, offline_directory=str(Path("runs").absolute()), project="contract", mode="create",
            log_env_details=False, parse_args=False, log_code=False,
        )  # fmt: skip

    def written(self, logger: Any) -> bytes:
        logger.experiment.end()
        files = [ZipFile(path) for path in Path(logger.save_dir).glob(f"{logger.version}*.zip")]
        return b"\n".join(
            itertools.chain.from_iterable((one.read(name) for name in one.namelist()) for one in files)
        )
