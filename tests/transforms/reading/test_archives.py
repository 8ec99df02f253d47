"""Packed files: what unpacks to too much is refused, and nothing reaches the disk."""

import contextlib
import gzip
import zipfile

import pytest

from transforms.reading import packed_files
from transforms.reading.raw_files import find_raw_files, open_raw_file
from transforms.schema import DataError
from transforms.table_spec import TableSpec

SPACES = b" " * 100_000  # Packs to a few hundred bytes.


@pytest.fixture(autouse=True)
def small_limit(monkeypatch):
    monkeypatch.setattr(packed_files, "_HARMLESS_BYTES", 1000)


def write_zip(path, name, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)


def test_a_file_of_an_archive_that_unpacks_to_too_much_is_refused(tmp_path):
    write_zip(tmp_path / "bomb.zip", "ratings.csv", SPACES)
    table = TableSpec("bomb.zip", "ratings.csv")
    with pytest.raises(DataError, match=r"bomb\.zip/ratings\.csv unpacks \d+ bytes"):
        find_raw_files(table, str(tmp_path), "table")


def test_a_gzip_that_unpacks_to_too_much_is_refused_while_it_is_read(tmp_path):
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(SPACES))
    (file,) = find_raw_files(TableSpec("bomb.csv.gz"), str(tmp_path), "table")
    with (
        open_raw_file(file) as stream,
        pytest.raises(DataError, match=r"bomb\.csv\.gz unpacks \d+ bytes to"),
    ):
        stream.read()


@pytest.mark.parametrize("content", [b"", b"a,b\n" * 100, bytes(range(256)) * 40])
def test_other_packed_files_are_read_as_they_are(tmp_path, content):
    (tmp_path / "table.csv.gz").write_bytes(gzip.compress(content))
    write_zip(tmp_path / "table.zip", "table.csv", content)
    for table in (TableSpec("table.csv.gz"), TableSpec("table.zip", "table.csv")):
        (file,) = find_raw_files(table, str(tmp_path), "table")
        with open_raw_file(file) as stream:
            assert stream.read() == content


@pytest.mark.parametrize("name", ["../outside.csv", "/outside.csv", "a/../../b.csv"])
def test_the_name_of_a_file_in_an_archive_leads_nowhere(tmp_path, name):
    folder = tmp_path / "raw"
    folder.mkdir()
    write_zip(folder / "table.zip", name, b"a,b\n")
    before = sorted(tmp_path.rglob("*"))
    (file,) = find_raw_files(TableSpec("table.zip", name), str(folder), "table")
    with open_raw_file(file) as stream:
        assert stream.read() == b"a,b\n"
    assert sorted(tmp_path.rglob("*")) == before


def test_no_more_is_read_than_an_archive_says(tmp_path):
    path = tmp_path / "table.zip"
    write_zip(path, "table.csv", SPACES)
    packed = path.read_bytes()
    size = len(SPACES).to_bytes(4, "little")
    path.write_bytes(packed.replace(size, (100).to_bytes(4, "little")))
    (file,) = find_raw_files(TableSpec("table.zip", "table.csv"), str(tmp_path), "t")
    content = b""
    with contextlib.suppress(DataError), open_raw_file(file) as stream:
        content = stream.read()
    assert len(content) <= 100
