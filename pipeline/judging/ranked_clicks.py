"""`ranked_clicks.parquet`: the rank behind every figure, with the ids as they came."""

import pathlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from models.episodes.click_records import ScenarioTask
from pipeline.experiment.parquet_file import ParquetFile, read_ids
from pipeline.settings.scenario.ranking import RankedClicks
from transforms import schema

COLUMNS = pa.schema(
    [
        ("method", pa.string()),
        ("group", pa.string()),
        ("task_id", pa.string()),
        ("support_size", pa.int32()),
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("score", pa.float32()),
        ("rank", pa.int32()),
        ("num_candidates", pa.int32()),
    ]
)


class RankedClicksWriter(ParquetFile):
    """Writes ranks, a row per method, group and held-out click.

    Args:
        path: The file.
        dataset_dir: The prepared data set, for the ids.
    """

    def __init__(self, path: pathlib.Path, dataset_dir: pathlib.Path) -> None:
        super().__init__(path, COLUMNS)
        self._user_ids = read_ids(dataset_dir, schema.USER_ID)
        self._item_ids = read_ids(dataset_dir, schema.ITEM_ID)

    def write(
        self,
        method: str,
        group: str,
        tasks: Sequence[ScenarioTask],
        ranked: RankedClicks,
    ) -> None:
        """Adds the ranks of one method on one group of tasks."""
        names = np.array([task.scenario_id for task in tasks], dtype=object)
        num_rows = ranked.rank.size
        self.write_columns(
            [
                np.full(num_rows, method),
                np.full(num_rows, group),
                names[ranked.task],
                ranked.support_size,
                self._user_ids[ranked.user],
                self._item_ids[ranked.item],
                ranked.score,
                ranked.rank,
                ranked.num_candidates,
            ]
        )
