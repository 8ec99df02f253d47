"""A value means the same in a table, in a request, and in the served graph."""

import functools
import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models.legacy_keras import tf
from models.serving.vocabulary import IdLookup, encode_feature
from pipeline.settings.user.request_features import (
    check_feature,
    read_feature,
    request_features,
)
from transforms.entities.entity_table import encode_number, encode_values
from transforms.entities.feature_values import parse_feature
from transforms.entities.vocabularies import vocabulary_rows
from transforms.schema import Feature
from transforms.specs import FeatureSpec

KNOWN = ["a", "A", "b", "7", "7.0", "a b", "é", "true", "True", "None", "\x00"]
SPECS = {
    "numeric": FeatureSpec("age", kind="numeric"),
    "categorical": FeatureSpec("city"),
    "multi": FeatureSpec("tags", kind="multi", separator=",", max_values=3),
}
FEATURES = {
    "numeric": Feature("age", "numeric", mean=20.5),
    "categorical": Feature("city", "categorical", vocabulary_size=len(KNOWN)),
    "multi": Feature("tags", "multi", vocabulary_size=len(KNOWN), max_values=3),
}
DTYPES = {"numeric": tf.float32, "categorical": tf.string, "multi": tf.string}
INPUTS = {
    "user_age": {"dtype": "float32", "shape": [None]},
    "user_city": {"dtype": "string", "shape": [None]},
    "user_tags": {"dtype": "string", "shape": [None, None]},
    "support_label": {"dtype": "float32", "shape": [None, None]},
}
SIGNATURES = {"signatures": {"rank": {"inputs": INPUTS}}}
REQUESTS = request_features(SIGNATURES | {"feature_separators": {"tags": ","}})

TEXTS = st.one_of(
    st.text("aAb7.0é,|\x00 \t\n\r\x0b\x1c\x85\u00a0\u2028\u3000\ufeff", max_size=6),
    st.sampled_from([f"{blank}{one}{blank}" for one in KNOWN for blank in ("", " ")]),
)
NUMBERS = st.one_of(
    st.floats(),
    st.floats(0.999e30, 1.001e30),
    st.integers(-(10**40), 10**40),
    st.sampled_from([10**400, 1e30, -1e30, 1e39, 2**31, 7, 7.0, math.nan]),
)
NUMBER_TEXTS = st.one_of(
    NUMBERS.map(str),
    NUMBERS.map(lambda number: f" {number}\t"),
    st.sampled_from(["1_0", "0x1", "1,5", "\u0663", "1e400", "+7", ".5", "41", "-"]),
)
SINGLE = st.one_of(TEXTS, NUMBERS, NUMBER_TEXTS, st.booleans(), st.none())
VALUES = st.one_of(SINGLE, st.lists(SINGLE, max_size=6))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The served encoding of each kind of feature, traced once."""
    path = tmp_path_factory.mktemp("vocabulary") / "values.txt"
    path.write_text("".join(f"{one}\n" for one in KNOWN), encoding="utf-8")
    lookup = IdLookup(path)

    def encode(kind):
        shape = [None, None] if kind == "multi" else [None]
        return tf.function(
            lambda raw: encode_feature(FEATURES[kind], raw, lookup),
            input_signature=[tf.TensorSpec(shape, DTYPES[kind])],
            autograph=False,
        )

    return {kind: encode(kind) for kind in SPECS}


def prepared(value, kind):
    """What preparation makes of a field of a table."""
    parsed = parse_feature(value, SPECS[kind]).value
    if kind == "numeric":
        return [np.float32(encode_number(parsed, FEATURES[kind]))]
    rows = encode_values(parsed, vocabulary_rows(KNOWN), FEATURES[kind])
    return [row for row in rows if row]


def answered(served, values, kind):
    """What a server makes of the same values in requests."""
    read = [read_feature(value, REQUESTS[SPECS[kind].name]) for value in values]
    if kind == "multi":
        width = max(map(len, read), default=0)
        read = [[*one, *[""] * (width - len(one))] for one in read]
        raw = tf.reshape(tf.constant(read, tf.string), [len(read), width])
    else:
        raw = tf.constant(read, DTYPES[kind])
    encoded = served[kind](raw).numpy()
    if kind == "numeric":
        return [[one] for one in encoded]
    return [[row for row in rows if row] for rows in encoded.tolist()]


@pytest.mark.parametrize("kind", SPECS)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(values=st.lists(VALUES, min_size=1, max_size=40))
@example(values=[" 41 ", "41", 41, True, 1.00000001e30, 1e31, "1e31", "nan", [41]])
@example(values=["a,a,,b", ["a", "a,b", " a", "b\nb"], "a|b", 7.0, ["7", 7.0, None]])
def test_a_request_is_answered_as_the_same_value_of_a_table(served, kind, values):
    assert answered(served, values, kind) == [prepared(one, kind) for one in values]


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(TEXTS, max_size=6), min_size=1, max_size=40))
def test_the_graph_reads_texts_as_they_come(served, rows):
    """Those of clients that send texts as they have them, padded to one width."""
    width = max(map(len, rows))
    raw = [[*row, *[""] * (width - len(row))] for row in rows]
    encoded = served["multi"](tf.reshape(tf.constant(raw, tf.string), [-1, width]))
    got = [[row for row in one if row] for one in encoded.numpy().tolist()]
    assert got == [prepared(row, "multi") for row in rows]
    firsts = [row[0] if row else "" for row in rows]
    encoded = served["categorical"](tf.constant(firsts)).numpy()[:, 0].tolist()
    assert encoded == [sum(prepared(one, "categorical")) for one in firsts]


@settings(max_examples=60, deadline=None)
@given(numbers=st.lists(st.floats(width=32), min_size=1, max_size=40))
def test_the_graph_reads_numbers_as_they_come(served, numbers):
    got = served["numeric"](tf.constant(numbers, tf.float32)).numpy()
    assert [[one] for one in got] == [prepared(one, "numeric") for one in numbers]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("age", value) for value in ("old", "1_0", "nan", [41], {})),
        *(("city", value) for value in (["a"], {"a": 1}, "a\nb")),
        *(("tags", value) for value in ({"a": 1}, ["a", ["b"]], ["a\nb"])),
    ],
)
def test_what_no_table_could_say_is_refused(name, value):
    with pytest.raises(ValueError, match=rf"user feature '{name}' must be .*, got "):
        check_feature(value, REQUESTS[name])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("age", json.loads(text)) for text in ("41", '"41"', "1e31", "NaN", "null")),
        *(("city", value) for value in ("a", 7, 7.0, True, None, "")),
        *(("tags", value) for value in (["a", 7], "a,b", 7, [], None)),
    ],
)
def test_what_a_table_could_say_is_taken(name, value):
    check_feature(value, REQUESTS[name])


def test_values_without_a_word_on_their_separator_are_cut_at_bars():
    spec = request_features(SIGNATURES)["tags"]
    assert functools.partial(read_feature, spec=spec)("a|b,c") == ["a", "b,c"]
