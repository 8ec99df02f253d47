"""Findings as they come of a file, to be told and drawn."""

import dataclasses

import numpy as np
import pytest

from models.evaluation.metric import Metric
from pipeline.onboarding.few_shot import FewShotCurve
from pipeline.onboarding.findings import Findings
from pipeline.onboarding.new_interactions import NewInteractions
from pipeline.onboarding.placement import Place, Placement
from pipeline.onboarding.questions import Question, QuestionPlan
from transforms.ratings.interactions import Interaction
from transforms.reading.rejected_row import RejectedRow


@pytest.fixture
def make_findings():
    """Makes findings that are go, but for what is changed."""

    def make(*, num_rows=24, num_refused=1, gain=0.2, num_outliers=0, **changes):
        rows = [Interaction(f"u{n % 6}", f"i{n}", 4.0) for n in range(num_rows)]
        refused = [
            RejectedRow("interactions", "new.csv", 2 + n, "not_a_number", "what", "u,i")
            for n in range(num_refused)
        ]
        base = np.linspace(0.8, 1.2, 6)
        curve = FewShotCurve(
            metric=Metric("mae", higher_is_better=False),
            unit="users",
            num_splits=10,
            sizes=[0, 1],
            values={
                "cmml": np.stack([base, base - gain]),
                "item mean": np.stack([base, base]),
                "support <mean>": np.stack([base, base + 0.1]),
            },
            reference="item mean",
        )
        places = [
            Place(f"u{n}", 2, 9.0, 100.0 if n < num_outliers else 40.0, ["k1", "k2"])
            for n in range(6)
        ]
        errors = np.tile(np.linspace(0.9, 1.1, 50), [3, 1])
        plan = QuestionPlan(
            [Question("i1", 0.5, 0.2), Question("i2", 0.25, 0.1)],
            errors - np.array([[0.0], [0.1], [0.2]]),
            errors,
            num_choosers=60,
            num_candidates=40,
        )
        findings = Findings(
            setting="user",
            model="cmml 17",
            source="new.csv",
            rows=NewInteractions(rows, {}, refused),
            num_new_rows=num_rows,
            curve=curve,
            placement=Placement(places, np.linspace(0.5, 2.0, 100)),
            plan=plan,
            has_known=True,
            item_names={"i1": "Heat & <Dust>"},
        )
        return dataclasses.replace(findings, **changes)

    return make
