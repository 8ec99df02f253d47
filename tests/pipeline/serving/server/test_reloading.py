"""What becomes of versions while a server runs."""

import asyncio
import concurrent.futures
import contextlib
import shutil
import threading
import types

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    prediction_log_pb2,
)

from models.whole_files import write_json
from pipeline.experiment.version_dir import MANIFEST, written_files
from pipeline.serving.server import model_versions, servable
from pipeline.serving.server.metrics import ServerMetrics
from pipeline.serving.server.model_server import (
    ServedModelDirectory,
    ServerError,
    ServerOptions,
)
from pipeline.serving.server.model_versions import ModelVersions

AVAILABLE, END = 30, 50
X = {"x": np.float32([1.0])}


def factor_of(asker, **spec):
    response = asker.predict(X, "describe", **spec)
    return response.model_spec.version.value, response.outputs["factor"].float_val[0]


def states_of(asker, name="toy"):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = name
    statuses = asker.model.GetModelStatus(request, 20).model_version_status
    return {status.version: status.state for status in statuses}


def reload(asker, *entries):
    request = model_management_pb2.ReloadConfigRequest()
    for entry in entries:
        request.config.model_config_list.config.add(
            model_platform="tensorflow", **entry
        )
    return asker.model.HandleReloadConfigRequest(request, 20)


def refusal(*arguments, **named):
    with pytest.raises(grpc.RpcError) as refused:
        reload(*arguments, **named)
    return refused.value.code(), refused.value.details()


@contextlib.contextmanager
def under_load(asker):
    """Asks all the while; yields the versions that answered, and the failures."""
    answered, failures, stop = [], [], threading.Event()

    def ask():
        while not stop.is_set():
            try:
                answered.append(factor_of(asker))
            except grpc.RpcError as error:
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield answered, failures
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_new_version_takes_over_without_a_failed_request(
    serve, base_path, publish, eventually
):
    publish(base_path, 1, factor=1.0)
    toy = serve()
    with under_load(toy) as (answered, failures):
        eventually(lambda: (1, 1.0) in answered)
        publish(base_path, 2, factor=2.0)
        eventually(lambda: (2, 2.0) in answered)
        publish(base_path, 3, factor=1.0)
        shutil.rmtree(base_path / "2")
        eventually(lambda: (3, 1.0) in answered)
        shutil.rmtree(base_path / "3")
        eventually(lambda: answered[-1] == (1, 1.0))
    assert failures == []
    assert set(answered) == {(1, 1.0), (2, 2.0), (3, 1.0)}
    eventually(lambda: states_of(toy) == {1: AVAILABLE, 2: END, 3: END})


def test_a_request_in_flight_is_answered_by_the_version_that_took_it(
    serve, base_path, publish, eventually
):
    publish(base_path, 1)
    toy = serve(num_workers=1)
    turns = {"turns": np.int64([100_000])}
    request = toy.request(turns, "spin")
    answer = toy.prediction.Predict.future(request, 20)
    publish(base_path, 2, factor=2.0)
    eventually(lambda: states_of(toy).get(2) == AVAILABLE)
    assert answer.result().model_spec.version.value == 1
    # 0 + 1 + 2 over and over.
    assert answer.result().outputs["total"].int64_val == [99_999]
    eventually(lambda: states_of(toy) == {1: END, 2: AVAILABLE})


def test_a_broken_version_leaves_the_old_one_serving(
    serve, base_path, publish, eventually, tmp_path
):
    publish(base_path, 1)
    toy = serve()
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "saved_model.pb").write_bytes(b"no model")
    broken.rename(base_path / "2")
    eventually(lambda: states_of(toy).get(2) == END)
    assert factor_of(toy) == (1, 1.0)
    status, answer = toy.get("/v1/models/toy/versions/2")
    (version,) = answer["model_version_status"]
    assert (status, version["status"]["error_code"]) == (200, "UNKNOWN")
    assert "cannot load" in version["status"]["error_message"]
    shutil.rmtree(base_path / "2")
    publish(base_path, 2, factor=2.0)  # Mended, it is tried again.
    eventually(lambda: factor_of(toy) == (2, 2.0))


def test_a_version_alone_serves_on_when_it_is_deleted(
    serve, base_path, publish, eventually
):
    publish(base_path, 1, factor=1.0)
    toy = serve()
    with looks_counted() as looks:
        shutil.rmtree(base_path / "1")
        eventually(lambda: len(looks) > 2)
        assert factor_of(toy) == (1, 1.0)
        shutil.rmtree(base_path)
        looks.clear()
        eventually(lambda: len(looks) > 2)
    assert factor_of(toy) == (1, 1.0)
    base_path.mkdir()
    publish(base_path, 2, factor=2.0)
    eventually(lambda: factor_of(toy) == (2, 2.0))
    eventually(lambda: states_of(toy) == {1: END, 2: AVAILABLE})


@contextlib.contextmanager
def looks_counted():
    """Yields a list that grows with each look at the disk."""
    looks, refresh = [], ModelVersions.refresh

    async def counted(model):
        await refresh(model)
        looks.append(model)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelVersions, "refresh", counted)
        yield looks


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("a bug")])
def test_a_look_that_fails_is_not_the_last(
    serve, base_path, publish, eventually, monkeypatch, error
):
    publish(base_path, 1)
    toy = serve()
    stamp, failed = model_versions._stamp, []

    def fail_once(path):
        if not failed:
            failed.append(path)
            raise error
        return stamp(path)

    monkeypatch.setattr(model_versions, "_stamp", fail_once)
    publish(base_path, 2, factor=2.0)
    eventually(lambda: factor_of(toy) == (2, 2.0))
    assert failed == [base_path / "2"]


def test_a_replacement_that_cannot_be_loaded_is_tried_once(
    serve, base_path, publish, tmp_path, eventually, monkeypatch
):
    publish(base_path, 1, factor=1.0)
    toy = serve()
    (tmp_path / "other" / "1").mkdir(parents=True)
    (tmp_path / "other" / "1" / "saved_model.pb").write_bytes(b"no model")
    tried, load = [], model_versions.load

    def counted(*arguments, **named):
        tried.append(arguments)
        return load(*arguments, **named)

    monkeypatch.setattr(model_versions, "load", counted)
    with looks_counted() as looks:
        reload(toy, {"name": "toy", "base_path": str(tmp_path / "other")})
        eventually(lambda: len(looks) > 3)
    assert len(tried) == 1
    assert factor_of(toy) == (1, 1.0)


def test_a_load_that_ends_after_the_close_is_closed(base_path, publish, monkeypatch):
    publish(base_path, 1)
    may_load, is_closed = threading.Event(), threading.Event()
    load, close = model_versions.load, servable.Servable.close

    def load_late(*arguments, **named):
        assert may_load.wait(20)
        return load(*arguments, **named)

    def tell(version):
        close(version)
        is_closed.set()

    monkeypatch.setattr(model_versions, "load", load_late)
    monkeypatch.setattr(servable.Servable, "close", tell)

    async def close_while_loading(loader):
        directory = ServedModelDirectory("toy", base_path)
        options = ServerOptions(poll_s=0.001)
        model = ModelVersions(directory, loader, options, ServerMetrics())
        model.poll()
        while not model.versions:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.001)  # The loader has taken it up.
        await model.close()
        may_load.set()

    with concurrent.futures.ThreadPoolExecutor(1) as loader:
        asyncio.run(close_while_loading(loader))
    assert is_closed.is_set()


def test_a_version_is_tried_again_when_its_warmup_changes(
    serve, base_path, publish, eventually
):
    publish(base_path, 1)
    toy = serve()
    extra = base_path / ".2" / "assets.extra"
    write_warmup(extra, [prediction_log_pb2.PredictionLog(predict_log={})])
    shutil.copytree(base_path / "1", base_path / ".2", dirs_exist_ok=True)
    (base_path / ".2").rename(base_path / "2")
    eventually(lambda: states_of(toy).get(2) == END)
    (base_path / "2" / "assets.extra" / "tf_serving_warmup_requests").unlink()
    eventually(lambda: states_of(toy).get(2) == AVAILABLE)


def test_a_version_that_fails_its_own_warmup_does_not_serve(
    serve, base_path, publish, eventually
):
    publish(base_path, 1)
    toy = serve()
    log = prediction_log_pb2.PredictionLog()
    label = {"item": [["a"]], "label": np.float32([[9.0]])}
    log.predict_log.request.CopyFrom(toy.request(label))
    write_warmup(base_path / ".2" / "assets.extra", [log])
    shutil.copytree(base_path / "1", base_path / ".2", dirs_exist_ok=True)
    (base_path / ".2").rename(base_path / "2")
    eventually(lambda: states_of(toy).get(2) == END)
    _, answer = toy.get("/v1/models/toy/versions/2")
    message = answer["model_version_status"][0]["status"]["error_message"]
    assert "request 1, is not answered: label must be at most 5, got 9" in message
    assert factor_of(toy) == (1, 1.0)


@pytest.mark.parametrize("is_cut", [True, False])
def test_a_damaged_warmup_is_named(publish, base_path, is_cut):
    publish(base_path, 1)
    write_two_requests(base_path / "1")
    path = base_path / "1" / "assets.extra" / "tf_serving_warmup_requests"
    if is_cut:
        path.write_bytes(path.read_bytes()[:-3])
    else:
        with tf.io.TFRecordWriter(str(path)) as writer:
            writer.write(b"\xff\xff\xff")
    with pytest.raises(ValueError, match=f"{path} is damaged: remove the version, and"):
        servable.load("toy", 1, base_path / "1", 60.0)


def write_warmup(folder, logs):
    folder.mkdir(parents=True)
    path = folder / "tf_serving_warmup_requests"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())


def write_two_requests(version):
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = "describe"
    log.predict_log.request.inputs["x"].CopyFrom(tf.make_tensor_proto(X["x"]))
    write_warmup(version / "assets.extra", [log, log])


def test_a_version_that_answers_its_warmup_serves(serve, base_path, publish):
    publish(base_path, 1)
    write_two_requests(base_path / "1")
    assert factor_of(serve()) == (1, 1.0)


def test_a_version_rests_as_it_warms_up_only_while_another_answers(
    serve, base_path, publish, eventually, monkeypatch
):
    gently, load = [], model_versions.load

    def noted(*arguments, **named):
        gently.append(named["gently"])
        return load(*arguments, **named)

    monkeypatch.setattr(model_versions, "load", noted)
    publish(base_path, 1, factor=1.0)
    toy = serve()
    publish(base_path, 2, factor=2.0)
    eventually(lambda: factor_of(toy) == (2, 2.0))
    assert gently == [False, True]


def test_a_rest_is_as_long_as_the_request_before_it(base_path, publish, monkeypatch):
    publish(base_path, 1)
    write_two_requests(base_path / "1")
    rests, clock = [], iter([10.0, 10.5, 20.0, 23.0])
    times = types.SimpleNamespace(monotonic=lambda: next(clock), sleep=rests.append)
    monkeypatch.setattr(servable, "time", times)
    servable.load("toy", 1, base_path / "1", 30.0, gently=True).close()
    assert rests == [0.5, 3.0]


def test_only_the_newest_is_served_unless_told_otherwise(serve, base_path, publish):
    for version, factor in ((1, 1.0), (2, 2.0), (10, 1.0)):
        publish(base_path, version, factor)
    (base_path / "11").mkdir()  # Not complete: it has no saved_model.pb.
    (base_path / "notes").mkdir()
    directory = ServedModelDirectory("toy", base_path)
    assert states_of(serve(directory)) == {10: AVAILABLE}
    two = ServedModelDirectory("toy", base_path, versions=(1, 2))
    asker = serve(two)
    assert states_of(asker) == {1: AVAILABLE, 2: AVAILABLE}
    assert (factor_of(asker), factor_of(asker, version=1)) == ((2, 2.0), (1, 1.0))
    every = ServedModelDirectory("toy", base_path, num_newest=None)
    assert states_of(serve(every)).keys() == {1, 2, 10}


def test_no_version_at_all_is_an_error_at_the_start(serve, base_path):
    with pytest.raises(ServerError, match="no versions of model 'toy' to be served"):
        serve()
    (base_path / "1").mkdir()
    (base_path / "1" / "saved_model.pb").write_bytes(b"no model")
    with pytest.raises(ServerError, match=r"cannot start: cannot load .*/toy/1"):
        serve()


def test_a_damaged_file_of_a_version_that_cannot_be_loaded_is_named(
    serve, base_path, publish
):
    publish(base_path, 1)
    version = base_path / "1"
    manifest = {"files": written_files(version)}
    (version / MANIFEST).parent.mkdir(exist_ok=True)
    write_json(version / MANIFEST, manifest)
    index = version / "variables" / "variables.index"
    index.write_bytes(index.read_bytes()[:-9])
    message = r"toy/1 must be as it was exported, but variables/variables.index must"
    with pytest.raises(ServerError, match=message) as raised:
        serve()
    assert "\n" not in str(raised.value)


def test_a_port_that_is_taken_is_an_error_at_the_start(
    serve, base_path, publish, capfd
):
    publish(base_path, 1)
    first = serve()
    port = int(first.server.rest_url.rsplit(":", 1)[1])
    with pytest.raises(ServerError, match=f"cannot start: --rest_port {port} of"):
        serve(rest_port=port)
    port = int(first.server.grpc_address.rsplit(":", 1)[1])
    with pytest.raises(ServerError, match=f"cannot start: --port {port} of"):
        serve(grpc_port=port)
    assert capfd.readouterr().err == ""  # gRPC says nothing beside the error.


def test_a_new_configuration_changes_models_versions_and_labels(
    serve, base_path, publish, tmp_path, eventually
):
    other = tmp_path / "other"
    other.mkdir()
    publish(base_path, 1, factor=1.0)
    publish(base_path, 2, factor=2.0)
    publish(other, 5, factor=2.0)
    toy = serve()
    specific = {"specific": {"versions": [1, 2]}}
    entry = {
        "name": "toy",
        "base_path": str(base_path),
        "model_version_policy": specific,
    }
    labelled = entry | {"version_labels": {"stable": 1, "canary": 2}}
    # As with the real one, a label comes after its version, in a second step.
    code, message = refusal(toy, labelled)
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert "version 1 of model toy, which is not currently available" in message
    assert states_of(toy) == {2: AVAILABLE}
    assert reload(toy, entry).status.error_code == 0
    assert reload(toy, labelled).status.error_code == 0
    assert factor_of(toy, label="stable") == (1, 1.0)
    assert factor_of(toy, label="canary") == (2, 2.0)
    second = {"name": "other", "base_path": str(other)}
    reload(toy, labelled, second)
    assert states_of(toy, "other") == {5: AVAILABLE}
    reload(toy, second)
    with pytest.raises(grpc.RpcError, match="Could not find any versions"):
        states_of(toy)
    assert toy.get("/readyz/")[0] == 404
    assert toy.http("GET", "/readyz")[0] == 200


def test_a_base_path_may_change_while_requests_come(
    serve, base_path, publish, tmp_path, eventually
):
    other = tmp_path / "other"
    other.mkdir()
    publish(base_path, 1, factor=1.0)
    publish(other, 1, factor=2.0)  # The same number, another model.
    toy = serve()
    with under_load(toy) as (answered, failures):
        eventually(lambda: (1, 1.0) in answered)
        reload(toy, {"name": "toy", "base_path": str(other)})
        eventually(lambda: (1, 2.0) in answered)
    assert failures == []


def test_a_label_moves_with_its_version_when_told_in_process(serve, base_path, publish):
    publish(base_path, 1, factor=1.0)
    publish(base_path, 2, factor=2.0)

    def stable(version):
        return ServedModelDirectory(
            "toy", base_path, versions=(version,), labels={"stable": version}
        )

    toy = serve(stable(1))
    toy.server.reload([stable(2)])
    assert factor_of(toy, label="stable") == (2, 2.0)
    with pytest.raises(ServerError, match="assign label to version 3"):
        toy.server.reload([stable(3)])
    assert factor_of(toy, label="stable") == (2, 2.0)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"name": "", "base_path": "/m"}, "must have a name"),
        ({"name": "toy", "base_path": "m"}, "must have an absolute base_path"),
        ({"name": "other", "base_path": "/no/such"}, "no versions of model 'other'"),
    ],
)
def test_a_bad_configuration_is_refused(serve, base_path, publish, entry, message):
    publish(base_path, 1)
    toy = serve()
    same = {"name": "toy", "base_path": str(base_path)}
    assert message in refusal(toy, same, entry)[1]
    assert toy.http("GET", "/readyz")[0] == 200
    assert factor_of(toy) == (1, 1.0)
    assert "listed once" in refusal(toy, same, same)[1]
    assert "must have a model_config_list" in refusal(toy)[1]
