import pytest

from pipeline.serving.version_dir import check_version_dir
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
