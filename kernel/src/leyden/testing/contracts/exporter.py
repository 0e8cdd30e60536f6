"""The contract of exporters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from leyden.plugins.errors import ConfigurationError
from leyden.testing.contracts.base import EntryContract
from leyden.testing.fingerprint import fingerprint

if TYPE_CHECKING:
    from torch import Tensor


class ExporterContract(EntryContract):
    """An ``Exporter`` of ``leyden.exporters``; the entry point's name is the format.

    Attributes:
        suffix: the end of the file's name.
        tolerance: how far outputs of what was written may be from the module's; used with :meth:`reload`.
    """

    group: ClassVar[str] = "leyden.exporters"
    imports_torch: ClassVar[bool] = True
    suffix: ClassVar[str] = ""
    tolerance: ClassVar[float] = 1e-5

    def reload(self, path: str) -> Callable[[Tensor], Any] | None:
        """Return a callable that runs what was written; ``None`` when this environment cannot run it."""
        return None

    def target(self) -> Path:
        """The path that is written."""
        return self.folder / f"model{self.suffix}"

    def export(self, sample: Any = None, **options: Any) -> tuple[Any, tuple[str, ...]]:
        """Export the tiny module."""
        from leyden.testing.tiny import TinyModule

        module = TinyModule()
        return module, self.make().export(module, self.target(), sample, **options)

    def test_bears_its_format(self) -> None:
        """The entry point's name is the format."""
        assert self.make().format == self.entry().name

    def test_writes_what_it_says(self) -> None:
        """The paths returned exist, the main one first, and hold something."""
        _, paths = self.export(_sample())
        assert isinstance(paths, tuple) and Path(paths[0]) == self.target()
        assert all(Path(one).exists() for one in paths)
        assert all(Path(one).stat().st_size for one in paths)

    def test_a_report_stands_beside_it(self) -> None:
        """Among the files is ``<main file>.json``, which says how the export was verified."""
        import json

        _, paths = self.export(_sample())
        assert f"{paths[0]}.json" in paths
        report = json.loads(Path(f"{paths[0]}.json").read_text(encoding="utf-8"))
        assert report["format"] == self.entry().name
        assert report.get("max_error", 0) <= self.tolerance

    def test_outputs_are_the_modules(self) -> None:
        """What was written gives the module's outputs, also for inputs that were not the sample."""
        import torch

        module, paths = self.export(_sample())
        run = self.reload(paths[0])
        if run is not None:
            for x in (_sample(), -3 * _sample()):
                found = torch.as_tensor(run(x))
                torch.testing.assert_close(
                    found, module(x).detach(), rtol=self.tolerance, atol=self.tolerance
                )

    def test_the_module_is_left_alone(self) -> None:
        """Mode, weights, gradients and random numbers are as before."""
        import torch

        from leyden.testing.tiny import TinyModule

        for training in (True, False):
            module = TinyModule().train(training)
            state, random = fingerprint(dict(module.state_dict())), torch.get_rng_state()
            self.make().export(module, self.target(), _sample())
            assert module.training is training and module.layer.training is training
            assert fingerprint(dict(module.state_dict())) == state
            assert all(one.grad is None and one.requires_grad for one in module.parameters())
            assert torch.equal(torch.get_rng_state(), random)

    def test_takes_the_modules_example(self) -> None:
        """Without a sample ``example_input_array`` is taken."""
        from leyden.testing.tiny import TinyModule

        module = TinyModule()
        module.example_input_array = _sample()
        assert self.make().export(module, self.target())

    def test_a_missing_sample_is_said_to_be_missing(self) -> None:
        """Without any sample the error says what to do, unless the format needs none; a failure leaves no file."""
        try:
            self.export(None)
        except ConfigurationError as error:
            assert "sample" in str(error) and not self.target().exists()

    def test_unknown_options_are_refused(self) -> None:
        """An option that does not exist is named in the error, and no file is left."""
        with pytest.raises(ConfigurationError) as caught:
            self.export(_sample(), no_such_option=1)
        assert "no_such_option" in str(caught.value)
        assert not self.target().exists()


def _sample() -> Tensor:
    from leyden.testing.tiny import samples

    return samples()[0][:2]
