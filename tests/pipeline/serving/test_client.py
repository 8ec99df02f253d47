"""Both clients against one small model behind gRPC and REST, all worked by hand."""

import concurrent.futures
import contextlib
import dataclasses
import http.server
import json
import math
import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf
from json_replies import JsonReplies
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from pipeline.serving.client import Client
from pipeline.serving.rest_client import (
    Context,
    ContextCache,
    Pair,
    RestClient,
    ServingError,
    Task,
    TensorSpec,
)

HTTP_STATUS = {"INVALID_ARGUMENT": 400, "NOT_FOUND": 404, "UNAVAILABLE": 503}


class RefusedError(Exception):
    """What the fake answers with, in place of outputs: code, message."""


@dataclasses.dataclass
class FakeModel:
    """A model whose score of an item is the sum of the labels plus ten times its id.

    The context is the sum of the labels and the version. The calls and the inputs as
    they came are kept. Failures are answered first, one a call.
    """

    is_scenario: bool = False
    has_users: bool = True  # Not where users are tasks.
    version: int = 1
    calls: list = dataclasses.field(default_factory=list)
    failures: list = dataclasses.field(default_factory=list)
    paths: list = dataclasses.field(default_factory=list)

    def signatures(self):
        ids, labels = ("DT_STRING", 2), ("DT_FLOAT", 2)
        context = {"context": labels}
        pairs = {"support_item_id": ids, "support_label": labels}
        query, choice = {"query_item_id": ids}, {"exclude_item_id": ids}
        user = {
            "user_gender": ("DT_STRING", 1),
            "user_age": ("DT_FLOAT", 1),
            "user_tags": ids,
        }
        if self.is_scenario:
            choice["candidate_item_id"] = ids
            user = {}
        if self.is_scenario and self.has_users:
            pairs["support_user_id"] = ids
            query["query_user_id"] = ids
            choice["query_user_id"] = ("DT_STRING", 1)
        score = {"score": labels}
        encoded = context | {
            "support_size": ("DT_INT32", 1),
            "model_version": ("DT_INT64", 1),
        }
        best = {"item_id": ids, **score, "fallback_reason": ("DT_STRING", 1)}
        explained = {
            **score,
            "attribution": ("DT_FLOAT", 3),
            "modulation": ("DT_FLOAT", 3),
        }
        support = pairs | user
        return {
            "rank": (support | query, score),
            "encode": (support, encoded),
            "score": (context | query, score),
            "update": (context | pairs, encoded),
            "recommend": (support | choice, best),
            "recommend_from_context": (context | choice, best),
            "explain": (support | query, explained),
        }

    def answer(self, signature, inputs):
        self.calls.append((signature, inputs))
        if self.failures:
            raise RefusedError(*self.failures.pop(0))
        if signature not in self.signatures():
            raise RefusedError("INVALID_ARGUMENT", f"no signature {signature}")
        if signature in ("encode", "update"):
            return self._encoded(inputs)
        sums = self._sums(inputs)
        if signature.startswith("recommend"):
            ids = [["7", "5", ""] for _ in sums]
            scores = [[s + 70, s + 50, 0] for s in sums]
            reasons = ["" if s else "popularity" for s in sums]
            return {"item_id": ids, "score": scores, "fallback_reason": reasons}
        scores = [
            [s + 10 * float(item or 0) for item in row]
            for s, row in zip(sums, inputs["query_item_id"], strict=True)
        ]
        if signature != "explain":
            return {"score": scores}
        return {
            "score": scores,
            "attribution": [
                [labels for _ in row]
                for labels, row in zip(inputs["support_label"], scores, strict=True)
            ],
            "modulation": [[[score, 1.0] for score in row] for row in scores],
        }

    def _sums(self, inputs):
        if "context" not in inputs:
            return [sum(row) for row in inputs["support_label"]]
        for _, version in inputs["context"]:
            if version != self.version:
                raise RefusedError(
                    "INVALID_ARGUMENT",
                    f"a context of version {version:g}, this is {self.version}",
                )
        return [total for total, _ in inputs["context"]]

    def _encoded(self, inputs):
        known = self._sums(inputs) if "context" in inputs else [0.0] * 99
        labels = inputs["support_label"]
        totals = [k + sum(row) for k, row in zip(known, labels, strict=False)]
        return {
            "context": [[total, float(self.version)] for total in totals],
            "support_size": [
                len([item for item in row if item]) for row in inputs["support_item_id"]
            ],
            "model_version": [self.version] * len(totals),
        }


class FakeService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """The fake model over gRPC."""

    def __init__(self, model):
        self.model = model

    def Predict(self, request, context):  # noqa: N802
        spec = request.model_spec
        self.model.paths.append((spec.version.value, spec.version_label))
        inputs = {
            name: np.vectorize(
                lambda v: v.decode() if isinstance(v, bytes) else v, otypes=[object]
            )(tf.make_ndarray(tensor)).tolist()
            if tensor.tensor_shape.dim[-1].size
            else [[] for _ in range(tensor.tensor_shape.dim[0].size)]
            for name, tensor in request.inputs.items()
        }
        try:
            outputs = self.model.answer(spec.signature_name, inputs)
        except RefusedError as error:
            code, message = error.args
            context.abort(grpc.StatusCode[code], message)
        kinds = self.model.signatures()[spec.signature_name][1]
        answer = predict_pb2.PredictResponse()
        for name, values in outputs.items():
            dtype = tf.as_dtype(types_pb2.DataType.Value(kinds[name][0]))
            answer.outputs[name].CopyFrom(tf.make_tensor_proto(values, dtype))
        return answer

    def GetModelMetadata(self, request, context):  # noqa: N802
        found = get_model_metadata_pb2.SignatureDefMap()
        for name, sides in self.model.signatures().items():
            signature = found.signature_def[name]
            for side, tensors in zip(
                (signature.inputs, signature.outputs), sides, strict=True
            ):
                for tensor, (dtype, rank) in tensors.items():
                    side[tensor].dtype = types_pb2.DataType.Value(dtype)
                    for _ in range(rank):
                        side[tensor].tensor_shape.dim.add(size=-1)
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.metadata["signature_def"].Pack(found)
        return answer


class FakeHandler(JsonReplies, http.server.BaseHTTPRequestHandler):
    """The fake model over REST."""

    def do_GET(self):
        def described(tensors):
            return {
                name: {"dtype": dtype, "tensor_shape": {"dim": [{"size": "-1"}] * rank}}
                for name, (dtype, rank) in tensors.items()
            }

        found = {
            name: {"inputs": described(inputs), "outputs": described(outputs)}
            for name, (inputs, outputs) in self.server.model.signatures().items()
        }
        found["__saved_model_init_op"] = {"inputs": {}, "outputs": {}}
        self.reply(200, {"metadata": {"signature_def": {"signature_def": found}}})

    def do_POST(self):
        self.server.model.paths.append(self.path)
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            outputs = self.server.model.answer(
                request["signature_name"], request["inputs"]
            )
        except RefusedError as error:
            code, message = error.args
            self.reply(HTTP_STATUS[code], {"error": message})
            return
        single = len(outputs) == 1
        value = next(iter(outputs.values())) if single else outputs
        self.reply(200, {"outputs": value})


@contextlib.contextmanager
def served_over_grpc(model):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        FakeService(model), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None)


@contextlib.contextmanager
def served_over_rest(model):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeHandler)
    server.daemon_threads = True
    server.model = model
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


TRANSPORTS = {
    "grpc": (Client, served_over_grpc),
    "rest": (RestClient, served_over_rest),
}


@pytest.fixture
def model():
    return FakeModel()


@pytest.fixture(params=sorted(TRANSPORTS))
def connect(request, model):
    """Makes clients of the fake model over one of the transports."""
    kind, serve = TRANSPORTS[request.param]
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(serve(model))
        yield lambda **options: stack.enter_context(kind(address, "cmml", **options))


@pytest.fixture
def client(connect):
    return connect()


LIKES = Task([Pair("31", 4.0), Pair("50", 2.0)], user={"gender": "F"})


def test_signatures_have_types_and_shapes(client):
    rank = client.signatures()["rank"]
    assert rank.inputs["support_item_id"] == TensorSpec("string", (None, None))
    assert rank.inputs["user_age"] == TensorSpec("float32", (None,))
    encoded = client.signatures()["encode"].outputs
    assert encoded["support_size"].dtype == "int32"
    assert encoded["model_version"].dtype == "int64"
    assert "__saved_model_init_op" not in client.signatures()


def test_items_are_ranked_for_a_task(client):
    # Labels add to 6, and an item has ten times its id.
    assert client.rank(LIKES, ["1", "2"]) == [16.0, 26.0]


def test_tasks_of_unequal_size_are_padded_and_their_answers_cut(client, model):
    scores = client.rank_many([LIKES, Task()], [["1"], ["1", "2", "3"]])
    assert scores == [[16.0], [10.0, 20.0, 30.0]]
    ((_, inputs),) = model.calls
    assert inputs["support_item_id"] == [["31", "50"], ["", ""]]
    assert inputs["support_label"] == [[4.0, 2.0], [0.0, 0.0]]
    assert inputs["query_item_id"] == [["1", "", ""], ["1", "2", "3"]]
    assert inputs["user_gender"] == ["F", ""]
    assert all(math.isnan(age) for age in inputs["user_age"])
    assert inputs["user_tags"] == [[], []]


def test_raw_values_are_sent_as_preparation_writes_them(client, model):
    user = {"gender": " M ", "age": 25, "tags": [1, "b"]}
    client.rank(Task([(31, 4), (np.int64(50), np.float32(2.5))], user=user), [7.0])
    ((_, inputs),) = model.calls
    assert inputs["support_item_id"] == [["31", "50"]]
    assert inputs["support_label"] == [[4.0, 2.5]]
    assert inputs["query_item_id"] == [["7"]]
    assert (inputs["user_gender"], inputs["user_age"]) == (["M"], [25.0])
    assert inputs["user_tags"] == [["1", "b"]]


def test_inputs_are_padded_to_the_smallest_width_that_is_enough(connect, model):
    client = connect(pad_to={"support": [8, 4], "query": [3], "exclude": [2]})
    assert client.rank(LIKES, ["1", "2"]) == [16.0, 26.0]
    client.recommend(LIKES)
    (_, ranked), (_, recommended) = model.calls
    assert ranked["support_item_id"] == [["31", "50", "", ""]]
    assert ranked["query_item_id"] == [["1", "2", ""]]
    assert recommended["exclude_item_id"] == [["", ""]]
    with pytest.raises(ValueError, match="query_item_id: at most 3 values fit pad_to"):
        client.rank(LIKES, ["1", "2", "3", "4"])


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Task([("31", math.nan)]), r"task 0: support_label\[0\] .* finite .*, got nan"),
        (Task([("31", True)]), r"support_label\[0\] .* got True"),
        (Task([("31", 1e39)]), r"support_label\[0\] .* got 1e\+39"),
        (
            Task([("1", 2), ("", 4)], name="u9"),
            r"task u9: support_item_id\[1\].*got ''",
        ),
        (
            Task([(None, 4)]),
            r"support_item_id\[0\] must be a text or a number, got None",
        ),
        (Task([("31", 4, "u1")]), r"support_user_id is \['u1'\], but rank takes only"),
        (Task(user_id="u1"), r"query_user_id is \['u1', 'u1'\], but rank takes only"),
        (Task(user={"sex": "F"}), r"task 0: user_sex is 'F', but rank takes only"),
        (Task(user={"age": "old"}), r"user_age must be a finite number, got 'old'"),
        (Task(user={"tags": "a"}), r"user_tags must be a list of values, got 'a'"),
        (Task(user={"gender": ["F"]}), r"user_gender must be a text .* got \['F'\]"),
    ],
)
def test_what_is_wrong_is_named_before_it_is_sent(client, model, task, message):
    with pytest.raises(ValueError, match=message):
        client.rank(task, ["1", "2"])
    assert model.calls == []


def test_each_task_must_have_its_items(client):
    with pytest.raises(ValueError, match=r"for each of 2 tasks, got 1\."):
        client.rank_many([LIKES, LIKES], [["1"]])


@pytest.mark.parametrize("ask", ["rank_many", "score_many", "update_many"])
def test_there_must_be_a_task_or_a_context(client, model, ask):
    with pytest.raises(ValueError, match="at least one task or context, got none"):
        getattr(client, ask)([], [])
    assert model.calls == []


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda c: c.rank(LIKES, "260"), r"items\[0\] must be a list .* got '260'"),
        (lambda c: c.rank_many([LIKES, LIKES], [["2"], "260"]), r"items\[1\].* '260'"),
        (lambda c: c.rank(LIKES, "260", use_cache=True), r"items\[0\]"),
        (lambda c: c.explain(LIKES, b"260"), r"items\[0\] .* got b'260'"),
        (lambda c: c.score(Context((1.0, 1.0), 1, 1), "260"), r"items\[0\]"),
        (
            lambda c: c.recommend(LIKES, exclude="260"),
            r"exclude_item_id must be a list",
        ),
        (lambda c: c.encode(Task("31")), "support must be a list .* got '31'"),
        (lambda c: c.encode(Task(["3"])), "a support pair must be .* got '3'"),
        (lambda c: c.update(Context((1.0, 1.0), 1, 1), "31"), "support must be a list"),
    ],
)
def test_a_bare_text_is_no_list_of_ids(client, model, ask, message):
    with pytest.raises(ValueError, match=message):
        ask(client)
    assert model.calls == []


def test_recommendations_come_without_padding(client, model):
    best = client.recommend(LIKES, exclude=["3"])
    assert best.items == [("7", 76.0), ("5", 56.0)]
    assert best.fallback_reason == ""
    assert client.recommend(Task(), top=1).items == [("7", 70.0)]
    assert client.recommend(Task()).fallback_reason == "popularity"
    assert model.calls[0][1]["exclude_item_id"] == [["3"]]
    assert model.calls[1][1]["exclude_item_id"] == [[]]


def test_candidates_are_refused_in_the_user_setting(client):
    with pytest.raises(ValueError, match=r"candidate_item_id is .*'3'"):
        client.recommend(LIKES, candidates=["3"])


def test_a_context_scores_and_grows(client):
    context = client.encode(LIKES)
    assert context == Context((6.0, 1.0), support_size=2, model_version=1)
    assert client.score(context, ["1"]) == [16.0]
    grown = client.update(context, [Pair("7", 3.0)])
    assert grown.values == (9.0, 1.0)
    assert client.score_many([context, grown], [["1"], ["2", "1"]]) == [
        [16.0],
        [29.0, 19.0],
    ]


def test_a_context_is_recommended_from(client, model):
    context = client.encode(LIKES)
    best = client.recommend_from_context(context, exclude=["31", "50"])
    assert best == client.recommend(LIKES)
    many = client.recommend_from_context_many([context, context], top=1)
    assert [one.items for one in many] == [best.items[:1]] * 2
    assert model.calls[-1][0] == "recommend_from_context"
    with pytest.raises(ValueError, match=r"exclude_item_id .* 2 tasks, got 1\."):
        client.recommend_from_context_many([context, context], exclude=[["31"]])


def test_an_explanation_has_a_row_for_each_item_and_a_column_for_each_pair(client):
    first, second = client.explain_many(
        [LIKES, Task([("1", 5.0)])], [["1", "2"], ["3"]]
    )
    assert first.score == [16.0, 26.0]
    assert first.attribution == [[4.0, 2.0], [4.0, 2.0]]
    assert second.attribution == [[5.0]]
    assert second.modulation == [[35.0, 1.0]]


def test_a_context_is_encoded_once_and_used_again(client, model):
    assert client.rank(LIKES, ["1"], use_cache=True) == [16.0]
    assert client.rank(LIKES, ["2"], use_cache=True) == [26.0]
    assert client.recommend(LIKES, use_cache=True).items[0] == ("7", 76.0)
    names = [name for name, _ in model.calls]
    assert names == ["encode", "score", "score", "recommend_from_context"]


def test_only_missing_contexts_are_encoded(client, model):
    client.rank(LIKES, ["1"], use_cache=True)
    other = Task([("9", 1.0)])
    scores = client.rank_many([other, LIKES, other], [["1"]] * 3, use_cache=True)
    assert scores == [[11.0], [16.0], [11.0]]
    assert model.calls[2][1]["support_item_id"] == [["9"]]


def test_a_context_is_of_features_as_well_as_of_pairs(client, model):
    other = dataclasses.replace(LIKES, user={"gender": "M"})
    for task in (LIKES, other, LIKES):
        client.rank(task, ["1"], use_cache=True)
    encoded = [asked for name, asked in model.calls if name == "encode"]
    assert [asked["user_gender"] for asked in encoded] == [["F"], ["M"]]


def test_a_context_of_another_version_is_encoded_anew(client, model):
    client.rank(LIKES, ["1"], use_cache=True)
    model.version = 2
    assert client.rank(LIKES, ["1"], use_cache=True) == [16.0]
    assert client.rank(LIKES, ["1"], use_cache=True) == [16.0]
    names = [name for name, _ in model.calls]
    assert names == ["encode", "score", "score", "encode", "score", "score"]
    assert client.cache.version == 2


def test_a_request_that_is_wrong_in_itself_is_not_repeated(client, model):
    client.rank(LIKES, ["1"], use_cache=True)
    model.failures = [("INVALID_ARGUMENT", "too many items")]
    with pytest.raises(ServingError, match="INVALID_ARGUMENT: too many items"):
        client.rank(LIKES, ["1"], use_cache=True)
    assert [name for name, _ in model.calls] == ["encode", "score", "score"]


def test_servers_of_two_versions_are_asked_until_they_agree(client, model, monkeypatch):
    answer, versions = model.answer, iter([1, 2, 1, 2, 1, 1])

    def balanced(signature, inputs):
        model.version = next(versions)
        return answer(signature, inputs)

    monkeypatch.setattr(model, "answer", balanced)
    assert client.rank(LIKES, ["1"], use_cache=True) == [16.0]
    assert [name for name, _ in model.calls] == ["encode", "score"] * 3


def test_an_error_names_the_task_also_where_others_have_their_context(client):
    client.rank(LIKES, ["1"], use_cache=True)
    wrong = Task([("31", math.nan)])
    with pytest.raises(ValueError, match=r"^task 1: support_label\[0\]"):
        client.rank_many([LIKES, wrong], [["1"]] * 2, use_cache=True)


def test_the_support_set_is_excluded_where_a_context_takes_its_place(client, model):
    client.recommend_many([LIKES, Task()], exclude=[["3"], []], use_cache=True)
    asked = model.calls[-1][1]
    assert asked["exclude_item_id"] == [["3", "31", "50"], ["", "", ""]]
    with pytest.raises(
        ValueError, match="exclude_item_id must have a value for each of 1"
    ):
        client.recommend_many([LIKES], exclude=[["3"], []], use_cache=True)


def test_signatures_that_have_changed_are_asked_for_again(client, model, monkeypatch):
    client.signatures()
    changed = model.signatures()
    changed["rank"][0]["user_city"] = ("DT_STRING", 1)
    monkeypatch.setattr(model, "signatures", lambda: changed)
    model.failures = [("INVALID_ARGUMENT", "user_city is missing")]
    assert client.rank(LIKES, ["1"]) == [16.0]
    assert [("user_city" in inputs) for _, inputs in model.calls] == [False, True]
    model.failures = [("INVALID_ARGUMENT", "no")]
    with pytest.raises(ServingError, match="INVALID_ARGUMENT: no"):
        client.rank(LIKES, ["1"])
    assert len(model.calls) == 3


def test_a_context_of_another_version_is_refused_where_it_is_handed_over(client, model):
    context = client.encode(LIKES)
    model.version = 2
    with pytest.raises(ServingError, match="version 1, this is 2") as caught:
        client.score(context, ["1"])
    assert caught.value.code == "INVALID_ARGUMENT"


def test_clients_may_share_a_cache(connect, model):
    cache = ContextCache()
    connect(cache=cache).rank(LIKES, ["1"], use_cache=True)
    connect(cache=cache).rank(LIKES, ["1"], use_cache=True)
    assert [name for name, _ in model.calls] == ["encode", "score", "score"]


def test_an_unavailable_server_is_asked_again(client, model):
    model.failures = [("UNAVAILABLE", "loading")] * 2
    assert client.rank(LIKES, ["1"]) == [16.0]
    assert len(model.calls) == 3


def test_asking_again_ends_with_the_time_that_a_call_may_take(connect, model):
    client = connect(timeout_s=0.2)
    client.signatures()
    model.failures = [("UNAVAILABLE", "loading")] * 100
    with pytest.raises(ServingError, match="UNAVAILABLE: loading"):
        client.rank(LIKES, ["1"])
    assert 2 <= len(model.calls) < 20


def test_other_errors_are_not_tried_again(client, model):
    model.failures = [("NOT_FOUND", "no such version")]
    with pytest.raises(ServingError, match="NOT_FOUND: no such version"):
        client.rank(LIKES, ["1"])
    assert len(model.calls) == 1


@pytest.mark.parametrize("kind", sorted(TRANSPORTS))
def test_a_server_that_is_not_there_is_unavailable(kind):
    with (
        TRANSPORTS[kind][0]("127.0.0.1:1", "cmml", timeout_s=0.1) as client,
        pytest.raises(ServingError) as caught,
    ):
        client.signatures()
    assert caught.value.code == "UNAVAILABLE"


def test_a_version_or_a_label_is_asked_for(connect, model):
    connect(version=7).rank(LIKES, ["1"])
    connect(label="canary").rank(LIKES, ["1"])
    asked = model.paths
    assert asked in (
        [(7, ""), (0, "canary")],
        [
            "/v1/models/cmml/versions/7:predict",
            "/v1/models/cmml/labels/canary:predict",
        ],
    )
    with pytest.raises(ValueError, match="not both, got 7 and 'canary'"):
        connect(version=7, label="canary")


def test_a_signature_that_an_export_lacks_is_named(client, model, monkeypatch):
    rank = model.signatures()["rank"]
    monkeypatch.setattr(model, "signatures", lambda: {"rank": rank})
    with pytest.raises(ValueError, match=r"no signature 'encode', only \['rank'\]"):
        client.encode(LIKES)


class TestScenario:
    """The scenario setting, as the metadata says."""

    @pytest.fixture
    def model(self):
        return FakeModel(is_scenario=True)

    @pytest.fixture
    def task(self):
        return Task([Pair("31", 1.0, "u1"), Pair("50", 0.0, "u2")], user_id="u3")

    def test_items_are_scored_for_the_user_of_the_task_or_their_own(
        self, client, model, task
    ):
        assert client.rank(task, ["1", ("u4", "2")]) == [11.0, 21.0]
        ((_, inputs),) = model.calls
        assert inputs["support_user_id"] == [["u1", "u2"]]
        assert inputs["query_user_id"] == [["u3", "u4"]]
        assert inputs["query_item_id"] == [["1", "2"]]
        assert not [name for name in inputs if name.startswith("user_")]

    def test_candidates_are_sent(self, client, model, task):
        client.recommend_many([task, task], candidates=[["1", "2"], ["3"]])
        client.recommend(task, use_cache=True)
        (_, first), _, (_, second) = model.calls
        assert second["exclude_item_id"] == [[]]  # The user has no pair in the support.
        assert first["candidate_item_id"] == [["1", "2"], ["3", ""]]
        assert first["query_user_id"] == ["u3", "u3"]
        assert second["candidate_item_id"] == [[]]

    def test_what_the_user_clicked_is_excluded_with_a_context(self, client, model):
        pairs = [Pair("1", 1.0, "u3"), Pair("2", 0.0, "u3"), Pair("3", 1.0, "u1")]
        client.recommend(Task(pairs, user_id="u3"), exclude=["9"], use_cache=True)
        assert model.calls[-1][1]["exclude_item_id"] == [["9", "1"]]

    def test_a_pair_must_have_a_user(self, client):
        with pytest.raises(
            ValueError, match=r"_user_id\[0\] .*: .* has a user, Pair\("
        ):
            client.rank(Task([("31", 1.0)], user_id="u3"), ["1"])

    def test_an_item_must_have_a_user(self, client):
        of_clicks = r"got '': with clicks an item to score is a pair \(user_id, item_id"
        task = Task([("31", 1.0, "u1")])
        with pytest.raises(ValueError, match=rf"query_user_id\[0\] .* {of_clicks}"):
            client.rank(task, ["1"])
        with pytest.raises(ValueError, match=rf"context 0: .* {of_clicks}"):
            client.score(client.encode(task), ["50", "260"])

    def test_a_context_is_recommended_from_for_a_user(self, client, model, task):
        context = client.encode(task)
        client.recommend_from_context(context, user_id="u3", candidates=["1", "2"])
        _, inputs = model.calls[-1]
        assert inputs["query_user_id"] == ["u3"]
        assert inputs["candidate_item_id"] == [["1", "2"]]
        message = r"context 0: query_user_id .* what is asked of a context"
        with pytest.raises(ValueError, match=message):
            client.recommend_from_context(context)
        with pytest.raises(ValueError, match=r"user_ids must be a list .* got 'u3'"):
            client.recommend_from_context_many([context], user_ids="u3")

    @pytest.mark.parametrize("use_cache", [False, True])
    def test_a_task_must_have_a_user_to_recommend_to(self, client, use_cache):
        task = Task([("31", 1.0, "u1")])
        with pytest.raises(ValueError, match=r"task 0: query_user_id .* has a user_id"):
            client.recommend(task, use_cache=use_cache)

    def test_the_user_to_score_for_is_no_part_of_the_context(self, client, model, task):
        client.rank(task, ["1"], use_cache=True)
        client.rank(dataclasses.replace(task, user_id="u9"), ["1"], use_cache=True)
        assert [name for name, _ in model.calls] == ["encode", "score", "score"]


class TestUserTasks:
    """Clicks where each user is a task, as the metadata says: nobody is named."""

    CLICKS = Task([Pair("31", 1), Pair("50", 0)])

    @pytest.fixture
    def model(self):
        return FakeModel(is_scenario=True, has_users=False)

    def test_no_call_needs_a_user(self, client, model):
        assert client.rank(self.CLICKS, ["1"]) == [11.0]
        assert client.recommend(self.CLICKS, top=1).items == [("7", 71.0)]
        context = client.encode(self.CLICKS)
        assert client.score(context, ["1"]) == [11.0]
        client.update(context, [Pair("9", 1)])
        client.recommend_from_context(context, exclude=["31"])
        client.explain(self.CLICKS, ["1"])
        assert not [
            name for _, inputs in model.calls for name in inputs if "user" in name
        ]

    def test_what_was_clicked_is_excluded_with_a_context(self, client, model):
        client.recommend(self.CLICKS, exclude=["9"], use_cache=True)
        assert model.calls[-1][1]["exclude_item_id"] == [["9", "31"]]

    def test_a_user_is_refused(self, client):
        message = r"query_user_id is 'u3', but recommend takes only"
        with pytest.raises(ValueError, match=message):
            client.recommend(dataclasses.replace(self.CLICKS, user_id="u3"))


def test_predict_over_grpc_gives_arrays_and_texts(model):
    with served_over_grpc(model) as address, Client(address, "cmml") as client:
        inputs = {"context": np.array([[6.0, 1.0]]), "exclude_item_id": [["1"]]}
        outputs = client.predict("recommend_from_context", inputs)
        assert outputs["score"].dtype == np.float32
        assert outputs["item_id"].tolist() == [["7", "5", ""]]
        with pytest.raises(
            ValueError, match=r"context must be a float32 array: .* got a "
        ):
            client.predict("score", {"context": [["a"]]})
        with pytest.raises(ServingError, match="no signature nope"):
            client.predict("nope", {"context": [[1.0]]})


def test_answers_over_grpc_may_be_larger_than_4_mb(model, monkeypatch):
    large = {"score": [[1.0] * 1_200_000]}
    monkeypatch.setattr(model, "answer", lambda signature, inputs: large)
    with served_over_grpc(model) as address, Client(address, "cmml") as client:
        scores = client.predict("rank", {"query_item_id": [["1"]]})["score"]
    assert scores.shape == (1, 1_200_000)


def test_the_cache_forgets_what_was_unused_for_longest():
    cache = ContextCache(capacity=2)
    contexts = [Context((float(i),), 1, model_version=3) for i in range(3)]
    cache.put("a", contexts[0])
    cache.put("b", contexts[1])
    assert cache.get("a") == contexts[0]
    cache.put("c", contexts[2])
    assert (cache.get("a"), cache.get("b"), len(cache)) == (contexts[0], None, 2)


def test_the_cache_gives_contexts_of_the_newest_version_alone():
    cache = ContextCache()
    cache.put("a", Context((1.0,), 1, model_version=3))
    cache.put("b", Context((2.0,), 1, model_version=4))
    assert cache.get("a") is None
    cache.drop("b")
    assert cache.get("b") is None


def test_a_cache_must_hold_something():
    with pytest.raises(ValueError, match="capacity must be at least 1, got 0"):
        ContextCache(0)
