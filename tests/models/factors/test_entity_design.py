import numpy as np

from models.episodes.entity_table import EntityTable
from models.factors.entity_design import entity_design, no_features
from transforms.schema import Feature

GENRE = Feature("genre", "multi", vocabulary_size=3, max_values=2)
YEAR = Feature("year", "numeric", mean=2000.0, std=10.0)
# Ten films: nine of genre 1, five of genre 2 too, one of genre 3 alone; of row 0
# nothing is known.
GENRES = [[0, 0], *[[1, 2]] * 5, *[[1, 0]] * 4, [3, 0]]
YEARS = [2000.0, *[2010.0] * 9, 1900.0]
FILMS = EntityTable(
    (GENRE, YEAR),
    {"genre": np.array(GENRES, np.int32), "year": np.array(YEARS, np.float32)},
    np.zeros(11, np.int64),
)


def test_a_value_is_a_column_of_shares_and_a_number_one_of_deviations():
    design = entity_design(FILMS)
    # Genre 3 has one film, from which nothing can be learnt. A number is cut.
    assert design.columns == (("genre", 1), ("genre", 2), ("year", 0))
    np.testing.assert_allclose(
        design.matrix[[0, 1, 6, 10]],
        [[0.0, 0.0, 0.0], [0.5, 0.5, 1.0], [1.0, 0.0, 1.0], [0.0, 0.0, -5.0]],
    )


def test_weights_of_columns_are_laid_out_by_feature_and_value():
    design = entity_design(FILMS)
    weights = np.arange(12.0).reshape(2, 3, 2)  # Two fits of three columns.
    tables = design.tables(weights)
    nothing = np.zeros([2, 2])
    by_genre = np.stack([nothing, weights[:, 0], weights[:, 1], nothing], axis=1)
    np.testing.assert_array_equal(tables["genre"], by_genre)
    np.testing.assert_array_equal(tables["year"], weights[:, 2:])


def test_of_many_values_the_most_frequent_ones_have_a_column(monkeypatch):
    monkeypatch.setattr("models.factors.entity_design._MAX_COLUMNS", 1)
    assert entity_design(FILMS).columns == (("genre", 1), ("year", 0))


def test_without_features_there_are_no_columns():
    for design in (no_features(11), entity_design(FILMS.without_features())):
        assert design.matrix.shape == (11, 0)
        assert design.columns == ()
        assert design.tables(np.zeros([2, 0, 3])) == {}
