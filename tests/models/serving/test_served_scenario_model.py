import dataclasses
import functools

import numpy as np
import pytest

from models.cmml_builders import clicked_cmml
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.options import ScenarioOptions
from models.serving.options import ServingOptions
from models.serving.served_scenario_model import ServedScenarioModel
from transforms import schema
from transforms.schema import DataError

TOLERANCE = 1e-5

# Vectors of the unknown, and of the users "u1" and "u2" and the items "i1" to "i5".
USERS = [[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
ITEMS = [[9.0, 9.0], [3.0, 1.0], [2.0, 2.0], [1.0, 3.0], [0.0, 5.0], [-1.0, 0.0]]
COUNTS = [7, 1, 4, 2, 3, 0]  # Of the unknown item too; 17 in all.
POPULARITY = {"i2": 4 / 17, "i4": 3 / 17, "i3": 2 / 17, "i1": 1 / 17}

TINY = {"label_dim": 3, "encoder_dim": 4, "modulation_dim": 4, "hidden_dims": (5, 4)}

NOTHING = {
    "support_user_id": tf.fill([1, 1], ""),
    "support_item_id": tf.fill([1, 1], ""),
    "support_label": tf.fill([1, 1], np.nan),
}


@pytest.fixture(scope="module")
def vectors():
    users, items = (np.array([table], np.float32) for table in (USERS, ITEMS))
    return Vectors(users, items)


@pytest.fixture(scope="module")
def serve(vectors, tmp_path_factory):
    """Serves a model, with the options of serving by keyword."""
    directory = tmp_path_factory.mktemp("shop")
    folder = directory / schema.VOCABULARY_DIR
    folder.mkdir()
    (folder / "user_id.txt").write_text("u1\nu2\n")
    (folder / "item_id.txt").write_text("i1\ni2\ni3\ni4\ni5\n")

    def build(model, *, vectors=vectors, **options):
        return ServedScenarioModel(
            *(model, vectors, np.array(COUNTS), directory),
            ServingOptions(**{"top_k": 5, "min_item_count": 1} | options),
        )

    return build


@pytest.fixture(scope="module")
def dot_model(vectors):
    """A model whose scores are the dot products, whatever the support set is."""
    model = clicked_cmml(vectors, ScenarioOptions(**TINY))
    model.pairs.backbone_scale.assign(0.0)
    return model


@pytest.fixture(scope="module")
def model(vectors, set_large_weights):
    """A model with large weights, whose backbone ranks without a pool too."""
    options = ScenarioOptions(**TINY, prior_repeat=0.0)
    return set_large_weights(clicked_cmml(vectors, options))


@pytest.fixture(scope="module")
def served(serve, dot_model):
    return serve(dot_model)


def support_of(*pairs):
    """One scenario of (user, item, label)."""
    users, items, labels = zip(*pairs, strict=True)
    return {
        "support_user_id": tf.constant([users]),
        "support_item_id": tf.constant([items]),
        "support_label": tf.constant([labels], tf.float32),
    }


def recommended(served, user="u1", *, support=NOTHING, candidates=(), exclude=()):
    """Returns what is recommended: scores by item, and the reason."""
    answer = served.recommend(
        **support,
        query_user_id=tf.constant([user]),
        candidate_item_id=tf.reshape(tf.constant(candidates, tf.string), [1, -1]),
        exclude_item_id=tf.reshape(tf.constant(exclude, tf.string), [1, -1]),
    )
    ids = [item.decode() for item in answer["item_id"].numpy()[0]]
    scores = dict(zip(ids, answer["score"].numpy()[0].tolist(), strict=True))
    assert scores.pop("", 0.0) == 0.0
    assert ids == [*scores, *[""] * (len(ids) - len(scores))]  # "" comes last.
    return scores, answer["fallback_reason"].numpy()[0].decode()


def test_rank_equals_the_trained_model_from_raw_strings(serve, model):
    mask = tf.constant([[True, False, True], [False, True, False]])
    rows = {
        "support_user": tf.constant([[1, 0, 2], [0, 1, 0]]),
        "support_item": tf.constant([[1, 0, 4], [0, 5, 0]]),
        "query_user": tf.constant([[1, 2, 0], [2, 0, 1]]),
        "query_item": tf.constant([[3, 0, 5], [1, 1, 2]]),
    }

    def ids_of(name, letter):
        row = rows[f"{name}_{'user' if letter == 'u' else 'item'}"]
        ids = tf.where(row > 0, letter + tf.strings.as_string(row), "?")
        return tf.where(mask, ids, "") if name == "support" else ids

    labels = tf.constant([[1.0, np.nan, 0.0], [np.nan, 1.0, np.nan]])
    expected = model(
        rows | {"support_label": labels, "support_mask": mask, "query_mask": mask}
    )
    answer = serve(model).rank(
        support_user_id=ids_of("support", "u"),
        support_item_id=ids_of("support", "i"),
        support_label=labels,
        query_user_id=ids_of("query", "u"),
        query_item_id=ids_of("query", "i"),
    )
    np.testing.assert_allclose(answer["score"], expected, atol=TOLERANCE)
    assert np.ptp(answer["score"]) > 0.1


def test_without_support_a_known_user_gets_what_they_like(served):
    # Ten times the dot products with (1, 0); the fifth item nobody has clicked.
    scores, reason = recommended(served, "u1")
    assert scores == pytest.approx({"i1": 30.0, "i2": 20.0, "i3": 10.0, "i4": 0.0})
    assert reason == "known_user"


def test_with_support_nothing_stands_in_for_it(served):
    clicks = support_of(("u2", "i1", 1.0))
    for user, candidates in (("u1", ()), ("who?", ()), ("who?", ("i1", "i3"))):
        _, reason = recommended(served, user, support=clicks, candidates=candidates)
        assert reason == ""


def test_with_support_an_unknown_user_gets_what_is_liked_in_general(served):
    # Ten times the dot products with (1, 1), and 5 for the click.
    clicks = support_of(("u2", "i1", 1.0))
    scores, _ = recommended(served, "who?", support=clicks)
    assert scores == pytest.approx({"i4": 50.0, "i1": 45.0, "i2": 40.0, "i3": 40.0})


@pytest.fixture(scope="module")
def close_model(vectors):
    """Scores are dot products, closeness of items 1 and 4 to each other, and clicks."""
    users, items = (
        np.concatenate([table, np.zeros_like(table[..., :2])], axis=-1)
        for table in (vectors.users, vectors.items)
    )
    items[0, [1, 4], -2] = 4.0
    items[0, :, -1] = 1.0  # What a click weighs.
    vectors = Vectors(users, items, num_further=2, num_linear=1)
    options = ScenarioOptions(**TINY, prior_closeness=1.7, prior_repeat=0.3)
    model = clicked_cmml(vectors, options)
    model.pairs.backbone_scale.assign(0.0)
    return model, vectors


def test_items_close_to_the_clicks_gain_where_no_pool_is_given(serve, close_model):
    model, vectors = close_model
    served = serve(model, vectors=vectors)
    clicks = support_of(("u2", "i1", 1.0), ("u2", "i4", 0.0))  # One click.
    far = {"i1": 30.0, "i2": 20.0, "i3": 10.0, "i4": 0.0}
    # 17 times 4 * 4 over 1 click and the 16 that it is shrunk by; 3 for the click
    # of the item itself.
    close = far | {"i1": 49.0, "i4": 16.0}
    for shown, expected in ((clicks, close), (NOTHING, far)):
        scores, _ = recommended(served, "u1", support=shown)
        assert scores == pytest.approx(expected)
    scores, _ = recommended(served, "u1", support=clicks, candidates=tuple(far))
    assert scores == pytest.approx(far)
    context = served.encode(**NOTHING)["context"]
    context = served.update(context=context, **clicks)["context"]
    answer = served.recommend_from_context(
        context=context,
        query_user_id=tf.constant(["u1"]),
        candidate_item_id=tf.fill([1, 0], ""),
        exclude_item_id=tf.fill([1, 0], ""),
    )
    np.testing.assert_allclose(answer["score"][0, :4], sorted(close.values())[::-1])
    more = support_of(("u2", "i2", 1.0), ("u2", "new", 1.0))
    context = served.update(context=context, **more)["context"]
    pairs = ("u2", "i1", 1.0), ("u2", "i4", 0.0), ("u2", "i2", 1.0), ("u2", "new", 1.0)
    at_once = served.encode(**support_of(*pairs))["context"]
    np.testing.assert_allclose(context, at_once, atol=1e-6)


@pytest.fixture(scope="module", params=["encoder", "pairs"])
def served_in_order(request, serve, vectors, set_large_weights):
    """A model whose contexts hold what the encoder remembers, or the pairs."""
    num_orders = {"encoder": 1, "pairs": 2}[request.param]
    options = ScenarioOptions(**TINY, num_orders=num_orders)
    served = serve(set_large_weights(clicked_cmml(vectors, options)))
    assert served.memory.kind == request.param
    return served


@pytest.mark.parametrize("candidates", [(), ("i1", "i3", "i4")])
def test_clicks_of_unknown_items_are_as_if_they_were_not_there(
    served_in_order, candidates
):
    unknown = ("u1", "new", 1.0), ("u2", "newer", 1.0), ("u2", "no click", 0.0)
    known = ("u2", "i4", 1.0), ("u2", "i2", 0.0)
    for shown, of_shown in (
        (support_of(*unknown), NOTHING),
        (support_of(*unknown, *known), support_of(*known)),
    ):
        for user in ("u1", "who?"):
            found, reason = recommended(
                served_in_order, user, support=shown, candidates=candidates
            )
            expected, same_reason = recommended(
                served_in_order, user, support=of_shown, candidates=candidates
            )
            assert list(found) == list(expected)
            assert found == pytest.approx(expected, abs=TOLERANCE)
            assert reason == same_reason
    assert reason == ""


def test_contexts_and_explanations_leave_clicks_of_unknown_items_out(served_in_order):
    known, unknown = ("u2", "i4", 1.0), ("u1", "new", 1.0)
    expected = served_in_order.encode(**support_of(known))
    at_once = served_in_order.encode(**support_of(unknown, known, unknown))
    before = served_in_order.encode(**support_of(unknown))["context"]
    after = served_in_order.update(context=before, **support_of(unknown, known))
    for context in (at_once, after):
        assert context["support_size"].numpy().tolist() == [1]
        np.testing.assert_allclose(
            context["context"], expected["context"], atol=TOLERANCE
        )
    query = {
        "query_user_id": tf.constant([["u1", "u2"]]),
        "query_item_id": tf.constant([["i1", "i3"]]),
    }
    explained = served_in_order.explain(**support_of(unknown, known), **query)
    attribution = explained["attribution"].numpy()[0]
    assert not attribution[:, 0].any()
    assert attribution[:, 1].all()


def test_with_nothing_known_the_popular_items_stand_in(served):
    scores, reason = recommended(served, "who?")
    assert list(scores) == ["i2", "i4", "i3", "i1"]
    assert scores == pytest.approx(POPULARITY)
    assert reason == "popularity"


def test_with_a_pool_alone_its_popular_items_stand_in(served):
    pool = ("i1", "?", "i5", "", "i4", "i3")
    scores, reason = recommended(served, "who?", candidates=pool, exclude=("i3",))
    assert list(scores) == ["i4", "i1", "i5"]
    expected = {"i4": 3 / 17, "i1": 1 / 17, "i5": 0.0}
    assert scores == pytest.approx(expected)
    assert reason == "scenario"


def test_only_candidates_that_are_known_are_recommended(served):
    # The unknown item has the highest score, the fifth the lowest; it was never
    # clicked, but may be asked for.
    pool = ("i5", "?", "", "i3", "x" * 10_000, "i1")
    scores, _ = recommended(served, "u1", candidates=pool)
    assert list(scores) == ["i1", "i3", "i5"]
    assert scores == pytest.approx({"i1": 30.0, "i3": 10.0, "i5": -10.0})


def test_a_candidate_given_twice_is_recommended_once(served):
    scores, _ = recommended(served, "u1", candidates=("i3", "i1", "i3", "i1"))
    assert list(scores) == ["i1", "i3"]


def test_candidates_that_are_all_unknown_leave_nothing(served):
    scores, _ = recommended(served, "u1", candidates=("?", ""))
    assert scores == {}


def test_excluded_items_are_left_out(served):
    scores, _ = recommended(served, "u1", exclude=("i2", "?", "", "i1"))
    assert list(scores) == ["i3", "i4"]


@pytest.mark.parametrize("user", ["u1", "who?"])
def test_what_the_user_clicked_is_left_out_and_nothing_else(served, user):
    support = support_of(
        (user, "i1", 1.0),
        (user, "i2", 0.0),  # No click.
        ("u2", "i3", 1.0),
        ("someone else", "i4", 1.0),  # Another user who is unknown.
        ("", "", np.nan),
    )
    scores, _ = recommended(served, user, support=support)
    assert set(scores) == {"i2", "i3", "i4"}
    pooled, _ = recommended(
        served, user, support=support, candidates=("i1", "i4", "i2")
    )
    assert set(pooled) == {"i2", "i4"}


@pytest.fixture(scope="module")
def served_of_users(serve, vectors):
    """A model whose tasks are users, of whom none is known, by dot products."""
    nobody = dataclasses.replace(vectors, users=vectors.users[:, :1])
    model = clicked_cmml(nobody, ScenarioOptions(**TINY))
    model.pairs.backbone_scale.assign(0.0)
    return serve(model, vectors=nobody)


def test_where_users_are_tasks_no_input_names_a_user(served_of_users):
    inputs = served_of_users.inputs_by_name().values()
    assert not [name for names in inputs for name in names if "user" in name]
    assert "user" not in served_of_users.ids


def test_where_users_are_tasks_all_that_is_clicked_is_left_out(served_of_users):
    ids = ["i1", "i2", "i3", "?", ""]
    labels = tf.constant([[1.0, 0.0, 1.0, 1.0, np.nan]])
    for candidates in ([], ["i4", "i3", "i2"]):
        answer = served_of_users.recommend(
            support_item_id=tf.constant([ids]),
            support_label=labels,
            candidate_item_id=tf.reshape(tf.constant(candidates, tf.string), [1, -1]),
            exclude_item_id=tf.fill([1, 0], ""),
        )
        # Ten times the dot products with (1, 1), those of the unknown user.
        assert answer["item_id"][0, :3].numpy().tolist() == [b"i4", b"i2", b""]
        assert answer["score"][0, :3].numpy().tolist() == [50.0, 40.0, 0.0]
        assert answer["fallback_reason"].numpy().tolist() == [b""]


@pytest.mark.parametrize("shortlist_size", [4, 100])
@pytest.mark.parametrize("user", ["u1", "who?"])
def test_a_shortlist_of_the_whole_catalogue_changes_nothing(
    serve, model, shortlist_size, user
):
    exact, short = serve(model), serve(model, shortlist_size=shortlist_size)
    for support in (NOTHING, support_of(("u1", "i4", 1.0), ("u2", "i2", 0.0))):
        expected, reason = recommended(exact, user, support=support)
        scores, same_reason = recommended(short, user, support=support)
        assert list(scores) == list(expected)
        assert scores == pytest.approx(expected, abs=TOLERANCE)
        assert same_reason == reason


def test_a_shortlist_holds_the_candidates_of_the_highest_prior(serve, model):
    exact, short = serve(model), serve(model, shortlist_size=2)
    recommend = short.signature("recommend")
    request = {
        **support_of(("u2", "i1", 1.0)),
        "query_user_id": tf.constant(["u1"]),
        "exclude_item_id": tf.constant([["i1"]]),
    }
    for pool, shortlist in (
        ((), {"i2", "i3"}),  # Dot products 2, 1, 0, and no first item.
        (("i5", "i4", "?", "i3"), {"i3", "i4"}),
        (("i5",), {"i5"}),
    ):
        candidates = tf.reshape(tf.constant(pool, tf.string), [1, -1])
        whole = exact.recommend(**request, candidate_item_id=candidates)
        found = recommend(**request, candidate_item_id=candidates)
        expected = [
            (item, score)
            for item, score in zip(
                whole["item_id"].numpy()[0], whole["score"].numpy()[0], strict=True
            )
            if item.decode() in shortlist
        ]
        num_left = len(expected)
        ids, scores = found["item_id"].numpy()[0], found["score"].numpy()[0]
        assert list(ids[:num_left]) == [item for item, _ in expected]
        assert set(ids[num_left:]) <= {b""}
        np.testing.assert_allclose(
            scores[:num_left], [score for _, score in expected], atol=TOLERANCE
        )


@pytest.fixture(scope="module")
def serve_wide(serve):
    """Serves a model with a linear model of items, whose backbone adds nothing yet.

    Unless it is trained without a pool, it knows that its prior is the score there.
    """
    chance = np.random.default_rng(0)
    # Two units behind those of the linear model: what a click of an item weighs, and
    # one that pairs are not embedded by.
    users, items = (
        chance.normal(size=[1, rows, 6]).astype(np.float32) for rows in (3, 6)
    )
    users[..., -2] = 0.0
    vectors = Vectors(users, items, num_further=4, num_linear=2)

    @functools.cache
    def build(*, open_fraction=0.0, **options):
        model = clicked_cmml(
            vectors, ScenarioOptions(**TINY), open_fraction=open_fraction
        )
        assert model.pairs.is_closed_form_when_open == (open_fraction == 0.0)
        return serve(model, vectors=vectors, top_k=2, **options)

    return build


@pytest.mark.parametrize("user", ["u1", "u2", "who?"])
@pytest.mark.parametrize(
    "support", [NOTHING, support_of(("u1", "i3", 1.0), ("?", "i4", 1.0))]
)
@pytest.mark.parametrize(
    "options",
    [{"open_fraction": 0.5, "shortlist_size": 2}, {}, {"shortlist_size": 2}],
)
def test_a_shortlist_of_all_items_knows_how_close_they_are(
    serve_wide, user, support, options
):
    """By one product with the table, where a pool is looked up pair by pair."""
    exact, short = serve_wide(open_fraction=0.5), serve_wide(**options)
    for candidates in ((), ("i1", "i4", "i2")):
        expected, reason = recommended(
            exact, user, support=support, candidates=candidates
        )
        scores, same_reason = recommended(
            short, user, support=support, candidates=candidates
        )
        assert list(scores) == list(expected)
        assert scores == pytest.approx(expected, abs=TOLERANCE)
        assert same_reason == reason


def test_no_more_candidates_than_the_limit_are_taken(serve, dot_model):
    served = serve(dot_model, max_query=2)
    recommended(served, candidates=("i1", "i2"))
    message = r"candidate_item_id must hold at most 2 values a task, got'\n3$"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        recommended(served, candidates=("i1", "i2", "i3"))


def test_half_a_click_is_refused(served):
    message = r"support_label must be a whole number within \[0, 1\], got\] \[0\.5\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        recommended(served, support=support_of(("u1", "i1", 1.0), ("u2", "i2", 0.5)))


def test_refuses_to_recommend_nothing(serve, dot_model):
    with pytest.raises(DataError, match="none has min_item_count = 99 interactions"):
        serve(dot_model, min_item_count=99)


def test_signatures_have_the_names_and_shapes_of_a_request(served):
    pairs = {
        "support_user_id": (tf.string, [None, None]),
        "support_item_id": (tf.string, [None, None]),
        "support_label": (tf.float32, [None, None]),
    }
    query = {
        "query_user_id": (tf.string, [None, None]),
        "query_item_id": (tf.string, [None, None]),
    }
    wanted = {
        "query_user_id": (tf.string, [None]),
        "candidate_item_id": (tf.string, [None, None]),
        "exclude_item_id": (tf.string, [None, None]),
    }
    # Version 2, support size 1, and the 4 units of the encoder.
    context = {"context": (tf.float32, [None, None])}
    inputs = {
        "serving_default": pairs | query,
        "rank": pairs | query,
        "encode": pairs,
        "score": context | query,
        "update": context | pairs,
        "recommend": pairs | wanted,
        "recommend_from_context": context | wanted,
        "explain": pairs | query,
    }
    signatures = served.signatures()
    assert set(signatures) == set(inputs)
    for name, expected in inputs.items():
        _, specs = signatures[name].structured_input_signature
        shapes = {k: (spec.dtype, spec.shape.as_list()) for k, spec in specs.items()}
        assert shapes == expected
