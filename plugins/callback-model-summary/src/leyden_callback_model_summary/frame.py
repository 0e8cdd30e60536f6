"""A summary as rich draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leyden_callback_model_summary.table import Columns

try:
    from rich import get_console
    from rich.table import Table
    from rich.text import Text
except ImportError as error:
    from leyden.errors import ConfigurationError

    raise ConfigurationError("A framed summary needs rich. Install it with: pip install rich") from error

if TYPE_CHECKING:
    from rich.style import Style

RIGHT = ("Params", "FLOPs", "In sizes", "Out sizes")


def framed(columns: Columns, totals: list[tuple[str, str]], header_style: str | Style) -> None:
    """Print a frame with the layers, and below it the sums.

    Args:
        columns: heading and cells of each column.
        totals: what each sum is called, and the sum.
        header_style: the style of the headings.
    """
    table = Table(header_style=header_style)
    for heading, _ in columns:
        table.add_column(
            heading,
            justify="right" if heading in RIGHT else "left",
            style="dim" if heading == " " else None,
            no_wrap=heading == "Name",
        )
    for row in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*(Text(cell) for cell in row))
    console = get_console()
    console.print(table)
    for name, value in totals:
        console.print(Text.assemble((name.replace("Flops", "FLOPs"), "bold"), f": {value}"))
