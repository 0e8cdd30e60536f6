from __future__ import annotations

import pytest

from leyden.errors import ConfigurationError
from leyden.testing import CallbackContract
from leyden_tuner import BatchSizeFinder, LearningRateFinder


class TestLearningRateFinder(CallbackContract):
    entry_point = "learning_rate_finder"

    def make(self) -> LearningRateFinder:
        return LearningRateFinder(num_training_steps=4, attr_name="learning_rate")


class TestBatchSizeFinder(CallbackContract):
    entry_point = "batch_size_finder"

    def make(self) -> BatchSizeFinder:
        return BatchSizeFinder(max_trials=2, batch_arg_name="width")

    def test_writes_on_rank_zero_alone(self) -> None:
        """It refuses several processes."""
        outcome = self.run("fit", rank=1)
        assert (outcome.files, outcome.stdout, outcome.stderr) == ([], "", "")
        with pytest.raises(ConfigurationError, match="one process, and there are 2"):
            outcome.ok()
