import dataclasses
import itertools
import types
from typing import ClassVar

import numpy as np
import pytest

from models.baselines.clicks import registry as clicks
from models.baselines.ratings import registry as ratings
from models.episodes.click_records import KnownClicks, ScenarioTask
from models.evaluation.label_gain import LabelGain
from models.evaluation.shown import Shown
from models.legacy_keras import tf
from models.parts.label_unit import LabelUnit
from pipeline.experiment import progress
from pipeline.judging.simple_methods import fit_simple
from pipeline.settings.scenario.config import ScenarioEvaluationConfig
from pipeline.settings.scenario.setting import SCENARIO
from pipeline.settings.user.config import EvaluationConfig
from pipeline.settings.user.setting import USER


class ByItem:
    """Scores items by their row, forwards or backwards."""

    GRID: ClassVar = {"step": (-1.0, 1.0), "unused": (1, 2)}

    def __init__(self, step=0.0, unused=0):
        self.step = step

    def fit(self, pairs):
        assert pairs == "pairs"

    def adapt(self, support):
        return ()

    def score(self, state, query):
        return self.step * tf.cast(query["query_item"], tf.float32)


NONE = np.zeros(0, np.int32)
NO_CLICKS = KnownClicks(NONE, NONE, NONE, num_users=2, num_items=60)


class ByPoolItem(ByItem):
    """The same of clicks."""

    def __init__(self, known, vectors, *, step=0.0, unused=0):
        assert known is NO_CLICKS
        assert vectors == "vectors"
        super().__init__(step)


class Fixed(ByItem):
    """One candidate alone."""

    GRID: ClassVar = {}


class FixedInPool(ByPoolItem):
    """The same of clicks."""

    GRID: ClassVar = {}


def ratings_data(asked, *, has_query=True):
    """Of one meta-validation user, whose label of an item is its row."""
    items = tf.constant([[1, 2, 3]])
    none = items[:, :0]
    episode = {
        "task_id": tf.constant(["u"]),
        **{f"support_{name}": none for name in ("user", "item")},
        "support_label": tf.cast(none, tf.float32),
        "support_mask": none > 0,
        "query_user": tf.ones_like(items),
        "query_item": items,
        "query_label": tf.cast(items, tf.float32),
        "query_mask": (items > 0) & has_query,
    }
    return types.SimpleNamespace(
        standardised_pairs="pairs",
        label_unit=LabelUnit(0.0, 1.0),
        label_gain=LabelGain(0.0, 5.0),
        info=types.SimpleNamespace(num_tasks={}),
        episodes=lambda split, *_: asked.append(split) or [episode],
    )


def clicks_data(asked, factors="vectors"):
    """Of one meta-validation task, in which the user has clicked the last items."""
    pool = np.arange(1, 61, dtype=np.int32)
    clicked = pool[-4:]
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
        known_user=NONE,
        known_item=NONE,
    )
    return types.SimpleNamespace(
        known=NO_CLICKS,
        factors=factors,
        info=types.SimpleNamespace(num_tasks={}, domains=[], has_user_tasks=False),
        tasks=lambda split: asked.append(split) or [task],
    )


def fits_of(method):
    """The different fits of a method, without what takes the unit of ratings off."""
    by_size = getattr(method, "methods", {0: method})
    return {getattr(one, "method", one) for one in by_size.values()}


USERS = types.SimpleNamespace(functions=lambda: USER, evaluation=EvaluationConfig())
SCENARIOS = types.SimpleNamespace(
    functions=lambda: SCENARIO,
    data=types.SimpleNamespace(has_user_tasks=False),
    evaluation=ScenarioEvaluationConfig(),
)
MAIN = Shown("main", "meta_test", 4, 4)
WHOLE = dataclasses.replace(MAIN, tasks="whole", is_open=True)
BOTH = pytest.mark.parametrize(
    ("config", "data", "registry", "with_grid", "without"),
    [
        (USERS, ratings_data, ratings, ByItem, Fixed),
        (SCENARIOS, clicks_data, clicks, ByPoolItem, FixedInPool),
    ],
    ids=["user", "scenario"],
)


@BOTH
def test_hyperparameters_are_chosen_on_meta_validation(
    monkeypatch, config, data, registry, with_grid, without
):
    monkeypatch.setitem(registry.BASELINES, "by_item", with_grid)
    asked = []
    method, chosen, _ = fit_simple("by_item", config, data(asked), [MAIN])
    # Ratings come to a method without their unit.
    assert [one.step for one in fits_of(method)] == [1.0]
    assert chosen == {"step": 1.0, "unused": 1}  # Of equal ones the first.
    assert set(asked) == {"meta_validation"}


class BestByWidth(ByItem):
    """Scores items forwards where support is shown, as the step says elsewhere."""

    GRID: ClassVar = {"step": (-1.0, 1.0)}

    def adapt(self, support):
        return tf.constant(support["support_label"].shape[1])

    def score(self, state, query):
        forwards = self.step if state > 2 else -self.step
        return forwards * tf.cast(query["query_item"], tf.float32)


def test_each_support_size_has_the_candidate_that_is_best_there(monkeypatch):
    monkeypatch.setitem(ratings.BASELINES, "by_width", BestByWidth)
    data = ratings_data([])
    (episode,) = data.episodes("meta_validation")

    def shown(split, size, batch_size):
        rows = tf.ones([1, size], tf.int32)
        labels, mask = tf.ones([1, size]), rows > 0
        names = "support_user", "support_item", "support_label", "support_mask"
        values = rows, rows, labels, mask
        return [episode | dict(zip(names, values, strict=True))]

    data.episodes = shown
    method, chosen, _ = fit_simple("by_width", USERS, data, [MAIN])
    steps = {size: one.method.step for size, one in method.methods.items()}
    assert steps == {0: -1.0, 1: -1.0, **dict.fromkeys((3, 5, 10, 20, 40), 1.0)}
    assert chosen == {"step": 1.0}
    # Between two sizes the larger one is asked, beyond all of them the largest.
    for width, asked in ((2, 3), (3, 3), (41, 40)):
        support = {"support_label": tf.zeros([1, width])}
        assert list(method.adapt(support)) == [asked]


class BestAtEight(ByPoolItem):
    """Ranks more of the four clicked items first, the nearer its size is to 8."""

    GRID: ClassVar = {"size": (1, 2)}

    def __init__(self, known, vectors, *, size):
        # Items first: 0.5, 1, 2, 4, 0.
        super().__init__(known, vectors, step=4.0 - abs(size - 8) / 2)

    def score(self, state, query):
        items = tf.cast(query["query_item"], tf.float32)
        return tf.where(items > 56.0, self.step - (items - 56.0), -0.5 / items)


class BestByPool:
    """Scores items as the step says without a pool, the other way round with one."""

    GRID: ClassVar = {"step": (-1.0, 1.0)}

    def __init__(self, known, vectors, *, step):
        self.step = step

    def adapt(self, support):
        return tf.constant(self.step if "support_fit" in support else -self.step)

    def score(self, state, query):
        return state * tf.cast(query["query_item"], tf.float32)


def test_without_a_pool_there_is_what_is_best_without(monkeypatch):
    monkeypatch.setitem(clicks.BASELINES, "by_pool", BestByPool)
    data = clicks_data([], types.SimpleNamespace(open_fit=1))
    method, chosen, without_pool = fit_simple("by_pool", SCENARIOS, data, [MAIN, WHOLE])
    assert (chosen, without_pool) == ({"step": -1.0}, {"step": 1.0})
    query = {"query_item": tf.constant([[7]])}
    for support in ({}, {"support_fit": tf.constant([[1]])}):
        state = method.adapt(support)
        np.testing.assert_array_equal(method.score(state, query), [[7.0]])


def test_nothing_is_chosen_for_what_is_not_asked(monkeypatch):
    monkeypatch.setitem(clicks.BASELINES, "by_pool", BestByPool)
    fitted = fit_simple("by_pool", SCENARIOS, clicks_data([]), [MAIN])
    assert isinstance(fitted.method, BestByPool)
    assert (fitted.hyperparameters, fitted.without_pool) == ({"step": -1.0}, None)


def test_a_search_that_takes_long_says_how_far_it_is(monkeypatch, capsys):
    clock = itertools.count(step=3.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setitem(clicks.BASELINES, "by_size", BestAtEight)
    fit_simple("by_size", SCENARIOS, clicks_data([]), [MAIN])
    lines = capsys.readouterr().err.splitlines()
    # Three seconds pass wherever the clock is read: twice where a line is due.
    assert lines[1:3] == [
        "baselines: by_size, candidate 2  size 2",
        "baselines: by_size, candidate 4  size 8",
    ]


def test_the_grid_goes_on_beyond_a_best_value_at_its_edge(monkeypatch, capsys):
    monkeypatch.setitem(clicks.BASELINES, "by_size", BestAtEight)
    # Of 1 and 2 the best is 2; 4 is better, 8 better still, 16 no more.
    _, chosen, _ = fit_simple("by_size", SCENARIOS, clicks_data([]), [MAIN])
    assert chosen == {"size": 8}
    assert "by_size with size 8" in capsys.readouterr().err


@BOTH
def test_a_method_without_a_choice_asks_for_nothing(
    monkeypatch, config, data, registry, with_grid, without
):
    monkeypatch.setitem(registry.BASELINES, "fixed", without)
    asked = []
    method, chosen, _ = fit_simple("fixed", config, data(asked), [MAIN, WHOLE])
    assert all(isinstance(one, without) for one in fits_of(method))
    assert (chosen, asked) == ({}, [])


def test_nothing_to_choose_by_is_an_error(monkeypatch):
    monkeypatch.setitem(ratings.BASELINES, "by_item", ByItem)
    with pytest.raises(ValueError, match=r"meta-validation .* of 'by_item' by, got no"):
        fit_simple("by_item", USERS, ratings_data([], has_query=False), [MAIN])
