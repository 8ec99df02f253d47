"""A training by one process and by several workers of this machine, held together."""

import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

from models.resumable_training import METRICS_FILE
from pipeline.training.strategy import MULTI_WORKER

_CMML = [sys.executable, "-c", "from pipeline.cli import entry_point; entry_point()"]
_KILLED, _LOST = -9, 5
_TIMES = ("epoch_s", "tasks_per_s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--kill_after",
        type=int,
        default=0,
        metavar="EPOCHS",
        help="kill the last worker then, and start all again",
    )
    arguments = parser.parse_args()
    sets = [part for change in arguments.set for part in ("--set", change)]
    command = [*_CMML, "train", "--config", arguments.config, *sets]
    with tempfile.TemporaryDirectory() as name:
        alone, together = pathlib.Path(name, "alone"), pathlib.Path(name, "together")
        subprocess.run([*command, "--set", f"runs_dir={alone}"], check=True)
        command += ["--set", f"runs_dir={together}", "--strategy", MULTI_WORKER]
        statuses = train_together(command, arguments, together)
        one, other = lines_of(alone), lines_of(together)
    for epoch, (line, by_workers) in enumerate(zip(one, other, strict=True), 1):
        differences = {
            key: round(abs(value - by_workers[key]), 6)
            for key, value in line.items()
            if key not in _TIMES
        }
        speeds = [line["tasks_per_s"], by_workers["tasks_per_s"]]
        figures = {"epoch": epoch, "tasks_per_s": speeds, "differences": differences}
        print(json.dumps(figures))
    print(json.dumps({"statuses": statuses}))


def train_together(
    command: list[str], arguments: argparse.Namespace, runs_dir: pathlib.Path
) -> list[list[int]]:
    """Runs all workers until none is lost, and returns their exit statuses by start."""
    statuses, kill_after = [], arguments.kill_after
    while not statuses or {_KILLED, _LOST} & set(statuses[-1]):
        workers = started(command, arguments.workers)
        if kill_after:
            while len(lines_of(runs_dir)) < kill_after and workers[-1].poll() is None:
                time.sleep(0.1)
            workers[-1].kill()
            kill_after = 0
        statuses.append([worker.wait() for worker in workers])
    return statuses


def started(command: list[str], num_workers: int) -> list[subprocess.Popen[bytes]]:
    """Starts the workers of a cluster on free ports of this machine."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(num_workers)]
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    workers = []
    for index in range(num_workers):
        task = {"type": "worker", "index": index}
        config = {"cluster": {"worker": addresses}, "task": task}
        env = os.environ | {"TF_CONFIG": json.dumps(config)}
        workers.append(subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL))
    return workers


def lines_of(runs_dir: pathlib.Path) -> list[dict[str, float]]:
    """Returns the metrics of each epoch so far."""
    lines = [path.read_text() for path in runs_dir.glob(f"*/*/{METRICS_FILE}")]
    return [json.loads(line) for line in "".join(lines).splitlines()]


if __name__ == "__main__":
    main()
