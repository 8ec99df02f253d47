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
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from typing import Any

os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # As `cmml serve` has it: faster for one.

import numpy as np

from benchmarks.runtime_examples import replayed_by_examples
from models.serving.recorded_request import RecordedRequest
from pipeline.experiment.version_dir import newest_version, read_manifest, size_bytes
from pipeline.export.formats.litert import EXACT, QUANTIZED, LiteRTRuntime
from pipeline.export.formats.onnx import OnnxRuntime
from pipeline.export.parity import MismatchError, largest_difference
from pipeline.settings.runtime import Runtime, Tensors

_UNKNOWN_SHARE = 0.05
_MOST_SUPPORT, _NUM_QUERY, _NUM_EXCLUDED = 64, 10, 2
_TIMED_SUPPORT = 40
_COMPARED = ("score", "item_id", "fallback_reason")

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
  requests with 0 to 64 support pairs, unknown ids among them, as a share of the largest
  label or score; and how many requests `recommend` answers with the same items in the
  same order, but for ties.
- Adapt and score: {num_support} support pairs and {num_query} items; recommend: the
  same support pairs and the whole catalogue. Medians of processor time, which other
  work on the machine moves less.
- Cold start: from the start of a process until it has answered once, median of
  {num_starts}; memory: the largest of that process.
- In other languages, below: [in a browser](../../examples/browser/README.md), here in
  node, and [on the JVM](../../examples/java/README.md). They are asked the same
  requests by rows, so that no time goes to looking ids up, and stop at an answer that
  is another one.

Starts move with what else the machine does: compare within a table.

{tables}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", action="append", type=pathlib.Path, required=True)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--timed", type=int, default=300)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--page", type=pathlib.Path, help="write the page here too")
    arguments = parser.parse_args()
    tables = [_measured(newest_version(path), arguments) for path in arguments.version]
    page = _PAGE.format(
        tables="\n".join(tables),
        num_requests=arguments.requests,
        num_support=_TIMED_SUPPORT,
        num_query=_NUM_QUERY,
        num_starts=arguments.starts,
    )
    print(page)
    if arguments.page is not None:
        arguments.page.write_text(page, encoding="utf-8")


def _measured(version: pathlib.Path, arguments: argparse.Namespace) -> str:
    """Returns the table of one exported model."""
    manifest = read_manifest(version)
    rows = list(_runtimes(version))
    opened = {name: row["open"]() for name, row in rows}
    requests = Requests(version, manifest)
    first = opened[rows[0][0]]
    compared = list(_recorded(first, requests, arguments.requests))
    parity = _parity(opened, compared, manifest["label_max"])
    speed = _speed(opened, requests, arguments.timed)
    title, lines = version.parents[3].name, []
    for name, row in rows:
        start_s, memory_mb = _cold(row["folder"], requests.plain(), arguments.starts)
        lines.append(
            {
                "runtime": name,
                "version": metadata.version(row["package"]),
                "signatures": len(row["signatures"]),
                **parity[name],
                "MB": row["size"] / 1e6,
                **speed[name],
                "cold start, s": start_s,
                "memory, MB": memory_mb,
            }
        )
        print(json.dumps({"model": title, **lines[-1]}), flush=True)
    page = f"## {title}\n\n{_table(lines)}\n"
    onnx = version.parent.with_name(f"{version.parent.name}.onnx") / version.name
    if onnx.is_dir():
        timed = list(_recorded(first, requests, arguments.timed, _TIMED_SUPPORT))
        examples = list(replayed_by_examples(onnx, compared, timed))
        page += f"\n{_table(examples)}\n" if examples else ""
    return page


def _runtimes(version: pathlib.Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields what there is of a version: how it is opened, and how large it is."""
    from pipeline.export.formats.tensorflow_runtime import TensorFlowRuntime

    def facts(folder: pathlib.Path, package: str, size: int, **more: Any) -> Any:
        signatures = read_manifest(folder)["signatures"]
        named = {"folder": folder, "package": package, "size": size}
        return named | {"signatures": signatures} | more

    graph = [version / name for name in ("saved_model.pb", "variables", "assets")]
    size = sum(p.stat().st_size if p.is_file() else size_bytes(p) for p in graph)
    open_it: Callable[[], Runtime] = lambda: TensorFlowRuntime(version)  # noqa: E731
    yield "TensorFlow", facts(version, "tensorflow", size, open=open_it)
    base = version.parent
    onnx = base.with_name(f"{base.name}.onnx") / version.name
    if onnx.is_dir():
        size = sum(path.stat().st_size for path in onnx.glob("*.onnx"))
        yield (
            "ONNX Runtime",
            facts(onnx, "onnxruntime", size, open=lambda: OnnxRuntime(onnx)),
        )
    litert = base.with_name(f"{base.name}.litert") / version.name
    for name, file in (("LiteRT", EXACT), ("LiteRT, float16", QUANTIZED)):
        if litert.is_dir():
            size = (litert / file).stat().st_size
            opened = lambda file=file: LiteRTRuntime(litert, file=file)  # noqa: E731
            yield name, facts(litert, "ai-edge-litert", size, open=opened)


class Requests:
    """Requests of the ids that an export knows, and of some that it does not.

    Args:
        version: The SavedModel.
        manifest: What it says of itself.
    """

    def __init__(self, version: pathlib.Path, manifest: Mapping[str, Any]) -> None:
        self._assets = version / "assets"
        self._inputs = manifest["signatures"]
        self._labels = manifest["label_min"], manifest["label_max"]
        self._values: dict[str, np.ndarray] = {}

    def inputs(self, signature: str, seed: int, size: int | None = None) -> Tensors:
        """Returns a request of one task with so many support pairs, or any number."""
        rng = np.random.default_rng(seed)
        if size is None:
            size = int(rng.integers(0, _MOST_SUPPORT + 1))
        widths = {"support": size, "query": _NUM_QUERY, "exclude": _NUM_EXCLUDED}
        values: dict[str, np.ndarray] = {}
        for name, spec in self._inputs[signature]["inputs"].items():
            part, _, what = name.partition("_")
            many = len(spec["shape"]) > 1
            shape = [1, widths.get(part, 0 if part == "candidate" else 2)][: 1 + many]
            if name == "support_label":
                low, high = self._labels
                values[name] = rng.integers(int(low), int(high) + 1, shape)
                values[name] = values[name].astype(np.float32)
            elif spec["dtype"] == "float32":
                values[name] = rng.uniform(0, 80, shape).astype(np.float32)
            else:
                values[name] = self._drawn(what, rng, shape)
        return values

    def plain(self) -> dict[str, Any]:
        """Returns a request as `ExportedModel.answer` takes it."""
        drawn = self.inputs("rank", 0, _TIMED_SUPPORT)
        roles = [n for n in ("user", "item") if f"support_{n}_id" in drawn]
        columns = {f"{n}_id": drawn[f"support_{n}_id"][0] for n in roles}
        columns["label"] = drawn["support_label"][0].tolist()
        rows = zip(*columns.values(), strict=True)
        support = [dict(zip(columns, row, strict=True)) for row in rows]
        query = [one.decode() for one in drawn["query_item_id"][0]]
        plain: dict[str, Any] = {"query": query, "support": support}
        for pair in support:
            pair |= {k: v.decode() for k, v in pair.items() if isinstance(v, bytes)}
        return plain | ({"user_id": "somebody"} if "user" in roles else {})

    def _drawn(self, table: str, rng: np.random.Generator, shape: list[int]) -> Any:
        if table not in self._values:
            text = (self._assets / f"{table}.txt").read_bytes()
            self._values[table] = np.array(text.split(b"\n")[:-1], object)
        drawn = rng.choice(self._values[table], shape)
        return np.where(rng.random(shape) < _UNKNOWN_SHARE, b"no such value", drawn)


def _recorded(
    runtime: Runtime, requests: Requests, number: int, size: int | None = None
) -> Iterator[RecordedRequest]:
    """Yields requests to `rank` and `recommend` by turns, with what is compared."""
    for seed in range(number):
        for signature in ("rank", "recommend"):
            inputs = requests.inputs(signature, seed, size)
            answer = runtime.ask(signature, inputs)
            outputs = {name: answer[name] for name in _COMPARED if name in answer}
            yield RecordedRequest(signature, inputs, outputs)


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
    """Times requests of 40 pairs, all runtimes in turn."""
    named = {"rank": "adapt and score, ms", "recommend": "recommend, ms"}
    times: dict[str, dict[str, list[float]]] = {
        name: {title: [] for title in named.values()} for name in opened
    }
    for seed in range(number):
        for signature, title in named.items():
            inputs = requests.inputs(signature, seed, _TIMED_SUPPORT)
            for name, runtime in opened.items():
                started = time.process_time()
                runtime.ask(signature, inputs)
                times[name][title].append(time.process_time() - started)
    warm = number // 10
    return {
        name: {
            title: 1e3 * statistics.median(seconds[warm:])
            for title, seconds in by_title.items()
        }
        for name, by_title in times.items()
    }


def _cold(
    folder: pathlib.Path, request: Mapping[str, Any], number: int
) -> tuple[float, float]:
    """Returns seconds until a fresh process has answered, and its memory in MB."""
    command = [sys.executable, "-c", _COLD, str(folder), json.dumps(request)]
    seconds, memory = [], []
    for _ in range(number):
        started = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds.append(time.perf_counter() - started)
        memory.append(float(done.stdout.split()[-1]) / 1e3)  # Linux: in kB.
    return statistics.median(seconds), statistics.median(memory)


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
