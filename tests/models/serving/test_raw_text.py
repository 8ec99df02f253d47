"""Texts of requests are what preparation makes of the same texts in a table."""

import numpy as np
import pytest

from models.legacy_keras import tf
from models.serving.raw_text import has_line_break, read_ids, read_texts
from transforms.raw_text import normal_id
from transforms.reading.row_error import RowError
from transforms.reading.values import as_id

# Those that a text in a request can hold, until the first that came after Unicode 13.
CHARACTERS = [chr(code) for code in range(1, 0x2C2F)]

RAW_IDS = [
    *("7", " 7", "007", "7.0", "0007.00", "7.", "0", "000", "0.0", "7.5", "-7", "+7"),
    *("1e3", "v1.0", "0x7", "A1", "a1 ", "a 1", "B\u00a07", "\u2003b7\x0b", "b\tc"),
    *("ÉLO", "élo", "ΑΣ", "İ", "straße", "愛", "\u0663", "\uff17", "", " ", "\t\u3000"),
    *("a:7", "A: 07", "a:A1", "b:7", ":7", "a:", "07:a", "a:a:07", "a.b"),
]


def in_table(raw, *, normalize):
    """What preparation makes of an id; "" if it refuses the row."""
    try:
        return as_id(raw, "id", normalize=normalize)
    except RowError:
        return ""


@pytest.mark.parametrize("normalize", [False, True])
def test_an_id_of_a_request_is_that_of_a_table(normalize):
    read = read_ids(tf.constant(RAW_IDS), normalize=normalize).numpy()
    assert [one.decode() for one in read] == [
        in_table(raw, normalize=normalize) for raw in RAW_IDS
    ]


def test_the_name_of_a_domain_before_an_id_stays_as_it_is():
    domains = ("a", "a.b")
    read = read_ids(tf.constant([RAW_IDS]), normalize=True, domains=domains).numpy()[0]
    for raw, one in zip(RAW_IDS, read, strict=True):
        domain, colon, own = raw.strip().partition(":")
        is_one = colon and domain in domains
        assert one.decode() == (
            f"{domain}:{normal_id(own)}" if is_one else normal_id(raw)
        )


def test_every_character_is_read_as_preparation_does():
    texts = tf.constant([f"{one}A{one}" for one in CHARACTERS])
    ids = read_ids(texts, normalize=True).numpy()
    assert [one.decode() for one in ids] == [
        normal_id.__wrapped__(f"{one}A{one}") for one in CHARACTERS
    ]
    assert [one.decode() for one in read_texts(texts).numpy()] == [
        f"{one}A{one}".strip() for one in CHARACTERS
    ]
    inside = has_line_break(tf.constant([f"a{one}a" for one in CHARACTERS])).numpy()
    np.testing.assert_array_equal(
        inside, [len(f"a{one}a".splitlines()) > 1 for one in CHARACTERS]
    )


ODD_FORMS = {"1": " 001", "2": "2.0", "3": "\u00a03 ", "4": "04.", "": " \t"}


def oddly(inputs):
    """The same inputs, with ids in other forms."""

    def form(raw):
        text = raw.decode()
        return ODD_FORMS.get(text, f"{text} ")

    return {
        name: tf.constant(np.vectorize(form, otypes=[object])(value.numpy()))
        if name.endswith("_id")
        else value
        for name, value in inputs.items()
    }


def test_a_model_reads_the_ids_of_requests_as_the_tables(setting):
    served = setting.serve({}, normalize_ids=True)
    adapt = setting.support | setting.profile
    expected = served.rank(**adapt, **setting.query)["score"]
    got = served.rank(**oddly(adapt), **oddly(setting.query))["score"]
    np.testing.assert_array_equal(got, expected)
    usual = setting.serve({}).rank(**oddly(adapt), **oddly(setting.query))["score"]
    assert not np.allclose(usual, expected)
    expected = served.recommend(**adapt, **setting.wanted)["item_id"]
    got = served.recommend(**oddly(adapt), **oddly(setting.wanted))["item_id"]
    np.testing.assert_array_equal(got, expected)
