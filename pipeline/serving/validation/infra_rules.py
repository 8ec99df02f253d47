"""Whether a server can load a version, and answers as the trained model does."""

import contextlib
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from models.legacy_keras import tf
from models.serving.recorded_request import RecordedRequest, Tensors
from pipeline.experiment.version_dir import (
    PARITY,
    REQUEST_EXAMPLES,
    WARMUP,
    judged_dir,
    read_manifest,
)
from pipeline.export.parity import (
    TOLERANCE,
    MismatchError,
    largest_difference,
)
from pipeline.export.recorded_requests import read_requests
from pipeline.export.saved_graph import Signature, op_names, signatures_of
from pipeline.serving.validation.blessing import Blessing, Rule
from pipeline.serving.validation.loopback_server import Addresses, OpenServer
from pipeline.serving.validation.transports import (
    GrpcTransport,
    RefusedError,
    RestTransport,
    Send,
)
from transforms.plural import counted
from transforms.schema import DataError

_REST_RECORDS = 8  # Of the parity requests; REST is slow and not another graph.

REQUIRED = ("serving_default", "rank")

_PYTHON = "PyFunc"  # EagerPyFunc, PyFuncStateless and so on.


def infra_blessing(version_dir: pathlib.Path, open_server: OpenServer) -> Blessing:
    """Tries a version as a server would use it.

    A graph with ops that a server does not have is not run at all.

    Args:
        version_dir: The version, which `check_version_dir` has passed.
        open_server: Runs a server that has loaded it, or raises `DataError`.

    Raises:
        DataError: If its graph cannot be read.
    """
    manifest = read_manifest(version_dir)
    rules = [ops_rule(version_dir), signatures_rule(version_dir, manifest)]
    if rules[0].passed:
        rules += _served_rules(version_dir, manifest, open_server)
    return Blessing(rules, version_dir)


def _served_rules(
    version_dir: pathlib.Path, manifest: Mapping[str, Any], open_server: OpenServer
) -> list[Rule]:
    with contextlib.ExitStack() as stack:
        try:
            name = manifest.get("model_name", version_dir.parent.name)
            addresses = stack.enter_context(open_server(name, version_dir))
        except DataError as error:
            return [Rule("load", False, None, "is loaded", str(error))]
        load = Rule("load", True, "is loaded", "is loaded", "version is available")
        return [load, *_answers_rules(version_dir, manifest, name, addresses)]


def _answers_rules(
    version_dir: pathlib.Path,
    manifest: Mapping[str, Any],
    name: str,
    addresses: Addresses,
) -> Iterator[Rule]:
    version = int(version_dir.name)
    label_max = float(manifest.get("label_max", 1.0))
    rest = RestTransport(addresses.rest_url, name, version, signatures_of(version_dir))
    grpc = GrpcTransport(addresses.grpc_address, name, version)
    with contextlib.closing(grpc), contextlib.closing(rest):
        for rule, path in (("warm-up, gRPC", WARMUP), ("parity, gRPC", PARITY)):
            try:
                requests = read_requests(version_dir / path)
            except DataError as error:
                yield Rule(rule, False, None, None, str(error))
                continue
            if path == WARMUP:
                yield answered_rule(rule, requests, grpc)
            else:
                yield parity_rule(rule, requests, grpc, label_max)
                some = _spread(requests, _REST_RECORDS)
                yield parity_rule("parity, REST", some, rest, label_max)
        yield _examples_rule(version_dir / REQUEST_EXAMPLES, rest)


def answered_rule(name: str, requests: Sequence[RecordedRequest], send: Send) -> Rule:
    """Checks that every request is answered, with finite numbers."""
    problems = []
    for number, request in enumerate(requests, 1):
        try:
            _check_finite(send(request))
        except (RefusedError, MismatchError) as error:
            problems.append(f"record {number} ({request.signature}): {error}")
    good = len(requests) - len(problems)
    detail = problems[0] if problems else _counts(requests)
    limit = f"{len(requests)} answered"
    return Rule(name, not problems, f"{good} answered", limit, detail)


def parity_rule(
    name: str, requests: Sequence[RecordedRequest], send: Send, label_max: float
) -> Rule:
    """Checks that answers are those that the trained model gave.

    Args:
        name: Of the rule.
        requests: With their answers.
        send: Asks the server.
        label_max: The largest label.
    """
    largest = 0.0
    for number, request in enumerate(requests, 1):
        where = f"record {number} ({request.signature})"
        if not request.outputs:
            return Rule(name, False, None, TOLERANCE, f"{where} has no answer")
        try:
            outputs = send(request)
            _check_finite(outputs)
            gap = largest_difference(request.outputs, outputs, label_max)
        except (RefusedError, MismatchError) as error:
            return Rule(name, False, None, TOLERANCE, f"{where}: {error}")
        if not gap <= TOLERANCE:
            detail = f"{where} differs from the trained model"
            return Rule(name, False, gap, TOLERANCE, detail)
        largest = max(largest, gap)
    return Rule(name, True, largest, TOLERANCE, _counts(requests))


def _examples_rule(directory: pathlib.Path, rest: RestTransport) -> Rule:
    """Checks that the examples people copy are answered."""
    paths = sorted(directory.glob("*.json"))
    problems = [] if paths else [f"{directory} holds no example"]
    for path in paths:
        try:
            rest.post(path.read_bytes())
        except RefusedError as error:
            problems.append(f"{path.name}: {error}")
    detail = problems[0] if problems else ", ".join(path.stem for path in paths)
    value, limit = f"{len(paths)} asked", "all answered"
    return Rule("examples, REST", not problems, value, limit, detail)


def _check_finite(outputs: Tensors) -> None:
    for name, values in outputs.items():
        is_float = np.issubdtype(values.dtype, np.floating)
        if is_float and not np.isfinite(values).all():
            raise MismatchError(
                f"output {name!r} must be finite, got {values[~np.isfinite(values)][0]}"
            )


def _counts(requests: Sequence[RecordedRequest]) -> str:
    """Says how many requests there are of each signature."""
    names = [request.signature for request in requests]
    return ", ".join(f"{names.count(name)} {name}" for name in dict.fromkeys(names))


def _spread(
    requests: Sequence[RecordedRequest], number: int
) -> Sequence[RecordedRequest]:
    """Takes some requests from everywhere."""
    step = -(-len(requests) // number)
    return requests[::step]


def ops_rule(version_dir: pathlib.Path) -> Rule:
    """Checks that every op is one that a stock server has.

    An op of another package is spelt "Package>Op"; one that calls Python has no Python
    to call.
    """
    from tensorflow.python.framework import op_def_registry

    ops = sorted({*op_names(version_dir), *op_names(judged_dir(version_dir))})
    foreign = [
        op
        for op in ops
        if ">" in op or _PYTHON in op or op_def_registry.get(op) is None
    ]
    detail = f"{counted(len(ops), 'kind')} of ops, all of stock TensorFlow"
    if foreign:
        detail = f"ops that a stock server does not have: {', '.join(foreign)}"
    return Rule("ops", not foreign, float(len(foreign)), 0.0, detail)


def signatures_rule(version_dir: pathlib.Path, manifest: Mapping[str, Any]) -> Rule:
    """Checks that the signatures are those that `manifest.json` lists."""
    signatures = signatures_of(version_dir)
    problems = [f"{name!r} is missing" for name in REQUIRED if name not in signatures]
    if "signatures" in manifest:
        problems += _differences(_listed(manifest["signatures"]), signatures)
    else:
        problems.append("manifest.json has no key 'signatures'")
    detail = "; ".join(problems) or ", ".join(sorted(signatures))
    value = counted(len(signatures), "signature")
    return Rule("signatures", not problems, value, "as in manifest.json", detail)


def _listed(signatures: Mapping[str, Any]) -> dict[str, Signature]:
    """Returns the signatures of a manifest in the same form as those of a graph."""
    return {
        name: {
            side: {
                tensor: (tf.as_dtype(info["dtype"]).name, list(info["shape"]))
                for tensor, info in sides[side].items()
            }
            for side in ("inputs", "outputs")
        }
        for name, sides in signatures.items()
    }


def _differences(
    listed: Mapping[str, Signature], actual: Mapping[str, Signature]
) -> list[str]:
    problems = []
    for name in sorted({*listed, *actual}):
        if name not in actual:
            problems.append(f"{name!r} is in manifest.json only")
        elif name not in listed:
            problems.append(f"{name!r} is not in manifest.json")
        else:
            problems += [
                f"{name}.{side}.{tensor} is {_spelt(actual[name][side].get(tensor))}, "
                f"in manifest.json {_spelt(listed[name][side].get(tensor))}"
                for side in ("inputs", "outputs")
                for tensor in sorted({*listed[name][side], *actual[name][side]})
                if listed[name][side].get(tensor) != actual[name][side].get(tensor)
            ]
    return problems


def _spelt(tensor: tuple[str, list[int | None]] | None) -> str:
    if tensor is None:
        return "missing"
    dtype, shape = tensor
    return f"{dtype} [{', '.join('?' if n is None else str(n) for n in shape)}]"
