"""Formats of the two small experiments, each written once."""

import functools
import importlib.util
import shutil

import pytest

from pipeline.experiment.run_dir import RunDir
from pipeline.export.formats.registry import FORMATS
from pipeline.settings.registry import load_experiment
from pipeline.steps.export import export_formats


@pytest.fixture(scope="session")
def written(request, tmp_path_factory):
    """Exports an experiment to a format, by their names, and returns its directory."""

    @functools.cache
    def write(made, name):
        for module in FORMATS[name].needs:
            if importlib.util.find_spec(module) is None:
                pytest.skip(f"{module} is not installed")
        experiment = request.getfixturevalue(made)
        config = load_experiment(experiment.config_path)
        copy = tmp_path_factory.mktemp(f"{made}_{name}") / "run"
        run = RunDir(shutil.copytree(experiment.run_dir, copy))
        dataset_dir = experiment.dataset_dir
        version, folder = export_formats(config, dataset_dir, run, [FORMATS[name]])
        assert version.name == experiment.exported.name  # Not exported anew.
        return folder

    return write
