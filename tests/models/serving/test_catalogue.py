import numpy as np
import pytest

from models.legacy_keras import tf
from models.serving import catalogue
from models.serving.catalogue import Catalogue, score_in_blocks
from transforms.schema import DataError

COUNTS = np.array([5, 1, 0, 3, 1])  # Of the unknown item first.


@pytest.fixture
def make():
    def build(top_k=3, min_item_count=1):
        return Catalogue(COUNTS, min_item_count=min_item_count, top_k=top_k)

    return build


@pytest.mark.parametrize(
    ("min_item_count", "rows"), [(0, [1, 2, 3, 4]), (1, [1, 3, 4]), (2, [3])]
)
def test_items_seen_often_enough_are_candidates(make, min_item_count, rows):
    items = make(min_item_count=min_item_count)
    np.testing.assert_array_equal(items.all_rows(tf.constant(2)), [rows, rows])


def test_no_more_items_are_returned_than_there_are(make):
    assert make(top_k=2).top_k == 2
    assert make(top_k=99).top_k == 3


def test_refuses_to_have_no_item(make):
    with pytest.raises(DataError, match="none has min_item_count = 4 interactions"):
        make(min_item_count=4)


def test_popularity_is_the_share_of_interactions(make):
    np.testing.assert_allclose(make().popularity, [0.5, 0.1, 0.0, 0.3, 0.1])


def test_says_which_rows_are_excluded_task_by_task(make):
    rows = tf.constant([[1, 2, 3, 0], [1, 1, 4, 3]])
    excluded = tf.constant([[3, 3, 0], [1, 2, 2]])
    np.testing.assert_array_equal(
        make().is_among(rows, excluded),
        [[False, False, True, True], [True, True, False, False]],
    )


def test_takes_the_best_first_and_of_two_alike_the_first(make):
    rows = tf.constant([[1, 2, 3, 4], [4, 3, 2, 1]])
    worth = tf.constant([[0.5, 2.0, 0.5, 1.0], [-1.0, -1.0, -1.0, -np.inf]])
    best = make().best(worth)
    np.testing.assert_array_equal(best.of(rows), [[2, 4, 1], [4, 3, 2]])
    np.testing.assert_array_equal(best.of(worth), [[2.0, 1.0, 0.5], [-1.0] * 3])
    assert best.is_left.numpy().all()


def test_says_where_fewer_are_left(make):
    rows = tf.constant([[1, 2], [3, 4], [1, 4]])
    worth = tf.constant([[-np.inf, -3.0], [-np.inf, -np.inf], [1.0, 2.0]])
    best = make().best(worth)
    left = [[True, False, False], [False] * 3, [True, True, False]]
    np.testing.assert_array_equal(best.is_left, left)
    np.testing.assert_array_equal(best.of(rows)[best.is_left], [2, 4, 1])


def test_of_no_rows_none_is_left(make):
    best = make().best(tf.zeros([2, 0]))
    assert not best.is_left.numpy().any()
    assert best.of(tf.zeros([2, 0], tf.int32)).shape == (2, 3)


@pytest.mark.parametrize("block", [1, 3, 4, 5, 512])
@pytest.mark.parametrize("width", [1, 4, 7])
def test_blocks_of_any_size_make_the_same_scores(monkeypatch, block, width):
    monkeypatch.setattr(catalogue, "_BLOCK", 2 * block)
    monkeypatch.setattr(catalogue, "_MIN_BLOCK", 1)
    rows = tf.reshape(tf.range(2 * width), [2, width])
    widths = []

    def score(items):
        widths.append(items.shape[1])
        return 0.5 * tf.cast(items, tf.float32)

    scores = score_in_blocks(score, rows)
    np.testing.assert_array_equal(scores, 0.5 * rows.numpy())
    assert set(widths) == {min(block, width)}


def test_blocks_may_hold_several_scores_by_name(monkeypatch):
    monkeypatch.setattr(catalogue, "_BLOCK", 4)
    monkeypatch.setattr(catalogue, "_MIN_BLOCK", 1)
    rows = tf.reshape(tf.range(14), [2, 7])

    def score(items):
        items = tf.cast(items, tf.float32)
        return {"half": 0.5 * items, "double": 2.0 * items}

    scores = score_in_blocks(score, rows, ["half", "double"])
    np.testing.assert_array_equal(scores["half"], 0.5 * rows.numpy())
    np.testing.assert_array_equal(scores["double"], 2.0 * rows.numpy())


def test_a_block_has_some_pairs_of_each_task_however_many_tasks_there_are():
    rows = tf.zeros([512, 100], tf.int32)
    widths = []

    def score(items):
        widths.append(items.shape)
        return tf.cast(items, tf.float32)

    score_in_blocks(score, rows)
    assert set(widths) == {(512, 64)}


def test_a_row_counts_once_where_it_stands_first(make):
    rows = tf.constant([[3, 1, 3, 2, 1], [0, 0, 2, 2, 2]])
    np.testing.assert_array_equal(
        make().without_repeats(rows), [[3, 1, 0, 2, 0], [0, 0, 2, 0, 0]]
    )
