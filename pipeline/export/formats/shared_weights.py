"""Weights of several ONNX graphs in one file, each of them once."""

from __future__ import annotations

import pathlib
from typing import Any

_SMALLEST = 1024  # Bytes; less stays in the graph, where it can be computed with.
_PAGE = 4096  # Bytes; at a multiple of it, a runtime can map what is in a file.


class SharedWeights:
    """Takes the weights out of graphs, and writes the file they are read from.

    Args:
        file: Its name, in the folder of the graphs.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._offsets: dict[bytes, int] = {}  # By content.
        self._size = 0

    def take_from(self, model: Any) -> None:
        """Takes the weights of a graph; what another one has too is shared.

        Args:
            model: `onnx.ModelProto`, changed in place.
        """
        from onnx import external_data_helper, numpy_helper

        for weight in model.graph.initializer:
            array = numpy_helper.to_array(weight)
            if array.nbytes < _SMALLEST:
                continue
            weight.CopyFrom(numpy_helper.from_array(array, weight.name))
            external_data_helper.set_external_data(
                weight, self.file, self._offset(weight.raw_data), array.nbytes
            )
            weight.ClearField("raw_data")

    def write(self, folder: pathlib.Path) -> None:
        """Writes the file."""
        with (folder / self.file).open("wb") as file:
            for content, offset in self._offsets.items():
                file.seek(offset)
                file.write(content)

    def _offset(self, content: bytes) -> int:
        if content not in self._offsets:
            self._offsets[content] = self._size
            self._size += -(-len(content) // _PAGE) * _PAGE
        return self._offsets[content]
