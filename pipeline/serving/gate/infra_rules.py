"""Whether a server can load a version, and answers as the trained model does."""

import http
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from models.serving.task_request import RecordedRequest
from pipeline.experiment.version_dir import (
    PARITY,
    REQUEST_EXAMPLES,
    WARMUP,
    judged_dir,
    read_manifest,
)
from pipeline.export.parity import TOLERANCE, MismatchError, largest_difference
from pipeline.export.recorded_requests import read_requests
from pipeline.export.saved_graph import Signature, op_names, signatures_of
from pipeline.judging.rule import Rule
from pipeline.serving.client import Client
from pipeline.serving.gate.blessing import Blessing
from pipeline.serving.rest_client import RestClient, ServingClient, ServingError
from pipeline.serving.server.model_server import (
    ModelServer,
    ServedModelDirectory,
    ServerError,
    ServerOptions,
)
from pipeline.settings.runtime import Tensors
from transforms.plural import counted
from transforms.schema import DataError

_REST_RECORDS = 8  # Of the parity requests; REST is slow and not another graph.
_TIMEOUT_S = 60.0

REQUIRED = ("serving_default", "rank")

_PYTHON = "PyFunc"  # EagerPyFunc, PyFuncStateless and so on.


def infra_blessing(version_dir: pathlib.Path) -> Blessing:
    """Tries a version on the embedded server, on free ports of this machine.

    A graph with ops that a server does not have is not run at all.

    Args:
        version_dir: The version, which `check_version_dir` has passed.

    Raises:
        DataError: If its graph cannot be read.
    """
    manifest = read_manifest(version_dir)
    rules = [ops_rule(version_dir), signatures_rule(version_dir, manifest)]
    if rules[0].passed:
        rules += _served_rules(version_dir, manifest)
    return Blessing(rules, version_dir)


def _served_rules(
    version_dir: pathlib.Path, manifest: Mapping[str, Any]
) -> Iterator[Rule]:
    name = manifest.get("model_name", version_dir.parent.name)
    version = int(version_dir.name)
    model = ServedModelDirectory(name, version_dir.parent, versions=(version,))
    try:
        with ModelServer([model], ServerOptions(grpc_port=0, rest_port=0)) as server:
            yield Rule("load", True, "is loaded", "is loaded", "version is available")
            asked: Any = {"version": version, "timeout_s": _TIMEOUT_S}
            with (
                Client(server.grpc_address, name, **asked) as grpc,
                RestClient(server.rest_url, name, **asked) as rest,
            ):
                label_max = float(manifest.get("label_max", 1.0))
                yield from _answers_rules(version_dir, label_max, grpc, rest)
    except ServerError as error:
        yield Rule("load", False, None, "is loaded", str(error))


def _answers_rules(
    version_dir: pathlib.Path, label_max: float, grpc: Client, rest: RestClient
) -> Iterator[Rule]:
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


def answered_rule(
    name: str, requests: Sequence[RecordedRequest], client: ServingClient
) -> Rule:
    """Checks that every request is answered, with finite numbers."""
    problems = []
    for number, request in enumerate(requests, 1):
        try:
            _answer(client, request)
        except (ServingError, MismatchError) as error:
            problems.append(f"record {number} ({request.signature}): {error}")
    good = len(requests) - len(problems)
    detail = problems[0] if problems else _counts(requests)
    limit = f"{len(requests)} answered"
    return Rule(name, not problems, f"{good} answered", limit, detail)


def parity_rule(
    name: str,
    requests: Sequence[RecordedRequest],
    client: ServingClient,
    label_max: float,
) -> Rule:
    """Checks that answers are those that the trained model gave.

    Args:
        name: Of the rule.
        requests: With their answers.
        client: Asks the server.
        label_max: The largest label.
    """
    largest = 0.0
    for number, request in enumerate(requests, 1):
        where = f"record {number} ({request.signature})"
        if not request.outputs:
            return Rule(name, False, None, TOLERANCE, f"{where} has no answer")
        try:
            outputs = _answer(client, request)
            gap = largest_difference(request.outputs, outputs, label_max)
        except (ServingError, MismatchError) as error:
            return Rule(name, False, None, TOLERANCE, f"{where}: {error}")
        if not gap <= TOLERANCE:
            detail = f"{where} differs from the trained model"
            return Rule(name, False, gap, TOLERANCE, detail)
        largest = max(largest, gap)
    return Rule(name, True, largest, TOLERANCE, _counts(requests))


def _examples_rule(directory: pathlib.Path, rest: RestClient) -> Rule:
    """Checks that the examples people copy are answered."""
    paths = sorted(directory.glob("*.json"))
    problems = [] if paths else [f"{directory} holds no example"]
    for path in paths:
        predict, body = f"{rest.path}:predict", path.read_bytes()
        status, text = rest.exchange("POST", predict, body, _TIMEOUT_S)
        if status != http.HTTPStatus.OK:
            problems.append(f"{path.name}: {status}: {text.decode().strip()}")
    detail = problems[0] if problems else ", ".join(path.stem for path in paths)
    value, limit = f"{len(paths)} asked", "all answered"
    return Rule("examples, REST", not problems, value, limit, detail)


def _answer(client: ServingClient, request: RecordedRequest) -> Tensors:
    """Asks a server; returns the outputs, numbers finite and texts as bytes.

    Raises:
        ServingError: If it gives none.
        MismatchError: If a number is not finite.
    """
    outputs = client.predict(request.signature, dict(request.inputs))
    specs = client.signatures()[request.signature].outputs
    arrays = {}
    for name, values in outputs.items():
        if specs[name].dtype == "string":
            texts = np.array(values, dtype=object)
            arrays[name] = np.vectorize(str.encode, otypes=[object])(texts)
            continue
        arrays[name] = array = np.array(values, dtype=specs[name].dtype)
        if not np.isfinite(array).all():
            wrong = array[~np.isfinite(array)][0]
            raise MismatchError(f"output {name!r} must be finite, got {wrong}")
    return arrays


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
        problems += _differences(manifest["signatures"], signatures)
    else:
        problems.append("manifest.json has no key 'signatures'")
    detail = "; ".join(problems) or ", ".join(sorted(signatures))
    value = counted(len(signatures), "signature")
    return Rule("signatures", not problems, value, "as in manifest.json", detail)


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


def _spelt(tensor: Mapping[str, Any] | None) -> str:
    if tensor is None:
        return "missing"
    sizes = ("?" if size is None else str(size) for size in tensor["shape"])
    return f"{tensor['dtype']} [{', '.join(sizes)}]"
