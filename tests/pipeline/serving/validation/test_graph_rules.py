import json

import pytest

from models.legacy_keras import tf
from pipeline.export.saved_graph import signatures_of
from pipeline.serving.validation.graph_rules import ops_rule, signatures_rule
from transforms.schema import DataError


@pytest.fixture
def manifest(tiny_version):
    path = tiny_version / "assets.extra" / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_graph_of_stock_ops_is_fine(tiny_version):
    rule = ops_rule(tiny_version)
    assert rule.passed
    assert rule.value == 0.0
    assert rule.detail.endswith("kinds of ops, all of stock TensorFlow")


def test_a_graph_that_calls_python_is_refused(tmp_path):
    module = tf.Module()
    spec = tf.TensorSpec([None], tf.float32)
    module.f = tf.function(
        lambda x: {"y": tf.py_function(lambda v: v, [x], tf.float32)}
    ).get_concrete_function(spec)
    tf.saved_model.save(module, str(tmp_path / "1"), {"serving_default": module.f})
    rule = ops_rule(tmp_path / "1")
    assert not rule.passed
    assert rule.value == 1.0
    assert rule.detail == "ops that a stock server does not have: EagerPyFunc"


@pytest.mark.parametrize("op", ["Other>Strength", "StringStrength"])
def test_ops_of_other_packages_are_refused(version, op):
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    path = version / "saved_model.pb"
    model = SavedModel.FromString(path.read_bytes())
    nodes = [
        node
        for function in model.meta_graphs[0].graph_def.library.function
        for node in function.node_def
        if node.op == "StringLength"
    ]
    nodes[0].op = op
    path.write_bytes(model.SerializeToString())
    rule = ops_rule(version)
    assert not rule.passed
    assert rule.detail.endswith(f"does not have: {op}")


def test_signatures_are_read_with_types_and_shapes(tiny_version):
    found = signatures_of(tiny_version)
    assert sorted(found) == ["rank", "recommend", "serving_default"]
    assert found["rank"] == {
        "inputs": {
            "support_label": ("float32", [None, None]),
            "query_item_id": ("string", [None, None]),
        },
        "outputs": {"score": ("float32", [None, None])},
    }


def test_signatures_must_be_those_of_the_manifest(tiny_version, manifest):
    rule = signatures_rule(tiny_version, manifest)
    assert rule.passed
    assert rule.value == "3 signatures"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda s: s.pop("recommend"), "'recommend' is not in manifest.json"),
        (
            lambda s: s.update(encode=s["rank"]),
            "'encode' is in manifest.json only",
        ),
        (
            lambda s: s["rank"]["inputs"]["support_label"].update(dtype="int64"),
            "rank.inputs.support_label is float32 [?, ?], in manifest.json int64 [?, ?",
        ),
        (
            lambda s: s["rank"]["outputs"]["score"].update(shape=[None, 100]),
            "rank.outputs.score is float32 [?, ?], in manifest.json float32 [?, 100]",
        ),
        (
            lambda s: s["rank"]["inputs"].pop("query_item_id"),
            "rank.inputs.query_item_id is string [?, ?], in manifest.json missing",
        ),
    ],
)
def test_what_differs_from_the_manifest_is_named(
    tiny_version, manifest, change, problem
):
    change(manifest["signatures"])
    rule = signatures_rule(tiny_version, manifest)
    assert not rule.passed
    assert problem in rule.detail


def test_a_manifest_without_signatures_is_not_enough(tiny_version, manifest):
    del manifest["signatures"]
    rule = signatures_rule(tiny_version, manifest)
    assert not rule.passed
    assert rule.detail == "manifest.json has no key 'signatures'"


def test_rank_must_be_there(tmp_path, manifest):
    module = tf.Module()
    module.f = tf.function(lambda x: {"y": x}).get_concrete_function(
        tf.TensorSpec([None], tf.float32)
    )
    tf.saved_model.save(module, str(tmp_path / "1"), {"serving_default": module.f})
    rule = signatures_rule(tmp_path / "1", manifest)
    assert not rule.passed
    assert rule.detail.startswith("'rank' is missing; ")


def test_a_damaged_graph_is_named(version):
    path = version / "saved_model.pb"
    path.write_bytes(b"no graph")
    with pytest.raises(DataError, match=f"cannot read {path}"):
        signatures_of(version)
