import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from pipeline.serving.server.access import Token
from pipeline.serving.server.model_server import ModelServer
from pipeline.serving.server.options import ServerError, ServerOptions
from pipeline.steps import serve

ENDING = (signal.SIGINT, signal.SIGTERM)
ROOT = pathlib.Path(__file__).parents[3]

# Writes its arguments down in place of serving.
FAKE_SERVER = """#!/bin/sh
printf '%s\\n' "$@" > "$FAKE_SERVER_ARGUMENTS"
"""

SERVE = """
import pathlib, sys
from pipeline.steps import serve
from pipeline.serving.server.options import ServerOptions
options = ServerOptions(grpc_port={grpc_port}, rest_port={rest_port}, poll_s=0.05)
sys.exit(serve.resolve(
    model={model!r} and pathlib.Path({model!r}),
    models_config={models_config!r} and pathlib.Path({models_config!r}),
    server={server!r},
    options=options,
)())
"""


@pytest.fixture
def fake_server(tmp_path, monkeypatch):
    """Puts a fake on the PATH; returns the file of the arguments it was given."""
    folder, arguments = tmp_path / "bin", tmp_path / "arguments"
    folder.mkdir()
    executable = folder / "tensorflow_model_server"
    executable.write_text(FAKE_SERVER)
    executable.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SERVER_ARGUMENTS", str(arguments))
    return arguments


@pytest.fixture
def models(tmp_path):
    """A folder with two versions that nobody loads."""
    for version in ("3", "20"):
        (tmp_path / "cmml" / version).mkdir(parents=True)
        (tmp_path / "cmml" / version / "saved_model.pb").touch()
    return tmp_path / "cmml"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A version that can be loaded."""
    directory = tmp_path_factory.mktemp("exported") / "1"
    module = tf.Module()
    spec = tf.TensorSpec([None], tf.float32, name="x")
    module.double = tf.function(lambda x: {"double": 2 * x}, input_signature=[spec])
    signatures = {"serving_default": module.double}
    tf.saved_model.save(module, str(directory), signatures=signatures)
    return directory


def start(*, model=None, models_config=None, server="auto", ports=(0, 0)):
    code = SERVE.format(
        model=model and str(model),
        models_config=models_config and str(models_config),
        server=server,
        grpc_port=ports[0],
        rest_port=ports[1],
    )
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def flags_in(path):
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def test_the_stock_server_takes_over_where_it_is_installed(fake_server, models):
    process = start(model=models / "3", ports=(9000, 9001))
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert stdout == "serve: gRPC 127.0.0.1:9000, REST http://127.0.0.1:9001\n"
    assert "listens on every interface whatever --host is" in stderr
    flags = flags_in(fake_server)
    assert flags["--port"] == "9000"
    assert flags["--rest_api_port"] == "9001"
    assert flags["--rest_api_timeout_in_ms"] == "10000"
    assert flags["--file_system_poll_wait_seconds"] == "1"
    assert flags["--model_config_file_poll_wait_seconds"] == "1"
    assert flags["--enable_model_warmup"] == "true"
    assert flags["--allow_version_labels_for_unavailable_models"] == "true"
    config = text_format.Parse(
        pathlib.Path(flags["--model_config_file"]).read_text(), ModelServerConfig()
    )
    (entry,) = config.model_config_list.config
    assert (entry.name, entry.base_path) == ("cmml", str(models))
    assert entry.model_version_policy.specific.versions[:] == [3]
    monitoring = pathlib.Path(flags["--monitoring_config_file"]).read_text()
    assert 'path: "/monitoring/prometheus/metrics"' in monitoring


def test_the_stock_server_is_given_the_models_config_itself(fake_server, tmp_path):
    path = tmp_path / "models.config"
    path.write_text("model_config_list {}")
    start(models_config=path, ports=(9000, 9001)).communicate(timeout=60)
    assert flags_in(fake_server)["--model_config_file"] == str(path)


@pytest.fixture
def serve_meanwhile(capfd):
    """Serves in this process while a function asks, and then ends it by a signal.

    Returns the exit status and what was printed.
    """
    before = [signal.getsignal(number) for number in ENDING]

    def run(ask, *, end=signal.SIGTERM, **source):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        options = ServerOptions(grpc_port=0, rest_port=port, poll_s=0.02)
        given = {"model": None, "models_config": None, "server": "embedded"}
        step = serve.resolve(**given | source, options=options)
        url = f"http://127.0.0.1:{port}"
        failures = []

        def ask_and_end():
            try:
                wait_until(lambda: get(f"{url}/readyz") == b"ready\n")
                ask(url)
            except BaseException as error:
                failures.append(error)
            os.kill(os.getpid(), end)

        thread = threading.Thread(target=ask_and_end)
        thread.start()
        status = step()
        thread.join()
        assert [signal.getsignal(number) for number in ENDING] == before
        assert failures == []
        return status, capfd.readouterr(), url

    return run


def get(url):
    """What is there; None as long as nothing is."""
    try:
        with urllib.request.urlopen(url) as response:
            return response.read()
    except urllib.error.URLError:
        return None


def wait_until(condition):
    give_up = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up, "it has not come to hold"
        time.sleep(0.01)


@pytest.mark.parametrize("end", ENDING)
def test_the_embedded_server_serves_until_it_is_told_to_stop(
    exported, serve_meanwhile, end
):
    answers = []
    status, printed, url = serve_meanwhile(
        lambda url: answers.append(get(f"{url}/v1/models/toy")),
        model=exported.parent,
        model_name="toy",
        end=end,
    )
    assert status == 0
    assert b"AVAILABLE" in answers[0]
    (line,) = printed.out.splitlines()
    assert line.startswith("serve: gRPC 127.0.0.1:")
    assert line.endswith(f", REST {url}, page {url}/")
    assert "answering what is in flight" in printed.err
    assert get(f"{url}/healthz") is None


@pytest.fixture
def write_config(exported, tmp_path):
    """Writes `models.config` with models of some names, in one step."""
    path = tmp_path / "models.config"

    def write(*names):
        entries = "".join(
            f'config {{ name: "{name}" base_path: "{exported.parent}" '
            f'model_platform: "tensorflow" version_labels {{ key: "new" value: 1 }} }}'
            for name in names
        )
        temporary = path.with_suffix(".tmp")
        temporary.write_text(f"model_config_list {{ {entries} }}")
        temporary.rename(path)
        return path

    return write


def test_the_embedded_server_takes_over_a_changed_models_config(
    write_config, serve_meanwhile, monkeypatch
):
    said = []
    monkeypatch.setattr(serve, "say", said.append)

    def change(url):
        write_config("first", "second")
        wait_until(lambda: get(f"{url}/v1/models/second/labels/new"))
        path.write_text("no config")
        wait_until(lambda: any("the models stay as they are" in line for line in said))
        assert get(f"{url}/v1/models/second/labels/new")

    path = write_config("first")
    status, _, _ = serve_meanwhile(change, models_config=path)
    assert status == 0
    assert f"serve: took over {path}" in said


def test_a_models_config_that_changes_during_the_start_is_taken_over(
    write_config, serve_meanwhile, monkeypatch
):
    start = ModelServer.__enter__

    def change_and_start(server):
        write_config("first", "second")
        return start(server)

    monkeypatch.setattr(ModelServer, "__enter__", change_and_start)
    status, _, _ = serve_meanwhile(
        lambda url: wait_until(lambda: get(f"{url}/v1/models/second")),
        models_config=write_config("first"),
    )
    assert status == 0


def test_a_model_is_a_version_or_holds_versions(models):
    version = serve.directory_of(models / "3", None)
    assert (version.name, version.base_path) == ("cmml", models)
    assert version.versions == (3,)
    newest = serve.directory_of(models, "other")
    assert (newest.name, newest.base_path) == ("other", models)
    assert list(newest.select(newest.find())) == [20]


def test_what_cannot_be_served_is_refused(models, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")

    def check(**arguments):
        given = {"model": None, "models_config": None, "options": ServerOptions()}
        return serve.resolve(**given | arguments)

    with pytest.raises(ServerError, match=r"must hold an exported model, got '.*/no'"):
        check(model=tmp_path / "no")
    with pytest.raises(ServerError, match="--models_config must be a file"):
        check(models_config=tmp_path)
    with pytest.raises(ServerError, match="must be on the PATH"):
        check(model=models, server="tensorflow_model_server")
    (models / "3").rename(tmp_path / "newest")
    with pytest.raises(ServerError, match="a directory named by a number"):
        check(model=tmp_path / "newest")


def test_the_stock_server_needs_its_ports(fake_server, models):
    with pytest.raises(ServerError, match=r"^port must be set"):
        serve.resolve(
            model=models, models_config=None, options=ServerOptions(grpc_port=0)
        )


@pytest.mark.parametrize(
    "limit",
    [
        {"queue_size": 1},
        {"max_batch_size": 1},
        {"batch_timeout_s": 0.5},
        {"num_workers": 77},
    ],
)
def test_limits_that_the_stock_server_has_not_are_refused(fake_server, models, limit):
    ((name, value),) = limit.items()
    given = {"model": models, "models_config": None, "options": ServerOptions(**limit)}
    message = f"{name} must be .* got {value}: take --server embedded"
    with pytest.raises(ServerError, match=message):
        serve.resolve(**given)
    serve.resolve(**given, server="embedded")


@pytest.mark.parametrize(
    ("options", "warnings"),
    [
        ({"host": "127.0.0.1"}, []),
        ({"token": Token("x" * 16)}, ["as plain text"]),
        ({"allow_unauthenticated": True}, ["without a token"]),
        (
            {"allow_unauthenticated": True, "allow_reload": True},
            ["without a token", "HandleReloadConfigRequest"],
        ),
    ],
)
def test_what_the_network_can_do_is_warned_of(
    models, capsys, monkeypatch, options, warnings
):
    monkeypatch.setenv("PATH", "")
    given = ServerOptions(**{"host": "0.0.0.0"} | options)
    serve.resolve(model=models, models_config=None, options=given)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(warnings)
    assert all(part in line for part, line in zip(warnings, said, strict=True))


def test_a_server_of_the_network_needs_a_token_or_a_word(models, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        ServerError, match=r"0\.0\.0\.0 opens .*--allow_unauthenticated"
    ):
        serve.resolve(
            model=models, models_config=None, options=ServerOptions(host="0.0.0.0")
        )


def test_the_stock_server_takes_no_token(fake_server, models):
    options = ServerOptions(token=Token("x" * 16))
    with pytest.raises(ServerError, match="--token_file and --tls_key must not"):
        serve.resolve(model=models, models_config=None, options=options)
