"""The gate in front of a base: what a version must be to be served."""

import dataclasses
import itertools
import pathlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from models.evaluation.metric import NotFiniteError
from models.legacy_keras import tf
from pipeline.experiment.config_section import Experiment, PushConfig
from pipeline.experiment.version_dir import (
    MANIFEST,
    PARITY,
    WARMUP,
    read_manifest,
    size_bytes,
)
from pipeline.export.recorded_requests import read_requests
from pipeline.export.saved_graph import signatures_of
from pipeline.judging.rule import Rule
from pipeline.serving.gate.blessing import Blessing
from pipeline.serving.gate.quality_rules import (
    better_rule,
    not_worse_rule,
    rubber_stamp,
)
from pipeline.serving.gate.task_figures import baseline_names, task_figures
from transforms.plural import counted
from transforms.schema import DataError

_CANDIDATE = "candidate"
_DATASET = "dataset_fingerprint"

_RANK = ("rank", "serving_default")
_NUM_CALLS = 300  # Three of them lie above the 99th percentile.
_PERCENTILE = 99.0
_MS_IN_S = 1e3
_BYTES_IN_MB = 1e6


def model_blessing(
    config: Experiment,
    dataset_dir: pathlib.Path,
    options: PushConfig,
    infra: Blessing,
    serving: pathlib.Path | None,
) -> Blessing:
    """Judges a version: infrastructure first, then budget, then quality.

    A version that no server can load is not judged any further.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set that the version was made for.
        options: The limits.
        infra: The findings of `validate`.
        serving: The version that serves now, if there is one.

    Raises:
        DataError: If the manifest of the version that serves is damaged.
    """
    candidate = infra.current_model
    name = "infra"
    rules = [Rule(name, infra.passed, None, "every rule passed", infra.message)]
    reason = ""
    if infra.passed:
        reason = why_not_comparable(candidate, serving)
        rules.append(size_rule(candidate, options.max_size_mb))
        rules.append(latency_rule(candidate, options.max_p99_ms))
        rules += _quality(config, dataset_dir, options, candidate, serving, reason)
    compared = infra.passed and not reason
    return Blessing(rules, candidate, serving if compared else None)


def _quality(
    config: Experiment,
    dataset_dir: pathlib.Path,
    options: PushConfig,
    candidate: pathlib.Path,
    serving: pathlib.Path | None,
    reason: str,
) -> Iterator[Rule]:
    versions = {_CANDIDATE: candidate}
    if serving is not None and not reason:
        versions[serving.name] = serving
    try:
        figures = task_figures(config, dataset_dir, options, versions)
    except NotFiniteError as error:
        yield Rule("finite scores", False, None, None, str(error))
        return
    for baseline in baseline_names(config, options):
        yield better_rule(figures, _CANDIDATE, baseline, options)
    if serving is None or reason:
        yield rubber_stamp(reason)
    else:
        rule = not_worse_rule(figures, _CANDIDATE, serving.name, options)
        origins = _origins(candidate, serving)
        yield dataclasses.replace(rule, detail=rule.detail + origins)


def _origins(candidate: pathlib.Path, serving: pathlib.Path) -> str:
    """Says of which data sets two versions are, if they are of different ones."""
    own, other = (manifest_of(path).get(_DATASET) for path in (candidate, serving))
    if own == other:
        return ""
    return f"; {serving.name} was made for data set {other!r}, this one for {own!r}"


def why_not_comparable(candidate: pathlib.Path, serving: pathlib.Path | None) -> str:
    """Says why a version cannot be compared with the one that serves.

    Both get raw ids: for which data set either was made does not matter.

    Args:
        candidate: The version that is judged.
        serving: The one that serves, None if none does.

    Returns:
        The reason; empty if they can be compared.

    Raises:
        DataError: If the manifest of a version is damaged.
    """
    if serving is None:
        return "no version serves yet"
    subject = f"version {serving.name}, which serves,"
    if not (serving / MANIFEST).is_file():
        return f"{subject} has no manifest"
    manifest = manifest_of(serving)
    try:
        tf.saved_model.load(str(serving))
        inputs = _rank_inputs(serving)
    except (DataError, OSError, ValueError, KeyError, tf.errors.OpError) as error:
        return f"{subject} cannot be loaded: {error}"
    expected = _rank_inputs(candidate)
    others = {
        name for name in {*expected, *inputs} if expected.get(name) != inputs.get(name)
    }
    if others:
        return f"{subject} differs in inputs of rank: {', '.join(sorted(others))}"
    if narrower := _narrower(manifest, manifest_of(candidate)):
        return f"{subject} takes less: {narrower}"
    return ""


def manifest_of(version_dir: pathlib.Path) -> dict[str, Any]:
    """Reads the manifest of a version.

    Raises:
        DataError: If it cannot be read; the message names the version.
    """
    try:
        return read_manifest(version_dir)
    except DataError as error:
        raise DataError(
            f"{error} Or put it right, or roll back to another version first."
        ) from None


def _rank_inputs(version_dir: pathlib.Path) -> dict[str, dict[str, Any]]:
    return signatures_of(version_dir)["rank"]["inputs"]


def _narrower(serving: Mapping[str, Any], candidate: Mapping[str, Any]) -> str:
    """Names what the version that is judged takes and the one that serves refuses."""
    for key, sign in (("label_min", -1), ("label_max", 1)):
        theirs, ours = serving.get(key), candidate.get(key)
        if theirs is None or ours is None:
            continue
        if sign * theirs < sign * ours:
            return f"{key} is {theirs}, here {ours}"
    key = "max_support"
    theirs, ours = (m.get("limits", {}).get(key) for m in (serving, candidate))
    if theirs is not None and ours is not None and theirs < ours:
        return f"{key} is {theirs}, here {ours}"
    return ""


def latency_rule(version_dir: pathlib.Path, max_p99_ms: float) -> Rule:
    """Checks how long `rank` takes in this process for the recorded requests."""
    recorded = [
        request
        for path in (WARMUP, PARITY)
        for request in read_requests(version_dir / path)
        if request.signature in _RANK
    ]
    if not recorded:
        detail = "no recorded request is one of rank"
        return Rule("latency", False, None, max_p99_ms, detail)
    loaded = tf.saved_model.load(str(version_dir))
    rank = loaded.signatures["rank"]
    requests = [
        {name: tf.constant(values) for name, values in request.inputs.items()}
        for request in recorded
    ]
    latency_ms = p99_ms(lambda inputs: rank(**inputs)["score"].numpy(), requests)
    detail = (
        f"p99 in ms of {_NUM_CALLS} calls of rank, "
        f"{counted(len(requests), 'recorded request')} in turn"
    )
    return Rule("latency", latency_ms <= max_p99_ms, latency_ms, max_p99_ms, detail)


def p99_ms(
    call: Callable[[Mapping[str, Any]], object],
    requests: Sequence[Mapping[str, Any]],
    *,
    num_calls: int = _NUM_CALLS,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Times a call, each request in turn, after one call of each that is not timed.

    Args:
        call: Answers a request.
        requests: At least one.
        num_calls: Calls that are timed.
        clock: Tells the seconds.

    Returns:
        The 99th percentile, in milliseconds.
    """
    for request in requests:
        call(request)
    turns: Iterable[Mapping[str, Any]] = itertools.cycle(requests)
    times_s = []
    for request in itertools.islice(turns, num_calls):
        start = clock()
        call(request)
        times_s.append(clock() - start)
    return float(np.percentile(times_s, _PERCENTILE)) * _MS_IN_S


def size_rule(version_dir: pathlib.Path, max_size_mb: float) -> Rule:
    """Checks how large a version is on disk."""
    size_mb = size_bytes(version_dir) / _BYTES_IN_MB
    return Rule("size", size_mb <= max_size_mb, size_mb, max_size_mb, "MB on disk")
