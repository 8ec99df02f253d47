"""What every signature promises, in both settings and of any members."""

import keras
import numpy as np
import pytest
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.python.framework import op_def_registry

from models.legacy_keras import tf
from models.parts.family import combinations
from models.serving.served_explanations import MAX_EXPLAINED, MAX_EXPLAINED_TASKS

VERSION = 1_700_000_003  # Of all models here.
TOLERANCE = 1e-4
ROUNDING = 1e-5  # Of scores as large as these weights can make them.
HALF = 3  # Support pairs that `encode` is given; `update` is given the rest.

HYBRIDS = ("none", "dot", "mlp")
COMBINATIONS = {"-".join(names.values()): names for names in combinations()}


def a_third(number):
    """A third of all combinations of members, in which each member meets every other.

    Args:
        number: 0, 1 or 2; the three together are all combinations.
    """
    for i, encoder in enumerate(("gru", "mean", "max")):
        for j, modulation in enumerate(("film", "sigmoid", "weight", "soft")):
            hybrid = HYBRIDS[(i + j + number) % 3]
            yield COMBINATIONS[f"{encoder}-{hybrid}-{modulation}"]


MEMBERS = [
    *(("user", names) for names in a_third(0)),
    # Here each member meets but some others.
    *(("user", names | {"prior": "constant"}) for names in [*a_third(1)][::3]),
    *(("scenario", names) for names in [*a_third(2)][::3]),
]
EXPLAINED = [
    (setting, COMBINATIONS[name])
    for setting in ("user", "scenario")
    for name in ("gru-none-film", "mean-dot-soft", "max-mlp-weight")
]
# Members whose context is what the encoder remembers, and others that have to see all
# pairs again.
KEPT_BY_ENCODER = [
    ("user", {"encoder": "gru", "prior": "constant"}),
    ("user", {"encoder": "mean", "prior": "constant"}),
    ("user", {"encoder": "max", "prior": "constant", "negatives": False}),
    ("user", {"encoder": "moments", "prior": "constant"}),
    ("scenario", {"encoder": "gru"}),
    ("scenario", {"encoder": "moments"}),
    ("scenario", {"encoder": "mean", "negatives": False}),
    ("scenario", {"encoder": "max"}),
]
KEPT_AS_HISTORY = [
    ("user", {"encoder": "moments", "prior": "learned"}),
    ("user", {"encoder": "gru"}),
    ("user", {"encoder": "mean", "embeddings": "fixed"}),
    ("user", {"encoder": "gru", "prior": "constant", "num_orders": 3}),
    ("scenario", {"encoder": "gru", "num_orders": 3}),
]


def name_of(value):
    return value if isinstance(value, str) else "-".join(map(str, value.values()))


def of_setting(parameters):
    """Runs a test with a setting, by name, and members."""
    return pytest.mark.parametrize(
        ("setting", "members"), parameters, ids=name_of, indirect=["setting"]
    )


def assert_close(actual, expected):
    np.testing.assert_allclose(actual, expected, atol=TOLERANCE, rtol=ROUNDING)


def positions(support, start, stop=None):
    """Some positions of a support set."""
    return {name: value[:, start:stop] for name, value in support.items()}


def tasks(inputs, start, stop=None):
    """Some tasks of a request."""
    return {name: value[start:stop] for name, value in inputs.items()}


def wider(inputs, width):
    """A request in which each task has so many values, repeated side by side."""
    return {
        name: tf.tile(value, [1, width])[:, :width] if value.shape.rank == 2 else value
        for name, value in inputs.items()
    }


def without_pair(support, place):
    return {
        name: tf.concat([value[:, :place], value[:, place + 1 :]], axis=1)
        for name, value in support.items()
    }


@pytest.fixture
def encoded(served, setting):
    return served.encode(**setting.support, **setting.profile)["context"].numpy()


@of_setting(MEMBERS)
def test_a_context_stands_for_the_support_set(setting, members):
    served = setting.serve(members)
    whole = served.encode(**setting.support, **setting.profile)
    before = served.encode(**positions(setting.support, 0, HALF), **setting.profile)
    after = served.update(context=before["context"], **positions(setting.support, HALF))
    assert np.abs(after["context"] - before["context"]).max() > TOLERANCE
    assert_close(after["context"], whole["context"])
    np.testing.assert_array_equal(after["support_size"], whole["support_size"])
    score = served.score(context=after["context"], **setting.query)["score"]
    expected = served.rank(**setting.support, **setting.profile, **setting.query)
    assert_close(score, expected["score"])


@of_setting(KEPT_BY_ENCODER + KEPT_AS_HISTORY)
def test_a_context_can_be_made_one_pair_at_a_time_from_none(setting, members):
    served = setting.serve(members)
    nothing = served.encode(**positions(setting.support, 0, 0), **setting.profile)
    context = nothing["context"]
    for place in range(setting.support["support_label"].shape[1]):
        pair = positions(setting.support, place, place + 1)
        context = served.update(context=context, **pair)["context"]
    whole = served.encode(**setting.support, **setting.profile)["context"]
    assert_close(context, whole)
    assert np.abs(context - nothing["context"]).max() > TOLERANCE


def test_a_context_says_how_many_pairs_it_holds_and_of_which_model(served, setting):
    answer = served.encode(**setting.support, **setting.profile)
    np.testing.assert_array_equal(answer["support_size"], setting.sizes)
    np.testing.assert_array_equal(answer["model_version"], [VERSION] * 5)
    assert answer["support_size"].dtype == tf.int32
    assert answer["model_version"].dtype == tf.int64
    assert answer["context"].shape == [5, served.context_format.width]


def test_where_padding_stands_among_the_pairs_does_not_matter(served, setting):
    order = np.argsort(setting.support["support_item_id"] == b"", kind="stable")
    packed = {
        name: tf.gather(value, order, batch_dims=1)
        for name, value in setting.support.items()
    }
    one, other = (
        served.encode(**support, **setting.profile)["context"]
        for support in (setting.support, packed)
    )
    assert_close(one, other)


@of_setting(KEPT_BY_ENCODER)
def test_a_memory_of_the_encoder_takes_any_number_of_pairs(setting, members):
    served = setting.serve(members, history_size=1)
    context = served.encode(**setting.support, **setting.profile)["context"]
    answer = served.update(context=context, **setting.support)
    twice = [2 * size for size in setting.sizes]
    np.testing.assert_array_equal(answer["support_size"], twice)


@of_setting(KEPT_AS_HISTORY)
def test_a_history_takes_no_more_pairs_than_it_has_room_for(setting, members):
    served = setting.serve(members, history_size=6)
    first = served.encode(**positions(setting.support, 0, HALF), **setting.profile)
    full = served.update(context=first["context"], **positions(setting.support, HALF))
    np.testing.assert_array_equal(full["support_size"], setting.sizes)
    whole = served.encode(**setting.support, **setting.profile)
    assert_close(full["context"], whole["context"])
    one = positions(setting.support, 0, 1)
    message = r"up to 6 support pairs; encode the whole support set.*\n7$"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        served.update(context=full["context"], **one)


@of_setting(KEPT_AS_HISTORY)
def test_a_support_set_larger_than_a_history_is_encoded_all_the_same(setting, members):
    served = setting.serve(members, history_size=2)
    answer = served.encode(**setting.support, **setting.profile)
    np.testing.assert_array_equal(answer["support_size"], setting.sizes)
    score = served.score(context=answer["context"], **setting.query)["score"]
    expected = served.rank(**setting.support, **setting.profile, **setting.query)
    assert_close(score, expected["score"])
    # Even no pair cannot be added, since some of those before are gone.
    message = rf"up to 2 support pairs.*\n{setting.sizes[0]}, 6$"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        served.update(context=answer["context"], **positions(setting.support, 0, 0))


def test_a_context_of_another_model_version_is_refused(setting, loaded):
    other = setting.serve({}, model_version=VERSION + 1)
    context = other.encode(**setting.support, **setting.profile)["context"]
    message = rf"this is model version {VERSION}, .*\[{VERSION + 1} {VERSION + 1}"
    for name, rest in (
        ("score", setting.query),
        ("update", setting.support),
        ("recommend_from_context", setting.wanted),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            loaded.signatures[name](context=context, **rest)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_context_must_be_finite(setting, loaded, encoded, value):
    encoded[2, -1] = value
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="every value of a context must be finite"
    ):
        loaded.signatures["score"](context=tf.constant(encoded), **setting.query)


@pytest.mark.parametrize("by", [-1, 1])
def test_a_context_must_have_its_width(setting, loaded, encoded, by):
    width = encoded.shape[1]
    other = tf.constant(np.resize(encoded, [len(encoded), width + by]))
    other = tf.concat([tf.constant(encoded)[:, :2], other[:, 2:]], axis=1)
    message = rf"must hold {width} values, got\] \[{width + by}\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        loaded.signatures["score"](context=other, **setting.query)


def bad_requests(setting):
    """Requests for `rank` that cannot be answered, by what is said of them."""
    good = setting.support | setting.profile | setting.query
    labels = setting.support["support_label"].numpy()
    highest = setting.highest_label

    def labelled(value):
        changed = labels.copy()
        changed[0, 0] = value
        return good | {"support_label": tf.constant(changed)}

    in_range = rf"within \[[01], {highest:g}\], got\] \["
    yield in_range + "nan", labelled(np.nan)
    yield in_range + r"-0\.5", labelled(-0.5)
    yield in_range + "inf", labelled(np.inf)
    yield rf"{in_range}{highest + 1:g}", labelled(highest + 1.0)
    narrow = {"support_label": setting.support["support_label"][:, 1:]}
    yield (
        r"support_label must have one shape, got\] \[5 6\] \[and\] \[5 5\]",
        (good | narrow),
    )
    for name, value in good.items():
        yield "one number of tasks; .* have", good | {name: value[:4]}
    yield (
        r"support_label must hold at most 8 values a task, got\] \[9\]",
        (good | wider(setting.support, 9)),
    )
    yield (
        r"query_item_id must hold at most 12 values a task, got\] \[13\]",
        (good | wider(setting.query, 13)),
    )


def test_bad_requests_are_refused_in_plain_words(setting, loaded):
    rank = loaded.signatures["rank"]
    for message, request in bad_requests(setting):
        for _ in range(3):  # Other ops of the graph must never be the first to fail.
            with pytest.raises(tf.errors.InvalidArgumentError, match=message):
                rank(**request)
    at_most = wider(setting.support, 8) | wider(setting.query, 12) | setting.profile
    assert np.isfinite(rank(**at_most)["score"]).all()


def test_no_more_tasks_than_the_limit_are_answered(setting):
    served = setting.serve({}, max_tasks=4)
    request = setting.support | setting.profile | setting.query
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"at most 4 tasks, got"):
        served.rank(**request)
    few = {name: value[:4] for name, value in request.items()}
    assert served.rank(**few)["score"].shape[0] == 4


def test_no_task_at_all_has_no_answer(setting, loaded, encoded):
    support = setting.support | setting.profile
    context = {"context": tf.constant(encoded)}
    for name, request in {
        "rank": support | setting.query,
        "encode": support,
        "score": context | setting.query,
        "update": context | setting.support,
        "recommend": support | setting.wanted,
        "recommend_from_context": context | setting.wanted,
        "explain": support | setting.query,
    }.items():
        none = {key: value[:0] for key, value in request.items()}
        for value in loaded.signatures[name](**none).values():
            assert value.shape[0] == 0, name


def test_every_signature_checks_the_pairs_it_is_given(setting, loaded, encoded):
    labels = setting.support["support_label"]
    bad = setting.support | {"support_label": tf.where(labels == labels, 7.0, 7.0)}
    context = {"context": tf.constant(encoded)}
    others = {
        "encode": setting.profile,
        "recommend": setting.profile | setting.wanted,
        "explain": setting.profile | setting.query,
        "update": context,
    }
    for name, rest in others.items():
        with pytest.raises(tf.errors.InvalidArgumentError, match="support_label must"):
            loaded.signatures[name](**bad, **rest)
    few = {"context": context["context"][:2]}
    for name, rest in (
        ("score", setting.query),
        ("update", setting.support),
        ("recommend_from_context", setting.wanted),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match="one number of tasks"):
            loaded.signatures[name](**few, **rest)


def test_no_more_items_than_the_limit_are_excluded(setting, served):
    request = setting.support | setting.profile | setting.wanted
    too_many = {"exclude_item_id": tf.fill([5, 13], "1")}
    message = r"exclude_item_id must hold at most 12 values a task, got'\n13$"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        served.recommend(**request | too_many)


def test_ids_of_any_length_and_bytes_are_unknown(setting, loaded):
    request = setting.support | setting.profile | setting.query
    expected = loaded.signatures["rank"](**request)["score"]
    for odd in (b"x" * 10_000, b"\xff\xfe\x00", b"1 1", b"1\n1", "ü☃".encode()):
        ids = {
            name: tf.where(value == "?", odd, value)
            for name, value in request.items()
            if name.endswith("_id")
        }
        assert tf.reduce_any(ids["query_item_id"] == odd)
        score = loaded.signatures["rank"](**request | ids)["score"]
        np.testing.assert_array_equal(score, expected)


def test_a_saved_model_answers_alike_from_another_place(setting, served, loaded):
    whole = setting.support | setting.profile
    context = {"context": served.encode(**whole)["context"]}
    half = positions(setting.support, 0, HALF)
    requests = {
        "serving_default": whole | setting.query,
        "rank": whole | setting.query,
        "encode": whole,
        "score": context | setting.query,
        "update": context | half,
        "recommend": whole | setting.wanted,
        "recommend_from_context": context | setting.wanted,
        "explain": whole | setting.query,
    }
    assert set(loaded.signatures) == set(requests)
    for name, request in requests.items():
        method = "rank" if name == "serving_default" else name
        expected = getattr(served, method)(**request)
        answer = loaded.signatures[name](**request)
        assert set(answer) == set(expected)
        for key, value in answer.items():
            if value.dtype == tf.string:
                np.testing.assert_array_equal(value, expected[key])
            else:
                assert_close(value, expected[key])


def test_a_saved_model_is_of_stock_ops_alone(loaded):
    saved_model = SavedModel.FromString(
        (loaded.directory / "saved_model.pb").read_bytes()
    )
    graph = saved_model.meta_graphs[0].graph_def
    functions = {function.signature.name for function in graph.library.function}
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    ops = {node.op for node in nodes} - functions
    assert {"MatMul", "RestoreV2", "LookupTableFindV2"} <= ops
    assert not {op for op in ops if op_def_registry.get(op) is None or "PyFunc" in op}


def test_a_task_is_answered_alone_as_in_a_batch(setting, served):
    whole = setting.support | setting.profile
    for method, rest in (
        (served.rank, setting.query),
        (served.encode, {}),
        (served.explain, setting.query),
    ):
        expected = method(**whole, **rest)
        alone = method(**tasks(whole | rest, 2, 3))
        for key, value in alone.items():
            assert_close(value, expected[key][2:3])


@of_setting(KEPT_BY_ENCODER[:1] + KEPT_AS_HISTORY)
def test_recommends_from_a_context_what_the_support_set_would(setting, members):
    served = setting.serve(members)
    whole = setting.support | setting.profile
    context = served.encode(**whole)["context"]
    exclude = {"exclude_item_id": setting.support["support_item_id"]}
    wanted = setting.wanted | exclude
    expected = served.recommend(**whole, **wanted)
    answer = served.recommend_from_context(context=context, **wanted)
    for key in ("item_id", "fallback_reason"):
        np.testing.assert_array_equal(answer[key], expected[key])
    assert_close(answer["score"], expected["score"])


@of_setting(EXPLAINED)
def test_an_attribution_is_what_a_score_loses_without_the_pair(setting, members):
    served = setting.serve(members)
    answer = served.explain(**setting.support, **setting.profile, **setting.query)
    whole = served.rank(**setting.support, **setting.profile, **setting.query)["score"]
    assert_close(answer["score"], whole)
    num_pairs = setting.support["support_label"].shape[1]
    assert answer["attribution"].shape == [5, 4, num_pairs]
    for place in range(num_pairs):
        less = without_pair(setting.support, place)
        score = served.rank(**less, **setting.profile, **setting.query)["score"]
        assert_close(answer["attribution"][..., place], whole - score)
    is_padding = setting.support["support_item_id"].numpy() == b""
    by_pair = np.moveaxis(answer["attribution"].numpy(), 2, 1)  # [B, S, Q]
    assert not by_pair[is_padding].any()
    assert np.abs(by_pair[~is_padding]).max() > TOLERANCE


@pytest.mark.parametrize("width", [0, 2])
def test_nothing_is_attributed_to_no_support(setting, served, width):
    empty = {
        name: tf.zeros([5, width])
        if name == "support_label"
        else tf.fill([5, width], "")
        for name in setting.support
    }
    answer = served.explain(**empty, **setting.profile, **setting.query)
    np.testing.assert_array_equal(answer["attribution"], np.zeros([5, 4, width]))


@of_setting(EXPLAINED)
def test_the_modulation_is_that_of_the_model_flattened(setting, members):
    served = setting.serve(members)
    inputs = setting.support | setting.profile | setting.query
    answer = served.explain(**inputs)["modulation"]
    widths = served.modulation_widths()
    assert answer.shape == [5, 4, sum(widths.values())]
    assert (
        widths
        == {
            "film": {"scale_0": 5, "shift_0": 5, "scale_1": 4, "shift_1": 4},
            "soft": {"routes_0": 9, "routes_1": 9, "routes_2": 3},
            "weight": {"weights": 4, "bias": 1},
        }[members["modulation"]]
    )
    rows = served._rows_of(inputs)
    task = served._encode(rows)
    pairs = served._pairs(task.profile, served._query_rows(rows))
    values = served._model().modulate(task.state, pairs)
    parts = np.split(answer, np.cumsum(list(widths.values()))[:-1], axis=-1)
    for part, value in zip(parts, tf.nest.flatten(values), strict=True):
        flat = value.numpy().reshape(5, value.shape[1], -1)
        assert_close(part, np.broadcast_to(flat, part.shape))
        assert np.ptp(part) > TOLERANCE


@pytest.mark.parametrize("name", ["support", "query"])
def test_no_more_pairs_than_the_limit_are_explained(setting, name):
    served = setting.serve({})
    request = setting.support | setting.profile | setting.query
    too_many = wider(getattr(setting, name), MAX_EXPLAINED + 1)
    message = f"must hold at most {MAX_EXPLAINED} values a task"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        served.explain(**request | too_many)


def test_no_more_tasks_than_the_limit_are_explained(setting):
    request = setting.support | setting.profile | setting.query
    many = {name: tf.concat([value] * 4, axis=0) for name, value in request.items()}
    message = f"at most {MAX_EXPLAINED_TASKS} tasks, got"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        setting.serve({}).explain(**many)


def test_it_is_a_layer_of_a_functional_model_of_keras_3(served, setting, loaded):
    request = setting.support | setting.profile | setting.query
    request["support_label"] = tf.where(
        setting.support["support_item_id"] == "", 0.0, request["support_label"]
    )
    layer = keras.layers.TFSMLayer(loaded.directory, call_endpoint="serve")
    inputs = {
        name: keras.Input(
            [None] * (value.shape.rank - 1), dtype=value.dtype.name, name=name
        )
        for name, value in request.items()
    }
    doubled = keras.layers.Rescaling(2.0)(layer(inputs)["score"])
    model = keras.Model(inputs, doubled)
    expected = served.rank(**request)["score"]
    np.testing.assert_allclose(model(request), 2.0 * expected, atol=1e-4, rtol=1e-5)


def test_the_endpoint_is_no_signature(loaded):
    assert "serve" not in loaded.signatures
