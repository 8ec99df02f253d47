import importlib.metadata
import pathlib
import subprocess
import sys

import pytest

import cmml
from cmml.own_packages import OWN_PACKAGES


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_importing_cmml_imports_no_library():
    heavy = {"apache_beam", "numpy", "pandas", "pydantic", "tensorflow", "yaml"}
    code = (
        "import sys, cmml\n"
        "assert dir(cmml) == cmml.__all__\n"
        f"print({heavy} & sys.modules.keys())\n"
        "cmml.load, cmml.open_model, cmml.ConfigError\n"
        "print({'apache_beam', 'pandas', 'tensorflow'} & sys.modules.keys())\n"
    )
    assert run(code) == "set()\nset()\n"


@pytest.mark.parametrize("name", cmml.__all__)
def test_every_name_is_there_and_documented(name):
    assert getattr(cmml, name).__doc__
    assert name in vars(cmml)  # Python does not ask again.


def test_the_version_is_that_of_the_installed_package():
    assert cmml.__version__ == importlib.metadata.version("cmml")


@pytest.mark.parametrize("package", ["cmml", *OWN_PACKAGES])
def test_type_checkers_are_told_of_the_types_of_each_package(package):
    root = pathlib.Path(cmml.__file__).parents[1]
    assert (root / package / "py.typed").is_file()


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'cmml' has no attribute 'laod'"):
        _ = cmml.laod
    assert not hasattr(cmml, "pipeline")
