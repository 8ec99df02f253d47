import types
from typing import ClassVar

import numpy as np
import pytest
from pipeline.judging.fitted_scenario_baselines import fit_baselines

from models.baselines.clicks.registry import BASELINES
from models.episodes.click_records import ScenarioTask
from models.legacy_keras import tf
from pipeline.settings.scenario.config import ScenarioEvaluationConfig


class ByItem:
    """Ranks items by their row, forwards or backwards."""

    GRID: ClassVar = {"step": (-1.0, 1.0), "unused": (1, 2)}

    def __init__(self, step=0.0):
        self.step = step

    @classmethod
    def fit(cls, known, vectors, *, step, unused):
        assert (known, vectors) == ("known", "vectors")
        return cls(step)

    def adapt(self, support):
        return ()

    def score(self, state, query):
        return self.step * tf.cast(query["query_item"], tf.float32)


@pytest.fixture
def dataset():
    """Of one meta-validation task, in which the user has clicked the last items."""
    pool = np.arange(1, 61, dtype=np.int32)
    clicked = pool[-4:]
    none = np.zeros(0, np.int32)
    negatives = np.zeros([4, 1], np.int32)
    task = ScenarioTask(
        scenario_id="s",
        pool=pool,
        support_user=np.ones_like(clicked),
        support_item=clicked,
        support_fold=np.zeros_like(clicked),
        support_negative=negatives,
        query_user=np.full_like(clicked, 2),
        query_item=clicked,
        query_negative=negatives,
        known_user=none,
        known_item=none,
    )
    asked = []
    return types.SimpleNamespace(
        known="known",
        vectors="vectors",
        asked=asked,
        tasks=lambda split: asked.append(split) or [task],
    )


def test_hyperparameters_are_chosen_on_meta_validation(dataset, monkeypatch):
    monkeypatch.setitem(BASELINES, "by_item", ByItem)
    fitted, chosen = fit_baselines(
        ["by_item", "item_pop"], dataset, ScenarioEvaluationConfig()
    )
    assert list(fitted) == ["by_item", "item_pop"]
    assert fitted["by_item"].step == 1.0
    # Of equal ones the first.
    assert chosen == {"by_item": {"step": 1.0, "unused": 1}, "item_pop": {}}
    assert set(dataset.asked) == {"meta_validation"}
