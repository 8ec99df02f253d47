"""`scores.parquet`: every score behind every figure, with the ids as they came."""

import contextlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from models.evaluation.label_gain import LabelGain
from models.evaluation.scored_pairs import ScoredPairs
from models.whole_files import whole_file
from pipeline.experiment.prepared import read_ids
from transforms import schema
from transforms.schema import DataError

SCORES_FILE = "scores.parquet"

_LABEL_MIN, _LABEL_MAX = "label_min", "label_max"  # In the metadata of the file.

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
        ("median", pa.float32()),
        ("gain", pa.float32()),
        ("log_likelihood", pa.float32()),
        ("coverage", pa.float32()),
        ("rank", pa.int32()),
        ("num_tied", pa.int32()),
        ("num_candidates", pa.int32()),
    ]
)

# What methods answered, by method and group.
Scores = Mapping[str, Mapping[str, ScoredPairs]]


class ScoresWriter:
    """Writes scores, a row per method, group and query pair; a context manager.

    The file gets its name when all of it is written. What a setting does not have is
    null: the label of clicks, the rank of ratings.

    Args:
        path: The file.
        dataset_dir: The prepared data set, for the ids.
    """

    def __init__(self, path: pathlib.Path, dataset_dir: pathlib.Path) -> None:
        self._path = path
        self._files = contextlib.ExitStack()
        self._user_ids = read_ids(dataset_dir, schema.USER_ID)
        self._item_ids = read_ids(dataset_dir, schema.ITEM_ID)

    def __enter__(self) -> Self:
        """Opens the file."""
        temporary = self._files.enter_context(whole_file(self._path))
        writer = pq.ParquetWriter(temporary, _COLUMNS)
        self._writer = self._files.enter_context(writer)
        return self

    def __exit__(self, *error: Any) -> None:
        """Gives the file its name, unless something went wrong."""
        self._files.__exit__(*error)

    def write(self, method: str, group: str, pairs: ScoredPairs) -> None:
        """Adds what one method answered on one group."""
        if (gain := pairs.label_gain) is not None:
            ends = {_LABEL_MIN: repr(gain.lowest), _LABEL_MAX: repr(gain.highest)}
            self._writer.add_key_value_metadata(ends)
        num_rows = pairs.task.size
        columns = {
            **pairs.columns(),
            "method": np.full(num_rows, method),
            "group": np.full(num_rows, group),
            "task_id": np.array(pairs.task_ids, dtype=object)[pairs.task],
            "user_id": self._user_ids[pairs.user],
            "item_id": self._item_ids[pairs.item],
        }
        nothing = np.full(num_rows, None)
        arrays = [
            pa.array(columns.get(field.name, nothing), type=field.type)
            for field in _COLUMNS
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=_COLUMNS))


def _read_table(path: pathlib.Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"{path} must be as it was written, but cannot be read ({error}): remove "
            f"{path.parent} and run `cmml evaluate` again."
        ) from None


def read_scores(paths: Sequence[pathlib.Path], dataset_dir: pathlib.Path) -> Scores:
    """Reads files of scores.

    Args:
        paths: The files; a group that stands in several is taken from the first.
        dataset_dir: The prepared data set, for the rows of ids.

    Returns:
        By method and group, all with one list of tasks, in the order they come in.

    Raises:
        DataError: If a file is damaged.
    """
    user_ids = read_ids(dataset_dir, schema.USER_ID)
    item_ids = read_ids(dataset_dir, schema.ITEM_ID)
    places: dict[str, int] = {}
    scores: dict[str, dict[str, ScoredPairs]] = {}
    task_ids: list[str] = []  # Shared by all, and filled while files are read.
    for path in paths:
        table = _read_table(path)
        gain = _label_gain(pq.read_metadata(path).metadata or {})
        task, ids = _codes(table["task_id"])
        task = np.array([places.setdefault(name, len(places)) for name in ids])[task]
        task_ids.extend(list(places)[len(task_ids) :])
        columns = {
            "task": task,
            "user": _rows_of(table["user_id"], user_ids),
            "item": _rows_of(table["item_id"], item_ids),
            **{
                field.name: table[field.name].to_numpy()
                for field in _COLUMNS
                if field.type != pa.string() and not table[field.name].null_count
            },
        }
        method, methods = _codes(table["method"])
        group, groups = _codes(table["group"])
        both = method * len(groups) + group
        for key in np.unique(both):
            of_method = scores.setdefault(methods[key // len(groups)], {})
            chosen = both == key
            parts = {name: column[chosen] for name, column in columns.items()}
            of_method.setdefault(
                groups[key % len(groups)],
                ScoredPairs(task_ids, **parts, label_gain=gain),
            )
    return scores


def _label_gain(metadata: Mapping[bytes, bytes]) -> LabelGain | None:
    """Returns what labels are worth; None where pairs are clicks."""
    if _LABEL_MIN.encode() not in metadata:
        return None
    ends = (metadata[name.encode()] for name in (_LABEL_MIN, _LABEL_MAX))
    return LabelGain(*(float(end) for end in ends))


def _codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """Returns a column of text as places in the list of its values, and that list."""
    encoded = pc.dictionary_encode(column.combine_chunks())
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    places = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return places, encoded.dictionary.to_pylist()


def _rows_of(column: pa.ChunkedArray, ids: NDArray) -> NDArray[np.int64]:
    """Returns the row of each id of a column in its table, 0 for an unknown one."""
    rows: NDArray[np.int64] = (
        pc.index_in(column, pa.array(ids)).fill_null(0).to_numpy().astype(np.int64)
    )
    return rows
