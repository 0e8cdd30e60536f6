"""A summary as plain text."""

from __future__ import annotations

from leyden_callback_model_summary.counts import human_readable_count, megabytes

Columns = list[tuple[str, list[str]]]
FIRST = 10


def text_table(
    columns: Columns,
    total_parameters: int,
    trainable_parameters: int,
    model_size: float,
    total_training_modes: dict[str, int],
    total_flops: int,
) -> str:
    """A table of the layers, and below it the sums.

    Args:
        columns: heading and cells of each column.
        total_parameters: all parameters.
        trainable_parameters: those that require gradients.
        model_size: megabytes of all parameters.
        total_training_modes: submodules in ``train`` and in ``eval`` mode.
        total_flops: floating-point operations of one call with the example input.
    """
    widths = [max(len(cell) for cell in (heading, *cells)) for heading, cells in columns]
    rows = zip(*(cells for _, cells in columns), strict=True)
    lines = [_line((heading for heading, _ in columns), widths), *(_line(row, widths) for row in rows)]
    rule = "-" * (sum(widths) + 3 * (len(columns) + 1))
    sums = totals(total_parameters, trainable_parameters, model_size, total_training_modes, total_flops)
    return "\n".join([lines[0], rule, *lines[1:], rule, *(f"{value:<{FIRST}}{name}" for name, value in sums)])


def totals(
    total_parameters: int,
    trainable_parameters: int,
    model_size: float,
    total_training_modes: dict[str, int],
    total_flops: int,
) -> list[tuple[str, str]]:
    """What each sum is called, and the sum; the arguments are those of :func:`text_table`."""
    return [
        ("Trainable params", human_readable_count(trainable_parameters)),
        ("Non-trainable params", human_readable_count(total_parameters - trainable_parameters)),
        ("Total params", human_readable_count(total_parameters)),
        ("Total estimated model params size (MB)", megabytes(model_size)),
        ("Modules in train mode", str(total_training_modes["train"])),
        ("Modules in eval mode", str(total_training_modes["eval"])),
        ("Total Flops", human_readable_count(total_flops)),
    ]


def _line(cells: object, widths: list[int]) -> str:
    return " | ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))  # type: ignore[call-overload]
