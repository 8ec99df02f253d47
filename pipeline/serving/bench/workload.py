"""Requests made of the real ids of an exported model, the same for the same seed."""

import functools
import pathlib
from typing import Any

import numpy as np

from pipeline.experiment.version_dir import read_manifest, read_vocabulary
from pipeline.serving.rest_client import Columns, ServingClient, TensorSpec


class Workload:
    """Makes requests of one task each.

    Ids and features are drawn from the vocabularies of the version, labels from the
    range that its manifest states: whole numbers, or halves if it begins or ends
    between them.

    Args:
        version_dir: A version of an exported model.
        caller: Knows the signatures, and encodes where a context is needed.
        seed: Of all draws.

    Raises:
        ValueError: If the manifest does not state the range of the labels.
    """

    def __init__(
        self, version_dir: pathlib.Path, caller: ServingClient, seed: int
    ) -> None:
        self._vocabulary = functools.cache(
            functools.partial(read_vocabulary, version_dir)
        )
        self._caller = caller
        self._seed = seed
        manifest = read_manifest(version_dir)
        try:
            labels = manifest["label_min"], manifest["label_max"]
        except KeyError as error:
            raise ValueError(f"{version_dir}: the manifest lacks {error}.") from None
        self._labels = float(labels[0]), float(labels[1])

    def requests(
        self, signature: str, count: int, *, support: int, candidates: int
    ) -> list[Any]:
        """Makes requests as the caller sends them.

        Args:
            signature: What is called.
            count: How many.
            support: S, support pairs of each.
            candidates: Q, items to score in each.
        """
        rng = np.random.default_rng([self._seed, support, candidates])
        return [
            self._caller.request(
                signature, self.inputs(signature, rng, support, candidates)
            )
            for _ in range(count)
        ]

    def inputs(
        self, signature: str, rng: np.random.Generator, support: int, candidates: int
    ) -> Columns:
        """Draws the inputs of one request, B = 1."""
        widths = {"support": support, "query": candidates}
        inputs = {}
        for name, spec in self._caller.signatures()[signature].inputs.items():
            if name == "context":
                encode = self.inputs("encode", rng, support, candidates)
                request = self._caller.request("encode", encode)
                inputs[name] = self._caller.send(request, 60.0)[name]
            elif len(spec.shape) == 1:
                inputs[name] = self._draw(name, spec, rng, 1)
            else:
                width = widths.get(name.split("_")[0], int(name.startswith("user_")))
                inputs[name] = [self._draw(name, spec, rng, width)]
        return inputs

    def _draw(
        self, name: str, spec: TensorSpec, rng: np.random.Generator, count: int
    ) -> list[Any]:
        if name == "support_label":
            low, high = self._labels
            step = 1.0 if low.is_integer() and high.is_integer() else 0.5
            steps = rng.integers(0, int((high - low) / step), count, endpoint=True)
            return (low + step * steps).tolist()
        if spec.dtype != "string":
            return [0.0] * count
        is_id = name.endswith(("_item_id", "_user_id"))
        vocabulary = name.split("_", 1)[1] if is_id else name.removeprefix("user_")
        values = self._vocabulary(vocabulary)
        return [values[i] for i in rng.integers(0, len(values), count)]
