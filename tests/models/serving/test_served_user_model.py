import dataclasses

import numpy as np
import pytest

from models.cmml_builders import rated_cmml
from models.episodes.entity_table import EntityTable
from models.legacy_keras import tf
from models.options import CMMLOptions
from models.recommender import split_episode
from models.serving import (
    catalogue,
    item_index,
    options,
    served_recommendations,
    served_tasks,
    served_user_model,
)
from transforms.schema import DataError

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def saved_dir(serve, tmp_path_factory):
    """A saved model, to read only."""
    directory = tmp_path_factory.mktemp("user_model")
    serve().save(directory)
    return directory


@pytest.fixture(scope="module")
def distributional(new_model, set_large_weights):
    """A model as the options are by default, with large weights.

    Its distributions have more than one peak, so that each order is another one.
    """
    model = set_large_weights(new_model(embeddings="fixed", head="distribution"))
    shape = model.backbone.last_kernel.shape
    kernel = np.random.default_rng(0).normal(scale=2.0, size=shape)
    model.backbone.last_kernel.assign(kernel)
    return model


def ids_of(rows, mask):
    """Ids as they came in; row n of this data set has the id n, padding is empty."""
    return tf.where(mask, tf.strings.as_string(rows), "")


@pytest.fixture
def request_of(raw_user_features):
    """Makes the `rank` request that means the same as a batch of episodes."""

    def build(episode):
        raw = [raw_user_features[user - 1] for user in episode["query_user"][:, 0]]
        genders, hobbies, ages = zip(*raw, strict=True)
        padded = tf.ragged.constant(hobbies).to_tensor(default_value="")
        return {
            "support_item_id": ids_of(episode["support_item"], episode["support_mask"]),
            "support_label": episode["support_label"],
            "query_item_id": ids_of(episode["query_item"], episode["query_mask"]),
            "user_gender": tf.constant(genders),
            "user_hobby": padded,
            "user_age": tf.constant(ages, tf.float32),
        }

    return build


@pytest.fixture
def rank_request(request_of, episode):
    return request_of(episode)


@pytest.fixture
def recommend_request(rank_request):
    """Asks for items without leaving any out but those of the support."""
    request = {k: v for k, v in rank_request.items() if k != "query_item_id"}
    return request | {"exclude_item_id": tf.fill([3, 1], "")}


def ids_and_scores(recommended):
    """Lists the recommended ids and scores of each task as one mapping."""
    columns = [recommended[name].numpy() for name in ("item_id", "score")]
    return [
        dict(zip(map(bytes.decode, ids), scores, strict=True))
        for ids, scores in zip(*columns, strict=True)
    ]


def test_rank_equals_the_trained_model_from_raw_strings(
    serve, model, episode, rank_request
):
    served = serve().rank(**rank_request)["score"]
    np.testing.assert_allclose(served, model(episode), atol=TOLERANCE)


def test_rank_tells_the_median_and_the_uncertainty_of_the_trained_model(
    serve, distributional, episode, rank_request
):
    answer = serve(model=distributional).rank(**rank_request)
    assert set(answer) == {"score", "median", "uncertainty"}
    support, query = split_episode(episode)
    predicted = distributional.score_and_distribution(
        distributional.adapt(support), query
    )[1]
    levels = distributional.levels
    for name, value in (
        ("score", levels.mean(predicted)),
        ("median", levels.quantile(predicted, 0.5)),
        ("uncertainty", levels.spread(predicted)),
    ):
        np.testing.assert_allclose(answer[name], value, atol=TOLERANCE)
    assert set(answer["median"].numpy().flat) <= set(levels.values)


def test_a_model_of_values_tells_the_score_alone(serve, rank_request):
    assert set(serve().rank(**rank_request)) == {"score"}


def test_a_saved_model_holds_no_more_than_its_signatures_need(saved_dir):
    variables = tf.train.list_variables(str(saved_dir / "variables" / "variables"))
    shapes = [shape for _, shape in variables]
    # Of 10 items and the unknown one: four embeddings of 3, and what is known of each
    # for the prior, of whose five fits of items there is no more need.
    assert [11, 4 * 3] in shapes
    assert [11, 7] in shapes
    assert [5, 11, 7] not in shapes
    assert sorted(path.name for path in (saved_dir / "assets").iterdir()) == [
        "gender.txt",
        "hobby.txt",
        "item_id.txt",
    ]


def test_ids_nobody_knows_are_the_unknown_item(serve, model, episode, rank_request):
    def with_unknown(values, unknown):
        return tf.concat([tf.fill([3, 1], unknown), values[:, 1:]], axis=1)

    ids = {
        name: with_unknown(rank_request[name], "never seen")
        for name in ("support_item_id", "query_item_id")
    }
    rows = {
        name: with_unknown(episode[name], 0) for name in ("support_item", "query_item")
    }
    np.testing.assert_allclose(
        serve().rank(**rank_request | ids)["score"],
        model({**episode, **rows}),
        atol=TOLERANCE,
    )


@pytest.mark.parametrize("width", [0, 1, 5])
def test_an_empty_support_set_is_legal(serve, model, episode, rank_request, width):
    empty = {
        "support_item_id": tf.fill([3, width], ""),
        "support_label": tf.fill([3, width], np.nan),
    }
    without = {**episode, "support_mask": tf.zeros([3, 5], tf.bool)}
    np.testing.assert_allclose(
        serve().rank(**rank_request | empty)["score"], model(without), atol=TOLERANCE
    )


def test_padding_does_not_matter(serve, rank_request, recommend_request):
    def pad(value):
        if value.shape.rank == 1:
            return value
        filler = "" if value.dtype == tf.string else 9.0
        return tf.pad(value, [[0, 0], [0, 2]], constant_values=filler)

    served = serve()
    padded = {name: pad(value) for name, value in rank_request.items()}
    score = served.rank(**rank_request)["score"]
    np.testing.assert_allclose(
        served.rank(**padded)["score"][:, :2], score, atol=TOLERANCE
    )
    padded = {name: pad(value) for name, value in recommend_request.items()}
    answer, expected = served.recommend(**padded), served.recommend(**recommend_request)
    np.testing.assert_array_equal(answer["item_id"], expected["item_id"])
    np.testing.assert_allclose(answer["score"], expected["score"], atol=TOLERANCE)


def test_one_row_is_answered_as_in_a_batch(serve, rank_request):
    served = serve()
    alone = {name: value[1:2] for name, value in rank_request.items()}
    np.testing.assert_allclose(
        served.rank(**alone)["score"],
        served.rank(**rank_request)["score"][1:2],
        atol=TOLERANCE,
    )


def test_each_user_feature_is_looked_up_in_the_graph(serve, rank_request):
    served = serve()
    before = served.rank(**rank_request)["score"]
    for name, value in (
        ("user_gender", tf.constant(["F", "F", "M"])),  # They were M, X and F.
        ("user_hobby", tf.fill([3, 1], "chess")),
        ("user_age", tf.constant([21.0, 22.0, 23.0])),
    ):
        after = served.rank(**{**rank_request, name: value})["score"]
        assert (np.abs(after - before).max(axis=1) > 1e-3).all(), name


def test_user_features_nobody_knows_are_as_if_not_given(serve, rank_request):
    served = serve()
    unknown = {
        "user_gender": tf.fill([3], "unheard of"),
        "user_hobby": tf.constant([["go", "unheard of"]] * 3),
        "user_age": tf.fill([3], np.inf),
    }
    absent = {
        "user_gender": tf.fill([3], ""),
        "user_hobby": tf.fill([3, 1], "go"),
        "user_age": tf.fill([3], np.nan),
    }
    scores = [served.rank(**rank_request | by)["score"] for by in (unknown, absent)]
    np.testing.assert_allclose(*scores, atol=TOLERANCE)


@pytest.mark.parametrize("block", [1, 4, 9, 2048])  # Of 9 items.
def test_recommend_ranks_the_catalogue_as_rank_does_in_blocks_of_any_size(
    serve, rank_request, recommend_request, monkeypatch, block
):
    monkeypatch.setattr(catalogue, "_BLOCK", block)
    served = serve(top_k=9)
    items = [str(item) for item in range(1, 10)]
    everything = {"query_item_id": tf.constant([items] * 3)}
    scores = served.rank(**rank_request | everything)["score"].numpy()
    answer = served.recommend(**recommend_request)
    for task, (ids, best) in enumerate(
        zip(answer["item_id"].numpy(), answer["score"].numpy(), strict=True)
    ):
        support = set(rank_request["support_item_id"][task].numpy())
        expected = sorted(
            (
                (-score, item)
                for score, item in zip(scores[task], items, strict=True)
                if item.encode() not in support
            )
        )
        left = len(expected)
        assert [item.decode() for item in ids[:left]] == [item for _, item in expected]
        np.testing.assert_allclose(
            best[:left], [-score for score, _ in expected], atol=TOLERANCE
        )
        # The catalogue is exhausted: as many places as items of the support set.
        assert set(ids[left:]) == {b""}
        assert not best[left:].any()


def test_recommends_no_more_than_asked_for_best_first(serve, recommend_request):
    best, whole = (
        serve(top_k=top_k).recommend(**recommend_request) for top_k in (2, 9)
    )
    assert best["item_id"].shape == [3, 2]
    np.testing.assert_array_equal(best["item_id"], whole["item_id"][:, :2])
    assert (np.diff(best["score"]) <= 0.0).all()


def test_items_of_the_support_and_excluded_ones_are_left_out(serve, recommend_request):
    served = serve(top_k=9)
    before = ids_and_scores(served.recommend(**recommend_request))
    exclude = [[ids[0], "", "never seen"] for ids in map(list, before)]
    after = ids_and_scores(
        served.recommend(
            **recommend_request | {"exclude_item_id": tf.constant(exclude)}
        )
    )
    support = recommend_request["support_item_id"].numpy()
    for task, (had, has) in enumerate(zip(before, after, strict=True)):
        assert not set(had) & {item.decode() for item in support[task]}
        assert set(had) - set(has) == {exclude[task][0]}
        for item in set(has) - {""}:
            assert has[item] == pytest.approx(had[item], abs=TOLERANCE)


def test_an_exhausted_catalogue_leaves_empty_ids_with_the_score_0(
    serve, recommend_request
):
    everything = tf.constant([[str(item) for item in range(1, 11)]] * 3)
    answer = serve().recommend(**recommend_request | {"exclude_item_id": everything})
    assert set(answer["item_id"].numpy().flat) == {b""}
    np.testing.assert_array_equal(answer["score"], np.zeros([3, 5]))


def test_items_seen_too_rarely_are_not_recommended(serve, dataset, recommend_request):
    counts = dataset.items.counts
    nothing = {
        "support_item_id": tf.fill([3, 1], ""),
        "support_label": tf.zeros([3, 1]),
    }
    for min_item_count in (0, 1, 6):
        served = serve(top_k=10, min_item_count=min_item_count)
        answer = served.recommend(**recommend_request | nothing)
        frequent = [str(i) for i in range(1, 11) if counts[i] >= min_item_count]
        for ids in answer["item_id"].numpy():
            assert sorted(map(bytes.decode, ids)) == sorted(frequent)


def test_refuses_to_recommend_nothing(serve):
    with pytest.raises(DataError, match="none has min_item_count = 99 interactions"):
        serve(min_item_count=99)


def test_a_feature_none_of_whose_values_is_known_is_unknown_to_all(
    serve, dataset, rank_request
):
    gender, *others = dataset.info.user_features
    nothing = dataclasses.replace(gender, vocabulary_size=0)
    info = dataclasses.replace(dataset.info, user_features=(nothing, *others))
    unknown = {"user_gender": tf.fill([3], "X")}
    np.testing.assert_array_equal(
        serve(info=info).rank(**rank_request)["score"],
        serve().rank(**rank_request | unknown)["score"],
    )


def test_users_need_no_features(
    serve, dataset, set_large_weights, episode, rank_request
):
    info = dataclasses.replace(dataset.info, user_features=())
    users = EntityTable((), {}, dataset.users.counts)
    options = CMMLOptions(
        embedding_dim=3, embeddings="learned", prior="constant", hidden_dims=(4,)
    )
    model = set_large_weights(rated_cmml(info, users, dataset.items, options))
    served = serve(model=model, info=info)
    request = {k: v for k, v in rank_request.items() if not k.startswith("user")}
    np.testing.assert_allclose(
        served.rank(**request)["score"], model(episode), atol=TOLERANCE
    )
    rank = served.signature("rank")
    names = {spec.name for spec in rank.structured_input_signature[1].values()}
    assert names == {"support_item_id", "support_label", "query_item_id"}


def shapes_of(specs):
    return {name: (spec.dtype, spec.shape.as_list()) for name, spec in specs.items()}


def test_signatures_have_the_names_and_shapes_of_a_request(saved_dir):
    signatures = tf.saved_model.load(str(saved_dir)).signatures
    support = {
        "support_item_id": (tf.string, [None, None]),
        "support_label": (tf.float32, [None, None]),
    }
    profile = {
        "user_gender": (tf.string, [None]),
        "user_hobby": (tf.string, [None, None]),
        "user_age": (tf.float32, [None]),
    }
    query = {"query_item_id": (tf.string, [None, None])}
    wanted = {"exclude_item_id": (tf.string, [None, None])}
    # Of any width, so that the graph can say which version a context is of.
    context = {"context": (tf.float32, [None, None])}
    inputs = {
        "serving_default": support | profile | query,
        "rank": support | profile | query,
        "encode": support | profile,
        "score": context | query,
        "update": context | support,
        "recommend": support | profile | wanted,
        "recommend_from_context": context | wanted,
        "explain": support | profile | query,
    }
    assert set(signatures) == set(inputs)
    for name, expected in inputs.items():
        _, specs = signatures[name].structured_input_signature
        assert shapes_of(specs) == expected


@pytest.fixture
def empty(recommend_request):
    """The same without support."""
    return recommend_request | {
        "support_item_id": tf.fill([3, 2], ""),
        "support_label": tf.fill([3, 2], np.nan),
    }


@pytest.mark.parametrize("order_by", ["score", "gain", "optimistic", "cautious"])
def test_recommends_in_the_order_that_the_options_say(
    serve, distributional, episode, empty, order_by
):
    served = serve(model=distributional, top_k=9, order_by=order_by)
    answer = {k: v.numpy() for k, v in served.recommend(**empty).items()}
    request = {k: v for k, v in empty.items() if k != "exclude_item_id"}
    again = served.rank(**request, query_item_id=answer["item_id"])
    for name, values in again.items():
        np.testing.assert_allclose(answer[name], values, atol=TOLERANCE)
    score, spread = answer["score"], answer["uncertainty"]
    worth = {
        "score": score,
        "gain": gains_of(distributional, episode, answer["item_id"]),
        "optimistic": score + spread,
        "cautious": score - spread,
    }
    for name, values in worth.items():
        in_order = (np.diff(values) <= TOLERANCE).all()
        assert in_order == (name == order_by), name


def gains_of(model, episode, item_ids):
    """Expected gains of items [B, K] by the trained model, without support."""
    without = {**episode, "support_mask": tf.zeros_like(episode["support_mask"])}
    support, query = split_episode(without)
    items = item_ids.astype(int)
    query = {
        "query_item": tf.constant(items, tf.int32),
        "query_user": tf.repeat(query["query_user"][:, :1], items.shape[1], axis=1),
        "query_mask": tf.ones(items.shape, tf.bool),
    }
    predicted = model.score_and_distribution(model.adapt(support), query)[1]
    return predicted.numpy() @ 2.0**model.levels.values


@pytest.mark.parametrize("order_by", ["gain", "optimistic", "cautious"])
def test_refuses_an_order_that_needs_a_distribution(serve, order_by):
    with pytest.raises(DataError, match=f"order_by = '{order_by}' needs a distr"):
        serve(order_by=order_by)


NOT_KNOWN = {
    "user_gender": tf.constant(["", "X", "unheard of"]),  # X is in meta-test alone.
    "user_hobby": tf.constant([[""], [""], ["unheard of"]]),
    "user_age": tf.constant([np.nan, np.inf, np.nan]),
}


def reasons(answer):
    return [reason.decode() for reason in answer["fallback_reason"].numpy()]


def most_popular(counts, left_out=()):
    """Items by their number of interactions, with their share of all."""
    rows = [row for row in range(1, len(counts)) if counts[row] and row not in left_out]
    rows.sort(key=lambda row: -counts[row])  # Stable: of two alike the first.
    return [str(row) for row in rows], [counts[row] / counts.sum() for row in rows]


def test_with_support_nothing_stands_in_for_it(serve, recommend_request):
    answer = serve().recommend(**recommend_request | NOT_KNOWN)
    assert reasons(answer) == ["", "", ""]


def test_without_support_features_of_the_user_stand_in(serve, empty):
    served = serve(top_k=9)
    answer = served.recommend(**empty)
    assert reasons(answer) == ["user_features"] * 3
    request = {k: v for k, v in empty.items() if k != "exclude_item_id"}
    again = served.rank(**request, query_item_id=answer["item_id"])["score"]
    np.testing.assert_allclose(answer["score"], again, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("name", "value"), [("gender", ["F"]), ("hobby", [["?", "go"]]), ("age", [33.0])]
)
def test_one_feature_is_enough_to_stand_in(serve, empty, name, value):
    known = {f"user_{name}": tf.repeat(tf.constant(value), 3, axis=0)}
    answer = serve().recommend(**empty | NOT_KNOWN | known)
    assert reasons(answer) == ["user_features"] * 3


def test_without_anything_known_the_popular_items_stand_in(serve, dataset, empty):
    served = serve(top_k=9)
    answer = served.recommend(**empty | NOT_KNOWN)
    assert reasons(answer) == ["popularity"] * 3
    items, shares = most_popular(dataset.items.counts)
    assert len(items) == 9  # Nobody has labelled the tenth.
    for found in ids_and_scores(answer):
        assert list(found) == items
        np.testing.assert_allclose(list(found.values()), shares, rtol=1e-6)


def test_of_the_popular_items_too_some_are_left_out(serve, dataset, empty):
    items, _ = most_popular(dataset.items.counts)
    first, third = items[0], items[2]
    exclude = tf.constant([[first, "", third]] * 3)
    answer = serve(top_k=9).recommend(
        **empty | NOT_KNOWN | {"exclude_item_id": exclude}
    )
    left, shares = most_popular(dataset.items.counts, {int(first), int(third)})
    for ids, scores in zip(answer["item_id"], answer["score"], strict=True):
        assert [item.decode() for item in ids.numpy()] == [*left, "", ""]
        np.testing.assert_allclose(scores, [*shares, 0.0, 0.0], rtol=1e-6)


def test_each_task_of_a_batch_has_its_own_reason(serve, recommend_request, empty):
    served = serve()
    rungs = (recommend_request, empty, empty | NOT_KNOWN)
    mixed = {}
    for name in recommend_request:
        rows = [rung[name][place] for place, rung in enumerate(rungs)]
        filler = "" if rows[0].dtype == tf.string else np.nan
        width = max(row.shape[0] for row in rows) if rows[0].shape.rank else None
        mixed[name] = tf.stack(
            rows
            if width is None
            else [
                tf.pad(row, [[0, width - row.shape[0]]], constant_values=filler)
                for row in rows
            ]
        )
    answer = served.recommend(**mixed)
    assert reasons(answer) == ["", "user_features", "popularity"]
    for place, rung in enumerate(rungs):
        alone = served.recommend(**rung)
        np.testing.assert_array_equal(answer["item_id"][place], alone["item_id"][place])
        np.testing.assert_allclose(
            answer["score"][place], alone["score"][place], atol=TOLERANCE
        )
    context = served.encode(
        **{k: v for k, v in mixed.items() if k != "exclude_item_id"}
    )["context"]
    from_context = served.recommend_from_context(
        context=context, exclude_item_id=mixed["exclude_item_id"]
    )
    assert reasons(from_context) == ["", "user_features", "popularity"]


@pytest.mark.parametrize("shortlist_size", [9, 10, 1000])
def test_a_shortlist_of_the_whole_catalogue_changes_nothing(
    serve, recommend_request, shortlist_size
):
    exact = serve(top_k=9).recommend(**recommend_request)
    answer = serve(top_k=9, shortlist_size=shortlist_size).recommend(
        **recommend_request
    )
    np.testing.assert_array_equal(answer["item_id"], exact["item_id"])
    np.testing.assert_allclose(answer["score"], exact["score"], atol=TOLERANCE)


def test_a_shortlist_holds_the_items_of_the_highest_prior(
    serve, new_model, set_large_weights, recommend_request
):
    prior_alone = set_large_weights(new_model())
    for weight in (prior_alone.backbone.last_kernel, prior_alone.backbone.last_bias):
        weight.assign(tf.zeros_like(weight))
    highest = ids_and_scores(serve(model=prior_alone).recommend(**recommend_request))
    exact = ids_and_scores(serve(top_k=9).recommend(**recommend_request))
    answer = ids_and_scores(
        serve(top_k=6, shortlist_size=3).recommend(**recommend_request)
    )
    has_changed = []
    for first, whole, found in zip(highest, exact, answer, strict=True):
        shortlist = set(list(first)[:3])
        expected = [item for item in whole if item in shortlist]
        assert list(found) == [*expected, ""]  # "" in three places.
        for item in expected:
            assert found[item] == pytest.approx(whole[item], abs=TOLERANCE)
        has_changed.append(expected != list(whole)[:3])
    assert any(has_changed)  # Or it would not show that the list is short.


def test_a_shortlist_of_popular_items_holds_the_most_popular(serve, dataset, empty):
    items, shares = most_popular(dataset.items.counts, {1})
    answer = serve(shortlist_size=2).recommend(
        **empty | NOT_KNOWN | {"exclude_item_id": tf.fill([3, 1], "1")}
    )
    for ids, scores in zip(answer["item_id"], answer["score"], strict=True):
        assert [item.decode() for item in ids.numpy()] == [*items[:2], "", "", ""]
        np.testing.assert_allclose(scores, [*shares[:2], 0, 0, 0], rtol=1e-6)


@pytest.fixture
def serve_large(serve, monkeypatch):
    """Serves as if the catalogue were too large to score all of it."""
    for module in (options, served_recommendations):
        monkeypatch.setattr(module, "MOST_SCORED", 8)
    monkeypatch.setattr(options, "_SHORTLIST", 4)
    monkeypatch.setattr(item_index, "_BLOCK", 2)
    return serve


def test_a_large_catalogue_is_searched_for_a_shortlist(serve_large, recommend_request):
    exact = serve_large(top_k=2, shortlist_size=0)
    large = serve_large(top_k=2)
    assert (exact.shortlist_size, large.shortlist_size) == (0, 4)
    expected, answer = (s.recommend(**recommend_request) for s in (exact, large))
    # All ten items are looked at.
    np.testing.assert_array_equal(answer["item_id"], expected["item_id"])
    few = serve_large(top_k=2, search_size=4).recommend(**recommend_request)
    assert (few["item_id"] != expected["item_id"]).numpy().any()
    unlimited = serve_large(top_k=2, search_size=4).exact()
    np.testing.assert_array_equal(
        unlimited.recommend(**recommend_request)["item_id"], expected["item_id"]
    )


def test_an_index_is_made_once_and_for_recommendations_alone(
    serve_large, recommend_request, request_of, episode, monkeypatch
):
    made = []

    class CountedIndex(item_index.ItemIndex):
        def __init__(self, *arguments, **options):
            made.append(self)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(served_user_model, "ItemIndex", CountedIndex)
    monkeypatch.setattr(served_user_model, "_BLOCK", 3)  # Of ten items.
    served = serve_large(top_k=2)
    served.rank(**request_of(episode))
    assert not made
    for _ in range(2):
        answer = served.recommend(**recommend_request)
    assert len(made) == 1
    exact = serve_large(top_k=2, shortlist_size=0).recommend(**recommend_request)
    np.testing.assert_array_equal(answer["item_id"], exact["item_id"])


def test_the_most_popular_items_of_a_large_catalogue_are_known(
    serve_large, dataset, empty
):
    items, _ = most_popular(dataset.items.counts, {1})
    asked = empty | NOT_KNOWN | {"exclude_item_id": tf.fill([3, 1], "1")}
    for search_size in (4, 100):
        answer = serve_large(top_k=3, search_size=search_size).recommend(**asked)
        for ids in answer["item_id"].numpy():
            assert [item.decode() for item in ids] == items[:3]


def test_more_pairs_than_can_be_scored_are_refused(serve, recommend_request):
    num_pairs = 3 * len(serve().catalogue.candidates)
    serve(max_scored=num_pairs).recommend(**recommend_request)
    few = {"max_scored": num_pairs - 1}
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"at most .* pairs of"):
        serve(**few).recommend(**recommend_request)
    serve(**few, top_k=2, shortlist_size=2).recommend(**recommend_request)


def test_a_large_catalogue_without_a_prior_is_scored(serve_large, new_model):
    assert serve_large(model=new_model(prior="constant")).shortlist_size == 0


def test_a_shortlist_needs_a_prior_to_choose_by(serve, new_model):
    with pytest.raises(DataError, match=r"needs a prior made beforehand .* got 5 with"):
        serve(model=new_model(prior="constant"), shortlist_size=5)


def test_tables_too_large_for_a_context_are_refused(serve, monkeypatch):
    monkeypatch.setattr(served_tasks, "MAX_ROWS", 10)
    with pytest.raises(DataError, match="tables of at most 10, got 11"):
        serve()
