import socket
import threading
import time
from concurrent import futures

import grpc
import pytest

from transforms.schema import DataError
from tuning import chief
from tuning.chief import wait_for_chief


@pytest.fixture
def address():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"127.0.0.1:{port}"


def test_a_chief_that_comes_after_the_worker_is_found(address, monkeypatch):
    monkeypatch.setattr(chief, "_TRY_S", 0.2)
    server = grpc.server(futures.ThreadPoolExecutor(1))

    def come():
        time.sleep(0.5)  # By then a connection has been refused.
        server.add_insecure_port(address)
        server.start()

    late = threading.Thread(target=come)
    late.start()
    wait_for_chief(address, patience_s=20.0)
    late.join()
    server.stop(grace=None)


def test_a_chief_that_does_not_come_is_named(address):
    with pytest.raises(DataError, match=f"no chief listens at {address}, for 1 s"):
        wait_for_chief(address, patience_s=0.6)
