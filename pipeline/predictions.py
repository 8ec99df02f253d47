"""`predictions.parquet`: every score behind every figure, with the ids as they came."""

import pathlib
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.group_scores import GroupScores
from transforms import schema

_COLUMNS = pa.schema(
    [
        ("method", pa.string()),
        ("group", pa.string()),
        ("task_id", pa.string()),
        ("support_size", pa.int32()),
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("label", pa.float32()),
        ("score", pa.float32()),
    ]
)


class PredictionWriter:
    """Writes predictions, a row per method, group and query pair.

    The file appears under its name only when all is written.

    Args:
        path: The file.
        dataset_dir: The prepared data set, for the ids.
    """

    def __init__(self, path: pathlib.Path, dataset_dir: pathlib.Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.tmp")
        self._user_ids = _read_ids(dataset_dir, schema.USER_ID)
        self._item_ids = _read_ids(dataset_dir, schema.ITEM_ID)
        self._writer = pq.ParquetWriter(self._temporary, _COLUMNS)

    def __enter__(self) -> Self:
        """Returns the writer itself."""
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

    def write(self, method: str, group: str, scored: GroupScores) -> None:
        """Adds the scores of one method on one group."""
        mask = scored.mask
        num_pairs = mask.sum(axis=1)
        num_rows = int(num_pairs.sum())
        columns = [
            np.full(num_rows, method),
            np.full(num_rows, group),
            np.repeat([task_id.decode() for task_id in scored.task_ids], num_pairs),
            np.repeat(scored.support_sizes, num_pairs),
            self._user_ids[scored.users[mask]],
            self._item_ids[scored.items[mask]],
            scored.labels[mask],
            scored.scores[mask],
        ]
        arrays = [
            pa.array(column, type=field.type)
            for column, field in zip(columns, _COLUMNS, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=_COLUMNS))


def _read_ids(dataset_dir: pathlib.Path, name: str) -> np.ndarray:
    """Reads the ids by row; row 0, unknown, is empty."""
    path = dataset_dir / schema.VOCABULARY_DIR / f"{name}.txt"
    ids = path.read_text(encoding="utf-8").split("\n")[:-1]
    return np.array(["", *ids], dtype=object)
