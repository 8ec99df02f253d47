"""Formats of the two small experiments, all of one written at once."""

import functools
import importlib.util
import json
import pathlib
import shutil

import pytest
from built_once import built_once

from models.legacy_keras import tf
from pipeline.experiment.run_dir import RunDir
from pipeline.export.loaded_version import FORMATS
from pipeline.settings.registry import load_experiment
from pipeline.steps.export import export_formats


def is_installed(name):
    return all(importlib.util.find_spec(module) for module in FORMATS[name].needs)


@pytest.fixture(scope="session")
def written(request, tmp_path_factory):
    """Exports an experiment to a format, by their names, and returns its directory."""

    @functools.cache
    def write(made):
        from tensorflow.lite.python import lite

        load = tf.saved_model.load
        experiment = request.getfixturevalue(made)
        names = [name for name in FORMATS if is_installed(name)]

        def export(folder):
            config = load_experiment(experiment.config_path)
            run = RunDir(shutil.copytree(experiment.run_dir, folder / "run"))
            formats = [FORMATS[name] for name in names]
            with pytest.MonkeyPatch.context() as patch:
                # Who converts it to LiteRT loads the same SavedModel three times.
                patch.setattr(lite, "_load", lambda folder, _: load(folder))
                version, *folders = export_formats(
                    config, experiment.dataset_dir, run, formats
                )
            assert version.name == experiment.exported.name  # Not exported anew.
            return json.dumps(dict(zip(names, map(str, folders), strict=True)))

        _, folders = built_once(tmp_path_factory, f"formats-{made}", export)
        return json.loads(folders)

    def directory(made, name):
        if not is_installed(name):
            pytest.skip(f"{name} is not installed")
        return pathlib.Path(write(made)[name])

    return directory
