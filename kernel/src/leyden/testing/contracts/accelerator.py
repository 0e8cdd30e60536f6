"""The contract of accelerators."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from leyden.plugins.errors import ConfigurationError, shown
from leyden.testing.contracts.run import RunContract, assert_same_state, safely_reloaded

FORMS: tuple[Any, ...] = ("auto", 1, "1", -1, "-1", [0], "0,")
WRONG: tuple[Any, ...] = (
    0,
    "0",
    [],
    "",
    -2,
    "-2",
    1.5,
    "1.5",
    True,
    None,
    "all of them",
    [0, 0],
    [-1],
    ["0"],
    {},
)
TOO_MANY = 1_000_000


class AcceleratorContract(RunContract):
    """An ``Accelerator`` of ``leyden.accelerators``.

    Where the machine lacks the hardware, what is tested is that this is said.

    Attributes:
        bounded: whether the machine has only so many devices; the cpu gives as many as are asked for.
    """

    group: ClassVar[str] = "leyden.accelerators"
    imports_torch: ClassVar[bool] = True
    spawns: ClassVar[bool] = True
    bounded: ClassVar[bool] = True

    def keywords(self, component: Any) -> dict[str, Any]:
        """``accelerator=component`` on one device, where there is one."""
        return {"accelerator": component, "devices": 1} if component.is_available() else {}

    def test_has_a_name_and_a_priority(self) -> None:
        """The entry point bears the name, or another one that means the same."""
        made = self.make()
        assert isinstance(made.name, str) and made.name
        assert isinstance(made.priority, int)

    def test_says_what_there_is(self) -> None:
        """Availability is a bool, and an available accelerator has a device."""
        made = self.make()
        assert isinstance(made.is_available(), bool)
        count = made.auto_device_count()
        assert isinstance(count, int) and not isinstance(count, bool)
        assert count >= (1 if made.is_available() else 0)

    @pytest.mark.parametrize("devices", FORMS, ids=repr)
    def test_takes_every_form_of_devices(self, devices: Any) -> None:
        """A number, all, indices, and text of these are understood; without hardware each is refused."""
        made = self.make()
        if not made.is_available():
            _refused(made, devices)
            return
        indices = made.parse_devices(devices)
        assert isinstance(indices, list) and all(type(one) is int and one >= 0 for one in indices)
        assert len(indices) == len(set(indices)) >= 1
        if devices not in ("auto", -1, "-1"):
            assert indices == [0]

    @pytest.mark.parametrize("devices", WRONG, ids=repr)
    def test_refuses_devices_that_mean_nothing(self, devices: Any) -> None:
        """Anything else is refused with an error that names the argument and the value."""
        _refused(self.make(), devices)

    def test_refuses_more_than_there_are(self) -> None:
        """So many devices and such an index do not exist."""
        made = self.make()
        if self.bounded or not made.is_available():
            _refused(made, TOO_MANY)
            _refused(made, [TOO_MANY])

    def test_leaves_what_it_is_given(self) -> None:
        """A list of indices is not changed."""
        made = self.make()
        if made.is_available():
            given = [0]
            made.parse_devices(given).append(7)
            assert given == [0]

    def test_names_torch_devices(self) -> None:
        """Indices become devices that hold tensors; setup and teardown can be repeated."""
        import torch

        made = self.make()
        if made.is_available():
            devices = made.get_parallel_devices(made.parse_devices(1))
            assert len(devices) == 1 and isinstance(devices[0], torch.device)
            for _ in range(2):
                made.setup_device(devices[0])
                assert torch.ones(1, device=devices[0]).item() == 1.0
                made.teardown()

    def test_gives_figures(self) -> None:
        """Statistics are numbers by name."""
        made = self.make()
        if made.is_available():
            stats = made.get_device_stats(made.get_parallel_devices([0])[0])
            assert all(isinstance(name, str) and isinstance(one, int | float) for name, one in stats.items())

    def test_random_state_round_trips(self) -> None:
        """The generators' state is data that can be loaded safely, and gives the same numbers again."""
        import torch

        made = self.make()
        if made.is_available():
            device = made.get_parallel_devices([0])[0]
            state = safely_reloaded(made.get_rng_state())
            first = torch.rand(4, device=device)
            made.set_rng_state(state)
            assert_same_state(made.get_rng_state(), state)
            if state:
                assert torch.equal(torch.rand(4, device=device), first)


def _refused(accelerator: Any, devices: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        accelerator.parse_devices(devices)
    assert "devices" in str(caught.value) and shown(devices) in str(caught.value), str(caught.value)
