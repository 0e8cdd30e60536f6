from __future__ import annotations

from typing import Any

import pytest

from leyden.testing import CallbackContract, TunerContract
from leyden_tuner_ray import TuneReportCallback, TuneReportCheckpointCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own


@pytest.mark.multiprocess
@pytest.mark.usefixtures("ray_session")
class TestRayTuner(TunerContract):
    entry_point = "ray"
    leaves = ("thread", "open")  # Ray's own, which live as long as it does

    def space(self) -> Any:
        from ray import tune

        return {"x": tune.uniform(0, 10)}

    @property
    def options(self) -> dict[str, Any]:  # type: ignore[override]
        return {"num_samples": 2, "storage_path": str(self.folder / "results")}


class Reports(CallbackContract):
    """Outside a trial ``ray.tune.report`` warns; here it notes."""

    @pytest.fixture(autouse=True)
    def _noted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from ray import tune

        monkeypatch.setattr(tune, "report", lambda metrics, checkpoint=None: None)


class TestTuneReportCallback(Reports):
    entry_point = "tune_report"

    def make(self) -> TuneReportCallback:
        return TuneReportCallback("val_loss")


class TestTuneReportCheckpointCallback(Reports):
    entry_point = "tune_report_checkpoint"

    def make(self) -> TuneReportCheckpointCallback:
        return TuneReportCheckpointCallback("val_loss")
