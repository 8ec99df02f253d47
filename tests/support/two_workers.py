"""Runs one command as the two workers of a cluster on this machine.

The workers are forks of this process, so that TensorFlow and Beam are imported once.
Ends with the exit statuses of both, as JSON.
"""

import contextlib
import json
import os
import socket
import sys

import pipeline.steps.prepare
import pipeline.steps.train  # noqa: F401, so that no fork imports them.
from pipeline.cli import main

NUM_WORKERS = 2


def free_addresses():
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(NUM_WORKERS)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]


def start(index, addresses):
    if child := os.fork():
        return child
    config = {
        "cluster": {"worker": addresses},
        "task": {"type": "worker", "index": index},
    }
    os.environ["TF_CONFIG"] = json.dumps(config)
    status = 1  # Of a bug.
    try:
        status = main(sys.argv[1:])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    addresses = free_addresses()
    children = [start(index, addresses) for index in range(NUM_WORKERS)]
    statuses = [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in children]
    print(json.dumps(statuses))
