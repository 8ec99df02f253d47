"""The two small experiments as a notebook has them."""

import pytest

import cmml as api


@pytest.fixture(scope="session")
def project(experiment):
    """The experiment with users, as `cmml run` left it."""
    return api.load(experiment.config_path)


@pytest.fixture(scope="session")
def scenario_project(scenario_experiment):
    """The experiment with scenarios, as `cmml run` left it."""
    return api.load(scenario_experiment.config_path)


@pytest.fixture(scope="session")
def model(project):
    """The model of users. It keeps nothing of what it is asked."""
    return api.open_model(project)


@pytest.fixture(scope="session")
def scenario_model(scenario_project):
    """The model of scenarios."""
    return api.open_model(scenario_project)
