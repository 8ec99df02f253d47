"""`predictions.parquet`: every score behind every figure, with the ids as they came."""

import pathlib

import numpy as np
import pyarrow as pa

from pipeline.experiment.parquet_file import ParquetFile, read_ids
from pipeline.settings.user.group_scores import GroupScores
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


class PredictionWriter(ParquetFile):
    """Writes predictions, a row per method, group and query pair.

    Args:
        path: The file.
        dataset_dir: The prepared data set, for the ids.
    """

    def __init__(self, path: pathlib.Path, dataset_dir: pathlib.Path) -> None:
        super().__init__(path, _COLUMNS)
        self._user_ids = read_ids(dataset_dir, schema.USER_ID)
        self._item_ids = read_ids(dataset_dir, schema.ITEM_ID)

    def write(self, method: str, group: str, scored: GroupScores) -> None:
        """Adds the scores of one method on one group."""
        mask = scored.mask
        num_pairs = mask.sum(axis=1)
        num_rows = int(num_pairs.sum())
        self.write_columns(
            [
                np.full(num_rows, method),
                np.full(num_rows, group),
                np.repeat([task_id.decode() for task_id in scored.task_ids], num_pairs),
                np.repeat(scored.support_sizes, num_pairs),
                self._user_ids[scored.users[mask]],
                self._item_ids[scored.items[mask]],
                scored.labels[mask],
                scored.scores[mask],
            ]
        )
