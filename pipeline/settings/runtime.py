"""What runs an exported model, in whatever format it is."""

import pathlib
from collections.abc import Mapping
from typing import Protocol, TypeAlias

import numpy as np

# Inputs or outputs by name, each [B, ...].
Tensors: TypeAlias = Mapping[str, np.ndarray]


class Runtime(Protocol):
    """Answers requests of ids, as `docs/reference/signatures.md` says.

    Attributes:
        tables: The folder of the vocabularies, one value a line.
        item_names: The file of the names of items by id, which need not be there.
    """

    tables: pathlib.Path
    item_names: pathlib.Path

    def ask(self, signature: str, inputs: Tensors) -> dict[str, np.ndarray]:
        """Answers a request.

        Args:
            signature: Its name.
            inputs: By name; texts are bytes or str in arrays of objects.

        Raises:
            ValueError: If there is no such signature, or it refuses the request.
        """
        ...
