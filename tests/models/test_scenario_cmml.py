"""The invariants that hold for every member of the family, in this setting too."""

import dataclasses

import numpy as np
import pytest

from models.episodes.click_episodes import EpisodeSizes, training_episodes
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.options import ScenarioOptions
from models.pairs.vector_tables import VectorPairs, dot_product
from models.recommender import Recommender, split_episode
from models.scenario_cmml import build_scenario_cmml

HYBRIDS = ("dot", "mlp", "none")
NUM_USERS, NUM_ITEMS, NUM_FITS, WIDTH = 21, 31, 4, 4
TINY = {
    "label_dim": 3,
    "encoder_dim": 6,
    "hybrid_dim": 5,
    "modulation_dim": 5,
    "hidden_dims": (7, 6),
    "module_dim": 4,
}
# Every member with every other, each pair of kinds once; the battery of the user
# setting runs over all combinations of the same members.
PAIRED = [
    {"encoder": encoder, "modulation": modulation, "hybrid": HYBRIDS[(i + j) % 3]}
    for i, encoder in enumerate(("gru", "mean", "max"))
    for j, modulation in enumerate(("film", "sigmoid", "weight", "soft"))
]
VARIANTS = [
    *PAIRED[::3],
    PAIRED[5],
    {"product": False},
    {"prior": "constant"},
    {"prior": "constant", "product": False},
    {"negatives": False},
]


def vectors(seed=0):
    chance = np.random.default_rng(seed)
    shapes = [NUM_FITS, NUM_USERS, WIDTH], [NUM_FITS, NUM_ITEMS, WIDTH]
    return Vectors(*(chance.normal(size=s).astype(np.float32) for s in shapes))


def build(seed=0, **options):
    # Small as the start is, the backbone must show in the scores.
    model = build_scenario_cmml(vectors(), ScenarioOptions(**TINY | options), seed=seed)
    if model.has_prior:
        model.backbone_scale.assign(1.0)
    return model


def random_episode(num_tasks=3, num_support=6, num_query=5, seed=1):
    chance = np.random.default_rng(seed)
    episode = {}
    for role, size in (("support", num_support), ("query", num_query)):
        shape = [num_tasks, size]
        episode |= {
            f"{role}_user": chance.integers(1, NUM_USERS, shape).astype(np.int32),
            f"{role}_item": chance.integers(1, NUM_ITEMS, shape).astype(np.int32),
            f"{role}_label": chance.integers(0, 2, shape).astype(np.float32),
            f"{role}_mask": np.ones(shape, bool),
        }
    return {name: tf.constant(value) for name, value in episode.items()}


def name_of(options):
    return "-".join(str(value) for value in options.values())


@pytest.fixture(scope="module", params=VARIANTS, ids=name_of)
def model(request):
    return build(**request.param)


@pytest.fixture(scope="module")
def episode():
    return random_episode()


def test_it_is_a_recommender(model, episode):
    assert isinstance(model, Recommender)
    support, query = split_episode(episode)
    scores = model.score(model.adapt(support), query)
    np.testing.assert_allclose(scores, model(episode), atol=1e-5)
    assert scores.shape == (3, 5)


def test_eager_equals_graph(model, episode):
    np.testing.assert_allclose(
        tf.function(model)(episode), model(episode), rtol=1e-4, atol=1e-5
    )


def test_padding_does_not_change_a_score(model, episode):
    padded = {
        name: tf.pad(value, [[0, 0], [2, 1]] if "support" in name else [[0, 0], [0, 3]])
        for name, value in episode.items()
    }
    padded["support_label"] = tf.where(
        padded["support_mask"], padded["support_label"], np.nan
    )
    np.testing.assert_allclose(model(padded)[:, :5], model(episode), atol=1e-5)


def test_a_batch_of_one_equals_its_row(model, episode):
    alone = {name: value[1:2] for name, value in episode.items()}
    np.testing.assert_allclose(model(alone), model(episode)[1:2], atol=1e-5)


def test_an_empty_support_set_is_legal(model):
    empty = random_episode(num_support=0)
    assert np.isfinite(model(empty)).all()


def test_what_is_clicked_changes_the_scores(model, episode):
    other = dict(episode, support_item=tf.roll(episode["support_item"], 1, axis=0))
    assert np.abs(model(other) - model(episode)).max() > 1e-6


@pytest.mark.parametrize("options", PAIRED, ids=name_of)
def test_every_weight_is_trained(tasks, options):
    sizes = EpisodeSizes(4, 1, 6, 2)
    (batch,) = training_episodes(tasks, sizes, batch_size=3, seed=0).take(1)
    model = build_scenario_cmml(
        vectors(), ScenarioOptions(**TINY | options, dropout=0.0), query_negatives=2
    )

    # A ranking loss cannot see what is added to all scores; this one can.
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(batch, training=True) ** 2)
    gradients = tape.gradient(loss, model.trainable_weights)
    moving = [
        gradient is not None and bool(np.abs(tf.convert_to_tensor(gradient)).any())
        for gradient in gradients
    ]
    assert all(moving)
    assert np.isfinite(model.compute_loss(batch, training=True))


def test_weights_of_one_model_give_another_its_scores(episode, tmp_path):
    first, second = build(seed=1), build(seed=2)
    assert np.abs(first(episode) - second(episode)).max() > 1e-6
    path = tf.train.Checkpoint(model=first).save(str(tmp_path / "w"))
    tf.train.Checkpoint(model=second).restore(path).assert_consumed()
    np.testing.assert_allclose(second(episode), first(episode), atol=1e-6)


def test_the_start_is_near_the_dot_product(episode):
    model = build_scenario_cmml(vectors(), ScenarioOptions(**TINY))
    user, item = episode["query_user"], episode["query_item"]
    tables = vectors()
    dot = np.sum(tables.users[0][user] * tables.items[0][item], axis=-1)
    scores = model(episode).numpy()
    assert np.abs(scores - dot).max() < 0.1 * np.abs(dot).max()
    assert not np.array_equal(scores, dot)


def test_without_a_prior_the_backbone_stands_alone(episode):
    model = build(prior="constant")
    for weight in (model.backbone.last_kernel, model.backbone.last_bias):
        weight.assign(tf.zeros_like(weight))
    assert not model(episode).numpy().any()


def test_a_fit_of_the_vectors_is_chosen_by_the_episode(episode):
    model = build()
    fit = tf.constant([[2], [0], [3]], tf.int32)
    seen = model(episode | {"support_fit": fit, "query_fit": fit})
    whole = model(episode)
    np.testing.assert_allclose(seen[1], whole[1], atol=1e-5)
    tables = vectors()
    only = dataclasses.replace(tables, users=tables.users[2:3], items=tables.items[2:3])
    other = build_scenario_cmml(only, ScenarioOptions(**TINY))
    for ours, theirs in zip(other.weights, model.weights, strict=True):
        ours.assign(theirs)
    np.testing.assert_allclose(seen[0], other(episode)[0], atol=1e-5)


def test_without_negatives_only_clicks_are_encoded(episode):
    model = build(negatives=False)
    is_click = episode["support_label"] > 0.5
    only = dict(episode, support_mask=is_click)
    np.testing.assert_allclose(model(only), model(episode), atol=1e-5)


def test_dot_product_by_hand():
    pairs = (tf.constant([[[1.0, 2.0]]]), tf.constant([[[3.0, -1.0]]]))
    np.testing.assert_allclose(dot_product(VectorPairs(*pairs)), [[1.0]])
