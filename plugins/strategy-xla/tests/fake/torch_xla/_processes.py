"""The processes of the fake, and the gloo group by which its collectives work."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

started = False
rank, size = 0, 1
_folder = ""
_group: Any = None


def launch(fn: Any, args: Any, start_method: str) -> None:
    """As ``torch_xla.launch``: everything is pickled, and each process calls the function in a thread."""
    if started:
        raise RuntimeError(
            "Runtime is already initialized. Do not use the XLA device before calling xmp.spawn."
        )
    count = int(os.environ["FAKE_TPU_CHIPS"])
    with tempfile.TemporaryDirectory() as folder:
        context = multiprocessing.get_context(start_method)
        with ProcessPoolExecutor(count, mp_context=context) as pool:
            list(
                pool.map(
                    _in_thread, *zip(*[(fn, args, one, count, folder) for one in range(count)], strict=True)
                )
            )


def _in_thread(fn: Any, args: Any, own: int, count: int, folder: str) -> None:
    global rank, size, _folder
    rank, size, _folder = own, count, folder
    with ThreadPoolExecutor(1) as pool:
        pool.submit(fn, own, *args).result()


def group() -> Any:
    """The group of all processes of a launch."""
    global _group
    if _group is None:
        from torch.distributed import FileStore, ProcessGroupGloo

        _group = ProcessGroupGloo(
            FileStore(os.path.join(_folder, "store"), size), rank, size, timedelta(seconds=60)
        )
    return _group
