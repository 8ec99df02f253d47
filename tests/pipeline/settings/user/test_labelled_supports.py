import types

import numpy as np
import pyarrow.parquet as pq
import pytest
from finished_run import open_run

from pipeline.settings.user.labelled_supports import Taste, labelled_users, taste_of
from transforms import schema


@pytest.fixture(scope="module")
def batches(experiment):
    return list(labelled_users(*open_run(experiment), "meta_test"))


def test_labels_are_those_of_the_tables(batches):
    for batch in batches:
        for task_id, gender, age in zip(
            batch.task_ids, batch.labels["gender"], batch.labels["age"], strict=True
        ):
            number = int(task_id.removeprefix("ü"))
            assert gender == "FM"[number % 2]
            assert age == pytest.approx(20 + number)


def test_support_sets_are_those_that_evaluate_shows(batches):
    assert sum(len(batch.task_ids) for batch in batches) == 16
    for batch in batches:
        sizes = batch.support["support_mask"].sum(axis=1)
        assert sizes.tolist() == batch.labels["support_size"]
        assert set(sizes) == {6}  # evaluation.support_size
        asked = {name for name in batch.support if not name.startswith("support_")}
        assert asked == {"task_user"}


def test_errors_are_those_that_evaluate_has_written(batches, experiment):
    rows = pq.read_table(experiment.run_dir / "eval" / "scores.parquet")
    rows = rows.to_pandas().query("method == 'cmml' and group == 'cold'")
    gap = (rows.score - rows.label).abs().groupby(rows.task_id).mean()
    errors = {
        task_id: error
        for batch in batches
        for task_id, error in zip(batch.task_ids, batch.labels["error"], strict=True)
    }
    assert errors == pytest.approx(gap.to_dict(), abs=1e-5)


@pytest.fixture
def items(tmp_path):
    """Item 1 is a comedy, 2 a drama, 3 both; 4 neither; item 0 is padding."""
    folder = tmp_path / schema.VOCABULARY_DIR
    folder.mkdir()
    (folder / "genre.txt").write_text("comedy\ndrama\n", encoding="utf-8")
    feature = types.SimpleNamespace(name="genre", kind="multi", vocabulary_size=3)
    encoded = {"genre": np.array([[0, 0], [1, 0], [2, 0], [1, 2], [0, 0]], np.int32)}
    return types.SimpleNamespace(features=[feature], encoded=encoded, num_rows=5)


def liked(items, folder, rows, labels):
    taste = Taste(items, "genre", folder)
    mask = np.array(rows) > 0
    return taste.of(np.array(rows, np.int32), np.array(labels, float), mask)


def test_the_value_rated_above_the_mean_is_the_taste(items, tmp_path):
    # Means 3: the comedy is 2 above it and the drama 2 below, then the other way.
    found = liked(items, tmp_path, [[1, 2], [1, 2]], [[5, 1], [1, 5]])
    assert found == ["comedy", "drama"]


def test_one_good_pair_does_not_outweigh_many(items, tmp_path):
    # Mean 3.2. Comedy: 1.8 / (1 + 3) = 0.45; drama: 4 * 0.8 / (4 + 3) = 0.46.
    # Item 4 is neither, and is rated so low that the others are above the mean.
    rows, labels = [[1, 2, 2, 2, 2, 4, 4]], [[5, 4, 4, 4, 4, 0.7, 0.7]]
    assert liked(items, tmp_path, rows, labels) == ["drama"]


def test_padding_and_a_level_taste_have_no_label(items, tmp_path):
    found = liked(items, tmp_path, [[1, 2, 0], [1, 0, 0]], [[3, 3, 9], [4, 9, 9]])
    assert found == ["", ""]


def test_tastes_need_a_feature_of_several_values(items, tmp_path):
    assert taste_of(items, tmp_path).name == "genre"
    items.features[0].kind = "categorical"
    assert taste_of(items, tmp_path) is None
