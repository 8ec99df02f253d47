import json
import shutil

import numpy as np
import pytest

from models.legacy_keras import tf
from pipeline.export.saved_graph import signatures_of
from pipeline.serving.gate.infra_rules import infra_blessing, ops_rule, signatures_rule
from transforms.schema import DataError

NAMES = [
    "ops",
    "signatures",
    "load",
    "warm-up, gRPC",
    "parity, gRPC",
    "parity, REST",
    "examples, REST",
]
LABELS = np.array([[1.0, 4.0]], np.float32)
RANK = {"support_label": LABELS, "query_item_id": np.array([[b"abc"]], object)}
WARMUP = "assets.extra/tf_serving_warmup_requests"
PARITY = "assets.extra/parity_requests"


def broken(blessing):
    """Detail of every rule that is broken, by name."""
    return {rule.name: rule.detail for rule in blessing.rules if not rule.passed}


@pytest.fixture(scope="module")
def blessing(tiny_version):
    """What is found of a version that is as it should be."""
    return infra_blessing(tiny_version)


def test_a_version_that_is_as_it_should_be_passes_every_rule(blessing):
    assert [rule.name for rule in blessing.rules] == NAMES
    assert broken(blessing) == {}
    assert blessing.passed


def test_every_record_is_asked(blessing):
    found = {rule.name: (rule.value, rule.detail) for rule in blessing.rules}
    assert found["warm-up, gRPC"] == (
        "3 answered",
        "1 rank, 1 serving_default, 1 recommend",
    )
    assert found["parity, gRPC"] == (0.0, "1 rank, 1 recommend")
    assert found["parity, REST"] == (0.0, "1 rank, 1 recommend")
    assert found["examples, REST"] == ("1 asked", "rank")


def test_another_version_beside_it_is_not_loaded(version):
    newer = shutil.copytree(version, version.with_name("1700000002"))
    shutil.rmtree(newer / "variables")
    assert infra_blessing(version).passed


def test_a_version_that_cannot_be_loaded_is_not_asked(version):
    shutil.rmtree(version / "variables")
    blessing = infra_blessing(version)
    (detail,) = broken(blessing).values()
    assert detail.startswith(f"the server cannot start: cannot load {version}: ")
    assert [rule.name for rule in blessing.rules] == NAMES[:3]


def test_a_graph_with_foreign_ops_is_not_run(version):
    path = version / "saved_model.pb"
    path.write_bytes(path.read_bytes().replace(b"StringLength", b"StringLengtx"))
    assert [rule.name for rule in infra_blessing(version).rules] == NAMES[:2]
    assert list(broken(infra_blessing(version))) == ["ops"]


@pytest.mark.parametrize("name", [WARMUP, PARITY])
def test_a_version_must_have_its_requests(version, name):
    (version / name).unlink()
    found = broken(infra_blessing(version))
    rule = "warm-up, gRPC" if name == WARMUP else "parity, gRPC"
    assert list(found) == [rule]
    assert "is missing: remove the version, and export or push it again" in found[rule]


def test_a_request_that_is_refused_breaks_the_rule(version, record):
    bad = RANK | {"support_label": -LABELS}
    answer = {"score": np.float32([[5.5]])}
    record(version / PARITY, [("rank", RANK, answer), ("rank", bad, answer)])
    found = broken(infra_blessing(version))
    assert list(found) == ["parity, gRPC", "parity, REST"]
    for detail in found.values():
        assert detail.startswith("record 2 (rank): INVALID_ARGUMENT: ")
        assert "labels must be at least 0" in detail


def test_a_warm_up_request_that_is_refused_stops_the_server(version, record):
    bad = RANK | {"support_label": -LABELS}
    record(version / WARMUP, [("rank", RANK, None), ("rank", bad, None)])
    (detail,) = broken(infra_blessing(version)).values()
    assert "request 2, is not answered: labels must be at least 0" in detail


def test_answers_must_be_finite(version, record):
    endless = RANK | {"support_label": LABELS * np.inf}
    record(version / WARMUP, [("rank", endless, None)])
    assert broken(infra_blessing(version)) == {
        "warm-up, gRPC": "record 1 (rank): output 'score' must be finite, got inf"
    }


@pytest.mark.parametrize(
    ("score", "is_fine"),
    [(5.5, True), (5.50004, True), (5.5001, False), (9.0, False)],
)
def test_answers_must_be_those_of_the_trained_model(version, record, score, is_fine):
    # Mean label 2.5, 3 letters: 5.5. Rounding may make 1e-5 * 5.5 of a difference.
    record(version / PARITY, [("rank", RANK, {"score": np.float32([[score]])})])
    found = broken(infra_blessing(version))
    assert (found == {}) == is_fine
    if not is_fine:
        assert list(found) == ["parity, gRPC", "parity, REST"]
        assert found["parity, gRPC"] == "record 1 (rank) differs from the trained model"


def test_other_ids_are_another_answer(version, record):
    inputs = {"support_label": LABELS, "exclude_item_id": np.array([[b"a"]], object)}
    answer = {"item_id": np.array([[b"b"]], object)}
    record(version / PARITY, [("recommend", inputs, answer)])
    found = broken(infra_blessing(version))
    expected = "record 1 (recommend): output 'item_id' must be b'b' at [0, 0], got b'ax"
    assert found["parity, gRPC"].startswith(expected)
    assert found["parity, REST"].startswith(expected)


def test_a_parity_request_needs_an_answer(version, record):
    record(version / PARITY, [("rank", RANK, None)])
    found = broken(infra_blessing(version))
    assert found["parity, gRPC"] == "record 1 (rank) has no answer"


def test_few_of_many_records_are_asked_over_rest(version, record):
    record(version / PARITY, [("rank", RANK, {"score": np.float32([[5.5]])})] * 20)
    rules = {r.name: r.detail for r in infra_blessing(version).rules}
    assert rules["parity, gRPC"] == "20 rank"
    assert rules["parity, REST"] == "7 rank"  # Every third.


def test_the_examples_must_work_as_they_are(version):
    path = version / "assets.extra" / "request_examples" / "worse.json"
    row = {"support_label": [-1.0], "query_item_id": ["a"]}
    path.write_text(json.dumps({"signature_name": "rank", "instances": [row]}))
    found = broken(infra_blessing(version))
    assert list(found) == ["examples, REST"]
    assert found["examples, REST"].startswith("worse.json: 400: ")


def test_there_must_be_an_example(version):
    shutil.rmtree(version / "assets.extra" / "request_examples")
    found = broken(infra_blessing(version))
    assert found["examples, REST"].endswith("request_examples holds no example")


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
            "support_label": {"dtype": "float32", "shape": [None, None]},
            "query_item_id": {"dtype": "string", "shape": [None, None]},
        },
        "outputs": {"score": {"dtype": "float32", "shape": [None, None]}},
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
