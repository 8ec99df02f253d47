import types

import numpy as np
import pytest

from models.legacy_keras import tf
from models.serving.task_request import TaskRequest
from pipeline.export import extra_files
from pipeline.export.extra_files import shortlist_overlap


def recommends(*answers):
    """A signature that gives one answer after the other."""
    left = iter(answers)
    return lambda **inputs: {"item_id": tf.constant([next(left)])}


@pytest.mark.parametrize(("most_compared", "share"), [(8, 3 / 4), (4, 1 / 2)])
def test_a_shortlist_loses_what_is_best_and_not_in_its_answer(
    most_compared, share, monkeypatch
):
    monkeypatch.setattr(extra_files, "_MOST_COMPARED", most_compared)
    exact = types.SimpleNamespace(
        signature={"recommend": recommends(["a", "b"], ["c", "d"])}.get
    )
    served = types.SimpleNamespace(
        exact=lambda: exact, catalogue=types.SimpleNamespace(candidates=[1, 2, 3, 4])
    )
    # Of a and b one is lost, of c and d none; no item is left in place of "".
    loaded = types.SimpleNamespace(
        signatures={"recommend": recommends(["a", ""], ["d", "c"])}
    )
    task = TaskRequest({"support_label": np.ones([1, 1], np.float32)}, {}, {}, {})
    found = shortlist_overlap(served, loaded, [task, task, task])
    assert found == share
