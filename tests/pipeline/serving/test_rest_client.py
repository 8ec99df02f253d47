"""What is REST's own: connections, status codes, and a file that stands alone."""

import ast
import http.server
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from json_replies import JsonReplies

from pipeline.serving import rest_client
from pipeline.serving.rest_client import RestClient, ServingError, Signature, TensorSpec

SOURCE = pathlib.Path(rest_client.__file__)
RANK = {"rank": Signature({}, {"score": TensorSpec("float32", (None, None))})}


class CannedHandler(JsonReplies, http.server.BaseHTTPRequestHandler):
    """Answers with what the test has put down, and keeps what came."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.client_address, body))
        if self.server.hold is not None:
            self.server.hold.wait(5)
        status, answer = self.server.answer
        self.reply_with(status, answer)
        self.close_connection = self.server.closes


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), CannedHandler)
    server.daemon_threads = True
    server.received, server.hold, server.closes = [], None, False
    server.answer = 200, b'{"outputs": [[1.5]]}'
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(server, monkeypatch):
    address = f"127.0.0.1:{server.server_port}"
    with RestClient(address, "cmml", timeout_s=2.0) as client:
        monkeypatch.setattr(client, "signatures", lambda: RANK)
        yield client


def test_it_takes_the_standard_library_alone():
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_a_copy_of_the_one_file_works_without_anything_else(tmp_path):
    shutil.copy(SOURCE, tmp_path / "recommendations.py")
    code = (
        "import sys; sys.path.insert(0, '.'); import recommendations as r\n"
        "client = r.RestClient('127.0.0.1:1', 'cmml', timeout_s=0.05)\n"
        "try: client.rank(r.Task([('31', 4.0)]), ['1'])\n"
        "except r.ServingError as error: print(error.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("UNAVAILABLE\n", "")


def test_a_body_holds_signature_and_columns(client, server):
    assert client.predict("rank", {"query_item_id": [["ü1"]]}) == {"score": [[1.5]]}
    ((path, _, body),) = server.received
    assert path == "/v1/models/cmml:predict"
    wanted = {"signature_name": "rank", "inputs": {"query_item_id": [["ü1"]]}}
    assert json.loads(body) == wanted


def test_arrays_may_be_sent(client, server):
    client.predict("rank", {"a": np.array([[1.5]]), "b": np.array([[b"x"]], object)})
    assert json.loads(server.received[0][2])["inputs"] == {"a": [[1.5]], "b": [["x"]]}


def test_a_connection_is_kept_and_sends_at_once(client, server):
    client.predict("rank", {})
    client.predict("rank", {})
    (_, first, _), (_, second, _) = server.received
    assert first == second
    (connection,) = client._idle
    assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_threads_after_each_other_share_a_connection(client, server):
    for _ in range(3):
        thread = threading.Thread(target=client.predict, args=("rank", {}))
        thread.start()
        thread.join()
    assert len({address for _, address, _ in server.received}) == 1
    assert len(client._idle) == 1


def test_calls_at_once_have_a_connection_each(client, server):
    server.hold = threading.Event()
    threads = [
        threading.Thread(target=client.predict, args=("rank", {})) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    while len(server.received) < 2:
        time.sleep(0.001)
    server.hold.set()
    for thread in threads:
        thread.join()
    (_, first, _), (_, second, _) = server.received
    assert first != second
    assert len(client._idle) == 2


def test_a_connection_that_the_server_closed_is_opened_again(client, server):
    server.closes = True
    for _ in range(3):
        assert client.predict("rank", {}) == {"score": [[1.5]]}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (409, "ABORTED"),
        (412, "FAILED_PRECONDITION"),
        (413, "RESOURCE_EXHAUSTED"),
        (429, "RESOURCE_EXHAUSTED"),
        (499, "CANCELLED"),
        (500, "INTERNAL"),
        (501, "UNIMPLEMENTED"),
        (504, "DEADLINE_EXCEEDED"),
        (418, "UNKNOWN"),
    ],
)
def test_a_status_becomes_a_code(client, server, status, code):
    server.answer = status, b'{"error": "so it is"}'
    with pytest.raises(ServingError, match=f"^{code}: so it is$") as caught:
        client.predict("rank", {})
    assert (caught.value.code, caught.value.message) == (code, "so it is")


@pytest.mark.parametrize("answer", [b"", b"[1]", b"<html>"])
def test_an_answer_that_is_no_json_object_is_an_error(client, server, answer):
    server.answer = 200, answer
    with pytest.raises(ServingError, match="UNKNOWN: an answer without a JSON object"):
        client.predict("rank", {})


def test_an_answer_that_takes_too_long_is_given_up(client, server):
    server.hold = threading.Event()
    client.timeout_s = 0.05
    with pytest.raises(ServingError, match=r"DEADLINE_EXCEEDED: no answer from 127"):
        client.predict("rank", {})
    server.hold.set()
    client.timeout_s = 2.0
    assert client.predict("rank", {}) == {"score": [[1.5]]}


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("models:8501", "/v1/models/a%2Fb"),
        ("https://models.example/serving/", "/serving/v1/models/a%2Fb"),
    ],
)
def test_an_address_may_have_scheme_and_path(address, path):
    assert RestClient(address, "a/b").path == path


@pytest.mark.parametrize("address", ["grpc://models:8500", "http://"])
def test_other_addresses_are_refused(address):
    with pytest.raises(ValueError, match=rf"'http://host:port', got '{address}'"):
        RestClient(address, "cmml")
