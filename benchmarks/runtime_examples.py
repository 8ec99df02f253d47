"""The examples in other languages, asked the requests of `benchmarks.runtimes`."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence

from models.serving.task_request import RecordedRequest
from pipeline.experiment.version_dir import read_manifest
from pipeline.export.formats.request_rows import RequestRows
from pipeline.export.formats.row_files import write_row_records

_EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
_BROWSER, _JAVA = _EXAMPLES / "browser", _EXAMPLES / "java"
_SAID = re.compile(
    r"\S+ (\S+): (\d+) requests of .*; largest difference (\S+); "
    r"median ms: rank (\S+), recommend (\S+)"
)


def replayed_by_examples(
    onnx: pathlib.Path,
    compared: Sequence[RecordedRequest],
    timed: Sequence[RecordedRequest],
) -> Iterator[dict[str, str]]:
    """Yields a row for each example that can run here.

    Args:
        onnx: A version in ONNX.
        compared: Requests of ids with the answers of TensorFlow, for parity.
        timed: The same for times, of `rank` and `recommend`.

    Raises:
        subprocess.CalledProcessError: If an answer is another one.
    """
    commands = {}
    if shutil.which("node") and (_BROWSER / "node_modules").exists():
        commands["onnxruntime-web, node"] = _BROWSER, ["node", "replay.mjs"]
    if shutil.which("mvn"):
        maven = ["mvn", "-B", "-q", "test", "-Dtest=ReplayTest"]
        commands["ONNX Runtime, JVM"] = _JAVA, [*maven, "-Dexport="]
    for name, (folder, command) in commands.items():
        version, number, difference, *_ = _replay(folder, command, onnx, compared)
        *_, rank, recommend = _replay(folder, command, onnx, timed)
        yield {
            "runtime": name,
            "version": version,
            "requests": number,
            "parity": difference,
            "adapt and score, ms": rank,
            "recommend, ms": recommend,
        }


def _replay(
    folder: pathlib.Path,
    command: Sequence[str],
    onnx: pathlib.Path,
    requests: Sequence[RecordedRequest],
) -> Sequence[str]:
    """Has an example ask requests in place of those recorded with a version."""
    with tempfile.TemporaryDirectory() as copy:
        version = pathlib.Path(copy) / onnx.name
        shutil.copytree(onnx, version, copy_function=os.symlink)
        (version / "parity_requests.jsonl").unlink()
        rows = RequestRows(version, read_manifest(version))
        write_row_records(version, rows, requests)
        *first, last = command
        named = [last + str(version)] if last.endswith("=") else [last, str(version)]
        done = subprocess.run(
            [*first, *named], cwd=folder, check=True, capture_output=True, text=True
        )
    said = _SAID.search(done.stdout)
    assert said is not None, done.stdout
    return said.groups()
