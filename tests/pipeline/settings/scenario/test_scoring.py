import dataclasses
import types

import numpy as np
import pytest

from models.baselines.clicks.popularity import ItemPop
from models.episodes.click_records import KnownClicks, ScenarioTask
from models.evaluation.metric import Metric
from models.evaluation.ranking_metrics import user_metrics
from models.evaluation.shown import Shown
from models.legacy_keras import tf
from pipeline.settings.scenario import metrics, scoring
from pipeline.settings.scenario.config import ScenarioEvaluationConfig
from pipeline.settings.scenario.metrics import metrics_by_task, metrics_by_user
from pipeline.settings.scenario.scoring import ClickScorer, other_tasks

NUM_USERS, NUM_ITEMS, NUM_NEGATIVES = 12, 40, 2


def task_of(scenario_id, pool, support, query, known):
    """A task of (user, item) pairs; all negatives are the first item of the pool."""

    def columns(pairs):
        return np.asarray(pairs, np.int32).reshape(-1, 2).T

    (support_user, support_item), (query_user, query_item), (known_user, known_item) = (
        columns(pairs) for pairs in (support, query, known)
    )
    return ScenarioTask(
        scenario_id=scenario_id,
        pool=np.asarray(pool, np.int32),
        support_user=support_user,
        support_item=support_item,
        support_fold=np.zeros_like(support_user),
        support_negative=np.full([len(support), NUM_NEGATIVES], pool[0], np.int32),
        query_user=query_user,
        query_item=query_item,
        query_negative=np.full([len(query), NUM_NEGATIVES], pool[0], np.int32),
        known_user=known_user,
        known_item=known_item,
    )


def random_task(seed):
    """A task of another pool size than its neighbours; known and query are disjoint."""
    chance = np.random.default_rng(seed)
    pool = np.sort(chance.choice(np.arange(1, NUM_ITEMS + 1), 9 + seed, False))
    size = NUM_USERS * pool.size
    places = chance.choice(size, size // 2, replace=False)
    pairs = np.stack([1 + places // pool.size, pool[places % pool.size]], axis=1)
    query, known = pairs[: size // 6], pairs[size // 6 :]
    asked = np.unique(query[:, 0])
    return task_of(
        f"random {seed}", pool, known[:8], query, known[np.isin(known[:, 0], asked)]
    )


class TableScores:
    """Scores pairs from a table, whatever the support; counts how often it is called.

    Args:
        table: float32 [users, items].
    """

    def __init__(self, table):
        super().__init__()
        self.table = tf.constant(table, tf.float32)
        self.num_calls = 0

    def adapt(self, support):
        return tf.reduce_sum(support["support_label"], axis=1)

    def score(self, state, query):
        self.num_calls += 1
        scores = tf.gather(self.table, query["query_user"][:, 0])
        return tf.gather(scores, query["query_item"][0], axis=1)


@pytest.fixture
def tasks():
    return [random_task(seed) for seed in range(6)]


@pytest.fixture
def untied():
    scores = np.random.default_rng(5).permutation((NUM_USERS + 1) * (NUM_ITEMS + 1))
    return scores.reshape(NUM_USERS + 1, NUM_ITEMS + 1)


ALL = Shown("scenario_mean", "meta_test", 4, 4)


def scorer_of(method, tasks, *, support_negatives=1, **of_data):
    """Asks a method about tasks of one domain."""
    config = types.SimpleNamespace(
        evaluation=ScenarioEvaluationConfig(support_negatives=support_negatives)
    )
    data = types.SimpleNamespace(
        tasks=lambda split: tasks,
        info=types.SimpleNamespace(domains=["one"], has_user_tasks=False),
        **{"known": known_clicks(()), **of_data},
    )
    return ClickScorer(method, config, data)


def known_clicks(pairs):
    user, item = np.array(sorted(pairs), np.int32).reshape(-1, 2).T
    return KnownClicks(user, item, np.zeros_like(user), NUM_USERS, NUM_ITEMS)


def rank(method, tasks):
    return scorer_of(method, tasks)(ALL)


def pairs_of(users, items):
    return set(zip(users.tolist(), items.tolist(), strict=True))


def places(ranked):
    """What came out, by scenario, user and item."""
    keys = zip(
        ranked.task.tolist(), ranked.user.tolist(), ranked.item.tolist(), strict=True
    )
    values = zip(
        ranked.score.tolist(),
        ranked.rank.tolist(),
        ranked.num_candidates.tolist(),
        strict=True,
    )
    return dict(zip(keys, values, strict=True))


def test_a_worked_case():
    # User 1 knows item 2. Of the others, 9 scores 8, 5 scores 7 and 4 scores 0.
    # User 2 knows nothing: 2 scores 9, then 4, 5, 9.
    table = np.zeros([3, 10])
    table[1, [2, 4, 5, 9]] = [9, 0, 7, 8]
    table[2, [2, 4, 5, 9]] = [9, 6, 5, 4]
    task = task_of("s", [2, 4, 5, 9], [(1, 2)], [(2, 9), (1, 5), (2, 2)], [(1, 2)])
    ranked = rank(TableScores(table), [task])
    assert places(ranked) == {
        (0, 1, 5): (7, 2, 3),
        (0, 2, 2): (9, 1, 4),
        (0, 2, 9): (4, 4, 4),
    }
    np.testing.assert_array_equal(ranked.support_size, [1, 1, 1])


def test_ranks_are_those_of_a_slow_count(tasks, untied):
    found = places(rank(TableScores(untied), tasks))
    assert len(found) == sum(task.query_user.size for task in tasks)
    for number, task in enumerate(tasks):
        known = pairs_of(task.known_user, task.known_item)
        for user, item in pairs_of(task.query_user, task.query_item):
            scores = [untied[user, i] for i in task.pool if (user, i) not in known]
            better = [score for score in scores if score > untied[user, item]]
            expected = untied[user, item], 1 + len(better), len(scores)
            assert found[number, user, item] == expected


def test_portions_of_users_change_nothing(tasks, untied, monkeypatch):
    method = TableScores(untied // 100)  # With ties.
    whole = places(rank(method, tasks))
    monkeypatch.setattr(scoring, "_MAX_PAIRS", 30)  # One to three users at a time.
    assert places(rank(method, tasks)) == whole


def test_no_more_pairs_are_scored_at_once_than_stated(tasks, monkeypatch):
    monkeypatch.setattr(scoring, "_MAX_PAIRS", 30)
    sizes = []

    class Watched(TableScores):
        def score(self, state, query):
            tf.numpy_function(
                lambda users, items: sizes.append(users.size * items.size),
                [query["query_user"], query["query_item"]],
                [],
            )
            return super().score(state, query)

    rank(Watched(np.zeros([NUM_USERS + 1, NUM_ITEMS + 1])), tasks)
    assert max(sizes) <= 30
    pairs = sum(np.unique(task.query_user).size * task.pool.size for task in tasks)
    assert sum(sizes) == pairs


def test_a_model_is_compiled_once_for_pools_and_portions_of_any_size(
    tasks, untied, monkeypatch
):
    class Model(TableScores, tf.Module):
        def score(self, state, query):
            shapes = [query[name].shape.as_list() for name in sorted(query)]
            assert shapes == [[1, None], [None, 1]]  # So that it knows: every pair.
            return super().score(state, query)

    monkeypatch.setattr(scoring, "_MAX_PAIRS", 30)
    simple, model = TableScores(untied), Model(untied)
    assert places(rank(model, tasks)) == places(rank(simple, tasks))
    assert model.num_calls == 1
    assert simple.num_calls > len(tasks)


def test_equal_scores_share_their_ranks():
    pool = list(range(1, 9))
    task = task_of("s", pool, [(1, 1)], [(1, 3), (1, 6)], [(1, 2)])
    ranked = rank(TableScores(np.zeros([2, 10])), [task])
    assert ranked.rank.tolist() == [1, 1]
    assert ranked.num_tied.tolist() == ranked.num_candidates.tolist() == [7, 7]


def test_a_method_that_knows_nothing_finds_what_chance_finds():
    # 20 of 40 items are found by chance, whichever is the click.
    pool = list(range(1, 41))
    task = task_of("s", pool, [(1, 2)], [(user, 1) for user in range(1, 5)], [])
    ranked = rank(TableScores(np.zeros([5, 41])), [task])
    assert metrics_by_task(ranked)["recall@20"] == pytest.approx([0.5])


def test_scenarios_without_a_user_still_count(tasks, untied):
    empty = task_of("empty", [1, 2], [(1, 1)], [], [])
    ranked = rank(TableScores(untied), [tasks[0], empty])
    assert ranked.num_tasks == 2
    assert np.isnan(metrics_by_task(ranked)["mrr"][1])
    with pytest.raises(ValueError, match="must have a held-out click, got none in 1 t"):
        rank(TableScores(untied), [empty])


def test_metrics_are_of_the_ranks(tasks, untied):
    ranked = rank(TableScores(untied), tasks)
    expected = user_metrics(
        *(ranked.task, ranked.user, ranked.rank),
        num_tasks=6,
        num_candidates=ranked.num_candidates,
    )
    found = metrics_by_user(ranked)
    np.testing.assert_array_equal(found.task, expected.task)
    for name, values in expected.values.items():
        np.testing.assert_array_equal(found.values[name], values)
    some = metrics_by_task(ranked, names=["mrr"])
    np.testing.assert_array_equal(some["mrr"], expected.by_scenario()["mrr"])
    assert list(some) == ["mrr"]


def test_a_metric_without_a_formula_is_refused(tasks, untied, monkeypatch):
    declared = (*metrics.METRICS, Metric("recall@3"))
    monkeypatch.setattr(metrics, "METRICS", declared)
    with pytest.raises(ValueError, match=r"ranking_metrics.py, but 'recall@3' has no"):
        metrics_by_task(rank(TableScores(untied), tasks), names=["mrr"])


def test_some_users_are_the_same_every_time_with_all_their_clicks(tasks, untied):
    scorer = scorer_of(TableScores(untied), tasks)
    five = dataclasses.replace(ALL, max_users=5)
    whole, some = places(scorer(ALL)), places(scorer(five))
    assert some == places(scorer_of(TableScores(untied), tasks)(five))
    users = {key[:2] for key in some}
    assert [sum(task == number for task, _ in users) for number in range(6)] == [5] * 6
    assert some == {key: value for key, value in whole.items() if key[:2] in users}
    assert users != {(number, user) for number in range(6) for user in range(1, 6)}


def test_the_support_set_is_shown_up_to_its_size_or_that_of_another_task():
    # Item 3 is clicked in the support of the first task, item 2 in that of the second.
    pool = [1, 2, 3]
    first = task_of("a", pool, [(1, 2), (2, 3), (3, 3)], [(4, 3)], [])
    second = task_of("b", pool, [(1, 2)], [(4, 3)], [])
    scorer = scorer_of(ItemPop(None, None), [first, second], support_negatives=0)

    def ranked(shown):
        found = scorer(shown)
        return found.score.tolist(), found.support_size.tolist()

    three = Shown("scenario_mean", "meta_test", 3, 3)
    assert ranked(three) == ([2, 0], [3, 1])
    assert ranked(three.few(2)) == ([1, 0], [2, 1])
    assert ranked(three.few(0)) == ([0, 0], [0, 0])
    assert ranked(three.with_other_support()) == ([0, 2], [1, 3])


def test_what_two_groups_have_in_common_is_ranked_once(tasks, untied, monkeypatch):
    monkeypatch.setattr(scoring, "_MAX_PAIRS", 30)
    num_pairs = []

    class Unmoved(TableScores):
        def adapt(self, support):
            return ()

        def score(self, state, query):
            scores = super().score(state, query)
            tf.numpy_function(lambda s: num_pairs.append(s.size), [scores], [])
            return scores

    groups = [ALL, dataclasses.replace(ALL, max_users=5), ALL.few(2), ALL.few(0)]
    groups[1] = groups[1].with_other_support()
    together = scorer_of(Unmoved(untied), tasks).score_groups(groups)
    assert sum(num_pairs) == sum(
        np.unique(task.query_user).size * task.pool.size for task in tasks
    )
    for shown in groups:
        alone = scorer_of(Unmoved(untied), tasks)(shown).columns()
        for name, column in together[shown.group].columns().items():
            np.testing.assert_array_equal(column, alone[name])


def test_groups_that_are_shown_other_clicks_are_ranked_each(tasks):
    groups = [ALL, ALL.few(0), ALL.with_other_support()]
    together = scorer_of(ItemPop(None, None), tasks).score_groups(groups)
    for shown in groups:
        alone = scorer_of(ItemPop(None, None), tasks)(shown)
        np.testing.assert_array_equal(together[shown.group].score, alone.score)
        np.testing.assert_array_equal(together[shown.group].rank, alone.rank)
    assert not np.array_equal(
        together[ALL.group].score, together[ALL.few(0).group].score
    )


def test_pairs_of_a_task_are_in_the_order_of_its_query(tasks, untied, monkeypatch):
    monkeypatch.setattr(scoring, "_MAX_PAIRS", 30)  # One to three users at a time.
    ranked = rank(TableScores(untied), tasks)
    for number, task in enumerate(tasks):
        np.testing.assert_array_equal(
            ranked.item[ranked.task == number], task.query_item
        )


def test_the_first_tasks_alone_can_be_asked_about(tasks, untied):
    found = scorer_of(TableScores(untied), tasks)(dataclasses.replace(ALL, max_tasks=2))
    assert found.task_ids == ["random 0", "random 1"]
    whole = rank(TableScores(untied), tasks)
    first = whole.task < 2
    np.testing.assert_array_equal(found.rank, whole.rank[first])


@pytest.mark.parametrize(
    ("is_hybrid", "expected"),
    [
        (False, ["b:1", "a:2", "b:2", "b:3", "a:1"]),
        (True, ["a:2", "b:2", "a:1", "b:3", "b:1"]),
    ],
)
def test_another_support_set_is_of_the_next_task_of_the_same_domain(
    is_hybrid, expected
):
    names = ("a:1", "b:1", "a:2", "b:2", "b:3")
    tasks = [task_of(name, [1, 2], [(1, 1)], [(1, 2)], []) for name in names]
    assert [t.scenario_id for t in other_tasks(tasks, is_hybrid)] == expected


def test_a_score_that_is_no_number_is_an_error(tasks):
    method = TableScores(np.full([NUM_USERS + 1, NUM_ITEMS + 1], np.nan))
    with pytest.raises(
        ValueError, match="scores of candidates must be numbers, got NaN"
    ):
        rank(method, tasks)


WHOLE = dataclasses.replace(ALL, is_open=True)


def test_what_was_clicked_in_another_scenario_is_no_candidate():
    table = np.array([[0.0] * 5, [0.0, 4.0, 3.0, 2.0, 1.0]])
    task = task_of("s", [1, 2, 3, 4], [(1, 1)], [(1, 4)], [(1, 1)])
    known = known_clicks({(1, 1), (1, 3), (2, 2)})  # Item 3 elsewhere.
    found = places(scorer_of(TableScores(table), [task], known=known)(ALL))
    assert found == {(0, 1, 4): (1.0, 2, 2)}


def test_without_a_pool_all_items_but_the_known_ones_are_candidates(tasks, untied):
    known = {(1, 3), (2, 5), (7, 1)}  # Clicked, be they in a pool or not.
    known |= {p for t in tasks for p in pairs_of(t.known_user, t.known_item)}
    known -= {p for t in tasks for p in pairs_of(t.query_user, t.query_item)}
    data = {"known": known_clicks(known), "factors": types.SimpleNamespace(open_fit=1)}
    found = places(scorer_of(TableScores(untied), tasks, **data)(WHOLE))
    assert found.keys() == places(rank(TableScores(untied), tasks)).keys()
    for (number, user, item), values in found.items():
        out = known | pairs_of(tasks[number].known_user, tasks[number].known_item)
        items = [i for i in range(1, NUM_ITEMS + 1) if (user, i) not in out]
        better = [i for i in items if untied[user, i] > untied[user, item]]
        assert values == (untied[user, item], 1 + len(better), len(items))


def test_a_method_is_told_that_no_pool_is_given(tasks):
    told = []

    class Watched(TableScores):
        def adapt(self, support):
            told.append("support_fit" in support)
            return super().adapt(support)

        def score(self, state, query):
            told.append({"query_fit", "query_open"} <= query.keys())
            return super().score(state, query)

    known = known_clicks({(1, 40)})
    data = {"known": known, "factors": types.SimpleNamespace(open_fit=1)}
    method = Watched(np.zeros([NUM_USERS + 1, NUM_ITEMS + 1]))
    scorer = scorer_of(method, tasks[:1], **data)
    for shown in (ALL, WHOLE):
        scorer(shown)
        assert set(told) == {shown.is_open}
        told.clear()
