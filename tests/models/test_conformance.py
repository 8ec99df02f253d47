"""One battery for every method: what `Recommender` promises of each."""

import numpy as np
import pytest
from tensorflow.python.framework import op_def_registry

from models.baselines.ratings.registry import BASELINES
from models.cmml import Pairs
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from models.parts.family import combinations
from models.recommender import Recommender, split_episode
from models.serving.options import ServingOptions
from models.serving.served_user_model import ServedUserModel

NUM_USERS, NUM_ITEMS = 16, 10
TOLERANCE = 1e-4
ROUNDING = 1e-5  # Of scores as large as these weights can make them.

# Every combination of members, and every switch and other embedding with the default
# ones. Options that are not given are those of `new_model`.
COMBINATIONS = {"-".join(names.values()): names for names in combinations()}
SWITCHES = {
    "mean without negatives": {"encoder": "mean", "negatives": False},
    "several orders": {"num_orders": 3},
    "after the activation": {"modulation_position": "after_activation"},
    "film without offset": {"film_scale_offset": 0.0},
    "leaky relu": {"activation": "leaky_relu"},
    "routes by source": {"modulation": "soft", "route_axis": "source"},
    "leaky modules": {"modulation": "soft", "activation": "leaky_relu"},
    "detached support": {"detach_support": True},
    "constant prior": {"prior": "constant"},
    "constant prior, no ids": {"prior": "constant", "item_id": False},
    "no ids": {"item_id": False},
    "fixed": {"embeddings": "fixed"},
    "fixed, constant prior": {"embeddings": "fixed", "prior": "constant"},
    "both": {"embeddings": "both"},
    "both, constant prior": {"embeddings": "both", "prior": "constant"},
}
VARIANTS = COMBINATIONS | SWITCHES
# All combinations are trained. What else is promised is asked of a third of them, in
# which each member meets every other.
HYBRIDS = ("none", "dot", "mlp")
PAIRED = [
    f"{encoder}-{HYBRIDS[(i + j) % 3]}-{modulation}"
    for i, encoder in enumerate(("gru", "mean", "max"))
    for j, modulation in enumerate(("film", "sigmoid", "weight", "soft"))
]
# Each member once or twice, where one more would show nothing.
WITH_EACH_MEMBER = [
    "gru-none-film",
    "mean-mlp-sigmoid",
    "max-dot-weight",
    "gru-none-soft",
    "several orders",
    "fixed",
]
METHODS = [*PAIRED, *SWITCHES, *sorted(BASELINES)]


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
    np.testing.assert_allclose(actual, expected, atol=TOLERANCE, rtol=ROUNDING)


def fitted(name):
    baseline = BASELINES[name]()
    baseline.fit(random_pairs())
    return baseline


@pytest.fixture(scope="module", params=METHODS)
def method(request, new_model, set_large_weights):
    """Any method, fitted."""
    if request.param in BASELINES:
        return fitted(request.param)
    return set_large_weights(new_model(**VARIANTS[request.param]))


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


def test_one_pair_is_a_support_set(method, episode):
    alone = {
        key: value[:, :1] if key.startswith("support") else value
        for key, value in episode.items()
    }
    assert np.isfinite(scores_of(method, alone)).all()


def test_labels_that_are_all_equal_make_finite_scores(method, episode):
    for label in (1.0, 5.0):
        alike = {**episode, "support_label": tf.fill([3, 5], label)}
        assert np.isfinite(scores_of(method, alike)).all()


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


# What CMML promises beside: any members together can be trained, saved and served.


@pytest.fixture(scope="module", params=[*PAIRED, *SWITCHES])
def options(request):
    """Options of any CMML."""
    return VARIANTS[request.param]


@pytest.fixture(scope="module")
def cmml(options, new_model, set_large_weights):
    """Any CMML, its weights large, to read only."""
    return set_large_weights(new_model(**options))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_weight_moves_in_one_step(name, new_model, episode):
    model = new_model(**VARIANTS[name], dropout=0.0)
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        # All positive, so that no ReLU is shut, and no two alike.
        variable.assign(rng.uniform(0.01, 0.3, variable.shape))
    before = {variable.ref(): variable.numpy() for variable in model.variables}
    model.compile(tf.keras.optimizers.Adam(0.01), run_eagerly=True)
    model.fit(tf.data.Dataset.from_tensors(all_ids(episode)), verbose=0)
    still = {ref for ref, value in before.items() if np.all(ref.deref() == value)}
    assert still == {variable.ref() for variable in model.factors.variables}


def test_a_checkpoint_brings_back_the_scores(cmml, options, new_model, tmp_path):
    path = tf.train.Checkpoint(model=cmml).save(tmp_path / "weights")
    fresh = new_model(**options, seed=1)
    episode = random_episode()
    assert not np.allclose(scores_of(fresh, episode), scores_of(cmml, episode))
    tf.train.Checkpoint(model=fresh).restore(path).assert_consumed()
    np.testing.assert_array_equal(scores_of(fresh, episode), scores_of(cmml, episode))


def test_the_context_matters(cmml, episode):
    support, query = split_episode(episode)
    other = {**support, "support_label": 6.0 - support["support_label"]}
    state = cmml.adapt(support)
    # The context of other labels, and whatever else is known as it is.
    changed = state._replace(context=cmml.adapt(other).context)
    changes = np.abs(cmml.score(changed, query) - cmml.score(state, query)).max(axis=1)
    # The third task has no support, and random weights may shut the units of another.
    assert changes[:2].max() > TOLERANCE


def test_the_order_of_the_support_set_matters_to_the_gru_alone(cmml, options, episode):
    turned = {
        key: value[:, ::-1] if key.startswith("support") else value
        for key, value in episode.items()
    }
    before, after = scores_of(cmml, episode), scores_of(cmml, turned)
    if options.get("encoder", "gru") == "gru":
        assert np.abs(before - after).max() > TOLERANCE
    else:
        assert_equal_scores(after, before)


def test_modulation_is_a_structure_of_values_that_the_backbone_takes(cmml, episode):
    support, query = split_episode(episode)
    state = cmml.adapt(support)
    rows, users = query["query_item"], query["query_user"]
    pairs = Pairs(
        cmml.users(users[:, :1]), cmml.items(rows), cmml.factors.units(users, rows)
    )
    values = cmml.modulate(state, pairs)
    for value in tf.nest.flatten(values):
        assert value.dtype == tf.float32
        assert value.shape[0] == 3
        assert value.shape[1] in (1, 4)  # Once a task, or once a pair.
    embedded, expected = cmml._embed(state, pairs, training=False)
    scores = expected + cmml.label_std * cmml.backbone(embedded, values)
    assert_equal_scores(scores, cmml.score(state, query))


@pytest.fixture(scope="module")
def serve(dataset):
    """Makes the served form of a model."""
    options = ServingOptions(top_k=3, min_item_count=0)
    return lambda model: ServedUserModel(
        model, dataset.info, dataset.items, dataset.directory, options
    )


def test_the_served_model_scores_alike(cmml, serve):
    served = serve(cmml)
    episode = random_episode()  # Of users nobody knows: the row 0, no features.
    support = {
        "support_item_id": ids_of(episode, "support"),
        "support_label": episode["support_label"],
        "user_gender": tf.fill([3], ""),
        "user_hobby": tf.fill([3, 1], ""),
        "user_age": tf.fill([3], np.nan),
    }
    rank = served.rank(**support, query_item_id=ids_of(episode, "query"))
    scores = scores_of(cmml, episode)
    present = episode["query_mask"].numpy()
    assert_equal_scores(rank["score"].numpy()[present], scores.numpy()[present])
    best = served.recommend(**support, exclude_item_id=tf.fill([3, 1], ""))
    assert (np.diff(best["score"]) <= 0.0).all()
    again = served.rank(**support, query_item_id=best["item_id"])
    # Of the third task nothing is known: it is recommended what is popular.
    assert_equal_scores(best["score"][:2], again["score"][:2])


@pytest.mark.parametrize("name", WITH_EACH_MEMBER)
def test_the_served_model_is_of_stock_ops_alone(name, new_model, serve):
    signatures = serve(new_model(**VARIANTS[name])).signatures()
    ops = set().union(*(ops_of(signature.graph) for signature in signatures.values()))
    assert "MatMul" in ops
    assert not {op for op in ops if op_def_registry.get(op) is None or "PyFunc" in op}


def ops_of(graph):
    """Names of all ops of a graph and of the functions that it calls."""
    graph = graph.as_graph_def()
    functions = {function.signature.name for function in graph.library.function}
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    return {node.op for node in nodes} - functions


def ids_of(episode, role):
    """Ids as they came in: row n has the id n, "?" is unknown, padding is empty."""
    rows = episode[f"{role}_item"]
    ids = tf.where(rows > 0, tf.strings.as_string(rows), "?")
    return tf.where(episode[f"{role}_mask"], ids, "")


def all_ids(episode):
    """The episode with known users and items, so that every embedding is met."""
    return {
        key: tf.range(3)[:, tf.newaxis] + tf.range(value.shape[1]) + 1
        if key.endswith(("user", "item"))
        else value
        for key, value in episode.items()
    }
