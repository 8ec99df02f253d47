"""Rules on the graph of a version: its ops and its signatures."""

import pathlib
from collections.abc import Mapping
from typing import Any

from models.legacy_keras import tf
from pipeline.experiment.version_dir import judged_dir
from pipeline.export.saved_graph import Signature, op_names, signatures_of
from pipeline.serving.validation.blessing import Rule
from transforms.plural import counted

REQUIRED = ("serving_default", "rank")

_PYTHON = "PyFunc"  # EagerPyFunc, PyFuncStateless and so on.


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
