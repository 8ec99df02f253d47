import itertools

import numpy as np
import pytest

from models.episodes.rating_episodes import fixed_episodes, training_episodes
from transforms.writing.tfrecord import compressed_tfrecord, encode_example

# Support pairs of each meta-train task, in two files.
SIZES = [[12, 3, 0], [1, 2, 12, 9]]
NUM_TASKS = 7

OPTIONS = {"support_size": 6, "query_size": 4, "batch_size": 3, "seed": 0}


def item_of(user, position):
    """Tells what pair of what task an item is."""
    return 100 * user + position


def label_of(item):
    return item / 10


def record_of(user, num_support, num_query):
    """A task whose support items are numbered from 1 and its query items from 51."""
    support = [item_of(user, 1 + i) for i in range(num_support)]
    query = [item_of(user, 51 + i) for i in range(num_query)]
    return encode_example(
        texts={"task_id": f"task {user}"},
        ints={"user": [user], "support/item": support, "query/item": query},
        floats={
            "support/label": [label_of(item) for item in support],
            "query/label": [label_of(item) for item in query],
        },
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data set of episodes alone; users are numbered from 1 over the files."""
    folder = tmp_path_factory.mktemp("episodes")
    (folder / "episodes").mkdir()
    users = itertools.count(1)
    for shard, sizes in enumerate(SIZES):
        records = [record_of(next(users), size, num_query=5) for size in sizes]
        path = folder / "episodes" / f"meta_train-{shard:05d}-of-00002.tfrecord.gz"
        path.write_bytes(compressed_tfrecord(records))
    return folder


@pytest.fixture
def draw(folder):
    """Draws batches as NumPy arrays, the default options changed by keyword."""

    def take(num_batches, **changes):
        batches = training_episodes(folder, **{**OPTIONS, **changes})
        return list(batches.take(num_batches).as_numpy_iterator())

    return take


def assert_equal_batches(batches, others):
    for batch, other in zip(batches, others, strict=True):
        assert batch.keys() == other.keys()
        for name, value in batch.items():
            np.testing.assert_array_equal(value, other[name])


def items_by_user(batches, role):
    """Lists the real items of every episode by its user."""
    by_user = {}
    for batch in batches:
        for users, items, mask in zip(
            *(batch[f"{role}_{key}"] for key in ("user", "item", "mask")), strict=True
        ):
            if mask.any():
                (user,) = set(users[mask].tolist())
                by_user.setdefault(user, []).append(items[mask].tolist())
    return by_user


def test_fixed_episodes_are_those_of_the_records(folder):
    (batch,) = fixed_episodes(folder, "meta_train").as_numpy_iterator()
    assert batch["task_id"].tolist() == [b"task %d" % user for user in range(1, 8)]
    assert batch["support_mask"].sum(axis=1).tolist() == SIZES[0] + SIZES[1]
    assert batch["query_mask"].sum(axis=1).tolist() == [5] * NUM_TASKS
    # Task 2 has 3 support pairs and its held-out, or warm, query.
    assert batch["support_item"][1].tolist() == [201, 202, 203] + [0] * 9
    assert batch["support_user"][1].tolist() == [2, 2, 2] + [0] * 9
    assert batch["query_item"][1].tolist() == [251, 252, 253, 254, 255]
    assert batch["query_user"][1].tolist() == [2] * 5
    np.testing.assert_allclose(batch["query_label"][1], [25.1, 25.2, 25.3, 25.4, 25.5])
    # Task 3 has no support at all.
    assert not batch["support_item"][2].any()


def test_fixed_episodes_keep_the_first_support_pairs(folder):
    whole, cut = (
        next(fixed_episodes(folder, "meta_train", **options).as_numpy_iterator())
        for options in ({}, {"max_support_size": 2})
    )
    assert cut["support_item"].shape == (NUM_TASKS, 2)
    assert cut["support_mask"].sum(axis=1).tolist() == [2, 2, 0, 1, 2, 2, 2]
    for name, value in whole.items():
        expected = value[:, :2] if name.startswith("support") else value
        np.testing.assert_array_equal(cut[name], expected)


def test_a_support_size_of_nothing_leaves_no_support(folder):
    (batch,) = fixed_episodes(folder, "meta_train", max_support_size=0)
    assert batch["support_mask"].shape == [NUM_TASKS, 0]
    assert batch["query_mask"].shape == [NUM_TASKS, 5]


def test_the_last_fixed_batch_is_smaller_and_each_as_wide_as_it_needs(folder):
    batches = list(fixed_episodes(folder, "meta_train", batch_size=3))
    assert [b["support_item"].shape for b in batches] == [[3, 12], [3, 12], [1, 9]]


def test_episodes_of_either_kind_have_the_types_of_a_batch(folder, draw):
    dtypes = {"user": np.int32, "item": np.int32, "label": np.float32, "mask": bool}
    expected = {
        f"{role}_{key}": np.dtype(dtype)
        for role in ("support", "query")
        for key, dtype in dtypes.items()
    }
    fixed = next(fixed_episodes(folder, "meta_train").as_numpy_iterator())
    fixed.pop("task_id")
    for batch in (fixed, *draw(1)):
        assert {name: value.dtype for name, value in batch.items()} == expected


def test_refuses_a_split_without_episodes(folder):
    with pytest.raises(ValueError, match=r"episodes holds no records of 'meta_test'"):
        fixed_episodes(folder, "meta_test")


def test_training_draws_disjoint_sets_and_never_the_held_out_query(draw):
    batches = draw(30)
    support, query = (items_by_user(batches, role) for role in ("support", "query"))
    assert support.keys() == {1, 2, 5, 6, 7}  # Task 4 has one pair, for the query.
    for user, drawn in support.items():
        for items, other in zip(drawn, query[user], strict=True):
            both = [*items, *other]
            assert len(set(both)) == len(both)
            assert all(item_of(user, 1) <= item < item_of(user, 51) for item in both)


def test_each_pair_keeps_its_label_and_its_user(draw):
    for batch in draw(9):
        for role in ("support", "query"):
            item = batch[f"{role}_item"]
            np.testing.assert_allclose(batch[f"{role}_label"], label_of(item))
            np.testing.assert_array_equal(batch[f"{role}_user"], item // 100)
            np.testing.assert_array_equal(batch[f"{role}_mask"], item > 0)


def test_small_tasks_give_half_of_their_pairs_rounded_up_to_the_query(draw):
    (batch,) = draw(1, batch_size=NUM_TASKS)
    users, supports, queries = (
        batch["query_user"][:, 0],
        batch["support_mask"].sum(axis=1),
        batch["query_mask"].sum(axis=1),
    )
    # Of tasks with 12, 3, 0, 1, 2, 12 and 9 pairs, at most 6 and 4; the task without
    # pairs has no user.
    sizes = set(zip(users, supports, queries, strict=True))
    expected = {(1, 6, 4), (2, 1, 2), (0, 0, 0), (4, 0, 1), (5, 1, 1), (6, 6, 4)}
    assert sizes == expected | {(7, 5, 4)}


def test_every_pair_is_drawn_sooner_or_later_in_either_role(draw):
    batches = draw(60)  # Task 1 is drawn 20 times, 6 and 4 of its 12 pairs each.
    for role in ("support", "query"):
        drawn = items_by_user(batches, role)[1]
        assert set(itertools.chain(*drawn)) == {item_of(1, i) for i in range(1, 13)}


def test_an_epoch_visits_every_task_once_in_another_order_than_the_last(draw):
    # 7 tasks in batches of 3, 3 and 1; the task without pairs shows no user.
    batches = draw(6)
    assert [len(batch["query_user"]) for batch in batches] == [3, 3, 1] * 2
    users = [batch["query_user"][:, 0] for batch in batches]
    first, second = np.concatenate(users[:3]), np.concatenate(users[3:])
    assert sorted(first) == sorted(second) == [0, 1, 2, 4, 5, 6, 7]
    assert first.tolist() != second.tolist()


def test_the_seed_and_the_step_decide_the_batches(draw):
    assert_equal_batches(draw(6), draw(6))
    first, other = draw(6), draw(6, seed=1)
    assert items_by_user(first, "support") != items_by_user(other, "support")


@pytest.mark.parametrize("first_step", [1, 3, 5])
def test_a_later_first_step_leaves_out_exactly_the_batches_before(draw, first_step):
    options = {"full_support_fraction": 0.5}
    later = draw(8 - first_step, first_step=first_step, **options)
    assert_equal_batches(later, draw(8, **options)[first_step:])


def test_support_sizes_vary_unless_all_are_to_be_full(draw):
    def widths(fraction):
        batches = draw(60, full_support_fraction=fraction, batch_size=NUM_TASKS)
        return [batch["support_item"].shape[1] for batch in batches]

    assert set(widths(1.0)) == {6}
    assert set(widths(0.0)) == set(range(7))  # No support at all is among them.
    # Half of the batches are full, and a seventh of the others: 0.57 of 60 are 34.
    assert 25 <= widths(0.5).count(6) <= 43


def test_fewer_support_pairs_leave_the_query_as_large(draw):
    for batch in draw(30, full_support_fraction=0.0, batch_size=NUM_TASKS):
        sizes = dict(
            zip(batch["query_user"][:, 0], batch["query_mask"].sum(axis=1), strict=True)
        )
        assert sizes == {0: 0, 1: 4, 2: 2, 4: 1, 5: 1, 6: 4, 7: 4}


def test_the_order_within_a_support_set_is_drawn_too(draw):
    orders = items_by_user(draw(90, support_size=1, query_size=1), "support")[5]
    assert {tuple(order) for order in orders} == {(501,), (502,)}
    sets = items_by_user(draw(90, support_size=8, query_size=1), "support")[2]
    assert len({tuple(items) for items in sets}) == 6  # Ordered pairs out of three.
