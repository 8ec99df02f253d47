import base64
import http.client
import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.serving.server import page

ROW = {"item": ["ab", "c"], "label": [1.0, 2.0]}
# Lengths 2 and 1, plus once the label.
SCORES = [3.0, 3.0]


@pytest.mark.parametrize("path", ["", "/versions/7", "/labels/stable"])
def test_rows_are_answered_with_rows(toy, path):
    body = {"instances": [ROW, {"item": ["", "xyz"], "label": [0.5, 5]}]}
    status, answer = toy.post(body, f"/v1/models/toy{path}:predict")
    assert (status, answer) == (200, {"predictions": [SCORES, [0.5, 8.0]]})


def test_columns_are_answered_with_columns(toy):
    body = {"inputs": {name: [value] for name, value in ROW.items()}}
    assert toy.post(body) == (200, {"outputs": [SCORES]})


def test_several_outputs_have_their_names(toy):
    body = {"signature_name": "describe", "instances": [1.0, -2.0]}
    _, answer = toy.post(body)
    first, second = answer["predictions"]
    assert first == {
        "third": 0.33333334,  # Nine digits tell a float32, seventeen would mislead.
        "text": "é1.0",
        "raw_bytes": {"b64": base64.b64encode(b"\xff1.0").decode()},
        "whole": 1,
        "is_positive": True,
        "factor": 1.0,
    }
    assert (second["whole"], second["is_positive"]) == (-2, False)
    _, answer = toy.post({"signature_name": "describe", "inputs": [1.0, -2.0]})
    assert answer["outputs"]["text"] == ["é1.0", "é-2.0"]
    assert answer["outputs"]["whole"] == [1, -2]


def test_one_input_may_have_its_name_or_not(toy):
    named = {"signature_name": "describe", "instances": [{"x": 3.0}]}
    plain = {"signature_name": "describe", "instances": [3.0]}
    assert toy.post(named) == toy.post(plain)
    named = {"signature_name": "describe", "inputs": {"x": [3.0]}}
    plain = {"signature_name": "describe", "inputs": [3.0]}
    assert toy.post(named) == toy.post(plain)


def test_strings_may_come_as_base64(toy):
    item = {"b64": base64.b64encode(b"\xff\x00\x01").decode()}
    row = {"item": [item], "label": [0.0]}
    assert toy.post({"instances": [row]}) == (200, {"predictions": [[3.0]]})


def test_numbers_that_json_lacks_are_taken_and_given(toy):
    body = b'{"signature_name": "describe", "inputs": [NaN, Infinity, -Infinity, 0]}'
    status, answer = toy.post(body)
    third = answer["outputs"]["third"]
    assert status == 200
    assert math.isnan(third[0])
    assert third[1:] == [math.inf, -math.inf, 0.0]
    assert b"NaN,Infinity,-Infinity,0.0" in toy.http(
        "POST", "/v1/models/toy:predict", body
    )[1].replace(b" ", b"")


def test_ids_may_be_long(toy):
    row = {"item": ["é" * 10_000], "label": [0.0]}
    # The length is that of the UTF-8 bytes, two for each letter.
    assert toy.post({"instances": [row]}) == (200, {"predictions": [[20_000.0]]})


def test_an_empty_support_set_keeps_its_shape(toy):
    row = {"item": [], "label": []}
    assert toy.post({"instances": [row, row]}) == (200, {"predictions": [[], []]})


def test_outputs_without_rows_must_be_asked_for_by_columns(toy):
    status, answer = toy.post({"signature_name": "total", "instances": [[1, 2]]})
    assert status == 400
    assert "ask with 'inputs'" in answer["error"]
    assert toy.post({"signature_name": "total", "inputs": [[1, 2]]})[1] == {
        "outputs": 3
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error"),
        (b"{", "JSON Parse error"),
        (b"\xff\xfe{}", "JSON Parse error"),
        (b'{"inputs": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"inputs": ' + b"9" * 5000 + b"}", "JSON Parse error"),
        ([], "must be a JSON object, got a list"),
        ({}, "must have 'instances' or 'inputs', got neither"),
        ({"inputs": 1, "instances": [1]}, "got both"),
        ({"signature_name": 3, "inputs": 1}, "'signature_name' key must be a string"),
        ({"signature_name": "no", "inputs": 1}, 'Serving signature key "no" not found'),
        ({"instances": []}, "must be a list with a value, got an empty one"),
        ({"instances": 3}, "must be a list with a value, got a number"),
        ({"instances": [1.0]}, "got plain values"),
        ({"inputs": [1.0]}, "got plain values"),
        ({"instances": [ROW, 1]}, "row 1, must be an object"),
        ({"instances": [ROW, {"item": ["a"]}]}, "row 1, must have the inputs of row 0"),
        (
            {"instances": [{"item": ["a"], "labels": [1.0]}]},
            "Sent extra: {labels}. Missing but required: {label}",
        ),
        ({"instances": [ROW | {"label": [1.0]}, ROW]}, "lists of one length, 1"),
        ({"instances": [ROW | {"label": [[1.0], 2.0]}]}, "shape [?, ?], got [1, 2, 1]"),
        ({"instances": [ROW | {"label": 1.0}]}, "shape [?, ?], got [1]"),
        ({"instances": [ROW | {"label": ["1", 2.0]}]}, "hold float or int, got '1'"),
        ({"instances": [ROW | {"label": [True, 2.0]}]}, "hold float or int, got True"),
        ({"instances": [ROW | {"label": [None, 2.0]}]}, "hold float or int, got None"),
        ({"instances": [ROW | {"label": [1e39, 2.0]}]}, "must be within"),
        ({"instances": [ROW | {"label": [10**400, 2]}]}, "got a huge integer"),
        ({"instances": [ROW | {"item": [1, "a"]}]}, "must hold strings, got 1"),
        ({"instances": [ROW | {"item": ["\ud800", "a"]}]}, "must be text"),
        ({"instances": [ROW | {"item": [{"b64": "?"}, "a"]}]}, "must have base64"),
        ({"signature_name": "total", "inputs": [[1, 2**31]]}, "must be within"),
        ({"signature_name": "total", "inputs": [[1, 2.0]]}, "must hold int, got 2.0"),
        ({"signature_name": "total", "inputs": [[1]]}, "shape [?, 2], got [1, 1]"),
        (
            {"instances": [ROW | {"label": [1.0, 6.0]}]},
            "label must be at most 5, got 6",
        ),
    ],
)
def test_a_bad_body_is_refused_with_its_reason(toy, body, message):
    status, answer = toy.post(body)
    assert status == 400
    assert message in answer["error"]
    assert "node" not in answer["error"]


def test_a_missing_model_version_or_label_is_not_found_whatever_is_asked(toy):
    for path, status, message in [
        ("/v1/models/no:predict", 404, "Servable not found for request: Latest(no)"),
        (
            "/v1/models/toy/versions/8:predict",
            404,
            "Servable not found for request: Specific(toy, 8)",
        ),
        (
            "/v1/models/toy/labels/no:predict",
            400,
            "Unrecognized servable version label: no",
        ),
        (f"/v1/models/toy/versions/{'9' * 5000}:predict", 400, "Failed to convert"),
        ("/v1/models/toy:guess", 400, "Malformed request: POST"),
        ("/v1/models/toy:classify", 501, "classify is not served"),
    ]:
        for body in ({"instances": [ROW]}, {}):
            found, answer = toy.post(body, path)
            assert (found, message in answer["error"]) == (status, True), answer


def test_status_is_told_as_protobuf_would_write_it(toy):
    status = {
        "version": "7",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    for path in ("", "/versions/7", "/labels/stable"):
        answer = toy.get(f"/v1/models/toy{path}")
        assert answer == (200, {"model_version_status": [status]})
    assert toy.get("/v1/models/no") == (
        404,
        {"error": "Could not find any versions of model no"},
    )
    assert toy.get("/v1/models/toy/versions/8") == (
        404,
        {"error": "Could not find version 8 of model toy"},
    )


def test_metadata_describes_every_signature(toy):
    status, answer = toy.get("/v1/models/toy/metadata")
    assert status == 200
    spec = {"name": "toy", "signature_name": "", "version": "7"}
    assert answer["model_spec"] == spec
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "describe", "spin", "total"} <= signatures.keys()
    label = signatures["serving_default"]["inputs"]["label"]
    assert label["dtype"] == "DT_FLOAT"
    sizes = [{"size": "-1", "name": ""}] * 2
    assert label["tensor_shape"] == {"dim": sizes, "unknown_rank": False}


def test_a_large_body_is_refused(toy):
    status, answer = toy.post(b" " * (4 * 2**20 + 1))
    assert status == 413
    assert "error" in answer
    metrics = toy.http("GET", "/monitoring/prometheus/metrics")[1].decode()
    assert 'status="RESOURCE_EXHAUSTED"' in metrics
    assert 'status="CANCELLED"' not in metrics


def test_a_body_that_is_not_what_its_headers_say_is_refused(toy):
    headers = {"Content-Encoding": "gzip"}
    status, body = toy.http("POST", "/v1/models/toy:predict", b"no gzip", headers)
    assert status == 400
    assert "error" in json.loads(body)


def test_health_and_readiness(toy):
    assert toy.http("GET", "/healthz")[0] == 200
    assert toy.http("GET", "/readyz")[0] == 200
    status, body = toy.http("GET", "/no/such/path")
    assert (status, list(json.loads(body))) == (404, ["error"])


def test_metrics_have_the_names_of_tensorflow_serving(toy):
    toy.post({"instances": [ROW]})
    toy.post({"instances": [ROW | {"label": [1.0, 6.0]}]})
    toy.post({"instances": [ROW]}, "/v1/models/made-up:predict")
    text = toy.http("GET", "/monitoring/prometheus/metrics")[1].decode()
    counts = {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith(":tensorflow:serving:request_count{")
    }
    of_toy = {
        status: count
        for key, count in counts.items()
        for status in ("OK", "INVALID_ARGUMENT")
        if 'model_name="toy"' in key
        and 'signature="serving_default"' in key
        and f'status="{status}"' in key
        and 'entrypoint="REST"' in key
    }
    assert of_toy["OK"] >= 1
    assert of_toy["INVALID_ARGUMENT"] >= 1
    assert "made-up" not in text  # Or requests could add series without end.
    assert ":tensorflow:serving:request_latency_bucket{" in text
    assert 'cmml_server_loaded_version{model_name="toy",version="7"} 1.0' in text
    assert "cmml_server_batch_size_bucket{" in text


def test_the_files_of_the_page_are_served_and_no_others(toy):
    index = (page.PAGE_DIR / "index.html").read_bytes()
    assert toy.http("GET", "/") == (200, index)
    script = (page.PAGE_DIR / "page.js").read_bytes()
    for path in ("/page.js", "/page/page.js"):
        assert toy.http("GET", path) == (200, script)
    aside = ("/page/..%2Fversion_dir.py", "/%2e%2e%2fversion_dir.py")
    for path in (*aside, "/no", "/page/a%00b", f"/page/{'x' * 5000}"):
        assert toy.http("GET", path)[0] == 404


def test_files_of_the_page_come_one_after_the_other_by_one_connection(toy, caplog):
    host = toy.server.rest_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.connect()
    opened = connection.sock
    for name in ("index.html", "page.css", "page.js"):
        connection.request("GET", f"/page/{name}")
        assert connection.getresponse().read()
        assert connection.sock is opened
    connection.close()
    assert caplog.records == []


def test_a_page_from_elsewhere_cannot_ask_under_its_own_name(toy):
    for host in ("localhost", "LocalHost:1", "127.0.0.1:8501", "[::1]", "[::1]:80"):
        assert toy.http("GET", "/healthz", headers={"Host": host})[0] == 200
    for host in ("evil.example", "evil.example:8501", "127.0.0.1.evil.example", "["):
        status, body = toy.http("GET", "/v1/models/toy", headers={"Host": host})
        assert (status, list(json.loads(body))) == (403, ["error"])


def test_a_server_of_the_network_has_any_name(serve, base_path, publish):
    publish(base_path, 1)
    toy = serve(host="0.0.0.0")
    headers = {"Host": "recommender.example"}
    assert toy.http("GET", "/v1/models/toy", headers=headers)[0] == 200


def test_a_message_does_not_repeat_all_that_was_sent(toy):
    status, answer = toy.post({"signature_name": "no" * 5000, "inputs": 1})
    assert (status, len(answer["error"])) == (400, 1003)


def test_the_page_learns_of_the_newest_version(serve, base_path, publish):
    publish(base_path, 1)
    extra = base_path / "1" / "assets.extra"
    extra.mkdir()
    (extra / "manifest.json").write_text('{"setting": "user"}')
    (extra / "item_names.json").write_text('{"1": "Ä"}', encoding="utf-8")
    expected = {
        "model_name": "toy",
        "manifest": {"setting": "user"},
        "item_names": {"1": "Ä"},
    }
    toy = serve()
    assert toy.get("/page/config.json") == (200, expected)
    assert toy.get("/page/config.json?model=no")[0] == 404
    (extra / "manifest.json").write_text("changed")
    assert toy.get("/page/config.json") == (200, expected)  # As it was when loaded.


@pytest.mark.parametrize(
    ("manifest", "message"),
    [("{", "manifest.json must be JSON"), ("[3]", "must hold an object, got '[3]'")],
)
def test_a_broken_manifest_is_told_to_the_page_and_the_model_serves(
    serve, base_path, publish, manifest, message
):
    publish(base_path, 1)
    extra = base_path / "1" / "assets.extra"
    extra.mkdir()
    (extra / "manifest.json").write_text(manifest)
    toy = serve()
    status, answer = toy.get("/page/config.json")
    assert status == 500
    assert message in answer["error"]
    assert toy.post({"instances": [ROW]}) == (200, {"predictions": [SCORES]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda part: (
        st.lists(part, max_size=3)
        | st.dictionaries(
            st.sampled_from(["item", "label", "x", "b64", "turns"]), part, max_size=3
        )
    ),
    max_leaves=8,
)
BODIES = st.binary(max_size=40) | st.fixed_dictionaries(
    {},
    optional={
        "signature_name": st.sampled_from(["", "describe", "total", "no"]) | JSON,
        "instances": JSON,
        "inputs": JSON,
    },
).map(lambda body: json.dumps(body).encode())


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=BODIES)
def test_no_body_is_the_fault_of_the_server(toy, body):
    status, answer = toy.post(body)
    assert status in (200, 400, 404), answer
    assert next(iter(answer)) in ("predictions", "outputs", "error")


PATH_PARTS = ["models", "toy", "versions", "7", "labels", "stable", "metadata"]
PATHS = st.lists(
    st.sampled_from(PATH_PARTS) | st.text("a%/:.\x7f0", max_size=5), max_size=6
)


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(parts=PATHS, method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]))
def test_no_path_is_the_fault_of_the_server(toy, parts, method):
    path = "/v1/" + "/".join(parts).replace("\x7f", "%7f")
    status, _ = toy.http(method, path, b"{}" if method == "POST" else None)
    assert status in (200, 400, 404, 405)


def test_the_server_still_answers_after_all_that(toy):
    assert toy.post({"instances": [ROW]}) == (200, {"predictions": [SCORES]})
