#!/usr/bin/env bash
# apache-beam 2.77.0: the worker pool that BeamFnExternalWorkerPoolServicer.start() starts.
#
# It returns an address and a server. Who keeps the address alone, all that is needed to
# write `--environment_config`, has a pool that stops listening as soon as the server is
# garbage collected: connections are refused, and nothing is logged by the pool. The
# server must be kept for as long as the pool is to live.
#
#   address and server kept: listens
#   address kept: refuses
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet apache-beam==2.77.0
cat > "$folder/pool.py" <<'PYTHON'
import gc
import socket
import time

from apache_beam.runners.worker.worker_pool_main import (
    BeamFnExternalWorkerPoolServicer,
)


def answer(address, seconds=10):
    """Connects until it is refused, for some seconds."""
    host, port = address.split(":")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return "refuses"
        time.sleep(0.2)
    return "listens"


address, server = BeamFnExternalWorkerPoolServicer.start(use_process=True)
print("address and server kept:", answer(address))
alone = BeamFnExternalWorkerPoolServicer.start(use_process=True)[0]
gc.collect()
print("address kept:", answer(alone))
server.stop(0)
PYTHON
"$folder/venv/bin/python" "$folder/pool.py" 2> "$folder/errors" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
address and server kept: listens
address kept: refuses
EXPECTED
