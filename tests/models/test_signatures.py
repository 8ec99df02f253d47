import dataclasses

import numpy as np
import pytest

from models import signatures
from models.cmml import build_cmml
from models.entity_table import EntityTable
from models.legacy_keras import tf
from models.options import CMMLOptions
from models.signatures import ServedModel
from transforms.schema import DataError

TOLERANCE = 1e-5


@pytest.fixture
def serve(dataset, model):
    """Makes a served model of the tiny data set, its options changed by keyword."""

    def build(*, model=model, info=dataset.info, top_k=5, min_item_count=1):
        return ServedModel(
            model,
            info,
            dataset.items,
            dataset.directory,
            top_k=top_k,
            min_item_count=min_item_count,
        )

    return build


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
    return [
        dict(zip(map(bytes.decode, ids), scores, strict=True))
        for ids, scores in zip(*(v.numpy() for v in recommended.values()), strict=True)
    ]


def test_rank_equals_the_trained_model_from_raw_strings(
    serve, model, episode, rank_request
):
    served = serve().rank(**rank_request)["score"]
    np.testing.assert_allclose(served, model(episode), atol=TOLERANCE)


def test_a_saved_model_answers_alike_from_another_place(
    serve, rank_request, recommend_request, tmp_path
):
    served = serve()
    served.save(tmp_path / "saved")
    (tmp_path / "saved").rename(tmp_path / "moved")
    loaded = tf.saved_model.load(str(tmp_path / "moved")).signatures
    assert set(loaded) == {"serving_default", "rank", "recommend"}
    for name in ("serving_default", "rank"):
        score = loaded[name](**rank_request)["score"]
        expected = served.rank(**rank_request)["score"]
        np.testing.assert_allclose(score, expected, atol=TOLERANCE)
    answer = loaded["recommend"](**recommend_request)
    expected = served.recommend(**recommend_request)
    np.testing.assert_array_equal(answer["item_id"], expected["item_id"])
    np.testing.assert_allclose(answer["score"], expected["score"], atol=TOLERANCE)


def test_a_saved_model_holds_no_more_than_its_signatures_need(serve, tmp_path):
    serve().save(tmp_path)
    variables = tf.train.list_variables(str(tmp_path / "variables" / "variables"))
    shapes = [shape for _, shape in variables]
    # Of 10 items and the unknown one: four embeddings of 3, and 3 units of the prior,
    # of whose five fits there is no more need.
    assert [11, 4 * 3] in shapes
    assert [11, 3] in shapes
    assert [5, 11, 3] not in shapes
    assert sorted(path.name for path in (tmp_path / "assets").iterdir()) == [
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
        ("user_age", tf.constant([50.0, 60.0, 70.0])),
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
    monkeypatch.setattr(signatures, "_BLOCK", block)
    served = serve(top_k=9)
    catalogue = [str(item) for item in range(1, 10)]
    everything = {"query_item_id": tf.constant([catalogue] * 3)}
    scores = served.rank(**rank_request | everything)["score"].numpy()
    answer = served.recommend(**recommend_request)
    for task, (ids, best) in enumerate(
        zip(answer["item_id"].numpy(), answer["score"].numpy(), strict=True)
    ):
        support = set(rank_request["support_item_id"][task].numpy())
        expected = sorted(
            (
                (-score, item)
                for score, item in zip(scores[task], catalogue, strict=True)
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
    with pytest.raises(DataError, match="none has min_item_count = 99 meta-train"):
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
    options = CMMLOptions(embedding_dim=3, prior="constant", hidden_dims=(4,))
    model = set_large_weights(build_cmml(info, users, dataset.items, options))
    served = serve(model=model, info=info)
    request = {k: v for k, v in rank_request.items() if not k.startswith("user")}
    np.testing.assert_allclose(
        served.rank(**request)["score"], model(episode), atol=TOLERANCE
    )
    rank = served.signatures()["rank"]
    names = {spec.name for spec in rank.structured_input_signature[1].values()}
    assert names == {"support_item_id", "support_label", "query_item_id"}


def test_inputs_have_the_shapes_of_a_request(serve):
    rank = serve().signatures()["rank"]
    specs = rank.structured_input_signature[1]
    assert {name: (spec.dtype, spec.shape.rank) for name, spec in specs.items()} == {
        "support_item_id": (tf.string, 2),
        "support_label": (tf.float32, 2),
        "query_item_id": (tf.string, 2),
        "user_gender": (tf.string, 1),
        "user_hobby": (tf.string, 2),
        "user_age": (tf.float32, 1),
    }
