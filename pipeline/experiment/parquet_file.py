"""A Parquet file that appears under its name only when all is written."""

import pathlib
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transforms import schema


class ParquetFile:
    """Writes columns in portions; to be used as a context manager.

    Args:
        path: The file.
        columns: Names and types.
    """

    def __init__(self, path: pathlib.Path, columns: pa.Schema) -> None:
        self._path = path
        self._columns = columns
        self._temporary = path.with_name(f".{path.name}.tmp")
        self._writer = pq.ParquetWriter(self._temporary, columns)

    def __enter__(self) -> Self:
        """Returns the file itself."""
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Gives the file its name, unless something went wrong."""
        self._writer.close()
        if error is None:
            self._temporary.replace(self._path)

    def write_columns(self, columns: Sequence[np.ndarray]) -> None:
        """Adds rows, given column by column."""
        arrays = [
            pa.array(column, type=field.type)
            for column, field in zip(columns, self._columns, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._columns))


def read_ids(dataset_dir: pathlib.Path, name: str) -> np.ndarray:
    """Reads the ids by row; row 0, unknown, is empty."""
    path = dataset_dir / schema.VOCABULARY_DIR / f"{name}.txt"
    ids = path.read_text(encoding="utf-8").split("\n")[:-1]
    return np.array(["", *ids], dtype=object)
