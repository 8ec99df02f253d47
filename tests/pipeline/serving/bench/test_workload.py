"""Requests of real ids, in the range of the labels, the same for the same seed."""

import json

import numpy as np
import pytest

from pipeline.serving.bench.workload import Workload
from pipeline.serving.rest_client import Signature, TensorSpec


def test_requests_have_the_sizes_asked_for_and_values_of_the_model(version_dir, caller):
    requests = Workload(version_dir, caller, 0).requests(
        "rank", 50, support=3, candidates=4
    )
    assert {signature for signature, _ in requests} == {"rank"}
    labels = set()
    for _, inputs in requests:
        (ids,), (items,) = inputs["support_item_id"], inputs["query_item_id"]
        assert (len(ids), len(items)) == (3, 4)
        assert {int(item) for item in ids + items} <= set(range(1, 21))
        assert set(inputs["user_gender"]) <= {"F", "M"}
        assert inputs["user_age"] == [0.0]
        assert set(inputs["user_tags"][0]) < {"a", "b", "c"}
        labels |= set(inputs["support_label"][0])
    assert labels == {1.0, 2.0, 3.0, 4.0, 5.0}


def test_labels_stay_in_a_range_that_begins_between_whole_numbers(version_dir, caller):
    path = version_dir / "assets.extra" / "manifest.json"
    path.write_text(json.dumps({"label_min": 0.5, "label_max": 5}), encoding="utf-8")
    ((_, inputs),) = Workload(version_dir, caller, 0).requests(
        "rank", 1, support=500, candidates=1
    )
    assert set(inputs["support_label"][0]) == {n / 2 for n in range(1, 11)}


def test_the_seed_decides(version_dir, caller):
    def make(seed):
        workload = Workload(version_dir, caller, seed)
        return workload.requests("rank", 2, support=5, candidates=5)

    assert make(0) == make(0)
    assert make(0) != make(1)


def test_an_empty_support_set_is_a_request_too(version_dir, caller):
    ((_, inputs),) = Workload(version_dir, caller, 0).requests(
        "rank", 1, support=0, candidates=1
    )
    assert inputs["support_item_id"] == [[]]
    assert inputs["support_label"] == [[]]


def test_a_context_is_made_by_the_model(version_dir, caller):
    ((_, inputs),) = Workload(version_dir, caller, 0).requests(
        "score", 1, support=6, candidates=2
    )
    assert inputs["context"] == [[60.0]]
    ((signature, encoded),) = caller.sent
    assert signature == "encode"
    assert len(encoded["support_item_id"][0]) == 6


def test_nothing_is_excluded(version_dir, caller):
    ((_, inputs),) = Workload(version_dir, caller, 0).requests(
        "recommend", 1, support=1, candidates=9
    )
    assert inputs["exclude_item_id"] == [[]]


def test_users_of_a_scenario_are_drawn_from_their_own_vocabulary(
    version_dir, caller, monkeypatch
):
    (version_dir / "assets" / "user_id.txt").write_text("u1\nu2\n", encoding="utf-8")
    ids = TensorSpec("string", (None, None))
    signature = Signature(
        {"support_user_id": ids, "query_user_id": TensorSpec("string", (None,))}, {}
    )
    monkeypatch.setattr(caller, "signatures", lambda: {"recommend": signature})
    inputs = Workload(version_dir, caller, 0).inputs(
        "recommend", np.random.default_rng(0), 8, 1
    )
    assert set(inputs["support_user_id"][0]) == {"u1", "u2"}
    assert inputs["query_user_id"][0] in ("u1", "u2")


def test_a_manifest_without_the_range_of_the_labels_is_named(version_dir, caller):
    path = version_dir / "assets.extra" / "manifest.json"
    path.write_text(json.dumps({"label_min": 1}), encoding="utf-8")
    with pytest.raises(ValueError, match="the manifest lacks 'label_max'"):
        Workload(version_dir, caller, 0)
