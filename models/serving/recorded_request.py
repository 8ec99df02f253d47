"""A request to a served model, with the answer that the trained model gives."""

import dataclasses
from collections.abc import Mapping

import numpy as np

Tensors = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class RecordedRequest:
    """One request.

    Attributes:
        signature: Name of the signature.
        inputs: By name.
        outputs: What the trained model answers, by name; empty if it was not asked.
    """

    signature: str
    inputs: Tensors
    outputs: Tensors
