import types

import numpy as np
import pytest

from pipeline.settings.user.taste import Taste, taste_of
from transforms import schema


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
