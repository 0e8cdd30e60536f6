"""One line drawn by tqdm."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm
elif "IPython" in sys.modules and find_spec("ipywidgets") is not None:
    from tqdm.auto import tqdm
else:
    from tqdm import tqdm

WIDTH = 5


class Tqdm(tqdm):  # type: ignore[misc]
    """A tqdm bar that starts no thread, keeps the width of numbers, and can be changed without being drawn.

    Attributes:
        quiet: whether changes leave the screen as it is.
    """

    monitor_interval = 0
    quiet = False

    def refresh(self, *args: Any, **kwargs: Any) -> Any:
        """Draw, unless the bar is quiet."""
        return None if self.quiet else super().refresh(*args, **kwargs)

    @staticmethod
    def format_num(n: float | str) -> str:
        """A number, or the text of one, in four or five characters, so that the line does not jump."""
        text = n if isinstance(n, str) else str(tqdm.format_num(n))
        if isinstance(n, int) or "e" in text or len(text) >= WIDTH or not _is_number(text):
            return text
        return (text if "." in text else f"{text}.").ljust(WIDTH, "0")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class LineTqdm(Tqdm):
    """A bar for log files: each drawing is a line of its own, without control characters."""

    quiet = True
    disable: bool

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        """Write the bar, or another text, as a line."""
        self.fp.write(f"{(str(self) if msg is None else msg).rstrip()}\n")
        self.fp.flush()
        return True

    def close(self) -> None:
        """Take the bar out of tqdm's list; what was written stands."""
        if not self.disable:
            self.disable = True
            self._decr_instances(self)


@contextmanager
def unseen(bar: Any) -> Iterator[None]:
    """Change a bar without drawing it."""
    bar.quiet = True
    try:
        yield
    finally:
        bar.quiet = False


def restart(bar: Any, description: str, total: float, initial: int = 0) -> None:
    """Let a bar begin anew, without drawing it."""
    with unseen(bar):
        known = None if total == float("inf") else total
        # A notebook's widget learns of its total here alone.
        bar.reset(total=known) if hasattr(bar, "container") else bar.reset()
        bar.total = known
        bar.n = bar.initial = initial
        bar.set_description(description, refresh=False)
