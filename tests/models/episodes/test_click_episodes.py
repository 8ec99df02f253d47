import dataclasses
import itertools
import tempfile

import numpy as np
import pytest

from models.episodes.click_draws import EpisodeSizes
from models.episodes.click_episodes import (
    support_episode,
    training_episodes,
    unpack_clicks,
)

SIZES = EpisodeSizes(
    support_size=8, support_negatives=2, query_size=6, query_negatives=2
)


def draw(tasks, num_batches, sizes=SIZES, **changes):
    options = {"batch_size": 2, "seed": 5} | changes
    batches = training_episodes(tasks, sizes, **options).take(num_batches)
    return [{k: v.numpy() for k, v in batch.items()} for batch in batches]


def clicks_of(task):
    """Fold and negatives of each support click."""
    columns = (
        task.support_user,
        task.support_item,
        task.support_fold,
        task.support_negative,
    )
    return {
        (user, item): (fold, set(negatives))
        for user, item, fold, negatives in zip(*columns, strict=True)
    }


def groups_of(batch, row):
    """The query of one episode: a click, its negatives, whether they are real."""
    users = batch["query_user"][row].reshape(-1, 3)
    items = batch["query_item"][row].reshape(-1, 3)
    mask = batch["query_mask"][row].reshape(-1, 3)
    labels = batch["query_label"][row].reshape(-1, 3)
    return users, items, mask, labels


def test_a_query_is_of_one_fold_and_the_support_of_the_others(tasks):
    clicks = clicks_of(tasks[0])
    for batch in draw(tasks[:1], 6, batch_size=1):
        asked = batch["query_fit"][0, 0] - 1
        assert batch["support_fit"][0, 0] - 1 == asked
        users, items, mask, _ = groups_of(batch, 0)
        assert mask.any()
        for user, item in zip(users[mask[:, 0], 0], items[mask[:, 0], 0], strict=True):
            assert clicks[user, item][0] == asked
        is_click = batch["support_mask"][0] & (batch["support_label"][0] == 1)
        shown = zip(
            batch["support_user"][0][is_click],
            batch["support_item"][0][is_click],
            strict=True,
        )
        assert {clicks[pair][0] for pair in shown} == {0, 1, 2} - {asked}


def test_each_click_comes_with_negatives_of_its_own(tasks):
    clicks = clicks_of(tasks[0])
    for batch in draw(tasks[:1], 4, batch_size=1):
        users, items, mask, labels = groups_of(batch, 0)
        for user, item, real, label in zip(users, items, mask, labels, strict=True):
            assert len(set(real)) == 1  # A group is real or padding as a whole.
            if real[0]:
                assert len(set(user)) == 1
                assert set(item[1:]) <= clicks[user[0], item[0]][1]
                np.testing.assert_array_equal(label, [1, 0, 0])
            else:
                assert not user.any()
                assert not item.any()


def test_no_click_is_drawn_twice(tasks):
    for batch in draw(tasks[:1], 4, batch_size=1):
        users, items, mask, _ = groups_of(batch, 0)
        real = mask[:, 0]
        pairs = list(zip(users[real, 0], items[real, 0], strict=True))
        assert len(set(pairs)) == len(pairs)


def test_clicks_and_negatives_of_a_support_set_are_mixed(tasks):
    (batch,) = draw(tasks[:1], 1, batch_size=1)
    labels = batch["support_label"][0][batch["support_mask"][0]]
    assert labels.sum() * 3 == labels.size
    assert not (np.diff(labels) <= 0).all()  # Not all clicks first.


def test_epochs_differ_and_every_task_is_in_each(tasks):
    episodes = draw(tasks, 6, batch_size=1)
    marks = [tuple(e["query_item"][0]) for e in episodes]
    assert len(set(marks)) == 6
    pools = [set(task.pool) | {0} for task in tasks]
    for epoch in (episodes[:3], episodes[3:]):
        for pool in pools:
            assert any(set(e["query_item"][0]) <= pool for e in epoch)


def test_a_resumed_training_sees_what_an_uninterrupted_one_would(tasks):
    whole = draw(tasks, 5)
    rest = draw(tasks, 2, first_step=3)
    for expected, found in zip(whole[3:], rest, strict=True):
        for name, values in expected.items():
            np.testing.assert_array_equal(values, found[name])


def test_another_seed_draws_other_episodes(tasks):
    (first,), (second,) = draw(tasks, 1), draw(tasks, 1, seed=6)
    assert not np.array_equal(first["query_item"], second["query_item"])


def test_some_batches_show_fewer_clicks(tasks):
    sizes = dataclasses.replace(SIZES, full_support_fraction=0.0)
    shown = [batch["support_mask"].sum(axis=1) // 3 for batch in draw(tasks, 20, sizes)]
    # Alike for all tasks of a batch, and at most what a task has.
    assert all(len(set(sizes)) == 1 for sizes in shown)
    different = set(itertools.chain(*shown))
    assert min(different) < 3
    assert max(different) <= 8
    assert len(different) > 4


def test_more_negatives_than_the_records_hold_is_an_error(tasks):
    sizes = dataclasses.replace(SIZES, query_negatives=4)
    with pytest.raises(ValueError, match="at most 3, which the records hold"):
        training_episodes(tasks, sizes, batch_size=1, seed=0)


def test_a_fixed_support_set_has_the_first_clicks_and_negatives(tasks):
    task = tasks[0]
    episode = support_episode(task, max_clicks=5, num_negatives=2)
    user, item, label = (
        episode[f"support_{name}"][0].numpy() for name in ("user", "item", "label")
    )
    assert episode["support_mask"].numpy().all()
    clicked = {(u, i) for u, i, y in zip(user, item, label, strict=True) if y == 1}
    assert clicked == set(
        zip(task.support_user[:5], task.support_item[:5], strict=True)
    )
    assert sorted(item[label == 0]) == sorted(task.support_negative[:5, :2].ravel())
    again = support_episode(task, max_clicks=5, num_negatives=2)
    np.testing.assert_array_equal(again["support_item"][0], item)


def test_clicks_without_negatives_stand_in_their_order(tasks):
    task = tasks[0]
    episode = support_episode(task, max_clicks=8, num_negatives=0)
    for name in ("user", "item"):
        clicks = getattr(task, f"support_{name}")[:8]
        np.testing.assert_array_equal(episode[f"support_{name}"][0], clicks)


def test_a_support_set_can_be_empty(tasks):
    episode = support_episode(tasks[0], max_clicks=0, num_negatives=2)
    assert episode["support_item"].shape == (1, 0)


def test_without_a_pool_negatives_are_of_the_catalogue_and_the_fit_knows_no_pool(tasks):
    sizes = dataclasses.replace(SIZES, open_fraction=0.5)
    options = {"sizes": sizes, "batch_size": 1, "per_fold": 2}
    aimed = draw(tasks[:1], 12, catalogue=[90, 90, 91], **options)
    with_pool = draw(tasks[:1], 12, batch_size=1)
    is_open = [bool(batch["query_open"][0, 0]) for batch in aimed]
    assert 0 < sum(is_open) < 12
    for batch, same, without in zip(aimed, with_pool, is_open, strict=True):
        fold = same["query_fit"][0, 0] - 1
        assert batch["query_fit"][0, 0] == 2 * (fold + 1) + without
        assert batch["support_fit"][0, 0] == batch["query_fit"][0, 0]
        changed = {"query_item", "query_open", "query_fit", "support_fit"}
        for name in batch.keys() - changed:
            np.testing.assert_array_equal(batch[name], same[name])
        negative = same["query_mask"][0] & (same["query_label"][0] == 0)
        items, pooled = batch["query_item"][0], same["query_item"][0]
        np.testing.assert_array_equal(items[~negative], pooled[~negative])
        if without:
            assert set(items[negative]) <= {90, 91}
        else:
            np.testing.assert_array_equal(items[negative], pooled[negative])


def test_popular_items_are_negatives_more_often(tasks):
    sizes = dataclasses.replace(SIZES, open_fraction=1.0)
    batches = draw(tasks, 20, sizes=sizes, catalogue=[90, 90, 90, 91])
    items = np.concatenate([batch["query_item"].ravel() for batch in batches])
    assert (items == 90).sum() > 2 * (items == 91).sum() > 0


def without_clicks(task):
    return dataclasses.replace(
        task,
        support_user=task.support_user[:0],
        support_item=task.support_item[:0],
        support_fold=task.support_fold[:0],
        support_negative=task.support_negative[:0],
    )


def test_clicks_of_each_task_are_what_they_were(tasks):
    first, last = tasks[0], tasks[2]
    given = [first, without_clicks(tasks[1]), last]
    unpacked = unpack_clicks(iter(given))  # They are gone through once.
    assert unpacked.num_tasks == 2
    for place, task in enumerate((first, last)):
        start, end = unpacked.ends[place : place + 2]
        clicks = {name: rows[start:end] for name, rows in unpacked.columns.items()}
        for name in ("user", "item", "fold", "negative"):
            expected = getattr(task, f"support_{name}")
            np.testing.assert_array_equal(clicks[name], expected)
        of_user = [(task.support_user == user).sum() for user in task.support_user]
        np.testing.assert_array_equal(clicks["of_user"], np.float32(of_user))


def test_no_file_is_left_while_clicks_can_be_read(tasks, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    unpacked = unpack_clicks(tasks)
    assert list(tmp_path.iterdir()) == []
    items = np.concatenate([task.support_item for task in tasks])
    np.testing.assert_array_equal(unpacked.columns["item"], items)


def test_there_must_be_a_click(tasks):
    with pytest.raises(ValueError, match="needs a task with a click, got none"):
        unpack_clicks([without_clicks(tasks[0])])
