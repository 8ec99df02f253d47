import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_pairs import clicked_pairs, rated_pairs

from models.evaluation.label_gain import LabelGain
from models.evaluation.scored_pairs import ScoredPairs
from pipeline.judging.scores_file import ScoresWriter, read_scores
from transforms.schema import DataError

# Two users, of two query pairs and one.
RATED = ScoredPairs(
    ["u 1", "é"],
    task=np.array([0, 0, 1]),
    user=np.array([1, 1, 2], np.int32),
    item=np.array([2, 1, 0], np.int32),
    support_size=np.array([4, 4, 0]),
    score=np.array([4.5, 2.5, 1.5], np.float32),
    label=np.array([5.0, 3.0, 1.0], np.float32),
    label_gain=LabelGain(-1.0, 5.0),
)
# The same of a method that predicts distributions.
DISTRIBUTION = ("median", "gain", "log_likelihood", "coverage")
RICH = dataclasses.replace(
    RATED,
    **{
        name: np.array([0.5, 0.25, place], np.float32)
        for place, name in enumerate(DISTRIBUTION)
    },
)
# Two clicks of one user in the first scenario, one of the other in the second.
CLICKED = clicked_pairs((0, 1, 3), (0, 1, 1), (1, 2, 7))
CLICKED = dataclasses.replace(CLICKED, item=np.array([2, 1, 2], np.int32))
BOTH = pytest.mark.parametrize(
    "pairs", [RATED, RICH, CLICKED], ids=["rated", "rich", "clicked"]
)


@pytest.fixture
def dataset_dir(tmp_path):
    """As much of a prepared data set as is looked at."""
    folder = tmp_path / "vocabulary"
    folder.mkdir()
    (folder / "user_id.txt").write_text("u 1\né\n", encoding="utf-8")
    (folder / "item_id.txt").write_text("a\nb c\n", encoding="utf-8")
    return tmp_path


def write(dataset_dir, *parts, name="scores.parquet"):
    path = dataset_dir / name
    with ScoresWriter(path, dataset_dir) as writer:
        for part in parts:
            writer.write(*part)
    return path


def test_each_rated_pair_is_a_row_with_its_ids_as_they_came_in(dataset_dir):
    path = write(dataset_dir, ("cmml", "cold", RATED), ("item_mean", "warm", RATED))
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
        **dict.fromkeys(DISTRIBUTION),
        **dict.fromkeys(("rank", "num_tied", "num_candidates")),
    }
    assert (second["item_id"], second["score"]) == ("a", 2.5)
    # An unknown item has the empty id.
    assert (third["task_id"], third["item_id"], third["score"]) == ("é", "", 1.5)
    assert table["method"].to_pylist() == ["cmml"] * 3 + ["item_mean"] * 3
    assert table["group"].to_pylist() == ["cold"] * 3 + ["warm"] * 3


def test_each_ranked_click_is_a_row_without_a_label(dataset_dir):
    path = write(dataset_dir, ("ease", "scenario_mean", CLICKED))
    rows = pq.read_table(path).to_pylist()
    assert [row["label"] for row in rows] == [None] * 3
    assert [(row["rank"], row["num_candidates"]) for row in rows] == [
        *((3, 10), (1, 10), (7, 10)),
    ]
    assert [row["task_id"] for row in rows] == ["s0", "s0", "s1"]


def test_columns_have_the_documented_types(dataset_dir):
    path = write(dataset_dir, ("cmml", "cold", RATED))
    text = dict.fromkeys(["method", "group", "task_id"], pa.string())
    ids = dict.fromkeys(["user_id", "item_id"], pa.string())
    assert pq.read_schema(path) == pa.schema(
        {
            **text,
            "support_size": pa.int32(),
            **ids,
            "label": pa.float32(),
            "score": pa.float32(),
            **dict.fromkeys(DISTRIBUTION, pa.float32()),
            **dict.fromkeys(("rank", "num_tied", "num_candidates"), pa.int32()),
        }
    )


@BOTH
def test_scores_are_read_as_they_were_written(dataset_dir, pairs):
    parts = [("cmml", "all"), ("cmml", "few"), ("ease", "all")]
    path = write(dataset_dir, *((*part, pairs) for part in parts))
    scores = read_scores([path], dataset_dir)
    assert [(m, g) for m, groups in scores.items() for g in groups] == parts
    for groups in scores.values():
        for read in groups.values():
            assert read.task_ids == pairs.task_ids
            assert read.label_gain == pairs.label_gain
            assert read.columns().keys() == pairs.columns().keys()
            for name, column in pairs.columns().items():
                np.testing.assert_array_equal(read.columns()[name], column)


def test_files_share_one_list_of_tasks_and_the_first_counts(dataset_dir):
    other = rated_pairs([[1.0], [2.0]], [[3.0], [4.0]])
    other = dataclasses.replace(other, task_ids=["é", "new"])
    first = write(dataset_dir, ("cmml", "cold", RATED))
    second = write(
        *(dataset_dir, ("cmml", "few", other), ("cmml", "cold", other)), name="more"
    )
    scores = read_scores([first, second], dataset_dir)["cmml"]
    assert scores["cold"].task_ids == scores["few"].task_ids == ["u 1", "é", "new"]
    np.testing.assert_array_equal(scores["cold"].score, RATED.score)
    # Of the second file, "é" is the second of all tasks.
    np.testing.assert_array_equal(scores["few"].task, [1, 2])


def test_the_file_has_its_name_only_when_all_is_written(dataset_dir):
    path = dataset_dir / "scores.parquet"
    with ScoresWriter(path, dataset_dir) as writer:
        writer.write("cmml", "cold", RATED)
        assert not path.exists()
    assert path.exists()


def test_a_failure_leaves_the_file_as_it_was(dataset_dir):
    def fail(path):
        with ScoresWriter(path, dataset_dir) as writer:
            writer.write("cmml", "cold", RATED)
            raise RuntimeError("no scores")

    path = dataset_dir / "scores.parquet"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="no scores"):
        fail(path)
    assert path.read_text() == "old"


def test_damaged_scores_are_named_with_the_cure(dataset_dir):
    (dataset_dir / "scores.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"scores\.parquet must .* run `cmml evaluate`"):
        read_scores([dataset_dir / "scores.parquet"], dataset_dir)
