import os

import pytest

from pipeline.serving.base.durable_files import content_digest, sync_tree


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "a").write_bytes(b"12")
    (folder / "deep" / "b").write_bytes(b"345")
    return folder


def test_the_digest_changes_with_names_and_content_alone(folder, tmp_path):
    first = content_digest(folder)
    os.utime(folder / "a", (1, 1))
    moved = folder.rename(tmp_path / "elsewhere")
    assert content_digest(moved) == first
    (moved / "a").write_bytes(b"13")
    assert content_digest(moved) != first
    (moved / "a").write_bytes(b"12")
    assert content_digest(moved) == first
    (moved / "a").rename(moved / "c")
    assert content_digest(moved) != first


def test_every_file_and_directory_is_synced(folder, monkeypatch):
    synced = []
    monkeypatch.setattr(
        os, "fsync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}"))
    )
    sync_tree(folder)
    wanted = [folder, folder / "a", folder / "deep", folder / "deep" / "b"]
    assert sorted(synced) == sorted(map(str, wanted))
