import shutil

import grpc
import pytest
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from pipeline.serving.base import served_labels
from pipeline.serving.base.live_server import LiveServer, LiveServerError
from pipeline.serving.base.models_config import (
    labels_of,
    read_models_config,
    versions_of,
    write_models_config,
)
from pipeline.serving.base.served_labels import ServedLabels
from pipeline.serving.server.model_server import (
    ModelServer,
    ServedModelDirectory,
    ServerOptions,
)


class FakeServer:
    """Keeps what it is told, and fails where it should."""

    def __init__(self, fails_at=None, available=()):
        self.calls = []
        self.available = available
        self.fails_at = fails_at

    def _call(self, name, what):
        self.calls.append((name, what))
        if len(self.calls) == self.fails_at:
            raise LiveServerError("the server cannot")

    def reload(self, config):
        state = versions_of(config, "cmml"), labels_of(config, "cmml")
        self._call("reload", state)

    def wait_available(self, model_name, version):
        self._call("wait", version)

    def is_available(self, model_name, version):
        return version in self.available


@pytest.fixture
def base(tmp_path):
    for version in (1, 2, 3):
        directory = tmp_path / "cmml" / str(version)
        directory.mkdir(parents=True)
        (directory / "saved_model.pb").touch()
    return tmp_path


def config_file(base):
    return read_models_config(base / "models.config")


def test_the_first_version_gets_its_label(base):
    labels = ServedLabels(base, "cmml")
    labels.move("stable", 1)
    assert labels.labels() == {"stable": 1}
    assert labels.listed() == [1]
    (entry,) = config_file(base).model_config_list.config
    assert entry.base_path == str(base / "cmml")
    assert entry.model_platform == "tensorflow"


def test_the_base_may_have_another_place_on_the_server(base):
    ServedLabels(base, "cmml", served_base="/models").move("stable", 1)
    (entry,) = config_file(base).model_config_list.config
    assert entry.base_path == "/models/cmml"


def test_a_label_moves_when_the_version_has_been_loaded(base):
    ServedLabels(base, "cmml").move("stable", 1)
    server = FakeServer()
    ServedLabels(base, "cmml", server=server).move("stable", 2)
    assert server.calls == [
        ("reload", ([1, 2], {"stable": 1})),
        ("wait", 2),
        ("reload", ([1, 2], {"stable": 2})),
    ]


def test_the_file_takes_the_same_two_steps(base, monkeypatch):
    ServedLabels(base, "cmml").move("stable", 1)
    written = []

    def write(path, config):
        written.append((versions_of(config, "cmml"), labels_of(config, "cmml")))
        write_models_config(path, config)

    monkeypatch.setattr(served_labels, "write_models_config", write)
    ServedLabels(base, "cmml").move("stable", 2)
    assert written == [([1, 2], {"stable": 1}), ([1, 2], {"stable": 2})]


def test_the_version_before_stays_loaded_until_the_next_move(base):
    labels = ServedLabels(base, "cmml")
    labels.move("stable", 1)
    labels.move("stable", 2)
    assert labels.listed() == [1, 2]
    labels.move("stable", 3)
    assert labels.listed() == [2, 3]


def test_a_version_that_is_taken_back_is_unloaded_when_the_label_has_moved(base):
    ServedLabels(base, "cmml").move("stable", 2)
    server = FakeServer()
    labels = ServedLabels(base, "cmml", server=server)
    labels.move("stable", 1, unload_before=True)
    assert server.calls[-2:] == [
        ("reload", ([1, 2], {"stable": 1})),
        ("reload", ([1], {"stable": 1})),
    ]


def test_another_label_stays_where_it_is(base):
    labels = ServedLabels(base, "cmml")
    labels.move("stable", 1)
    labels.move("canary", 3)
    assert labels.labels() == {"stable": 1, "canary": 3}
    assert labels.listed() == [1, 3]


def test_a_version_that_is_gone_is_not_listed(base):
    labels = ServedLabels(base, "cmml")
    labels.move("stable", 1)
    (base / "cmml" / "1" / "saved_model.pb").unlink()
    labels.move("stable", 2)
    assert labels.listed() == [2]


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_if_the_server_cannot_all_is_as_it_was(base, fails_at):
    ServedLabels(base, "cmml").move("stable", 1)
    before = config_file(base)
    server = FakeServer(fails_at)
    with pytest.raises(LiveServerError, match="the server cannot"):
        ServedLabels(base, "cmml", server=server).move("stable", 2)
    assert config_file(base) == before
    assert server.calls[-1] == ("reload", ([1], {"stable": 1}))


def test_a_running_server_takes_the_same_steps(tiny_version, tmp_path):
    for number in ("1", "2"):
        shutil.copytree(tiny_version, tmp_path / "cmml" / number)
    model = ServedModelDirectory(
        name="cmml", base_path=tmp_path / "cmml", versions=(1,), labels={"stable": 1}
    )
    with ModelServer([model], ServerOptions(grpc_port=0, rest_port=0)) as server:
        live = LiveServer(server.grpc_address)
        labels = ServedLabels(tmp_path, "cmml", server=live)
        labels.move("stable", 2)
        labels.move("canary", 1)
        with grpc.insecure_channel(server.grpc_address) as channel:
            stub = model_service_pb2_grpc.ModelServiceStub(channel)
            request = get_model_status_pb2.GetModelStatusRequest()
            request.model_spec.name = "cmml"
            versions = {}
            for label in ("stable", "canary"):
                request.model_spec.version_label = label
                (status,) = stub.GetModelStatus(request).model_version_status
                versions[label] = status.version
    assert versions == {"stable": 2, "canary": 1}


def test_a_server_that_has_all_versions_is_given_the_file_again(base):
    ServedLabels(base, "cmml").move("stable", 1)
    server = FakeServer(available=[1])
    ServedLabels(base, "cmml", server=server).confirm()
    assert server.calls == [("reload", ([1], {"stable": 1}))]


def test_a_server_that_lacks_a_version_loads_it_before_it_gets_the_label(base):
    ServedLabels(base, "cmml").move("stable", 1)
    ServedLabels(base, "cmml").move("canary", 2)
    server = FakeServer(available=[1])
    before = config_file(base)
    ServedLabels(base, "cmml", server=server).confirm()
    *first, last = server.calls
    assert first[0] == ("reload", ([1, 2], {"stable": 1}))
    assert sorted(first[1:]) == [("wait", 1), ("wait", 2)]
    assert last == ("reload", ([1, 2], {"stable": 1, "canary": 2}))
    assert config_file(base) == before
