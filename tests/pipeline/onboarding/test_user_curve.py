import numpy as np
import pytest

from pipeline.onboarding.new_users import mean_of_others
from pipeline.onboarding.tasks import UserTask
from pipeline.onboarding.user_curve import user_curve


def make_task(name, num_pairs, label=4.0):
    items = np.array([f"{name}-{n}" for n in range(num_pairs)], object)
    return UserTask(name, items, np.full(num_pairs, label))


def always_three(episode):
    return np.full(episode.query.size, 3.0)


def learns(episodes):
    """Off by 1 / (1 + pairs in the support set)."""
    return [e.task.labels[e.query] + 1.0 / (1.0 + e.support.size) for e in episodes]


def test_errors_are_those_of_the_method_at_each_size():
    tasks = [make_task("a", 8), make_task("b", 8, label=5.0)]
    curve = user_curve(learns, tasks, {"three": always_three}, reference="three")
    # Half of eight pairs are asked for, so four can be shown.
    assert curve.sizes == [0, 1, 2, 3]
    means = [curve.interval("cmml", size).mean for size in curve.sizes]
    assert means == pytest.approx([1.0, 1.0 / 2.0, 1.0 / 3.0, 1.0 / 4.0])
    assert curve.interval("three", 3).mean == pytest.approx((1.0 + 2.0) / 2.0)
    assert curve.gain(3).mean == pytest.approx(1.5 - 0.25)
    assert curve.unit == "users"


def test_the_mean_of_others_has_not_seen_the_user():
    mean = mean_of_others([make_task("a", 3), make_task("b", 1, label=1.0)], 3.0)
    assert (mean("a"), mean("b")) == (1.0, 4.0)
    assert mean_of_others([make_task("a", 3)], 3.0)("a") == 3.0


def test_no_pair_is_shown_and_asked_for_and_all_sizes_ask_for_the_same():
    seen = []

    def rank(episodes):
        seen.extend(episodes)
        return learns(episodes)

    user_curve(rank, [make_task("a", 9)], {"three": always_three}, reference="three")
    assert all(not set(e.support) & set(e.query) for e in seen)
    assert {e.query.size for e in seen} == {5}
    asked = [frozenset(e.query) for e in seen]
    assert len(set(asked)) == len(seen) // 4  # One for each split of four sizes.


def test_a_user_with_few_pairs_takes_no_part_in_large_sizes():
    tasks = [make_task("a", 2), make_task("b", 12)]
    curve = user_curve(learns, tasks, {"three": always_three}, reference="three")
    assert [curve.num_units(size) for size in curve.sizes] == [2, 2, 1, 1, 1]


def test_intervals_are_over_splits_if_there_is_one_user():
    curve = user_curve(
        learns, [make_task("a", 4)], {"three": always_three}, reference="three"
    )
    assert curve.unit == "splits"
    assert curve.num_units(0) == 10
