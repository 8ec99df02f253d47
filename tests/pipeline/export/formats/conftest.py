"""Formats of the two small experiments, all of one written at once."""

import functools
import importlib.util
import shutil

import pytest

from pipeline.experiment.run_dir import RunDir
from pipeline.export.formats.registry import FORMATS
from pipeline.settings.registry import load_experiment
from pipeline.steps.export import export_formats


def is_installed(name):
    return all(importlib.util.find_spec(module) for module in FORMATS[name].needs)


@pytest.fixture(scope="session")
def written(request, tmp_path_factory):
    """Exports an experiment to a format, by their names, and returns its directory."""

    @functools.cache
    def write(made):
        experiment = request.getfixturevalue(made)
        config = load_experiment(experiment.config_path)
        run = RunDir(
            shutil.copytree(experiment.run_dir, tmp_path_factory.mktemp(made) / "run")
        )
        dataset_dir = experiment.dataset_dir
        names = [name for name in FORMATS if is_installed(name)]
        version, *folders = export_formats(
            config, dataset_dir, run, [FORMATS[name] for name in names]
        )
        assert version.name == experiment.exported.name  # Not exported anew.
        return dict(zip(names, folders, strict=True))

    def directory(made, name):
        if not is_installed(name):
            pytest.skip(f"{name} is not installed")
        return write(made)[name]

    return directory
