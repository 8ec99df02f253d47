"""Rows of requests, as the graph of a SavedModel makes them."""

import numpy as np
import pytest

from pipeline.export.formats.request_rows import RequestRows

MANIFEST = {
    "roles": ["user", "item"],
    "features": {
        "gender": {"kind": "categorical", "vocabulary_size": 2, "max_values": 1},
        "tags": {"kind": "multi", "vocabulary_size": 3, "max_values": 3},
        "one": {"kind": "multi", "vocabulary_size": 3, "max_values": 1},
        "age": {"kind": "numeric", "vocabulary_size": 0, "max_values": 1},
        "empty": {"kind": "categorical", "vocabulary_size": 0, "max_values": 1},
    },
}
TABLES = {"item_id": "7 8 9", "user_id": "u v", "gender": "F M", "tags": "a b c"}
TABLES |= {"one": "a b c"}


@pytest.fixture
def rows(tmp_path):
    for name, values in TABLES.items():
        (tmp_path / f"{name}.txt").write_text(
            "".join(f"{value}\n" for value in values.split())
        )
    return lambda **manifest: RequestRows(tmp_path, MANIFEST | manifest)


def texts(*values):
    return np.array(values, object)


def test_ids_are_lines_unknown_ones_0_and_padding_minus_1(rows):
    read = rows().of({"query_item_id": texts([b"7", " 9\t", "x", b"", " "])})
    np.testing.assert_array_equal(read["query_item_row"], [[1, 3, 0, -1, -1]])
    assert read["query_item_row"].dtype == np.int32


def test_ids_that_differ_in_form_only_are_one_where_they_were(rows):
    given = {"query_item_id": texts(["007", "7.0", "d:8.0", "e:8"])}
    plain = rows().of(given)["query_item_row"]
    np.testing.assert_array_equal(plain, [[0, 0, 0, 0]])
    normal = rows(normalize_ids=True).of(given)["query_item_row"]
    np.testing.assert_array_equal(normal, [[1, 1, 0, 0]])


def test_of_several_values_the_first_different_ones_count_known_ones_first(rows):
    given = {"user_tags": texts(["x", "b", " b", "", "a", "c"])}
    np.testing.assert_array_equal(rows().of(given)["user_tags"], [[2, 1, 0]])
    given = {"user_one": texts(["", "c", "a"])}
    np.testing.assert_array_equal(rows().of(given)["user_one"], [[3]])


def test_one_value_and_a_number(rows):
    read = rows().of(
        {
            "user_gender": np.array([" M", "", "x"], object),
            "user_age": np.array([31.0, np.nan]),
            "user_empty": np.array(["a", "b"], object),
        }
    )
    np.testing.assert_array_equal(read["user_gender"], [[2], [0], [0]])
    np.testing.assert_array_equal(read["user_age"], np.float32([31.0, np.nan]))
    np.testing.assert_array_equal(read["user_empty"], [[0], [0]])


def test_users_are_not_recommended_what_they_rated(rows):
    read = rows().of(
        {
            "support_item_id": texts(["7", ""]),
            "support_label": np.array([[5.0, 0.0]]),
            "exclude_item_id": texts(["9"]),
        }
    )
    np.testing.assert_array_equal(read["exclude_item_row"], [[1, -1, 3]])


def test_in_scenarios_only_clicks_of_the_same_user_are_left_out(rows):
    read = rows().of(
        {
            "support_user_id": texts(["?", "??", "?"]),
            "support_item_id": texts(["7", "8", "9"]),
            "support_label": np.array([[1.0, 1.0, 0.0]]),
            "query_user_id": np.array([b"?"], object),
            "candidate_item_id": texts(["8", "8", "x", "7"]),
            "exclude_item_id": np.zeros([1, 0], object),
        }
    )
    np.testing.assert_array_equal(read["exclude_item_row"], [[1, -1, -1]])
    np.testing.assert_array_equal(read["candidate_item_row"], [[2, 0, 0, 1]])


def test_where_users_are_tasks_all_clicks_are_left_out(rows):
    read = rows().of(
        {
            "support_item_id": texts(["7", "8"]),
            "support_label": np.array([[1.0, 0.0]]),
            "candidate_item_id": np.zeros([1, 0], object),
            "exclude_item_id": texts(["9"]),
        }
    )
    np.testing.assert_array_equal(read["exclude_item_row"], [[1, -1, 3]])


def test_rows_have_their_ids_again_and_numbers_their_reason(rows):
    named = rows().named(
        {"item_row": np.array([[3, 0]]), "fallback": np.array([2]), "score": np.ones(1)}
    )
    assert named["item_id"].tolist() == [[b"9", b""]]
    assert named["fallback_reason"].tolist() == [b"scenario"]
    assert named.keys() == {"item_id", "fallback_reason", "score"}
