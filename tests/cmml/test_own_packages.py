import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
OWN = ("models", "pipeline", "transforms", "tuning")


def run(code, cwd):
    """Runs code as from a folder of one's own, which Python looks at first."""
    path = os.pathsep.join([str(cwd), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def shadow(folder, name, kind):
    """Puts something of a name into a folder; returns its path."""
    path = folder / name
    if kind == "module":
        path = path.with_suffix(".py")
        path.write_text("")
        return path
    path.mkdir()
    (path / "__init__.py").write_text("")
    return path


def message(name, path):
    return (
        f"cmml must have its own package {name!r}, of {ROOT}, but Python finds {path} "
        f"first: rename that, or take {path.parent} off the path of Python (start "
        "elsewhere, or change PYTHONPATH)."
    )


@pytest.mark.parametrize("kind", ["package", "module"])
@pytest.mark.parametrize("name", OWN)
def test_what_shadows_a_package_is_named(tmp_path, name, kind):
    path = shadow(tmp_path, name, kind)
    done = run("import cmml; print('here', flush=True); cmml.load", tmp_path)
    assert done.stdout == "here\n"
    *_, last = done.stderr.splitlines()
    assert last == f"cmml.own_packages.ShadowedPackageError: {message(name, path)}"


def test_the_console_script_says_it_in_one_line(tmp_path):
    path = shadow(tmp_path, "pipeline", "package")
    done = run("import cmml.console as console; console.main()", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"cmml: {message('pipeline', path)}\n"


def test_a_shadow_that_has_been_imported_is_named_too(tmp_path):
    path = shadow(tmp_path, "models", "package")
    code = (
        f"import sys, models\nsys.path.remove({str(tmp_path)!r})\n"
        "try:\n"
        "    from cmml import open_model\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    done = run(code, tmp_path)
    assert done.stdout == f"{message('models', path)}\n"


def test_a_folder_without_code_shadows_nothing(tmp_path):
    (tmp_path / "models").mkdir()  # Python goes on to the package.
    assert run("import cmml; cmml.load", tmp_path).returncode == 0


def test_a_package_that_is_missing_is_named(tmp_path):
    code = (
        "import importlib.util, cmml\n"
        "importlib.util.find_spec = lambda name: None\n"
        "cmml.load\n"
    )
    *_, last = run(code, tmp_path).stderr.splitlines()
    assert last.endswith(
        f"cmml must have its package 'models' in {ROOT}, where there is none: "
        "install cmml again."
    )


def test_the_console_script_runs_the_command_line(tmp_path):
    code = "import sys, cmml.console; sys.argv[1:] = ['--help']; cmml.console.main()"
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: cmml ")
