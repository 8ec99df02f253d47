import json
import shutil

import pytest

from models.legacy_keras import tf
from pipeline.serving.gate.verdict import why_not_comparable


@pytest.fixture
def serving(version, tmp_path):
    """The version that serves now."""
    return shutil.copytree(version, tmp_path / "base" / "cmml" / "1700000000")


def change_manifest(version_dir, **changes):
    path = version_dir / "assets.extra" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_versions_for_different_data_sets_can_be_compared(version, serving):
    change_manifest(serving, dataset_fingerprint="other")
    assert why_not_comparable(version, serving) == ""


def test_a_version_that_cannot_be_loaded_is_not_compared(version, serving):
    shutil.rmtree(serving / "variables")
    (serving / "saved_model.pb").write_bytes(b"no graph")
    reason = why_not_comparable(version, serving)
    assert reason.startswith("version 1700000000, which serves, cannot be loaded: ")


def test_a_version_with_other_inputs_is_not_compared(version, serving):
    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.float32, "support_label"),
            tf.TensorSpec([None], tf.string, "user_city"),
        ]
    )
    def rank(support_label, user_city):
        return {"score": support_label}

    module = tf.Module()
    module.rank = rank
    tf.saved_model.save(module, str(serving), {"rank": rank})
    assert why_not_comparable(version, serving) == (
        "version 1700000000, which serves, differs in inputs of rank: "
        "query_item_id, user_city"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"label_max": 4.0}, "label_max is 4.0, here 5.0"),
        ({"label_min": 1.0}, "label_min is 1.0, here 0.5"),
        ({"limits": {"max_support": 9}}, "max_support is 9, here 10"),
        ({"label_max": 10.0, "limits": {"max_support": 11}}, None),
    ],
)
def test_a_version_that_takes_less_is_not_compared(version, serving, changes, expected):
    own = {"label_min": 0.5, "limits": {"max_support": 10}}
    change_manifest(version, **own)
    change_manifest(serving, **(own | changes))
    subject = "version 1700000000, which serves, takes less: "
    reason = subject + expected if expected else ""
    assert why_not_comparable(version, serving) == reason
