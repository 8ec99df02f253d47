"""An id means the same in a table, in a request, and in the served graph."""

import types

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.legacy_keras import tf
from models.serving.raw_text import read_ids
from pipeline.settings.exported_model import ExportedModel
from pipeline.settings.request_values import as_number, padded
from transforms.clicks.clicks import in_domain
from transforms.reading.row_error import RowError
from transforms.reading.values import as_id

DOMAINS = ("shop", "a.b", "7")

IDS = st.one_of(
    st.text("aAÉéßİ07.-+:x \x01\t\x0b\x1c\x85\u00a0\u3000\ufeff\u0663", max_size=7),
    st.from_regex(r"\A[ \t]?0{0,3}[0-9]{1,3}(\.0{0,3})?[ \t]?\Z"),
    st.integers(-(10**30), 10**30).map(str),
)
NUMBERS = st.one_of(st.integers(-(10**30), 10**30), st.floats(allow_nan=False))


def in_table(raw, *, normalize):
    """What preparation makes of an id; None if it refuses the row."""
    try:
        return as_id(raw, "id", normalize=normalize)
    except RowError:
        return None


def in_request(raw, *, normalize, domains=()):
    """What `predict` makes of it; None if it refuses the request."""
    manifest = {"normalize_ids": normalize, "domains": domains}
    try:
        return ExportedModel.id_of(types.SimpleNamespace(manifest=manifest), raw)
    except ValueError:
        return None


@pytest.mark.parametrize("domains", [(), DOMAINS])
@pytest.mark.parametrize("normalize", [False, True])
def test_an_id_of_a_request_is_that_of_a_table(normalize, domains):
    read = tf.function(
        lambda ids: read_ids(ids, normalize=normalize, domains=domains),
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )

    @settings(max_examples=60, deadline=None)
    @given(texts=st.lists(IDS, min_size=1, max_size=40), numbers=st.lists(NUMBERS))
    @example(texts=["007", "7.0", " 7", "B 7", "a:07", "7:07", "\x0b7"], numbers=[7.0])
    def check(texts, numbers):
        wanted = {"normalize": normalize, "domains": domains}
        own = [in_table(text, normalize=normalize) for text in texts]
        known = [
            # Read from the start, so that nothing but the id breaks a line.
            (text.lstrip(), one)
            for text, one in zip(texts, own, strict=True)
            if one
        ]
        # A client writes the name of the domain before an id as its log has it; only
        # where ids are normalised do blanks between them mean nothing.
        raw = [
            in_domain(domain, text if normalize else one)
            for text, one in known
            for domain in domains
        ] or [text for text, _ in known]
        ids = [in_domain(domain, one) for _, one in known for domain in domains or [""]]
        served = read(tf.constant(raw, tf.string)).numpy()
        assert [one.decode() for one in served] == ids
        assert [in_request(one, **wanted) for one in raw] == ids
        assert [in_request(f" {one}\t", **wanted) for one in raw] == ids
        assert [in_request(n, **wanted) for n in numbers] == [
            in_table(n, normalize=normalize) for n in numbers
        ]

    check()


@pytest.mark.parametrize("normalize", [False, True])
def test_an_id_with_a_nul_is_not_cut(normalize):
    texts = ["a\x00b", "\x00", " 7\x00"]
    served = read_ids(tf.constant(texts), normalize=normalize).numpy()
    assert [one.decode() for one in served] == [
        in_table(one, normalize=normalize) for one in texts
    ]


@pytest.mark.parametrize("value", [5, 5.0, "5", " 5.0 ", "05"])
def test_numbers_are_read_as_those_of_tables(value):
    assert as_number(value, "label") == 5.0


@pytest.mark.parametrize("value", [None, "", "five", "1_0", float("nan"), [5], {}])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="label must be a number, got "):
        as_number(value, "label")


def test_rows_are_padded_to_the_longest():
    rows = [np.array(["a", "b"], object), np.array([], object)]
    assert padded(rows, "").tolist() == [["a", "b"], ["", ""]]
    assert padded([], 0.0).shape == (0, 0)
    assert padded([[1.0], []], 0.0, 3).tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
