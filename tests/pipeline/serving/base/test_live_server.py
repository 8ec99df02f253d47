import contextlib
from concurrent import futures

import grpc
import pytest
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
)

from pipeline.serving.base.live_server import LiveServer, LiveServerError
from pipeline.serving.base.models_config import with_model

State = get_model_status_pb2.ModelVersionStatus


class FakeModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Answers with one state after another, the last one for ever."""

    def __init__(self, states, refusal=""):
        self.states = states
        self.refusal = refusal
        self.asked = []
        self.configs = []

    def GetModelStatus(self, request, context):  # noqa: N802
        self.asked.append((request.model_spec.name, request.model_spec.version.value))
        state, error = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if state is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "Could not find version")
        response = get_model_status_pb2.GetModelStatusResponse()
        status = response.model_version_status.add(version=17, state=state)
        status.status.error_code = 3 if error else 0
        status.status.error_message = error
        return response

    def HandleReloadConfigRequest(self, request, context):  # noqa: N802
        self.configs.append(request.config)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.error_code = 9 if self.refusal else 0
        response.status.error_message = self.refusal
        return response


@contextlib.contextmanager
def served(service):
    """Runs the service; yields its address."""
    server = grpc.server(futures.ThreadPoolExecutor(1))
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@pytest.mark.parametrize("state", [(None, ""), (State.AVAILABLE, "")])
def test_a_server_is_there_whether_it_knows_the_model_or_not(state):
    with served(FakeModelService([state])) as address:
        LiveServer(address).ping("cmml")


def test_a_server_that_is_not_there_is_named():
    with served(FakeModelService([(None, "")])) as address:
        pass
    with pytest.raises(LiveServerError, match=f"{address} answers UNAVAILABLE"):
        LiveServer(address).ping("cmml")


def test_a_version_is_waited_for():
    states = [(None, ""), (State.LOADING, ""), (State.AVAILABLE, "")]
    service = FakeModelService(states)
    with served(service) as address:
        LiveServer(address).wait_available("cmml", 17)
    assert service.asked == [("cmml", 17)] * 3


def test_one_connection_is_kept_while_waiting(monkeypatch):
    opened = []
    connect = grpc.insecure_channel

    def count(address, options):
        opened.append(address)
        return connect(address, options)

    monkeypatch.setattr(grpc, "insecure_channel", count)
    states = [(None, ""), (State.LOADING, ""), (State.AVAILABLE, "")]
    with served(FakeModelService(states)) as address:
        LiveServer(address).wait_available("cmml", 17)
    assert opened == [address]


@pytest.mark.parametrize(
    ("state", "expected"),
    [(None, False), (State.LOADING, False), (State.AVAILABLE, True)],
)
def test_a_version_is_available_when_it_has_been_loaded(state, expected):
    with served(FakeModelService([(state, "")])) as address:
        assert LiveServer(address).is_available("cmml", 17) == expected


def test_a_version_that_cannot_be_loaded_is_not_waited_for():
    service = FakeModelService([(State.LOADING, ""), (State.END, "no such op")])
    with (
        served(service) as address,
        pytest.raises(LiveServerError, match="load version 17 of 'cmml': no such op"),
    ):
        LiveServer(address).wait_available("cmml", 17)


def test_a_version_that_was_unloaded_before_is_waited_for():
    service = FakeModelService([(State.END, ""), (State.AVAILABLE, "")])
    with served(service) as address:
        LiveServer(address).wait_available("cmml", 17)


def test_waiting_has_an_end():
    with (
        served(FakeModelService([(State.LOADING, "")])) as address,
        pytest.raises(LiveServerError, match=r"17 of 'cmml' available within 0.05 s"),
    ):
        LiveServer(address, load_timeout_s=0.05).wait_available("cmml", 17)


@pytest.fixture
def config():
    from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

    return with_model(
        ModelServerConfig(), "cmml", base_path="/b", versions=[17], labels={}
    )


def test_a_server_is_given_the_whole_configuration(config):
    service = FakeModelService([(None, "")])
    with served(service) as address:
        LiveServer(address).reload(config)
    assert service.configs == [config]


def test_a_refusal_is_passed_on(config):
    service = FakeModelService([(None, "")], refusal="label of an unavailable version")
    with (
        served(service) as address,
        pytest.raises(LiveServerError, match=r"models.config: label of an unavailable"),
    ):
        LiveServer(address).reload(config)
