import dataclasses
import tempfile

import numpy as np
import pytest

from models.episodes.unpacked_clicks import unpack_clicks


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
