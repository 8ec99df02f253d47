import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from pipeline.experiment.version_dir import is_version
from pipeline.serving.base import model_base
from pipeline.serving.base.model_base import (
    ModelBase,
    content_digest,
    push_lock,
    sync_tree,
)
from transforms.schema import DataError

ROOT = pathlib.Path(__file__).parents[4]


@pytest.fixture
def source(tmp_path):
    """A version directory to be published."""
    source = tmp_path / "export" / "1700000001"
    (source / "variables").mkdir(parents=True)
    (source / "saved_model.pb").write_bytes(b"graph")
    (source / "variables" / "variables.index").write_bytes(b"weights")
    return source


@pytest.fixture
def models(tmp_path):
    return ModelBase(tmp_path / "base", "cmml")


def publish(models, source):
    return models.publish(source, content_digest(source))


def add(models, version):
    """Puts a version into the base by hand."""
    directory = models.path(version)
    directory.mkdir(parents=True)
    (directory / "saved_model.pb").write_bytes(str(version).encode())


def seen_by_a_server(models):
    """Names of what a server would load: directories whose names are numbers."""
    return sorted(path.name for path in models.directory.glob("*") if is_version(path))


def test_a_version_is_published_as_it_is(models, source):
    assert publish(models, source)
    assert seen_by_a_server(models) == ["1700000001"]
    assert content_digest(models.path(1700000001)) == content_digest(source)
    assert [path.name for path in models.directory.iterdir()] == ["1700000001"]


def test_the_same_version_is_not_published_twice(models, source):
    publish(models, source)
    before = models.path(1700000001).stat().st_mtime_ns
    assert not publish(models, source)
    assert models.path(1700000001).stat().st_mtime_ns == before


def test_a_published_version_is_never_overwritten(models, source):
    publish(models, source)
    (source / "saved_model.pb").write_bytes(b"another graph")
    with pytest.raises(DataError, match=r"1700000001 is there and differs from"):
        publish(models, source)
    assert (models.path(1700000001) / "saved_model.pb").read_bytes() == b"graph"


@pytest.mark.parametrize(
    ("module", "function"),
    [(shutil, "copytree"), (model_base, "sync_tree"), (os, "rename")],
    ids=["before the copy", "before the sync", "before the rename"],
)
def test_a_crash_leaves_nothing_a_server_would_load(
    models, source, monkeypatch, module, function
):
    def crash(*_):
        raise OSError("crash")

    with monkeypatch.context() as patch:
        patch.setattr(module, function, crash)
        with pytest.raises(OSError, match="crash"):
            publish(models, source)
    assert seen_by_a_server(models) == []
    models.clean_up()
    assert list(models.directory.iterdir()) == []
    assert publish(models, source)


def test_a_crash_within_the_copy_leaves_nothing_a_server_would_load(
    models, source, monkeypatch
):
    copied = []
    copyfile = shutil.copyfile

    def copy_one(from_path, to_path, **_):
        if copied:
            raise OSError("crash")
        copied.append(to_path)
        return copyfile(from_path, to_path)

    monkeypatch.setattr(shutil, "copyfile", copy_one)
    with pytest.raises(shutil.Error, match="crash"):
        publish(models, source)
    assert len(copied) == 1
    assert seen_by_a_server(models) == []


def test_a_copy_that_came_out_differently_is_refused(models, source, monkeypatch):
    def sync_after_damage(directory):
        (directory / "saved_model.pb").write_bytes(b"grapf")

    monkeypatch.setattr(model_base, "sync_tree", sync_after_damage)
    with pytest.raises(DataError, match=r"differs from .* as it was judged"):
        publish(models, source)
    assert seen_by_a_server(models) == []


def test_a_version_that_changed_after_it_was_judged_is_refused(models, source):
    digest = content_digest(source)
    (source / "saved_model.pb").write_bytes(b"another graph")
    with pytest.raises(DataError, match=f"differs from {source} as it was judged"):
        models.publish(source, digest)
    assert seen_by_a_server(models) == []
    assert not list(models.directory.iterdir())


@pytest.mark.parametrize("point", ["shutil.copyfile", "os.rename"])
def test_a_killed_push_leaves_nothing_and_the_next_one_cleans_up(models, source, point):
    code = (
        "import os, pathlib, shutil, signal, sys\n"
        "from pipeline.serving.base.model_base import content_digest\n"
        "from pipeline.serving.base.model_base import ModelBase, push_lock\n"
        f"{point} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        "base = pathlib.Path(sys.argv[1])\n"
        "with push_lock(base):\n"
        "    source = pathlib.Path(sys.argv[2])\n"
        "    ModelBase(base, 'cmml').publish(source, content_digest(source))\n"
    )
    base = models.directory.parent
    done = subprocess.run([sys.executable, "-c", code, base, source], cwd=ROOT)
    assert done.returncode == -9
    assert [path.name for path in models.directory.iterdir()] == [".staging-1700000001"]
    with push_lock(base):  # The system has lifted the lock.
        models.clean_up()
        assert publish(models, source)
    assert [path.name for path in models.directory.iterdir()] == ["1700000001"]


def test_a_killed_removal_leaves_no_half_version(models, monkeypatch):
    add(models, 5)

    def crash(_):
        raise OSError("crash")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", crash)
        with pytest.raises(OSError, match="crash"):
            models.retire(5)
    assert seen_by_a_server(models) == []
    models.clean_up()
    assert list(models.directory.iterdir()) == []


def test_versions_are_ordered_as_numbers_and_must_have_a_graph(models):
    for version in (10, 9, 100):
        add(models, version)
    (models.directory / "11").mkdir()
    (models.directory / "x1").mkdir()
    assert models.versions() == [9, 10, 100]
    assert models.has(10)
    assert not models.has(11)


def test_a_base_that_is_not_there_has_no_versions(models):
    assert models.versions() == []
    models.clean_up()


@pytest.mark.parametrize(
    ("keep", "in_use", "removed"),
    [
        (2, [], [1, 2, 3]),
        (2, [1], [2, 3]),
        (1, [3, 4], [1, 2]),
        (5, [], []),
        (9, [], []),
    ],
)
def test_old_versions_are_removed_unless_they_are_in_use(models, keep, in_use, removed):
    for version in range(1, 6):
        add(models, version)
    assert models.retire_old(keep, in_use) == removed
    assert models.versions() == [v for v in range(1, 6) if v not in removed]


def test_two_pushes_at_once_are_refused(tmp_path):
    base = tmp_path / "base"
    with (
        push_lock(base),
        pytest.raises(DataError, match=f"another push to {base} is going on"),
        push_lock(base),
    ):
        pass
    with push_lock(base):
        pass


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("17", True),
        ("007", True),
        (".1", False),
        ("1a", False),
        ("٣", False),
        ("²", False),
    ],
)
def test_a_version_is_named_by_decimal_digits(name, expected):
    assert is_version(pathlib.PurePath("base", name)) == expected


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
