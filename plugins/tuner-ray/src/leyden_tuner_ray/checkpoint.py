"""Where a trial goes on from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def restored_checkpoint(filename: str = "checkpoint") -> Iterator[str | None]:
    """The checkpoint from which Ray Tune wants the running trial to go on, for ``trainer.fit(ckpt_path=…)``.

    Args:
        filename: as for :class:`TuneReportCheckpointCallback`.

    Yields:
        Its path, which is there inside the ``with`` statement; ``None`` for a trial that begins.
    """
    from ray import tune

    checkpoint = tune.get_checkpoint()
    if checkpoint is None:
        yield None
        return
    with checkpoint.as_directory() as folder:
        yield os.path.join(folder, filename)
