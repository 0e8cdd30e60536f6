"""A summary of a module, as data."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from leyden.api.warn import warn
from leyden_callback_model_summary.counts import human_readable_count
from leyden_callback_model_summary.depth import checked_depth
from leyden_callback_model_summary.example import Flops, run_example
from leyden_callback_model_summary.layer import LayerSummary, Size, count
from leyden_callback_model_summary.table import Columns, text_table

LEFT_OVER = "other params"
NOT_APPLICABLE = "n/a"


class ModelSummary:
    """Layers, parameters, modes, sizes and FLOPs of a module; ``str`` gives the table.

    Sizes and FLOPs are known when the module has an ``example_input_array``, which is then passed through it
    once; so are the counts of lazy parameters.

    Args:
        model: the module.
        max_depth: how deep to look: 1 shows its children, -1 everything, 0 no layers.

    Raises:
        leyden.errors.ConfigurationError: the depth is no int of at least -1.
    """

    def __init__(self, model: nn.Module, max_depth: int = 1) -> None:
        self._model = model
        self._max_depth = checked_depth(max_depth)
        self._flops: Flops = {}
        self._layers = self.summarize()
        if any(is_lazy(one) for one in model.parameters()):
            warn(
                "lazy-parameters",
                "The summary leaves out parameters whose shape is not known yet. Set example_input_array to have "
                "them counted.",
            )

    def summarize(self) -> dict[str, LayerSummary]:
        """Look at the module: the layers by name."""
        layers = {name: LayerSummary(module) for name, module in self.named_modules}
        try:
            if self.has_example:
                self._flops = run_example(self._model, self._max_depth + 1)
        finally:
            for layer in layers.values():
                layer.detach_hook()
        return layers

    @property
    def has_example(self) -> bool:
        """Whether the module has an example input."""
        return getattr(self._model, "example_input_array", None) is not None

    @property
    def named_modules(self) -> list[tuple[str, nn.Module]]:
        """The submodules down to the depth, without the module itself."""
        depth = self._max_depth
        if depth == 1:
            return list(self._model.named_children())
        everything = list(self._model.named_modules())[1:]
        return [(name, one) for name, one in everything if depth < 0 or name.count(".") < depth]

    @property
    def layer_names(self) -> list[str]:
        """Names of the layers."""
        return list(self._layers)

    @property
    def layer_types(self) -> list[str]:
        """Classes of the layers."""
        return [one.layer_type for one in self._layers.values()]

    @property
    def in_sizes(self) -> list[Size]:
        """Shapes of the layers' inputs."""
        return [one.in_size for one in self._layers.values()]

    @property
    def out_sizes(self) -> list[Size]:
        """Shapes of the layers' outputs."""
        return [one.out_size for one in self._layers.values()]

    @property
    def param_nums(self) -> list[int]:
        """Parameters of the layers."""
        return [one.num_parameters for one in self._layers.values()]

    @property
    def training_modes(self) -> list[bool]:
        """Whether the layers are in training mode."""
        return [one.training for one in self._layers.values()]

    @property
    def flop_counts(self) -> dict[str, dict[Any, int]]:
        """Floating-point operations of the layers in one call with the example input, by operator."""
        return {name: self._flops.get(name, {}) for name in self._layers}

    @property
    def total_training_modes(self) -> dict[str, int]:
        """How many submodules, at any depth, are in ``train`` and in ``eval`` mode."""
        modes = [one.training for one in self._model.modules()][1:]
        return {"train": modes.count(True), "eval": modes.count(False)}

    @property
    def total_parameters(self) -> int:
        """All parameters."""
        return count(self._model.parameters())

    @property
    def trainable_parameters(self) -> int:
        """Parameters that require gradients."""
        return count(one for one in self._model.parameters() if one.requires_grad)

    @property
    def total_layer_params(self) -> int:
        """Parameters of the layers, summed; those of layers within layers count more than once."""
        return sum(self.param_nums)

    @property
    def model_size(self) -> float:
        """Megabytes of all parameters, in their own data types."""
        return (
            sum(count([one]) * one.element_size() for one in self._model.parameters() if not is_lazy(one))
            * 1e-6
        )

    @property
    def total_flops(self) -> int:
        """Floating-point operations of one call with the example input; 0 without one."""
        return sum(self._flops.get("", {}).values())

    def columns(self) -> Columns:
        """Headings and cells of the table."""
        columns = [
            (" ", [str(index) for index in range(len(self._layers))]),
            ("Name", self.layer_names),
            ("Type", self.layer_types),
            ("Params", [human_readable_count(one) for one in self.param_nums]),
            ("Mode", ["train" if one else "eval" for one in self.training_modes]),
            ("FLOPs", [human_readable_count(sum(one.values())) for one in self.flop_counts.values()]),
        ]
        if self.has_example:
            columns += [
                ("In sizes", list(map(str, self.in_sizes))),
                ("Out sizes", list(map(str, self.out_sizes))),
            ]
        self._add_left_over(columns)
        return columns

    _get_summary_data = columns  # under this name, callbacks written for Lightning ask for it

    def totals(self) -> dict[str, Any]:
        """The sums, by the names of the arguments that print them."""
        return {
            "total_parameters": self.total_parameters,
            "trainable_parameters": self.trainable_parameters,
            "model_size": self.model_size,
            "total_training_modes": self.total_training_modes,
            "total_flops": self.total_flops,
        }

    def _add_left_over(self, columns: Columns) -> None:
        """Add a row for parameters that belong to no layer."""
        inside = {id(one) for layer in self._layers.values() for one in layer.module.parameters()}
        rest = count(one for one in self._model.parameters() if id(one) not in inside)
        if rest:
            known = {" ": " ", "Name": LEFT_OVER, "Params": human_readable_count(rest)}
            for heading, cells in columns:
                cells.append(known.get(heading, NOT_APPLICABLE))

    def __str__(self) -> str:
        return text_table(self.columns(), **self.totals())

    __repr__ = __str__


def summarize(module: nn.Module, max_depth: int = 1) -> ModelSummary:
    """Summarize a module; the arguments are those of :class:`ModelSummary`."""
    return ModelSummary(module, max_depth)
