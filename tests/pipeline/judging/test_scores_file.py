import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipeline.judging.predictions import PredictionWriter
from pipeline.settings.user.group_scores import GroupScores

# Two tasks, of two query pairs and one.
SCORED = GroupScores(
    task_ids=np.array([b"u 1", b"\xc3\xa9"], dtype=object),
    support_sizes=np.array([4, 0]),
    users=np.array([[1, 1], [2, 0]]),
    items=np.array([[2, 1], [0, 0]]),
    labels=np.array([[5.0, 3.0], [1.0, 0.0]], np.float32),
    scores=np.array([[4.5, 2.5], [1.5, 9.0]], np.float32),
    mask=np.array([[True, True], [True, False]]),
)


@pytest.fixture
def dataset_dir(tmp_path):
    """As much of a prepared data set as the writer looks at."""
    folder = tmp_path / "vocabulary"
    folder.mkdir()
    (folder / "user_id.txt").write_text("u 1\né\n", encoding="utf-8")
    (folder / "item_id.txt").write_text("a\nb c\n", encoding="utf-8")
    return tmp_path


def test_each_query_pair_is_a_row_with_its_ids_as_they_came_in(dataset_dir):
    path = dataset_dir / "predictions.parquet"
    with PredictionWriter(path, dataset_dir) as writer:
        writer.write("cmml", "cold", SCORED)
        writer.write("item_mean", "warm", SCORED)
    table = pq.read_table(path)
    first, second, third = table.slice(0, 3).to_pylist()
    assert first == {
        "method": "cmml",
        "group": "cold",
        "task_id": "u 1",
        "support_size": 4,
        "user_id": "u 1",
        "item_id": "b c",
        "label": 5.0,
        "score": 4.5,
    }
    assert (second["item_id"], second["score"]) == ("a", 2.5)
    # An unknown item has the empty id; padding is no row.
    assert (third["task_id"], third["item_id"], third["score"]) == ("é", "", 1.5)
    assert table.num_rows == 6
    assert table["method"].to_pylist() == ["cmml"] * 3 + ["item_mean"] * 3
    assert table["group"].to_pylist() == ["cold"] * 3 + ["warm"] * 3


def test_columns_have_the_documented_types(dataset_dir):
    path = dataset_dir / "predictions.parquet"
    with PredictionWriter(path, dataset_dir) as writer:
        writer.write("cmml", "cold", SCORED)
    assert pq.read_schema(path) == pa.schema(
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


def test_the_file_has_its_name_only_when_all_is_written(dataset_dir):
    path = dataset_dir / "predictions.parquet"
    with PredictionWriter(path, dataset_dir) as writer:
        writer.write("cmml", "cold", SCORED)
        assert not path.exists()
    assert path.exists()


def test_a_failure_leaves_the_file_as_it_was(dataset_dir):
    def fail(path):
        with PredictionWriter(path, dataset_dir) as writer:
            writer.write("cmml", "cold", SCORED)
            raise RuntimeError("no scores")

    path = dataset_dir / "predictions.parquet"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="no scores"):
        fail(path)
    assert path.read_text() == "old"
