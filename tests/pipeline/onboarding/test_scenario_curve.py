import numpy as np
import pytest

from pipeline.onboarding.scenario_curve import (
    CLICKS,
    POPULARITY,
    NewScenario,
    scenario_curve,
)

NUM_USERS, NUM_ITEMS = 20, 25


def make_scenario(**changes):
    """User n has clicked the items n, n + 1, n + 2 and n + 3, around the circle."""
    pairs = [
        (f"u{n}", f"i{(n + step) % NUM_ITEMS:02d}")
        for n in range(NUM_USERS)
        for step in range(4)
    ]
    users, items = (np.array(ids, object) for ids in zip(*pairs, strict=True))
    values = {"unclicked": {}, "is_seen": np.zeros(len(pairs), bool)} | changes
    return NewScenario(users, items, **values)


def knows_all(support, users, pool):
    """Scores the four items of each user above all others."""
    number = np.array([int(user[1:]) for user in users])[:, np.newaxis]
    item = np.array([int(item[1:]) for item in pool])
    return ((item - number) % NUM_ITEMS < 4).astype(float)


def test_who_knows_all_finds_all_and_gains_over_popularity():
    popularity = {f"i{n:02d}": n for n in range(NUM_ITEMS)}
    curve = scenario_curve(knows_all, make_scenario(), popularity)
    assert curve.metric.name == "recall@4"  # A fifth of 23 items.
    assert curve.size_in_words(1) == "1 click"
    assert curve.reference == POPULARITY
    assert curve.interval("cmml", 0).mean == 1.0
    assert curve.gain(curve.judged_size).low > 0.0
    assert curve.gain(0).mean == pytest.approx(1.0 - curve.interval(POPULARITY, 0).mean)


def test_without_known_clicks_those_of_the_support_are_the_reference():
    curve = scenario_curve(knows_all, make_scenario(), None)
    assert curve.reference == CLICKS
    assert set(curve.values) == {"cmml", CLICKS}


def test_a_click_that_is_shown_is_never_asked_for():
    scenario = make_scenario()
    shown = set()

    def only_what_was_shown(support, users, pool):
        clicks = support.labels == 1.0
        pairs = set(zip(support.users[clicks], support.items[clicks], strict=True))
        shown.update(pairs)
        return np.array([[float((u, i) in pairs) for i in pool] for u in users])

    curve = scenario_curve(only_what_was_shown, scenario, None)
    assert shown
    # What was shown is no candidate, so it is as good as chance among the others.
    nothing, most = curve.interval("cmml", 0), curve.interval("cmml", 40)
    assert most.mean == nothing.mean


def test_negatives_are_of_no_help_by_themselves():
    def avoids_what_was_refused(support, users, pool):
        refused = support.labels == 0.0
        pairs = set(zip(support.users[refused], support.items[refused], strict=True))
        return np.array([[-float((u, i) in pairs) for i in pool] for u in users])

    curve = scenario_curve(avoids_what_was_refused, make_scenario(), None)
    assert curve.interval("cmml", 40).mean == curve.interval("cmml", 0).mean


def test_clicks_that_the_model_has_seen_are_not_asked_for():
    is_seen = np.ones(4 * NUM_USERS, bool)
    is_seen[:8] = False  # Those of u0 and u1.
    asked = set()

    def rank(support, users, pool):
        asked.update(users)
        return np.zeros([users.size, pool.size])

    curve = scenario_curve(rank, make_scenario(is_seen=is_seen), None)
    assert asked == {"u0", "u1"}
    assert curve.num_units(0) == 2


def test_a_negative_is_what_was_shown_or_else_not_clicked():
    scenario = make_scenario(unclicked={"u3": ["i20"]})
    negatives = scenario.negatives(np.random.default_rng(0))
    clicked = set(zip(scenario.users, scenario.items, strict=True))
    assert not clicked & set(zip(scenario.users, negatives, strict=True))
    assert set(negatives[scenario.users == "u3"]) == {"i20"}
    support = scenario.support(np.array([0, 12]), negatives)
    assert support.labels.tolist() == [1.0, 0.0, 1.0, 0.0]
    assert support.users.tolist() == ["u0", "u0", "u3", "u3"]
    assert support.items.tolist() == ["i00", negatives[0], "i03", "i20"]
