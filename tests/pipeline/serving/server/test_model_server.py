"""Limits of a server, and its end."""

import asyncio
import concurrent.futures
import http.client
import json
import threading
import urllib.error
import urllib.request

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import model_pb2

from pipeline.serving.server.batcher import Batcher
from pipeline.serving.server.metrics import ServerMetrics
from pipeline.serving.server.model_catalogue import ModelCatalogue
from pipeline.serving.server.model_server import (
    ModelServer,
    ServedModelDirectory,
    ServerError,
    ServerOptions,
)
from pipeline.serving.server.predictor import Predictor
from pipeline.serving.server.request_error import RequestError

FOREVER = {"turns": np.int64([10**15])}
A_WHILE = {"turns": np.int64([30_000])}
X = {"x": np.float32([3.0])}


def test_a_request_that_takes_too_long_is_given_up(served):
    toy = served(deadline_s=0.3, num_workers=1)
    with pytest.raises(grpc.RpcError) as refused:
        toy.predict(FOREVER, "spin")
    assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    body = {"signature_name": "spin", "inputs": FOREVER["turns"].tolist()}
    status, answer = toy.post(body)
    assert (status, "within 0.3 s" in answer["error"]) == (504, True)
    # The worker is free again: the graph is stopped, not only its sender answered.
    toy.predict(X, "describe")


def test_a_client_may_wait_for_less(served):
    toy = served(num_workers=1, deadline_s=1.0)
    with pytest.raises(grpc.RpcError) as refused:
        toy.predict(FOREVER, "spin", timeout=0.1)
    assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    toy.predict(X, "describe")


def test_a_client_that_waits_no_longer_is_not_given_the_whole_deadline(
    base_path, publish
):
    publish(base_path, 1)

    async def ask():
        options, metrics = ServerOptions(num_workers=1), ServerMetrics()
        catalogue, batcher = ModelCatalogue(options, metrics), Batcher(options, metrics)
        await catalogue.apply([ServedModelDirectory("toy", base_path)])
        predictor = Predictor(catalogue, batcher, options.deadline_s)
        spec = model_pb2.ModelSpec(name="toy", signature_name="describe")
        try:
            await predictor.predict(spec, lambda _: X, model_pb2.ModelSpec(), 0.0)
        finally:
            await batcher.close()
            await catalogue.close()

    with pytest.raises(RequestError, match="no answer within 0 s"):
        asyncio.run(ask())


def test_a_full_queue_refuses_at_once_and_answers_the_rest(served):
    toy = served(num_workers=1, queue_size=2)
    calls = [
        toy.prediction.Predict.future(toy.request(A_WHILE, "spin"), 20)
        for _ in range(8)
    ]
    codes = [call.code() for call in calls]
    ok, busy = grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE
    assert set(codes) == {ok, busy}
    assert codes.count(ok) >= 3  # One runs, two wait.
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        body = {"signature_name": "spin", "inputs": A_WHILE["turns"].tolist()}
        statuses = list(pool.map(lambda _: toy.post(body)[0], range(8)))
    assert set(statuses) == {200, 503}


def test_the_size_of_requests_can_be_set(served):
    toy = served(max_request_bytes=1000)
    assert toy.post(b" " * 1001)[0] == 413
    assert toy.post(b" " * 1000)[0] == 400
    with pytest.raises(grpc.RpcError) as refused:
        toy.predict({"x": np.zeros(1000, np.float32)}, "describe")
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_requests_in_flight_are_answered_at_the_end(base_path, publish):
    publish(base_path, 1)
    answers = []
    directory = ServedModelDirectory("toy", base_path)
    with ModelServer([directory], ServerOptions(grpc_port=0, rest_port=0)) as server:
        url = server.rest_url

        def ask():
            body = {"signature_name": "spin", "inputs": A_WHILE["turns"].tolist()}
            connection = http.client.HTTPConnection(url.removeprefix("http://"))
            connection.request("POST", "/v1/models/toy:predict", json.dumps(body))
            response = connection.getresponse()
            answers.append((response.getheader("Connection"), json.load(response)))
            connection.close()

        thread = threading.Thread(target=ask)
        thread.start()
        metrics = ""
        while 'signature="spin"' not in metrics:  # Until a worker has it.
            with urllib.request.urlopen(f"{url}/monitoring/prometheus/metrics") as page:
                metrics = page.read().decode()
    thread.join()
    assert answers == [("close", {"outputs": [30_000]})]
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/healthz")


def test_two_servers_run_in_one_process(served):
    first, second = served(), served()
    assert first.server.grpc_address != second.server.grpc_address
    for toy in (first, second):
        assert toy.predict(X, "describe").outputs["whole"].int64_val[:] == [3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grpc_port": 70000}, r"^port must be within \[0, 65535\], got 70000"),
        ({"grpc_port": 8501}, "rest_port must be another port than port, got 8501"),
        ({"queue_size": 0}, "queue_size must be at least 1, got 0"),
        ({"num_workers": 0}, "num_workers must be at least 1, got 0"),
        ({"deadline_s": 0.0}, "deadline_s must be above 0, got 0.0"),
        ({"batch_timeout_s": float("nan")}, "batch_timeout_s must be at least 0"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ServerError, match=message):
        ServerOptions(**options)
