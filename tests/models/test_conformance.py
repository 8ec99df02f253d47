"""One battery for every method: what `Recommender` promises of each."""

import numpy as np
import pytest

from models.baselines.registry import BASELINES
from models.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from models.recommender import Recommender, split_episode

NUM_USERS, NUM_ITEMS = 16, 10
TOLERANCE = 1e-4

CMML_VARIANTS = {
    f"cmml, {prior} prior, item_id={item_id}": {"prior": prior, "item_id": item_id}
    for prior in ("factors", "constant")
    for item_id in (True, False)
}
METHODS = [*CMML_VARIANTS, *sorted(BASELINES)]


def random_pairs(seed=0):
    rng = np.random.default_rng(seed)
    return LabelledPairs(
        user=rng.integers(1, NUM_USERS + 1, 150),
        item=rng.integers(0, NUM_ITEMS + 1, 150),
        label=rng.integers(1, 6, 150).astype(np.float32),
        num_users=NUM_USERS,
        num_items=NUM_ITEMS,
    )


def random_episode(seed=1):
    """Three tasks of 5, 2 and 0 support pairs and of 4, 3 and 4 query pairs."""
    rng = np.random.default_rng(seed)
    episode = {}
    for half, width, sizes in (("support", 5, [5, 2, 0]), ("query", 4, [4, 3, 4])):
        shape = [3, width]
        items = rng.integers(0, NUM_ITEMS + 1, shape)
        labels = rng.integers(1, 6, shape)
        episode[f"{half}_user"] = tf.zeros(shape, tf.int32)
        episode[f"{half}_item"] = tf.constant(items, tf.int32)
        episode[f"{half}_label"] = tf.constant(labels, tf.float32)
        episode[f"{half}_mask"] = tf.sequence_mask(sizes, width)
    return episode


def scores_of(method, episode):
    support, query = split_episode(episode)
    return method.score(method.adapt(support), query)


def assert_equal_scores(actual, expected):
    np.testing.assert_allclose(actual, expected, atol=TOLERANCE)


def fitted(name):
    baseline = BASELINES[name]()
    baseline.fit(random_pairs())
    return baseline


@pytest.fixture(scope="module", params=METHODS)
def method(request, new_model, set_large_weights):
    """Any method, fitted."""
    if request.param in BASELINES:
        return fitted(request.param)
    return set_large_weights(new_model(**CMML_VARIANTS[request.param]))


@pytest.fixture(scope="module", params=sorted(BASELINES))
def baseline(request):
    """A method fitted to pairs in one call; none of them minds the order of a set."""
    return fitted(request.param)


@pytest.fixture
def episode():
    return random_episode()


def test_is_a_recommender_with_a_float_score_for_each_query_pair(method, episode):
    assert isinstance(method, Recommender)
    scores = scores_of(method, episode)
    assert scores.shape == (3, 4)
    assert scores.dtype == tf.float32


def test_state_is_a_structure_of_tensors_batch_first(method, episode):
    support, _ = split_episode(episode)
    for tensor in tf.nest.flatten(method.adapt(support)):
        assert tf.is_tensor(tensor)
        assert tensor.shape[0] == 3


def test_padding_does_not_change_a_score(method, episode):
    fillers = {"label": 99.0, "mask": False, "item": 3, "user": 3}
    padded = {
        key: tf.pad(value, [[0, 0], [0, 3]], constant_values=fillers[key.split("_")[1]])
        for key, value in episode.items()
    }
    assert_equal_scores(scores_of(method, padded)[:, :4], scores_of(method, episode))


def test_content_of_the_padding_does_not_matter(method, episode):
    present = episode["support_mask"]
    other = {
        **episode,
        "support_item": tf.where(present, episode["support_item"], 7),
        "support_label": tf.where(present, episode["support_label"], np.nan),
    }
    assert_equal_scores(scores_of(method, other), scores_of(method, episode))


@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_batch_of_one_equals_its_row_in_a_larger_batch(method, episode, row):
    alone = {key: value[row : row + 1] for key, value in episode.items()}
    assert_equal_scores(scores_of(method, alone)[0], scores_of(method, episode)[row])


def test_eager_equals_graph(method, episode):
    graph = tf.function(lambda batch: scores_of(method, batch))
    assert_equal_scores(graph(episode), scores_of(method, episode))


def test_one_graph_serves_any_batch_and_any_width(method, episode):
    specs = {k: tf.TensorSpec([None, None], v.dtype) for k, v in episode.items()}
    graph = tf.function(lambda batch: scores_of(method, batch), [specs])
    for batch in (episode, {key: value[:2, :3] for key, value in episode.items()}):
        assert_equal_scores(graph(batch), scores_of(method, batch))


def test_an_empty_support_set_gives_the_task_agnostic_prediction(method, episode):
    masked = {**episode, "support_mask": tf.zeros([3, 5], tf.bool)}
    without = {
        key: value[:, :0] if key.startswith("support") else value
        for key, value in episode.items()
    }
    scores = scores_of(method, masked)
    assert np.isfinite(scores).all()
    assert_equal_scores(scores, scores_of(method, without))
    # Agnostic: one item has one score, whichever task asks.
    same_item = {**masked, "query_item": tf.fill([3, 4], 5)}
    assert np.ptp(scores_of(method, same_item)) < TOLERANCE


def test_the_unknown_item_has_a_finite_score(method, episode):
    unknown = tf.zeros([3, 4], tf.int32)
    scores = scores_of(method, {**episode, "query_item": unknown})
    assert np.isfinite(scores).all()


def test_query_labels_do_not_influence_the_score(method, episode):
    support, query = split_episode(episode)
    assert "query_label" not in query
    leaking = {**query, "query_label": tf.fill([3, 4], np.nan)}
    state = method.adapt(support)
    np.testing.assert_array_equal(
        method.score(state, leaking), method.score(state, query)
    )


def test_the_order_of_the_support_set_does_not_matter(baseline, episode):
    turned = {
        key: value[:, ::-1] if key.startswith("support") else value
        for key, value in episode.items()
    }
    assert_equal_scores(scores_of(baseline, turned), scores_of(baseline, episode))


def test_a_baseline_made_anew_from_its_hyperparameters_scores_alike(baseline, episode):
    again = type(baseline)(**baseline.hyperparameters)
    again.fit(random_pairs())
    np.testing.assert_array_equal(
        scores_of(again, episode), scores_of(baseline, episode)
    )


def test_fitting_again_forgets_the_pairs_of_before(baseline, episode):
    refitted = type(baseline)(**baseline.hyperparameters)
    refitted.fit(random_pairs(seed=5))
    refitted.fit(random_pairs())
    np.testing.assert_array_equal(
        scores_of(refitted, episode), scores_of(baseline, episode)
    )


def test_the_grid_holds_values_the_constructor_takes(baseline):
    for name, values in type(baseline).GRID.items():
        for value in values:
            assert type(baseline)(**{name: value}).hyperparameters[name] == value
