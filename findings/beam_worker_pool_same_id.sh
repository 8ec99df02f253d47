#!/usr/bin/env bash
# apache-beam 2.77.0: a worker pool (`--environment_type=EXTERNAL`) of two runners.
#
# A pool of processes is asked to start a worker twice with one id, "1-1", as two task
# managers of Flink that share a pool do, since each counts its own workers. Both are
# started without an error, and both connect. The first StopWorker ends the worker that
# was started last, whoever asked; the second one ends nothing and says nothing, and the
# worker that was started first runs on without an owner. Each task manager needs a pool
# of its own.
#
#   started 2, running: first second
#   after one stop, running: first
#   after two stops, running: first
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
export PATH="$folder/venv/bin:$PATH"  # The pool starts whatever `python` is.
pip install --quiet apache-beam==2.77.0 psutil==7.2.2
cat > "$folder/pool.py" <<'PYTHON'
import threading
import time
from concurrent import futures

import grpc
import psutil
from apache_beam.portability.api import beam_fn_api_pb2 as messages
from apache_beam.portability.api import beam_fn_api_pb2_grpc as services
from apache_beam.runners.worker.worker_pool_main import (
    BeamFnExternalWorkerPoolServicer,
)

over = threading.Event()
connections = []


class Control(services.BeamFnControlServicer):
    """A runner that has nothing to do yet."""

    def Control(self, answers, context):
        connections.append(context.peer())
        over.wait()
        return iter(())


class Logging(services.BeamFnLoggingServicer):
    def Logging(self, entries, context):
        over.wait()
        return iter(())


def wait_for(is_done, seconds=60):
    end = time.monotonic() + seconds
    while not is_done() and time.monotonic() < end:
        time.sleep(0.1)


def running():
    alive = [c for c in psutil.Process().children() if c.status() != "zombie"]
    return [name for name, child in zip(("first", "second"), children) if child in alive]


runner = grpc.server(futures.ThreadPoolExecutor(8))
port = runner.add_insecure_port("localhost:0")
services.add_BeamFnControlServicer_to_server(Control(), runner)
services.add_BeamFnLoggingServicer_to_server(Logging(), runner)
runner.start()
address, server = BeamFnExternalWorkerPoolServicer.start(use_process=True)
pool = services.BeamFnExternalWorkerPoolStub(grpc.insecure_channel(address))

children = []
for number in (1, 2):
    request = messages.StartWorkerRequest(worker_id="1-1")
    request.control_endpoint.url = f"localhost:{port}"
    request.logging_endpoint.url = f"localhost:{port}"
    assert not pool.StartWorker(request).error
    children = sorted(psutil.Process().children(), key=lambda c: (c.create_time(), c.pid))
    wait_for(lambda: len(connections) == number)
print(f"started {len(connections)}, running:", *running())
for count in ("one stop", "two stops"):
    assert not pool.StopWorker(messages.StopWorkerRequest(worker_id="1-1")).error
    wait_for(lambda: len(running()) == (1 if count == "one stop" else 0), 15)
    print(f"after {count}, running:", *running())
for child in psutil.Process().children():
    child.kill()
over.set()
runner.stop(0)
PYTHON
python "$folder/pool.py" 2> "$folder/errors" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
started 2, running: first second
after one stop, running: first
after two stops, running: first
EXPECTED
