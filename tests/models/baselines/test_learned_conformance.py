"""One battery for every learned baseline, in both settings."""

import dataclasses

import numpy as np
import pytest

from models.baselines.clicks.learned_registry import LEARNED as LEARNED_CLICKS
from models.baselines.learned.parts.feature_pairs import build_feature_pairs
from models.baselines.learned.parts.vector_inputs import VectorInputs
from models.baselines.ratings.learned_registry import LEARNED
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.objectives.click_objective import ClickObjective
from models.objectives.ranking_losses import margin_loss
from models.objectives.rating_objective import RatingObjective
from models.recommender import Recommender, split_episode

METHODS = [
    *(("user", name) for name in LEARNED),
    *(("scenario", name) for name in LEARNED_CLICKS),
]
# Those that do not look at the support set, by design.
FIXED = {"dcn"}
# What is added to all scores of a user cancels out where they are only ranked.
NOT_OF_RANKS = ("bias", "shift")
TOLERANCE = 1e-4
NUM_USERS, NUM_ITEMS, WIDTH = 16, 10, 4


@pytest.fixture(scope="module", params=METHODS, ids="-".join)
def kind(request):
    return request.param


def registry(setting):
    return LEARNED if setting == "user" else LEARNED_CLICKS


def small_options(method):
    """Few steps and units: graphs of many take long to trace."""
    small = {"hidden_dims": (6, 5), "inner_steps": 2, "min_steps": 1}
    small |= {"inner_learning_rate": 0.1}  # So that two steps can do something.
    names = {field.name for field in dataclasses.fields(method.OPTIONS)}
    return {name: value for name, value in small.items() if name in names}


def build(kind, dataset, seed=0, **changes):
    setting, name = kind
    method = registry(setting)[name]
    options = method.OPTIONS(**(small_options(method) | changes))
    if setting == "user":
        inputs = build_feature_pairs(
            *(dataset.info, dataset.users, dataset.items),
            embedding_dim=3,
            item_id=True,
            dropout=0.0,
            seed=seed,
        )
        objective = RatingObjective(dataset.info.label_mean, dataset.info.label_std)
    else:
        chance = np.random.default_rng(seed + 1)
        users = chance.normal(size=[3, NUM_USERS + 1, WIDTH]).astype(np.float32)
        inputs = VectorInputs(Vectors(users, item_vectors(seed)))
        objective = ClickObjective(margin_loss(1.0), query_negatives=1)
    model = method(inputs, objective, options, seed=seed)
    model(random_episode(setting))
    return model


def item_vectors(seed):
    chance = np.random.default_rng(seed)
    return chance.normal(size=[3, NUM_ITEMS + 1, WIDTH]).astype(np.float32)


def random_episode(setting, seed=1):
    """Three tasks of 6, 2 and 0 support pairs and of 4, 2 and 4 query pairs."""
    rng = np.random.default_rng(seed)
    episode = {}
    for half, width, sizes in (("support", 6, [6, 2, 0]), ("query", 4, [4, 2, 4])):
        shape = [3, width]
        users = np.tile([[1], [2], [3]], [1, width])
        labels = rng.integers(1, 6, shape)
        if setting == "scenario":
            users = rng.integers(1, 4, [3, width // 2]).repeat(2, axis=1)
            labels = np.tile([1, 0], [3, width // 2])
        items = np.stack([rng.permutation(8)[:width] + 1 for _ in range(3)])
        episode[f"{half}_user"] = tf.constant(users, tf.int32)
        episode[f"{half}_item"] = tf.constant(items, tf.int32)
        episode[f"{half}_label"] = tf.constant(labels, tf.float32)
        episode[f"{half}_mask"] = tf.sequence_mask(sizes, width)
    return episode


@pytest.fixture(scope="module")
def method(kind, dataset):
    """Any learned baseline with fresh weights, large enough to show in scores."""
    model = build(kind, dataset)
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0.0, 0.4, variable.shape))
    return model


@pytest.fixture
def episode(kind):
    return random_episode(kind[0])


def scores_of(method, episode):
    support, query = split_episode(episode)
    return method.score(method.adapt(support), query)


def assert_equal_scores(actual, expected):
    np.testing.assert_allclose(actual, expected, atol=TOLERANCE, rtol=1e-4)


def test_is_a_recommender_whose_state_is_tensors_batch_first(method, episode):
    assert isinstance(method, Recommender)
    support, _ = split_episode(episode)
    for tensor in tf.nest.flatten(method.adapt(support)):
        assert tf.is_tensor(tensor)
        assert tensor.shape[0] == 3
    scores = scores_of(method, episode)
    assert scores.shape == (3, 4)
    assert scores.dtype == tf.float32


def test_padding_and_what_is_in_it_do_not_change_a_score(method, episode):
    fillers = {"label": np.nan, "mask": False, "item": 3, "user": 3}
    padded = {
        key: tf.pad(value, [[0, 0], [0, 3]], constant_values=fillers[key.split("_")[1]])
        if key.startswith("support")
        else value
        for key, value in episode.items()
    }
    assert_equal_scores(scores_of(method, padded), scores_of(method, episode))


@pytest.mark.parametrize("row", [0, 2])
def test_a_batch_of_one_equals_its_row_in_a_larger_batch(method, episode, row):
    alone = {key: value[row : row + 1] for key, value in episode.items()}
    assert_equal_scores(scores_of(method, alone)[0], scores_of(method, episode)[row])


def test_one_graph_serves_any_batch_and_any_width_as_eager_does(method, episode):
    specs = {k: tf.TensorSpec([None, None], v.dtype) for k, v in episode.items()}
    graph = tf.function(lambda batch: scores_of(method, batch), [specs])
    for batch in (episode, {key: value[:2, :2] for key, value in episode.items()}):
        assert_equal_scores(graph(batch), scores_of(method, batch))


def test_an_empty_support_set_gives_the_task_agnostic_prediction(method, episode):
    masked = {**episode, "support_mask": tf.zeros([3, 6], tf.bool)}
    without = {
        key: value[:, :0] if key.startswith("support") else value
        for key, value in episode.items()
    }
    scores = scores_of(method, masked)
    assert np.isfinite(scores).all()
    assert_equal_scores(scores, scores_of(method, without))


def test_scores_differ_from_pair_to_pair(method, episode):
    assert np.ptp(scores_of(method, episode).numpy()[0]) > TOLERANCE


def test_adaptation_changes_the_scores_unless_there_is_none(method, kind, episode):
    labels = episode["support_label"]
    turned = 1.0 - labels if kind[0] == "scenario" else 6.0 - labels
    other = {**episode, "support_label": turned}
    change = np.abs(scores_of(method, other) - scores_of(method, episode)).max(axis=1)
    if kind[1] in FIXED:
        assert change.max() == 0.0
    else:
        assert change[0] > TOLERANCE
        assert change[2] < TOLERANCE  # This task has no support.


def test_every_weight_moves_in_one_step(kind, dataset):
    model = build(kind, dataset)
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        # All positive, so that no ReLU is shut, and no two alike.
        variable.assign(rng.uniform(0.01, 0.3, variable.shape))
    episode = random_episode(kind[0])
    before = {v.ref(): v.numpy() for v in model.trainable_variables}
    assert before
    model.compile(tf.keras.optimizers.Adam(0.01), run_eagerly=True)
    model.fit(tf.data.Dataset.from_tensors(episode), verbose=0)
    still = [ref.deref().name for ref, v in before.items() if np.all(ref.deref() == v)]
    if kind[0] == "scenario":
        still = [name for name in still if not any(n in name for n in NOT_OF_RANKS)]
    assert still == []


def test_it_overfits_one_task(kind, dataset):
    """The query is the support: a method that can learn anything learns this."""
    model = build(kind, dataset)
    episode = random_episode(kind[0])
    episode = {key: value[:1, :4] for key, value in episode.items()}
    episode |= {
        key.replace("support", "query"): value
        for key, value in episode.items()
        if key.startswith("support")
    }
    model.compile(tf.keras.optimizers.Adam(0.02))
    data = tf.data.Dataset.from_tensors(episode).repeat()
    model.fit(data, steps_per_epoch=150, verbose=0)
    scores = scores_of(model, episode).numpy()[0]
    labels = episode["query_label"].numpy()[0]
    if kind[0] == "user":
        assert np.abs(scores - labels).mean() < 0.3
    else:
        assert (scores[0::2] > scores[1::2]).all()


def tasks_of_two_kinds(setting, vectors, seed, num_tasks=8):
    """Tasks that only the support set tells apart: what one likes the other does not.

    Users of one kind give 4.5 stars to everything, those of the other 1.5. Scenarios
    of one kind click the item whose vector has the larger first unit, those of the
    other the one with the smaller.
    """
    rng = np.random.default_rng(seed)
    kinds = np.arange(num_tasks) % 2
    episode = {}
    for half in ("support", "query"):
        shape = [num_tasks, 4]
        items = np.stack([rng.permutation(8)[:4] + 1 for _ in range(num_tasks)])
        labels = np.tile(4.5 - 3.0 * kinds[:, np.newaxis], [1, 4])
        if setting == "scenario":
            pairs = items.reshape(-1, 2, 2)
            order = np.argsort(vectors[pairs, 0], axis=-1)
            pairs = np.take_along_axis(pairs, order, -1).reshape(num_tasks, 2, 2)
            is_first = (kinds == 0)[:, np.newaxis, np.newaxis]
            items = np.where(is_first, pairs[..., ::-1], pairs).reshape(shape)
            labels = np.tile([1.0, 0.0], [num_tasks, 2])
        episode[f"{half}_user"] = tf.ones(shape, tf.int32)
        episode[f"{half}_item"] = tf.constant(items, tf.int32)
        episode[f"{half}_label"] = tf.constant(labels, tf.float32)
        episode[f"{half}_mask"] = tf.ones(shape, tf.bool)
    return episode


def test_the_support_set_of_another_task_hurts(kind, dataset):
    setting, name = kind
    if name in FIXED:
        pytest.skip("it does not look at the support set")
    model = build(kind, dataset)
    vectors = item_vectors(seed=0)[0]
    batches = [tasks_of_two_kinds(setting, vectors, seed) for seed in range(20)]
    data = {key: tf.stack([b[key] for b in batches]) for key in batches[0]}
    data = tf.data.Dataset.from_tensor_slices(data).repeat()
    model.compile(tf.keras.optimizers.Adam(0.01))
    model.fit(data, steps_per_epoch=150, verbose=0)
    episode = tasks_of_two_kinds(setting, vectors, seed=99)
    other = {
        key: tf.roll(value, 1, axis=0) if key.startswith("support") else value
        for key, value in episode.items()
    }
    own, others = (scores_of(model, e).numpy() for e in (episode, other))
    if setting == "user":
        labels = episode["query_label"].numpy()
        assert np.abs(own - labels).mean() < np.abs(others - labels).mean() - 0.5
    else:
        share = [(scores[:, 0::2] > scores[:, 1::2]).mean() for scores in (own, others)]
        assert share[0] > share[1] + 0.1


def test_a_checkpoint_brings_back_the_scores(method, kind, dataset, tmp_path):
    episode = random_episode(kind[0])
    path = tf.train.Checkpoint(model=method).save(tmp_path / "weights")
    fresh = build(kind, dataset, seed=0)
    assert not np.allclose(scores_of(fresh, episode), scores_of(method, episode))
    tf.train.Checkpoint(model=fresh).restore(path).assert_consumed()
    assert_equal_scores(scores_of(fresh, episode), scores_of(method, episode))


def test_candidates_are_changes_of_known_options(kind):
    method = registry(kind[0])[kind[1]]
    names = {field.name for field in dataclasses.fields(method.OPTIONS)}
    assert dict(method.CANDIDATES[0]) == {}
    for changes in method.CANDIDATES:
        assert changes.keys() <= names
        method.OPTIONS(**changes)
