import math

import numpy as np
import pytest

from pipeline.insight.clustering import clustering, directions, nearest_neighbours
from pipeline.insight.contexts import TaskContexts
from pipeline.reports.insight.clusterings import as_json, clusterings, verdict

# Two bundles of directions, five contexts each.
BUNDLES = np.array(
    [[3.0, 0.1 * n] for n in range(5)] + [[-3.0, 0.1 * n] for n in range(5)], np.float32
)


def test_bundles_of_one_label_are_pure_and_those_of_two_are_not():
    apart = clustering(BUNDLES, ["a"] * 5 + ["b"] * 5)
    assert (apart.purity, apart.num_contexts, apart.num_labels) == (1.0, 10, 2)
    # With the label left out, 4 of the 9 others share it: 4 / 9 by chance.
    assert apart.chance == pytest.approx(4 / 9, abs=0.12)
    assert apart.ratio == pytest.approx(1.0 / apart.chance)
    assert apart.silhouette > 0.8
    across = clustering(BUNDLES, ["a", "b"] * 5)
    assert across.purity < 0.5
    assert across.silhouette < 0.1


def test_contexts_without_a_label_are_left_out():
    found = clustering(BUNDLES, ["a", "", "a", "", "", "b", "b", "", "", ""])
    assert (found.num_contexts, found.purity) == (4, 1.0)


def test_a_label_of_tasks_with_many_contexts_is_no_better_than_chance():
    contexts = np.random.default_rng(0).normal(size=[300, 8]).astype(np.float32)
    # 30 tasks of 9 contexts are "many", 30 of one are "few": all lie anyhow.
    tasks = [f"m{n % 30}" if n < 270 else f"f{n}" for n in range(300)]
    labels = ["many" if n < 270 else "few" for n in range(300)]
    found = clustering(contexts, labels, tasks=tasks)
    # 0.9 of the neighbours are "many": 0.81 + 0.01 have the same label.
    assert found.purity == pytest.approx(0.82, abs=0.1)
    assert found.chance == pytest.approx(found.purity)


def test_fewer_than_two_labels_cannot_cluster():
    with pytest.raises(ValueError, match="needs 2 contexts with a label, got 1"):
        clustering(BUNDLES, ["a", *[""] * 9])


def test_directions_forget_the_mean_and_the_length():
    # Mean [1, 0]: the others are at [0, 2] and [0, -2] from it, and one is at it.
    found = directions([[1.0, 2.0], [1.0, -2.0], [1.0, 0.0]])
    np.testing.assert_allclose(found, [[0.0, 1.0], [0.0, -1.0], [0.0, 0.0]])


def test_the_nearest_is_another_point_even_where_points_coincide():
    points = np.array([[0.0], [0.0], [5.0], [5.5]], np.float32)
    assert nearest_neighbours(points, np.arange(4)).tolist() == [1, 0, 3, 2]
    assert nearest_neighbours(points, np.array([0, 0, 0, 1])).tolist() == [3, 3, 3, 2]


def test_contexts_of_one_task_say_nothing_of_the_label_of_tasks():
    rng = np.random.default_rng(0)
    centres = np.repeat(rng.normal(size=[40, 8]), 8, axis=0)
    contexts = (centres + 0.01 * rng.normal(size=[320, 8])).astype(np.float32)
    tasks = [str(n // 8) for n in range(320)]
    labels = [f"g{g}" for g in np.repeat(rng.integers(4, size=40), 8)]
    of_group = {"group": labels, "scenario": tasks}
    found = clusterings(TaskContexts(tasks, contexts, of_group))
    group = found["group"]
    assert group.num_contexts == 320
    assert group.purity == pytest.approx(group.chance, abs=0.2)
    assert abs(group.silhouette) < 0.1
    assert found["scenario"].purity == 1.0
    assert found["scenario"].chance < 0.1
    with pytest.raises(ValueError, match="needs 2 tasks with a label, got 1"):
        clustering(contexts[:8], labels[:8], tasks=tasks[:8])


def test_only_kinds_of_texts_that_differ_are_measured():
    labels = {
        "scenario": ["a"] * 5 + ["b"] * 5,
        "split": ["meta_test"] * 10,
        "support_size": [1.0] * 10,
    }
    found = clusterings(TaskContexts([""] * 10, BUNDLES, labels))
    assert list(found) == ["scenario"]
    (sentence,) = verdict(found)
    assert "has the same of 2 labels for 100.0% of the contexts" in sentence


def test_figures_that_are_not_defined_are_null_in_json():
    one_each = clustering(BUNDLES, [str(n) for n in range(10)])
    assert math.isnan(one_each.silhouette)
    assert as_json(one_each)["silhouette"] is None
    assert as_json(one_each)["purity"] == 0.0
