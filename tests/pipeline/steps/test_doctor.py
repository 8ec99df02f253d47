import importlib.machinery
import pathlib
from importlib import metadata
from types import SimpleNamespace

import pytest

from pipeline import cli
from pipeline.steps import doctor

OURS = pathlib.Path(__file__).parents[3]
HEALTHY = {"tensorflow": "2.21.0", "tf-keras": "2.21.0", "protobuf": "6.33.1"}


@pytest.fixture
def machine(monkeypatch):
    """A healthy machine, for a test to spoil."""
    fake = SimpleNamespace(
        versions=dict(HEALTHY),
        missing=set(),
        origins={},
        free=50e9,
        python=(3, 11, 9),
        monkeypatch=monkeypatch,
    )

    def version(distribution):
        if distribution not in fake.versions:
            raise metadata.PackageNotFoundError(distribution)
        return fake.versions[distribution]

    def find_spec(name):
        if name in fake.missing:
            return None
        origin = fake.origins.get(name, f"{OURS}/{name}/__init__.py")
        return importlib.machinery.ModuleSpec(name, None, origin=origin)

    monkeypatch.setattr(doctor.metadata, "version", version)
    monkeypatch.setattr(doctor.importlib.util, "find_spec", find_spec)
    monkeypatch.setattr(
        doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=fake.free)
    )
    monkeypatch.setattr(doctor.sys, "version_info", fake.python)
    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)
    return fake


def test_a_healthy_machine_has_no_trouble(machine, capsys):
    assert doctor.run() == 0
    printed = capsys.readouterr().out
    assert "FAIL" not in printed
    assert "ok    tensorflow 2.21.0 and tf-keras 2.21.0 go together\n" in printed


def set_version(distribution, version):
    return lambda fake: fake.versions.update({distribution: version})


def remove(name):
    def spoil(fake):
        fake.versions.pop(name, None)
        fake.missing.add(name)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "what", "cure"),
    [
        (
            lambda fake: fake.monkeypatch.setattr(
                doctor.sys, "version_info", (3, 12, 0)
            ),
            "Python 3",
            "make the virtual environment with Python 3.11",
        ),
        (
            lambda fake: fake.monkeypatch.setenv("TF_USE_LEGACY_KERAS", "0"),
            "Keras 2 is configured (TF_USE_LEGACY_KERAS=0)",
            "unset TF_USE_LEGACY_KERAS",
        ),
        (
            set_version("tf-keras", "2.20.1"),
            "tensorflow 2.21.0 and tf-keras 2.20.1 go together",
            "pip install -c constraints.txt tensorflow tf-keras",
        ),
        (
            remove("tf-keras"),
            "tensorflow 2.21.0 and tf-keras None go together",
            "pip install -c constraints.txt tensorflow tf-keras",
        ),
        (
            set_version("tensorflow-cpu", "2.21.0"),
            "tensorflow-cpu is not installed over tensorflow",
            "pip uninstall tensorflow-cpu tensorflow",
        ),
        (
            set_version("scann", "1.4.2"),
            "scann is not installed",
            "pip uninstall scann",
        ),
        (
            remove("google_crc32c"),
            "google-crc32c is installed",
            "pip install google-crc32c",
        ),
        (
            remove("importlib_resources"),
            "importlib_resources is installed",
            "pip install importlib_resources",
        ),
        (
            set_version("protobuf", "5.29.1"),
            "protobuf 5.29.1 is 6.x",
            "pip install 'protobuf>=6.31,<7'",
        ),
        (
            lambda fake: setattr(fake, "free", 1e9),
            "1 GB of disk are free here",
            "free some space: 2 GB are needed",
        ),
    ],
)
def test_trouble_is_named_with_its_cure(machine, capsys, spoil, what, cure):
    spoil(machine)
    assert doctor.run() == 1
    lines = capsys.readouterr().out.splitlines()
    (failed,) = [line for line in lines if line.startswith("FAIL")]
    assert failed.startswith(f"FAIL  {what}")
    assert lines[lines.index(failed) + 1].startswith(f"      cure: {cure}")


def test_trouble_is_the_exit_status_of_the_command(machine, capsys):
    machine.free = 1e9
    assert cli.main(["doctor"]) == 1
    assert "FAIL  1 GB of disk" in capsys.readouterr().out


def test_a_configuration_is_looked_at_with_its_tables(
    machine, cmml, write_config, tmp_path
):
    path = write_config(tmp_path)
    done = cmml("doctor", "--config", path)
    assert done.status == 0, done.stdout
    there = "the tables of 'own' are there, with the columns it names"
    assert done.stdout.splitlines()[-1] == f"ok    {there}"
    done = cmml("doctor", "--config", path, data_dir=tmp_path)
    assert done.status == 1
    failed, cure = done.stdout.splitlines()[-2:]
    assert failed == f"FAIL  {there}"
    assert "cure: data.interactions.table.path must name a file or folder" in cure
    column = "data.interactions.label_column=points"
    done = cmml("doctor", "--config", path, "--set", column)
    assert "ratings.csv has no column 'points'" in done.stdout


def test_a_configuration_that_does_not_load_is_an_error(cmml, write_config, tmp_path):
    done = cmml("doctor", "--config", write_config(tmp_path, model={"heads": 3}))
    assert done.status == cli.USAGE_ERROR
    assert "unknown key 'model.heads'" in done.stderr
    assert "--set goes with --config" in cmml("doctor", "--set", "a=1").stderr


def test_this_environment_has_the_packages_that_are_needed(capsys):
    doctor.run()
    failed = [x for x in capsys.readouterr().out.splitlines() if x[:4] == "FAIL"]
    assert not [line for line in failed if "disk" not in line]
