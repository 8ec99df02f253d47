"""One battery for every method of both settings: what `Recommender` promises of each.

A method is built once and its scores are traced once, for any batch and any width; all
tests of it share the trace.
"""

import contextlib
import dataclasses

import numpy as np
import pytest
from learned_parts import parts_of_ratings
from tensorflow.python.framework import op_def_registry

from models.baselines.clicks import registry as simple_of_clicks
from models.baselines.learned.parts.vector_inputs import VectorInputs
from models.baselines.learned.registry import OF_CLICKS, OF_RATINGS
from models.baselines.ratings import registry as simple_of_ratings
from models.episodes.click_records import KnownClicks
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from models.objectives.click_objective import ClickObjective, margin_loss
from models.parts.family import combinations
from models.recommender import AcrossTasks, Distributional, Recommender, split_episode
from models.serving.options import ServingOptions
from models.serving.served_scenario_model import ServedScenarioModel
from models.serving.served_user_model import ServedUserModel
from transforms import schema

NUM_USERS, NUM_ITEMS = 16, 10
SIMPLE = {"user": simple_of_ratings.BASELINES, "scenario": simple_of_clicks.BASELINES}
LEARNED = {"user": OF_RATINGS, "scenario": OF_CLICKS}
TOLERANCE = 1e-4
ROUNDING = 1e-4  # Of scores as large as these weights can make them.
VISIBLE = 1e-5  # What is above rounding, however small random weights make it.

# Every combination of members can be trained. What else is promised is asked of a third
# of them, in which each member meets every other. A shrunk mean is but another factor
# of the mean, and moments are a pooling too: switches have them.
COMBINATIONS = {
    "-".join(names.values()): names
    for names in combinations()
    if names["encoder"] not in ("shrunk_mean", "moments")
}
HYBRIDS = ("none", "dot", "mlp")
PAIRED = [
    f"{encoder}-{HYBRIDS[(i + j) % 3]}-{modulation}"
    for i, encoder in enumerate(("gru", "mean", "max"))
    for j, modulation in enumerate(("film", "sigmoid", "weight", "soft"))
]
PAIRED_OF_CLICKS = [*PAIRED[::3], PAIRED[5]]
# What the options are by default, where the tiny model is made as in the paper.
DEFAULTS = {
    "encoder": "shrunk_mean",
    "embeddings": "fixed",
    "head": "distribution",
}
# Every switch and other embedding with the default members.
SWITCHES = {
    "defaults": DEFAULTS,
    "defaults of a weight": {**DEFAULTS, "modulation": "weight"},
    "defaults of modules": {**DEFAULTS, "encoder": "gru", "modulation": "soft"},
    "defaults, constant prior": {**DEFAULTS, "prior": "constant"},
    "full rank": {**DEFAULTS, "prior_full_rank_items": 50},
    "plain prior": {
        "prior_user_features": False,
        "prior_item_features": False,
        "prior_item_set": False,
        "prior_item_noise": False,
        "prior_context": False,
    },
    "mean without negatives, detached": {
        "encoder": "mean",
        "negatives": False,
        "detach_support": True,
    },
    "several orders, leaky relu": {"num_orders": 3, "activation": "leaky_relu"},
    "after the activation, no offset": {
        "modulation_position": "after_activation",
        "film_scale_offset": 0.0,
    },
    "leaky modules, routes by source": {
        "modulation": "soft",
        "activation": "leaky_relu",
        "route_axis": "source",
    },
    "constant prior": {"prior": "constant"},
    "constant prior, no ids": {"prior": "constant", "item_id": False},
    "no ids": {"item_id": False},
    "moments": {"encoder": "moments", "prior": "constant"},
    "learned prior": {"encoder": "moments", "prior": "learned", "prior_rank": 3},
    "both": {"embeddings": "both"},
    "both, constant prior": {"embeddings": "both", "prior": "constant"},
}
CLICK_SWITCHES = {
    "no product": {"product": False},
    "moments": {"encoder": "moments"},
    "constant prior": {"prior": "constant"},
    "constant prior, no product": {"prior": "constant", "product": False},
    "without negatives": {"negatives": False},
}


# Each member once or twice, where one more would show nothing.
RECOMMENDED = (
    "defaults",
    "gru-none-film",
    "mean-mlp-sigmoid",
    "max-dot-weight",
    "gru-none-soft",
)
# Those with weights that no other of them has; a checkpoint looks at nothing else.
SAVED = (
    *RECOMMENDED,
    "defaults of modules",
    "constant prior, no ids",
    "both, constant prior",
    "mean-none-weight",
    "constant prior, no product",
)
# Those that do not look at the support set, by design.
FIXED = {"dcn"}
# What is added to all scores of a user cancels out where they are only ranked.
NOT_OF_RANKS = ("bias", "shift")


@dataclasses.dataclass(frozen=True)
class Case:
    """A method to be tested: a "cmml", or a "simple" or "learned" baseline."""

    setting: str
    kind: str
    name: str

    def __str__(self):
        return f"{self.setting}-{self.name}"

    @property
    def options(self):
        """Those of a CMML that are not the default ones."""
        switches = SWITCHES if self.setting == "user" else CLICK_SWITCHES
        return (COMBINATIONS | switches)[self.name]


USER_CMML = [Case("user", "cmml", name) for name in [*PAIRED, *SWITCHES]]
SCENARIO_CMML = [
    Case("scenario", "cmml", name) for name in [*PAIRED_OF_CLICKS, *CLICK_SWITCHES]
]
CMML = [*USER_CMML, *SCENARIO_CMML]
BASELINES = [
    Case(setting, kind, name)
    for kind, registries in (("simple", SIMPLE), ("learned", LEARNED))
    for setting, methods in registries.items()
    for name in methods
]
METHODS = [*CMML, *BASELINES]
RATED = [c for c in BASELINES if (c.setting, c.kind) == ("user", "simple")]
OF_LEARNED = [c for c in BASELINES if c.kind == "learned"]
WITH_WEIGHTS = [*CMML, *OF_LEARNED]
OTHERS = [
    Case(setting, "cmml", name)
    for setting, names, in_battery in (
        ("user", COMBINATIONS, PAIRED),
        ("scenario", PAIRED, PAIRED_OF_CLICKS),
    )
    for name in names
    if name not in in_battery
]


def only(cases):
    """Runs a test for some of the methods alone, beside all other tests of each."""
    return pytest.mark.parametrize(
        "case", cases, indirect=True, ids=str, scope="module"
    )


@pytest.fixture(scope="module", params=METHODS, ids=str)
def case(request):
    return request.param


@pytest.fixture(scope="module")
def build(dataset, vectors, new_model, new_click_model):
    """Builds the method of a case, with fresh weights."""

    def fresh(case, seed=0):
        if case.kind == "simple":
            return fitted(case, vectors)
        if case.kind == "learned":
            return new_learned(case, dataset, vectors, seed)
        new = new_model if case.setting == "user" else new_click_model
        model = new(**case.options, dropout=0.0, seed=seed)
        if case.setting == "scenario" and model.pairs.has_prior:
            # Small as the start is, the backbone must show in the scores.
            model.pairs.backbone_scale.assign(1.0)
        return model

    return fresh


@pytest.fixture(scope="module")
def built(case, build):
    """Any method, and what its weights are to start with."""
    model = build(case)
    weights = model.variables if case.kind != "simple" else ()
    return model, [variable.numpy() for variable in weights]


@pytest.fixture(scope="module")
def method(case, built):
    """Any method, its weights large, to read only."""
    model, _ = built
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables if case.kind != "simple" else ():
        values = rng.normal(scale=0.4, size=variable.shape)
        # Biases open units: random ones could shut all that show a change.
        variable.assign(values if variable.shape.rank > 1 else abs(values))
    return model


@contextlib.contextmanager
def weights_restored(model):
    """Brings the weights of a method back that a test changes."""
    weights = [variable.numpy() for variable in model.variables]
    yield
    set_weights(model, weights)


def set_weights(model, weights):
    for variable, value in zip(model.variables, weights, strict=True):
        variable.assign(value)


@pytest.fixture(scope="module")
def graph(method, episode):
    """Scores an episode of any size by one trace."""
    specs = {k: tf.TensorSpec([None, None], v.dtype) for k, v in episode.items()}
    return tf.function(lambda batch: scores_of(method, batch), [specs], autograph=False)


@pytest.fixture(scope="module")
def episode(case):
    return random_episode(case.setting)


@pytest.fixture(scope="module")
def query(episode):
    """What is asked about the episode."""
    return split_episode(episode)[1]


@pytest.fixture(scope="module")
def state(method, episode):
    """What the method makes of the support sets, in eager mode."""
    return method.adapt(split_episode(episode)[0])


@pytest.fixture(scope="module")
def eager_scores(method, state, query):
    """The scores of the episode in eager mode."""
    return method.score(state, query)


@pytest.fixture(scope="module")
def scores(graph, episode):
    """The scores of the episode."""
    return graph(episode).numpy()


def fitted(case, vectors, seed=0):
    method = SIMPLE[case.setting][case.name]
    if case.setting == "scenario":
        return method(random_clicks(), vectors)
    baseline = method()
    baseline.fit(random_pairs(seed))
    return baseline


def new_learned(case, dataset, vectors, seed):
    method = LEARNED[case.setting][case.name]
    # Few steps and units: graphs of many take long to trace. Steps are large, so that
    # two of them can do something.
    small = {"hidden_dims": (6, 5), "inner_steps": 2, "min_steps": 1}
    small |= {"inner_learning_rate": 0.1}
    names = {field.name for field in dataclasses.fields(method.OPTIONS)}
    options = method.OPTIONS(**{k: v for k, v in small.items() if k in names})
    if case.setting == "user":
        parts = parts_of_ratings(dataset, seed)
    else:
        objective = ClickObjective(margin_loss(1.0), query_negatives=1)
        parts = VectorInputs(vectors), objective
    model = method(*parts, options, seed=seed)
    model(random_episode(case.setting))
    return model


def random_pairs(seed=0):
    rng = np.random.default_rng(seed)
    return LabelledPairs(
        user=rng.integers(1, NUM_USERS + 1, 150),
        item=rng.integers(0, NUM_ITEMS + 1, 150),
        label=rng.integers(1, 6, 150).astype(np.float32),
        num_users=NUM_USERS,
        num_items=NUM_ITEMS,
    )


def random_clicks():
    rng = np.random.default_rng(0)
    user, item = np.nonzero(rng.random([NUM_USERS, NUM_ITEMS]) < 0.4)
    rows = user.astype(np.int32) + 1, item.astype(np.int32) + 1
    return KnownClicks(*rows, np.zeros_like(rows[0]), NUM_USERS, NUM_ITEMS)


def random_episode(setting, seed=1):
    """Three tasks of 6, 2 and 0 support pairs and of 4, 2 and 4 query pairs.

    Every task is another user; in the scenario setting, a click and a negative of one
    user follow one another.
    """
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


def scores_of(method, episode):
    """Scores the query, which is shown with its labels."""
    support, _ = split_episode(episode)
    query = {name: v for name, v in episode.items() if name.startswith("query")}
    return method.score(method.adapt(support), query)


def assert_equal_scores(actual, expected):
    np.testing.assert_allclose(actual, expected, atol=TOLERANCE, rtol=ROUNDING)


def halves(episode, change, half="support"):
    """Changes the tensors of one half."""
    return {k: change(v) if k.startswith(half) else v for k, v in episode.items()}


def other_labels(case, episode):
    labels = episode["support_label"]
    turned = 1.0 - labels if case.setting == "scenario" else 6.0 - labels
    return {**episode, "support_label": turned}


# What every method promises.


def test_is_a_recommender_alike_in_eager_mode_and_in_a_graph(
    method, state, eager_scores, scores
):
    assert isinstance(method, Recommender)
    for tensor in tf.nest.flatten(state):
        assert tf.is_tensor(tensor)
        assert tensor.shape[0] == 3
    assert eager_scores.shape == (3, 4)
    assert eager_scores.dtype == tf.float32
    assert_equal_scores(scores, eager_scores)


def test_padding_and_what_is_in_it_do_not_change_a_score(graph, episode, scores):
    fillers = {"label": np.nan, "mask": False, "item": 3, "user": 3}
    present, padded = episode["support_mask"], {}
    for key, value in episode.items():
        filler = tf.constant(fillers[key.split("_")[1]], value.dtype)
        if key.startswith("support"):
            value = tf.where(present, value, filler)
        padded[key] = tf.pad(value, [[0, 0], [0, 3]], constant_values=filler)
    assert_equal_scores(graph(padded)[:, :4], scores)


def test_a_batch_of_one_equals_its_row_in_a_larger_batch(graph, episode, scores):
    for row in range(3):
        alone = {key: value[row : row + 1] for key, value in episode.items()}
        assert_equal_scores(graph(alone)[0], scores[row])


def test_an_empty_support_set_gives_the_task_agnostic_prediction(graph, episode):
    masked = {**episode, "support_mask": tf.zeros([3, 6], tf.bool)}
    agnostic = graph(masked).numpy()
    assert np.isfinite(agnostic).all()
    assert_equal_scores(graph(halves(episode, lambda v: v[:, :0])), agnostic)
    # One pair has one score, whichever task asks.
    one_pair = {"query_user": tf.fill([3, 4], 1), "query_item": tf.fill([3, 4], 5)}
    assert np.ptp(graph({**masked, **one_pair})) < TOLERANCE


def test_query_labels_do_not_influence_the_score(graph, episode, scores):
    leaking = {**episode, "query_label": tf.fill([3, 4], np.nan)}
    np.testing.assert_array_equal(graph(leaking), scores)


@only([case for case in METHODS if case.setting == "scenario"])
def test_every_pair_of_users_and_items_has_the_score_of_its_row(method, graph, episode):
    one = {key: value[:1] for key, value in episode.items()}
    support, _ = split_episode(one)
    users, items = tf.constant([[1], [2], [3]]), tf.constant([[4, 2, 7, 5]])
    every_pair = {"query_user": users, "query_item": items}
    scores = method.score(method.adapt(support), every_pair)
    rows = {
        "query_user": tf.reshape(tf.repeat(users, 4), [1, 12]),
        "query_item": tf.tile(items, [1, 3]),
        "query_label": tf.zeros([1, 12]),
        "query_mask": tf.ones([1, 12], tf.bool),
    }
    in_rows = tf.reshape(graph({**one, **rows}), [3, 4])
    assert_equal_scores(np.broadcast_to(scores, [3, 4]), in_rows)


@only(SCENARIO_CMML)
def test_tasks_asked_for_the_same_items_have_the_scores_of_each(
    method, state, graph, episode
):
    assert isinstance(method, AcrossTasks)
    users, items = tf.constant([[1], [2], [3]]), tf.constant([[4, 2, 7, 5]])
    together = {"query_user": users, "query_item": items}
    scores = method.score(state, together)
    rows = {
        "query_user": tf.tile(users, [1, 4]),
        "query_item": tf.tile(items, [3, 1]),
        "query_mask": tf.ones([3, 4], tf.bool),
    }
    assert_equal_scores(np.broadcast_to(scores, [3, 4]), graph({**episode, **rows}))


def test_scores_are_finite_whatever_is_unknown_or_alike(graph, episode):
    changes = [{"query_item": tf.zeros([3, 4], tf.int32)}]  # The unknown item.
    changes += [{"support_label": tf.fill([3, 6], label)} for label in (0.0, 1.0, 5.0)]
    changes += [halves(episode, lambda value: value[:, :1])]  # One pair of support.
    for change in changes:
        assert np.isfinite(graph({**episode, **change})).all()


@only([*CMML, *(c for c in BASELINES if c.kind == "simple")])
def test_the_order_of_the_support_set_matters_to_the_gru_alone(
    case, graph, episode, scores
):
    turned = graph(halves(episode, lambda value: value[:, ::-1])).numpy()
    if case.kind == "cmml" and case.options.get("encoder", "gru") == "gru":
        assert np.abs(turned - scores).max() > VISIBLE
    else:
        assert_equal_scores(turned, scores)


# What methods with weights promise beside.


@only(WITH_WEIGHTS)
def test_scores_differ_from_pair_to_pair(scores):
    assert np.ptp(scores[0]) > TOLERANCE


@only(WITH_WEIGHTS)
def test_adaptation_changes_the_scores_unless_there_is_none(
    case, graph, episode, scores
):
    change = np.abs(graph(other_labels(case, episode)) - scores).max(axis=1)
    if case.name in FIXED:
        assert change.max() == 0.0
    else:
        assert change[:2].max() > VISIBLE
        assert change[2] < VISIBLE  # This task has no support.


@only([case for case in WITH_WEIGHTS if case.kind == "learned" or case.name in SAVED])
def test_a_checkpoint_brings_back_the_scores(
    case, build, method, episode, scores, tmp_path
):
    path = tf.train.Checkpoint(model=method).save(tmp_path / "weights")
    fresh = build(case, seed=1)
    before = {v.ref(): v.numpy() for v in fresh.trainable_variables}
    tf.train.Checkpoint(model=fresh).restore(path).assert_consumed()
    assert all(np.any(ref.deref() != value) for ref, value in before.items())
    assert_equal_scores(scores_of(fresh, episode), scores)


# What CMML promises beside: any members together can be trained and served.


@only([case for case in USER_CMML if case.options.get("head") == "distribution"])
def test_a_distribution_sums_to_1_and_has_the_score_for_its_mean(
    method, state, query, scores
):
    assert isinstance(method, Distributional)
    predicted = method.score_and_distribution(state, query)[1].numpy()
    assert predicted.shape == (3, 4, method.levels.size)
    assert (predicted >= 0.0).all()
    assert_equal_scores(predicted.sum(axis=-1), np.ones([3, 4]))
    assert_equal_scores(predicted @ method.levels.values, scores)


@only(CMML)
def test_every_weight_is_trained(case, method):
    with weights_restored(method):
        assert untrained(case, method) == []


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_every_weight_of_other_combinations_is_trained(other, build):
    assert untrained(other, build(other)) == []


def untrained(case, model):
    """Names of the weights that the loss of a batch has no gradient of."""
    open_all_units(model)
    episode = random_episode(case.setting)
    if case.setting == "user":
        episode = all_ids(episode)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(episode, training=True)
        if case.setting == "scenario":  # A ranking loss is blind to the level.
            loss += tf.reduce_mean(model(episode, training=True) ** 2)
    assert np.isfinite(loss)
    gradients = tape.gradient(loss, model.trainable_variables)
    return [
        variable.name
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True)
        if gradient is None or not np.any(tf.convert_to_tensor(gradient))
    ]


def all_ids(episode):
    """The episode with known users and items, so that every embedding is met."""
    return {
        key: tf.range(3)[:, tf.newaxis] + tf.range(value.shape[1]) + 1
        if key.endswith(("user", "item"))
        else value
        for key, value in episode.items()
    }


@only(CMML)
def test_the_context_matters(case, method, episode, state, query, eager_scores):
    other = method.adapt(split_episode(other_labels(case, episode))[0])
    # The context of other labels, and whatever else is known as it is.
    changed = state._replace(context=other.context)
    changes = np.abs(method.score(changed, query) - eager_scores)
    # The third task has no support, and random weights may shut the units of another.
    assert changes[:2].max() > VISIBLE


@only(CMML)
def test_modulation_is_a_structure_of_values_that_the_backbone_takes(
    method, state, query, scores
):
    pairs = method.pairs.query_pairs(query)
    values = method.modulate(state, pairs)
    for value in tf.nest.flatten(values):
        assert value.dtype == tf.float32
        assert value.shape[0] == 3
        assert value.shape[1] in (1, 4)  # Once a task, or once a pair.
    parts, expected = method.pairs.embed(state.user, pairs)
    prediction = method.head(expected, method.backbone(parts, values))
    assert_equal_scores(method.objective.scores(method.head.mean(prediction)), scores)
    prior = method.objective.scores(expected.mean)
    assert_equal_scores(prior, method.prior(state, pairs))


@only(CMML)
def test_the_graph_is_of_stock_ops_alone(graph):
    ops = ops_of(graph.get_concrete_function().graph)
    assert ops & {"MatMul", "BatchMatMulV2", "Einsum"}
    assert not {op for op in ops if op_def_registry.get(op) is None or "PyFunc" in op}


def ops_of(graph):
    """Names of all ops of a graph and of the functions that it calls."""
    graph = graph.as_graph_def()
    functions = {function.signature.name for function in graph.library.function}
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    return {node.op for node in nodes} - functions


@pytest.fixture(scope="module")
def serve(dataset, vectors, tmp_path_factory):
    """Makes the served form of a model of either setting."""
    options = ServingOptions(top_k=3, min_item_count=0)
    directory = tmp_path_factory.mktemp("clicks")
    folder = directory / schema.VOCABULARY_DIR
    folder.mkdir()
    num_users, num_items = vectors.users.shape[1] - 1, vectors.items.shape[1] - 1
    for name, number in ((schema.USER_ID, num_users), (schema.ITEM_ID, num_items)):
        lines = "".join(f"{row}\n" for row in range(1, number + 1))
        (folder / f"{name}.txt").write_text(lines)

    def served(case, model):
        if case.setting == "user":
            return ServedUserModel(
                model, dataset.info, dataset.items, dataset.directory, options
            )
        counts = np.arange(num_items + 1)
        return ServedScenarioModel(model, vectors, counts, directory, options)

    return served


@only(CMML)
def test_the_served_model_scores_alike(case, method, graph, episode, serve):
    served = serve(case, method)
    if case.setting == "user":  # Of users nobody knows: the row 0, no features.
        for name in ("support_user", "query_user"):
            episode = {**episode, name: tf.zeros_like(episode[name])}
    support, query = request_of(case, episode)
    present = episode["query_mask"].numpy()
    answer = served.rank(**support, **query)
    rank = answer["score"].numpy()
    assert_equal_scores(rank[present], graph(episode).numpy()[present])
    if method.levels is not None:
        halves_of = split_episode(episode)
        predicted = method.score_and_distribution(
            method.adapt(halves_of[0]), halves_of[1]
        )[1]
        for name, value in (
            ("median", method.levels.quantile(predicted, 0.5)),
            ("uncertainty", method.levels.spread(predicted)),
        ):
            assert_equal_scores(answer[name].numpy()[present], value.numpy()[present])
    if case.setting == "user" and case.name in RECOMMENDED:
        best = served.recommend(**support, exclude_item_id=tf.fill([3, 1], ""))
        assert (np.diff(best["score"]) <= 0.0).all()
        again = served.rank(**support, query_item_id=best["item_id"])
        # Of the third task nothing is known: it is recommended what is popular.
        assert_equal_scores(best["score"][:2], again["score"][:2])


def request_of(case, episode):
    """The episode as a request: row n has the id n, "?" is unknown, padding is ""."""

    def ids(half, kind):
        rows = episode[f"{half}_{kind}"]
        values = tf.where(rows > 0, tf.strings.as_string(rows), "?")
        return tf.where(episode[f"{half}_mask"], values, "")

    support = {"support_item_id": ids("support", "item")}
    support["support_label"] = episode["support_label"]
    query = {"query_item_id": ids("query", "item")}
    if case.setting == "scenario":
        support["support_user_id"] = ids("support", "user")
        query["query_user_id"] = ids("query", "user")
    else:
        support["user_gender"] = tf.fill([3], "")
        support["user_hobby"] = tf.fill([3, 1], "")
        support["user_age"] = tf.fill([3], np.nan)
    return support, query


# What baselines promise beside.


@only(RATED)
def test_a_baseline_that_is_fitted_again_scores_alike(case, method, vectors, episode):
    again = fitted(case, vectors)
    np.testing.assert_array_equal(scores_of(again, episode), scores_of(method, episode))
    # Fitting again forgets the pairs of before.
    again.fit(random_pairs(seed=5))
    again.fit(random_pairs())
    np.testing.assert_array_equal(scores_of(again, episode), scores_of(method, episode))


@only(RATED)
def test_the_grid_holds_values_the_constructor_takes(method):
    for name, values in type(method).GRID.items():
        for value in values:
            assert getattr(type(method)(**{name: value}), name) == value


@only(OF_LEARNED)
def test_candidates_are_changes_of_known_options(method):
    names = {field.name for field in dataclasses.fields(method.OPTIONS)}
    assert {} in method.CANDIDATES
    for changes in method.CANDIDATES:
        assert changes.keys() <= names
        method.OPTIONS(**changes)


@only(OF_LEARNED)
def test_it_learns_what_the_support_set_tells_and_one_task_by_heart(
    case, built, method, graph, episode, vectors
):
    step = training_step(method, episode)
    # The query is the support: a method that can learn anything learns this.
    one = {key: value[:1, :4] for key, value in episode.items()}
    for name in ("user", "item", "label", "mask"):
        one[f"query_{name}"] = one[f"support_{name}"]
    batches = [tasks_of_two_kinds(case, vectors, seed) for seed in range(20)]
    own = tasks_of_two_kinds(case, vectors, seed=99)
    others = halves(own, lambda value: tf.roll(value, 1, axis=0))

    def gains():
        gain = error(case, graph, others) - error(case, graph, own)
        return gain > (0.5 if case.setting == "user" else 0.1)

    def knows_it_by_heart():
        return error(case, graph, one) < (0.3 if case.setting == "user" else 0.01)

    with weights_restored(method):
        set_weights(method, built[1])
        assert case.name in FIXED or trained_until(gains, step, batches, most=150)
        assert trained_until(knows_it_by_heart, step, [one], most=200)
        assert unmoved(case, method, step, episode) == []


def trained_until(is_so, step, batches, *, most):
    """Takes so many steps at most, until it is so, and returns whether it is."""
    for number in range(most):
        step(batches[number % len(batches)])
        if number % 25 == 24 and is_so():
            return True
    return False


def unmoved(case, model, step, episode):
    """Names of the weights that a step of training leaves where they are."""
    open_all_units(model)
    before = {v.ref(): v.numpy() for v in model.trainable_variables}
    assert before
    step(episode)
    # A weight that is no number any more did not move either.
    moved = {ref: np.nan_to_num(ref.deref().numpy() - v) for ref, v in before.items()}
    still = [ref.deref().name for ref, by in moved.items() if not by.any()]
    if case.setting == "scenario":
        still = [name for name in still if not any(n in name for n in NOT_OF_RANKS)]
    return still


def open_all_units(model):
    """Makes every weight positive, so that no ReLU is shut, and no two alike."""
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(rng.uniform(0.01, 0.1, variable.shape))


def error(case, graph, episode):
    """The mean absolute error, or the share of clicks that score below a negative."""
    scores = graph(episode).numpy()
    if case.setting == "user":
        return np.abs(scores - episode["query_label"].numpy()).mean()
    return (scores[:, 0::2] <= scores[:, 1::2]).mean()


def training_step(model, episode):
    """Traces a step of training once, for any batch and any width."""
    optimizer = tf.keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)

    def step(batch):
        with tf.GradientTape() as tape:
            loss = model.compute_loss(batch, training=True)
        weights = model.trainable_variables
        optimizer.apply_gradients(
            zip(tape.gradient(loss, weights), weights, strict=True)
        )

    specs = {k: tf.TensorSpec([None, None], v.dtype) for k, v in episode.items()}
    return tf.function(step, [specs], autograph=False)


def tasks_of_two_kinds(case, vectors, seed, num_tasks=8):
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
        if case.setting == "scenario":
            pairs = items.reshape(-1, 2, 2)
            order = np.argsort(vectors.items[0][pairs, 0], axis=-1)
            pairs = np.take_along_axis(pairs, order, -1).reshape(num_tasks, 2, 2)
            is_first = (kinds == 0)[:, np.newaxis, np.newaxis]
            items = np.where(is_first, pairs[..., ::-1], pairs).reshape(shape)
            labels = np.tile([1.0, 0.0], [num_tasks, 2])
        episode[f"{half}_user"] = tf.ones(shape, tf.int32)
        episode[f"{half}_item"] = tf.constant(items, tf.int32)
        episode[f"{half}_label"] = tf.constant(labels, tf.float32)
        episode[f"{half}_mask"] = tf.ones(shape, tf.bool)
    return episode
