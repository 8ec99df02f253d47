"""One exported model in every runtime: parity, size, speed, cold start and memory.

Requests are made up of the ids of the export: supports of 0 to 64 pairs, one id in
twenty unknown. All runtimes answer the same requests in turn, on one thread.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib import metadata
from typing import Any

os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # As `cmml serve` has it: faster for one.

from benchmarks.measured_runtimes import RUNTIMES
from benchmarks.runtime_examples import replayed_by_examples
from benchmarks.runtime_requests import (
    MOST_SUPPORT,
    NUM_QUERY,
    TIMED_SUPPORT,
    Requests,
    recorded,
)
from models.serving.task_request import RecordedRequest
from pipeline.experiment.version_dir import newest_version, read_manifest
from pipeline.export.parity import MismatchError, largest_difference
from pipeline.settings.runtime import Runtime

_BLOCK = 50  # Requests that one runtime answers before the next one.

# What a fresh process does until it has answered once.
_COLD = """
import json, sys
from pipeline.export.loaded_version import load_version
model = load_version(sys.argv[1])
model.answer(json.loads(sys.argv[2]), 10)
with open("/proc/self/status") as status:  # Of Linux; a process has that of its own.
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""

_PAGE = """\
# Runtimes

The same exported models in every format of
[`cmml export --format`](../how-to/other-runtimes.md), by `make bench-runtimes`: all in
one run on one machine, one thread, requests of ids in process.

- Parity: the largest difference of a score to TensorFlow's over {num_requests:,}
  requests with 0 to {most_support} support pairs, unknown ids among them, as a share of
  the largest label or score; and how many requests `recommend` answers with the same
  items in the same order, but for ties.
- MB: graphs and weights, in a SavedModel ids too.
- Adapt and score: {num_support} support pairs and {num_query} items; recommend: the
  same support pairs and the whole catalogue. Medians of processor time, which other
  work on the machine moves less, over blocks of {block} requests that the runtimes
  answer in turn.
- Cold start: from the start of a process until it has answered once, median of
  {num_starts}; memory: the largest of that process. It opens the exact file.
- MLflow: in process, from a data frame to a data frame; TensorFlow runs the model.
- In other languages, below: [in a browser](../../examples/browser/README.md), here in
  node, and [on the JVM](../../examples/java/README.md). They are asked the same
  requests by rows, so that no time goes to looking ids up, and stop at an answer that
  is another one.

Starts move with what else the machine does: compare within a table. When this run
began, {load:.1f} other processes kept its {cores} cores busy.

{tables}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", action="append", type=pathlib.Path, required=True)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--timed", type=int, default=300)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--page", type=pathlib.Path, help="write the page here too")
    arguments = parser.parse_args()
    load, *_ = os.getloadavg()  # Over a minute.
    tables = [_measured(newest_version(path), arguments) for path in arguments.version]
    page = _PAGE.format(
        tables="\n".join(tables),
        num_requests=arguments.requests,
        most_support=MOST_SUPPORT,
        num_support=TIMED_SUPPORT,
        num_query=NUM_QUERY,
        num_starts=arguments.starts,
        block=_BLOCK,
        load=load,
        cores=os.cpu_count(),
    )
    print(page)
    if arguments.page is not None:
        arguments.page.write_text(page, encoding="utf-8")


def _measured(version: pathlib.Path, arguments: argparse.Namespace) -> str:
    """Returns the tables of one exported model."""
    manifest = read_manifest(version)
    there = [one for one in RUNTIMES if one.folder(version).is_dir()]
    opened = {one.name: one.open(one.folder(version)) for one in there}
    requests = Requests(version, manifest)
    first = opened["TensorFlow"]
    compared = list(recorded(first, requests, arguments.requests))
    parity = _parity(opened, compared, manifest["label_max"])
    speed = _speed(opened, requests, arguments.timed)
    title, lines = version.parents[3].name, []
    for one in there:
        folder = one.folder(version)
        line = {
            "runtime": one.name,
            "version": metadata.version(one.package),
            "signatures": len(read_manifest(folder)["signatures"]),
            **parity[one.name],
            "MB": one.size_mb(version),
            **speed[one.name],
            **_cold(folder, requests.plain(), arguments.starts if one.starts else 0),
        }
        lines.append(line)
        print(json.dumps({"model": title, **line}), flush=True)
    page = f"## {title}\n\n{_table(lines)}\n"
    onnx = next((one for one in there if one.suffix == ".onnx"), None)
    if onnx is not None:
        timed = list(recorded(first, requests, arguments.timed, TIMED_SUPPORT))
        folder = onnx.folder(version)
        examples = list(replayed_by_examples(folder, compared, timed))
        page += f"\n{_table(examples)}\n" if examples else ""
    return page


def _parity(
    opened: Mapping[str, Runtime], compared: list[RecordedRequest], label_max: float
) -> dict[str, dict[str, Any]]:
    """Compares the answers of all with those that are expected."""
    number = sum(one.signature == "recommend" for one in compared)
    parity = {}
    for name, runtime in opened.items():
        largest, same = 0.0, 0
        for request in compared:
            answer = runtime.ask(request.signature, request.inputs)
            try:
                gap = largest_difference(request.outputs, answer, label_max)
            except MismatchError:  # Of items: scores of others tell nothing.
                continue
            same += request.signature == "recommend"
            largest = max(largest, gap)
        parity[name] = {
            "parity": f"{largest:.1e}",
            "same top items": f"{same} of {number}",
        }
    return parity


def _speed(
    opened: Mapping[str, Runtime], requests: Requests, number: int
) -> dict[str, dict[str, float]]:
    """Times requests of 40 pairs, by blocks that all runtimes answer in turn.

    In a block a runtime finds its code in the caches, as in a service of its own.
    """
    named = {"rank": "adapt and score, ms", "recommend": "recommend, ms"}
    times: dict[str, dict[str, list[float]]] = {
        name: {title: [] for title in named.values()} for name in opened
    }
    for start in range(0, number, _BLOCK):
        for signature, title in named.items():
            block = [
                requests.inputs(signature, seed, TIMED_SUPPORT)
                for seed in range(start, start + _BLOCK)
            ]
            for name, runtime in opened.items():
                for place, inputs in enumerate(block):
                    started = time.process_time()
                    runtime.ask(signature, inputs)
                    if place >= _BLOCK // 10:  # The first ones fill the caches.
                        times[name][title].append(time.process_time() - started)
    return {
        name: {
            title: 1e3 * statistics.median(seconds)
            for title, seconds in by_title.items()
        }
        for name, by_title in times.items()
    }


def _cold(
    folder: pathlib.Path, request: Mapping[str, Any], number: int
) -> dict[str, Any]:
    """Starts processes; returns seconds until one has answered, and its memory."""
    command = [sys.executable, "-c", _COLD, str(folder), json.dumps(request)]
    seconds, memory = [], []
    for _ in range(number):
        started = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds.append(time.perf_counter() - started)
        memory.append(float(done.stdout.split()[-1]) / 1e3)  # Linux: in kB.
    return {
        "cold start, s": statistics.median(seconds) if number else "",
        "memory, MB": statistics.median(memory) if number else "",
    }


def _table(lines: list[dict[str, Any]]) -> str:
    head = " | ".join(lines[0])
    rows = [
        " | ".join(
            f"{value:.3g}" if isinstance(value, float) else str(value)
            for value in line.values()
        )
        for line in lines
    ]
    rule = " | ".join("---" for _ in lines[0])
    return "\n".join(f"| {line} |" for line in (head, rule, *rows))


if __name__ == "__main__":
    main()
