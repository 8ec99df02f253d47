"""A server in a process of its own, with small programs in its place."""

import sys

import pytest

from pipeline.serving.bench.server_process import (
    ServerProcess,
    ServerProcessError,
    embedded_server,
    main,
)
from pipeline.serving.server import model_server

SERVES = (
    'import sys; print(\'{"grpc": "a:1", "rest": "http://a:2"}\', flush=True);'
    "sys.stdin.read()"
)


def test_it_serves_until_it_is_left():
    process = ServerProcess([sys.executable, "-c", SERVES])
    with process as server:
        assert server.addresses == {"grpc": "a:1", "rest": "http://a:2"}
        assert server.is_alive
        assert 1.0 < server.memory_mb() < 200.0
    assert not process.is_alive


def test_a_server_that_does_not_start_says_why():
    code = "import sys; sys.exit('no such model')"
    with (
        pytest.raises(ServerProcessError, match="did not start: no such model"),
        ServerProcess([sys.executable, "-c", code]),
    ):
        pass


def test_a_server_that_dies_silently_has_a_status():
    with (
        pytest.raises(ServerProcessError, match="did not start: status 3"),
        ServerProcess([sys.executable, "-c", "import sys; sys.exit(3)"]),
    ):
        pass


def test_the_embedded_server_is_a_module_of_this_python(tmp_path):
    command = embedded_server("cmml", tmp_path)._command
    module = "pipeline.serving.bench.server_process"
    assert command == [sys.executable, "-m", module, "cmml", str(tmp_path)]
    assert embedded_server("cmml", tmp_path, 7)._command == [*command, "7"]


@pytest.mark.parametrize(("arguments", "versions"), [([], None), (["7"], (7,))])
def test_the_version_named_is_served_or_else_the_newest(
    tmp_path, monkeypatch, arguments, versions
):
    served = []

    def refuse(directories, options):
        served.extend(directories)
        raise KeyboardInterrupt

    monkeypatch.setattr(model_server, "ModelServer", refuse)
    with pytest.raises(KeyboardInterrupt):
        main(["cmml", str(tmp_path), *arguments])
    assert [directory.versions for directory in served] == [versions]
