import json
import shutil

import pytest

from pipeline.experiment.version_dir import MANIFEST
from pipeline.export.loaded_version import load_version
from pipeline.settings.registry import SETTINGS
from transforms.schema import DataError


@pytest.mark.parametrize(
    ("made", "setting"),
    [("experiment", "user"), ("scenario_experiment", "scenario")],
)
def test_a_version_is_loaded_for_its_setting(made, setting, request):
    exported = request.getfixturevalue(made).exported
    model = load_version(exported.parent)  # The newest in a folder of versions.
    assert isinstance(model, SETTINGS[setting].exported_model())
    assert model.directory == exported
    assert model.manifest["setting"] == setting


def test_a_version_of_an_unknown_setting_is_refused(experiment, tmp_path):
    version = shutil.copytree(experiment.exported, tmp_path / "7")
    manifest = json.loads((version / MANIFEST).read_text(encoding="utf-8"))
    text = json.dumps(manifest | {"setting": "session"})
    (version / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="is of setting 'session'"):
        load_version(version)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no exported model"):
        load_version(tmp_path)


@pytest.mark.parametrize(
    "name", ["saved_model.pb", "variables/variables.index", "assets/item_id.txt"]
)
def test_a_damaged_version_is_refused_by_the_name_of_the_file(
    experiment, tmp_path, name
):
    version = shutil.copytree(experiment.exported, tmp_path / "7")
    (version / name).write_bytes((version / name).read_bytes()[:-1] + b"?")
    with pytest.raises(DataError, match=rf"but {name} has other content .* export"):
        load_version(version)
    (version / name).unlink()
    with pytest.raises((DataError, ValueError), match=r"is missing|no exported model"):
        load_version(version)


def test_a_version_without_its_manifest_is_refused(experiment, tmp_path):
    version = shutil.copytree(experiment.exported, tmp_path / "7")
    (version / MANIFEST).unlink()
    with pytest.raises(DataError, match=r"cannot read .*: .* Export again"):
        load_version(version)
