"""What `cmml bench` takes on its command line."""

import argparse
import pathlib
import subprocess
import sys

import pytest

from pipeline.commands import bench

ROOT = pathlib.Path(bench.__file__).parents[2]


def options_of(model, *flags):
    parser = argparse.ArgumentParser()
    bench.COMMAND.add_arguments(parser)
    return bench.options_of(parser.parse_args(["--model", str(model), *flags]))


@pytest.fixture
def model(tmp_path):
    """Two versions under a base path."""
    for version in ("7", "30"):
        directory = tmp_path / "cmml" / version
        (directory / "assets.extra").mkdir(parents=True)
        (directory / "saved_model.pb").write_bytes(b"")
        (directory / "assets.extra" / "manifest.json").write_text("{}")
    return tmp_path / "cmml"


def test_everything_has_a_default(model):
    options = options_of(model)
    assert options.version_dir == model / "30"  # The newest by number.
    assert options.sizes.support == (0, 5, 10, 40)
    assert options.sizes.candidates == (10, 100, 1000)
    assert options.sizes.concurrency == (1, 8)
    assert options.transports == ("inprocess", "grpc", "rest")
    assert options.has_grid


def test_a_version_may_be_named(model):
    assert options_of(model / "7").version_dir == model / "7"


def test_a_version_may_be_the_working_directory(model, monkeypatch):
    monkeypatch.chdir(model / "7")
    assert options_of(".").version_dir == model / "7"


def test_a_version_that_is_not_complete_is_passed_over(model):
    (model / "30" / "saved_model.pb").unlink()
    assert options_of(model).version_dir == model / "7"


@pytest.mark.parametrize("asked", [["--soak=1.5"], ["--reload"], ["--fuzz=10"]])
def test_the_grid_is_left_out_where_something_else_is_asked_for(model, asked):
    assert not options_of(model, *asked).has_grid


def test_targets_choose_their_transports(model):
    assert options_of(model, "--target=a:8500").transports == ("grpc",)
    both = options_of(model, "--target=a:8500", "--rest_target=http://a:8501")
    assert both.transports == ("grpc", "rest")
    assert both.targets == {"grpc": "a:8500", "rest": "http://a:8501"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--support=5,x"], "--support must be whole numbers from 0, .* got '5,x'"),
        (["--candidates=0"], "--candidates must be whole numbers from 1, .* got '0'"),
        (["--concurrency="], "--concurrency must be whole numbers from 1"),
        (["--seconds=0"], "--seconds must be above 0, got 0"),
        (["--transports=grpc,smoke"], r"--transports must be some of .*\['smoke'\]"),
        (["--soak=-1"], "--soak and --fuzz must not be negative, got -1.0, 0"),
        (["--fuzz=3", "--transports=inprocess"], "name grpc or rest as well"),
        (["--target=a:1", "--reload"], "--reload starts a server itself"),
        (
            ["--target=a:1", "--transports=grpc,rest"],
            r"there is no target for the transports \['rest'\]",
        ),
    ],
)
def test_what_cannot_be_is_refused(model, flags, message):
    with pytest.raises(ValueError, match=message):
        options_of(model, *flags)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ValueError, match=f"{tmp_path} holds no exported model"):
        options_of(tmp_path)


def test_arguments_are_checked_without_tensorflow():
    code = "import sys, pipeline.commands.bench; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
