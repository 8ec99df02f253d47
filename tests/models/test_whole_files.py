import errno
import os

import pytest

from models import whole_files
from models.whole_files import (
    finite,
    read_json,
    whole_file,
    write_atomically,
    write_json,
)
from transforms.schema import DataError


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    def fail(source, target):
        raise OSError("disk is gone")

    path = tmp_path / "new" / "a.txt"
    write_atomically(path, "old")
    monkeypatch.setattr(whole_files.os, "replace", fail)
    with pytest.raises(OSError, match="disk is gone"):
        write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_is_named_with_the_file(tmp_path):
    def fill_disk():
        with whole_file(tmp_path / "a.txt") as temporary:
            temporary.touch()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match=r"No space left on device: '.*a\.txt'"):
        fill_disk()
    assert not list(tmp_path.iterdir())


def test_a_write_leaves_no_temporary_file(tmp_path):
    write_atomically(tmp_path / "a.txt", "é")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == "é".encode()


def test_a_durable_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, "old\n", is_durable=True)
    write_atomically(path, "näw\n", is_durable=True)
    assert path.read_text(encoding="utf-8") == "näw\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_crash_before_it_is_on_the_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, "old", is_durable=True)

    def crash(*_):
        raise OSError("no space")

    monkeypatch.setattr(whole_files.os, "fsync", crash)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, "new", is_durable=True)
    assert path.read_text() == "old"


def test_json_is_read_as_it_was_written_and_holds_only_what_json_knows(tmp_path):
    values = {"a": (1.5, float("nan")), "b": {"c": float("inf"), "d": [True, "x"]}}
    write_json(tmp_path / "a.json", finite(values))
    known = {"a": [1.5, None], "b": {"c": None, "d": [True, "x"]}}
    assert read_json(tmp_path / "a.json") == known
    assert (tmp_path / "a.json").read_text().startswith('{\n  "a": [\n    1.5,')


def test_a_damaged_json_file_is_named_with_what_helps(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a"')
    with pytest.raises(DataError, match=r"a.json .* damaged .*: remove it, and run"):
        read_json(path)
    with pytest.raises(DataError, match=r"a.json .* damaged .*: fetch it\.$"):
        read_json(path, cure="fetch it")
