import pathlib

import pytest

from models.whole_files import write_json
from pipeline.experiment.version_dir import (
    MANIFEST,
    check_version_dir,
    newest_version,
    read_manifest,
    size_bytes,
    written_files,
)
from transforms.schema import DataError


def test_an_exported_version_is_fine(tiny_version):
    check_version_dir(tiny_version)


def test_a_directory_without_graph_is_none(tmp_path):
    with pytest.raises(DataError, match=f"{tmp_path} holds no saved_model.pb"):
        check_version_dir(tmp_path)


def test_a_version_has_a_number(version):
    renamed = version.rename(version.with_name("latest"))
    with pytest.raises(DataError, match="must be a number, got 'latest'"):
        check_version_dir(renamed)


@pytest.mark.parametrize("text", [None, "{half"])
def test_a_version_has_a_manifest(version, text):
    manifest = version / "assets.extra" / "manifest.json"
    manifest.unlink()
    if text is not None:
        manifest.write_text(text)
    with pytest.raises(DataError, match=f"cannot read {manifest}"):
        check_version_dir(version)


@pytest.mark.parametrize(
    "name", ["variables/variables.index", "assets.extra/parity_requests"]
)
def test_a_version_with_a_damaged_file_is_refused(version, name):
    manifest = read_manifest(version) | {"files": written_files(version)}
    write_json(version / MANIFEST, manifest)
    (version / "assets.extra/request_examples/rank.json").write_text("mine")
    check_version_dir(version)  # That is for people.
    with (version / name).open("a") as file:
        file.write("more")
    with pytest.raises(DataError, match=rf"but {name} must have .*: copy it again"):
        check_version_dir(version)
    (version / name).unlink()
    with pytest.raises(DataError, match=f"but {name} is missing"):
        check_version_dir(version)


def test_the_newest_of_several_versions_is_taken(tmp_path):
    for name in ("1000", "999", ".staging-2000", "²"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    (tmp_path / "3000").mkdir()  # Without a graph.
    assert newest_version(tmp_path) == tmp_path / "1000"


def test_a_version_itself_may_be_named(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    (tmp_path / "1000").mkdir()
    assert newest_version(tmp_path) == tmp_path


def test_a_version_may_be_named_as_the_folder_one_is_in(tmp_path, monkeypatch):
    version = tmp_path / "1000"
    version.mkdir()
    (version / "saved_model.pb").touch()
    monkeypatch.chdir(version)
    assert newest_version(pathlib.Path(".")) == version


def test_a_folder_without_a_model_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="holds no exported model: run `cmml export`"):
        newest_version(tmp_path)


def test_the_size_is_that_of_all_files(tmp_path):
    (tmp_path / "a").write_bytes(b"12")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b").write_bytes(b"345")
    assert size_bytes(tmp_path) == 5
