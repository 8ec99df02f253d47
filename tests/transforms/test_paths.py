import gzip
import pathlib
import zipfile

import pytest
from bucket import url_of

from transforms.paths import absolute, files_below, matches, path_in, path_of, remove
from transforms.reading.raw_files import find_raw_files, open_raw_file
from transforms.table_spec import TableSpec


@pytest.fixture
def folder(tmp_path):
    """Some files: a.csv, parts/b.csv, parts/deep/c.csv."""
    for name in ("a.csv", "parts/b.csv", "parts/deep/c.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


@pytest.fixture(params=[str, url_of], ids=["folder", "bucket"])
def root(folder, request):
    """The same files, by their paths and as those of a bucket."""
    return path_of(request.param(folder))


def test_a_path_is_one_of_pathlib_and_a_url_stays_whole():
    assert path_of("a/b") == pathlib.Path("a/b")
    assert str(path_of("bucket://b/c/") / "d") == "bucket://b/c/d"
    assert str(path_in("bucket://b/c", "bucket://d/e")) == "bucket://d/e"
    assert absolute("bucket://b/c") == "bucket://b/c"
    assert pathlib.Path(absolute("a")).is_absolute()


def test_a_url_that_beam_cannot_read_is_an_error():
    with pytest.raises(ValueError, match=r"Unable to get filesystem .*nowhere://b"):
        path_of("nowhere://b")


def test_files_and_folders_are_told_apart(root):
    assert (root / "a.csv").is_file()
    assert not (root / "a.csv").is_dir()
    assert (root / "parts").is_dir()
    assert not (root / "parts").is_file()
    assert not (root / "none").exists()
    assert sorted(path.name for path in root.iterdir()) == ["a.csv", "parts"]


def test_files_below_a_folder_are_named_from_it(root):
    names = ["a.csv", "parts/b.csv", "parts/deep/c.csv"]
    assert sorted(files_below(root)) == names
    below = files_below(root)["parts/deep/c.csv"]
    assert (below.name, below.suffix, below.parent.name) == ("c.csv", ".csv", "deep")
    assert root in below.parents
    assert below.stat().st_size == len("parts/deep/c.csv")


def test_patterns_match_files(root):
    found = {path.name for path in matches(root, "**/*.csv")}
    assert {"b.csv", "c.csv"} <= found
    assert [path.name for path in matches(root, "parts/*.csv")] == ["b.csv"]


def test_a_file_is_written_read_moved_and_removed(root):
    path = root / "one"
    with path.open("wb") as file:
        file.write(b"1234")
    assert path.read_bytes() == b"1234"
    path.replace(root / "a.csv")
    assert not path.exists()
    with (root / "a.csv").open("rb") as file:
        file.seek(2)
        assert file.read() == b"34"
    remove(root / "a.csv")
    remove(root / "parts")
    remove(root / "none")
    assert files_below(root) == {}


@pytest.mark.parametrize("pack", ["plain", "gz", "zip"])
def test_tables_of_a_bucket_are_opened_whatever_their_packing(tmp_path, pack):
    text = b"user_id,item_id\n1,2\n"
    path = tmp_path / f"log.{pack}"
    if pack == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("log.csv", text)
    else:
        path.write_bytes(gzip.compress(text) if pack == "gz" else text)
    (file,) = find_raw_files(TableSpec(path.name), url_of(tmp_path), "interactions")
    assert file.source == path.name + ("/log.csv" if pack == "zip" else "")
    with open_raw_file(file) as stream:
        assert stream.read() == text


def test_a_folder_of_a_bucket_is_read_as_its_part_files(folder):
    root = url_of(folder)
    (folder / "parts/_SUCCESS").touch()
    deep = TableSpec("parts/**.csv")
    assert [file.source for file in find_raw_files(deep, root, "t")] == [
        "parts/b.csv",
        "parts/deep/c.csv",
    ]
    with pytest.raises(ValueError, match=r"has the folder 'deep', which would not be"):
        find_raw_files(TableSpec("parts"), root, "t")
    with pytest.raises(ValueError, match=r"no such file as bucket://.*/none"):
        find_raw_files(TableSpec("none"), root, "t")
