import concurrent.futures
import functools
import json
import threading
import time

import pytest

from models.whole_files import write_atomically
from pipeline.experiment import one_at_a_time
from pipeline.experiment.run_dir import RunDir
from pipeline.experiment.version_dir import MANIFEST, written_files
from pipeline.export.published_version import ExportError, publish, validated_difference
from pipeline.settings.registry import load_experiment


@pytest.fixture
def config(tmp_path, write_config):
    return load_experiment(write_config(tmp_path))


@pytest.fixture
def run(tmp_path):
    return RunDir(tmp_path / "run")


def build(directory, number, fingerprint="a"):
    (directory / "saved_model.pb").write_text(str(number))
    facts = {"fingerprint": fingerprint, "largest_difference": 0.0}
    write_atomically(directory / MANIFEST, json.dumps(facts))
    return 0.0


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1700000000.5)


def test_a_version_is_the_time_of_its_export(config, run):
    version = publish(config, run, "a", build)
    assert version == run.export / "cmml" / "1700000000"
    assert (version / "saved_model.pb").read_text() == "1700000000"


def test_versions_of_the_same_second_get_different_numbers(config, run):
    first, second = (
        publish(config, run, name, functools.partial(build, fingerprint=name))
        for name in "ab"
    )
    assert (first.name, second.name) == ("1700000000", "1700000001")


def test_a_version_is_newer_than_all_though_the_clock_was_set_back(config, run):
    for name in ("1800000000", "²", ".staging-1900000000"):
        (run.export / "cmml" / name).mkdir(parents=True)
    assert publish(config, run, "a", build).name == "1800000001"


def test_a_version_that_is_damaged_is_exported_again(config, run):
    def build_with_files(directory, number):
        (directory / "saved_model.pb").write_text(str(number))
        files = written_files(directory)
        facts = {"fingerprint": "a", "largest_difference": 0.0, "files": files}
        write_atomically(directory / MANIFEST, json.dumps(facts))
        return 0.0

    first = publish(config, run, "a", build_with_files)
    assert publish(config, run, "a", build_with_files) == first
    (first / "saved_model.pb").write_text("cut")
    second = publish(config, run, "a", build_with_files)
    assert second.name == "1700000001"
    assert publish(config, run, "a", build_with_files) == second
    assert (first / "saved_model.pb").read_text() == "cut"  # It stays.


def test_an_export_that_is_going_on_is_waited_for(config, run, monkeypatch):
    is_building, is_waited_for = threading.Event(), threading.Event()
    monkeypatch.setattr(one_at_a_time, "say", lambda line: is_waited_for.set())

    def build_slowly(directory, number):
        is_building.set()
        assert is_waited_for.wait(timeout=60)
        return build(directory, number)

    def refuse(directory, number):
        raise AssertionError("it is there already")

    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(publish, config, run, "a", build_slowly)
        assert is_building.wait(timeout=60)
        second = publish(config, run, "a", refuse)
    assert first.result() == second


def test_what_a_killed_export_has_left_is_removed(config, run):
    def kill(directory, number):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(config, run, "a", kill)
    version = publish(config, run, "a", build)
    assert [path.name for path in version.parent.glob("[!.]*")] == [version.name]


def test_an_export_that_was_killed_before_it_was_on_record_is_not_done_again(
    config, run
):
    version = publish(config, run, "a", build)
    (run.path / "lineage.json").unlink()
    assert publish(config, run, "a", build) == version
    assert run.facts("export")["version"] == version.name


def test_an_export_that_fails_leaves_nothing(config, run):
    def fill_disk(directory, number):
        build(directory, number)
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        publish(config, run, "a", fill_disk)
    assert not list((run.export / "cmml").iterdir())


def test_a_difference_that_is_not_a_number_is_an_error(tmp_path):
    assert validated_difference(0.5, 1.0, tmp_path) == 0.5
    for difference in (2.0, float("nan")):
        with pytest.raises(ExportError, match="must agree with the trained model"):
            validated_difference(difference, 1.0, tmp_path)
