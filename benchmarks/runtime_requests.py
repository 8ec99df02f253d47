"""Requests of `benchmarks.runtimes`, made up of the ids of an export."""

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from models.serving.task_request import RecordedRequest
from pipeline.settings.runtime import Runtime, Tensors

MOST_SUPPORT, NUM_QUERY, TIMED_SUPPORT = 64, 10, 40

_UNKNOWN_SHARE = 0.05
_NUM_EXCLUDED = 2
_COMPARED = ("score", "item_id", "fallback_reason")


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
            size = int(rng.integers(0, MOST_SUPPORT + 1))
        widths = {"support": size, "query": NUM_QUERY, "exclude": _NUM_EXCLUDED}
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
        drawn = self.inputs("rank", 0, TIMED_SUPPORT)
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


def recorded(
    runtime: Runtime, requests: Requests, number: int, size: int | None = None
) -> Iterator[RecordedRequest]:
    """Yields requests to `rank` and `recommend` by turns, with what is compared."""
    for seed in range(number):
        for signature in ("rank", "recommend"):
            inputs = requests.inputs(signature, seed, size)
            answer = runtime.ask(signature, inputs)
            outputs = {name: answer[name] for name in _COMPARED if name in answer}
            yield RecordedRequest(signature, inputs, outputs)
