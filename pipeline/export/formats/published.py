"""A version written in another format, replayed there before it can be seen."""

import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np

from models.serving.task_request import RecordedRequest
from models.whole_files import write_json
from pipeline.experiment.one_at_a_time import one_at_a_time
from pipeline.experiment.progress import say
from pipeline.experiment.version_dir import (
    FORMAT_ITEM_NAMES,
    FORMAT_MANIFEST,
    ITEM_NAMES,
    PARITY,
    WARMUP,
    is_whole,
    size_bytes,
    written_files,
)
from pipeline.export.formats.format import Format, FormatSource
from pipeline.export.formats.row_files import write_row_records
from pipeline.export.formats.row_runtime import RowRuntime
from pipeline.export.formats.tensorflow_runtime import TensorFlowRuntime
from pipeline.export.parity import TOLERANCE, MismatchError, largest_difference
from pipeline.export.published_version import STEP, ExportError, staged
from pipeline.export.recorded_requests import read_requests
from pipeline.settings.runtime import Runtime

# Outputs that rounding can move by a step: a median by a level, and what is told of an
# item if items with equal scores change places.
_STEPS = {
    "rank": {"median"},
    "score": {"median"},
    "recommend": {"median", "uncertainty"},
    "recommend_from_context": {"median", "uncertainty"},
}

# What the manifest of a version says of its graph.
_OF_GRAPH = {"ops", "tensorflow", "size_bytes", "largest_difference", "files"}


def publish_format(chosen: Format, source: FormatSource) -> pathlib.Path:
    """Writes a version in a format, unless that has been done.

    Another export in that format is waited for. One that is damaged is replaced.

    It stands beside the versions of the SavedModel, as `<model_name>.<format>/` with
    the same number. It is written under another name; requests that were recorded with
    the SavedModel are asked again, in the runtime of the format, by ids; and it is
    renamed in one step.

    Args:
        chosen: The format.
        source: The version.

    Returns:
        Its directory.

    Raises:
        ExportError: If an answer is not that of the trained model or the SavedModel.
    """
    version = source.version
    base = version.parent.with_name(f"{version.parent.name}.{chosen.name}")
    target = base / version.name
    base.mkdir(exist_ok=True)
    with one_at_a_time(STEP, base):
        if target.exists():
            if is_whole(target):
                say(f"export: {target} is up to date")
                return target
            shutil.rmtree(target)  # It has the number of the new one.
        with staged(target) as staging:
            difference = _write(chosen, source, staging)
    say(f"export: wrote {target}, answers agree within {difference:.1e}")
    return target


def _write(chosen: Format, source: FormatSource, staging: pathlib.Path) -> float:
    """Writes all of a format; returns how far its answers are from those recorded."""
    facts = chosen.write(source, staging)
    if (source.version / ITEM_NAMES).exists():
        shutil.copyfile(source.version / ITEM_NAMES, staging / FORMAT_ITEM_NAMES)
    manifest = {k: v for k, v in source.manifest.items() if k not in _OF_GRAPH}
    names = facts.get("by_rows", manifest["signatures"])
    signatures = manifest["signatures"]
    manifest |= {"signatures": {name: signatures[name] for name in names}}
    manifest |= {"format": chosen.name, **facts, "size_bytes": size_bytes(staging)}
    write_json(staging / FORMAT_MANIFEST, manifest)
    requests = list(recorded_answers(source.version, list(manifest["signatures"])))
    runtime = chosen.open(staging)
    difference = replay(runtime, requests, manifest)
    manifest |= {"largest_difference": difference, **chosen.measure(staging, requests)}
    if isinstance(runtime, RowRuntime):
        write_row_records(staging, runtime.rows, requests)
    files = written_files(staging)
    del files[FORMAT_MANIFEST.as_posix()]
    write_json(staging / FORMAT_MANIFEST, manifest | {"files": files})
    return difference


def recorded_answers(
    version: pathlib.Path, signatures: list[str]
) -> Iterator[RecordedRequest]:
    """Yields requests of ids with the answers they must have.

    Those of the trained model to real tasks, and those of the SavedModel to a request
    of each signature and size of a support set.
    """
    yield from read_requests(version / PARITY)
    saved = TensorFlowRuntime(version)
    for request in read_requests(version / WARMUP):
        if request.signature in signatures:
            outputs = saved.ask(request.signature, request.inputs)
            compared = {
                name: value
                for name, value in outputs.items()
                if name not in _STEPS.get(request.signature, ())
            }
            yield RecordedRequest(request.signature, request.inputs, compared)


def replay(
    runtime: Runtime, requests: list[RecordedRequest], manifest: dict[str, Any]
) -> float:
    """Asks requests again; returns the largest difference, as a share of the scale.

    Args:
        runtime: What is asked.
        requests: With the answers that are expected.
        manifest: Of the version, which tells the largest label.

    Raises:
        ExportError: If an answer is another one.
    """
    differences = [0.0]
    for number, request in enumerate(requests, start=1):
        try:
            answer = runtime.ask(request.signature, request.inputs)
            difference = largest_difference(
                request.outputs, answer, manifest["label_max"]
            )
        except (ValueError, MismatchError) as error:
            raise ExportError(
                f"request {number}, of {request.signature}: {error}."
            ) from None
        differences.append(difference)
    largest = float(np.max(differences))  # NaN if any is.
    if not largest <= TOLERANCE:
        raise ExportError(
            f"answers in {manifest['format']} must be those of the SavedModel within "
            f"{TOLERANCE:g} of the largest label, got a difference of {largest}."
        )
    return largest
